"""The charts of CV against the board: what they draw, and what would make all else one blot."""

import pytest

from kagflow.report.board.answers import BoardAnswers, PointAnswer
from kagflow.report.board.charts import over_time, scatter
from tests.report.reading import read

CVS = [0.50, 0.51, 0.52, 0.53, 0.54, 0.55, 3.0]


def answers(cvs=CVS, *, outside=()):
    """Submissions whose public score is their CV, by the names of their places."""
    points = [
        PointAnswer(
            name=f"run{place}",
            lineage="one",
            cv=cv,
            cv_se=0.01,
            public=cv,
            private=None,
            expected=cv,
            low=cv - 0.02,
            high=cv + 0.02,
            z=0.0,
            outside=place in outside,
            set_aside=False,
            private_expected=cv,
            private_low=cv - 0.02,
            private_high=cv + 0.02,
        )
        for place, cv in enumerate(cvs)
    ]
    return BoardAnswers(metric="rmse", direction="minimize", points=points)


def drawn(chart):
    page = read(chart)
    ((_, figure),) = page.figures.items()
    (public,) = (trace for trace in figure["data"] if trace["name"] in {"public", "as it came"})
    return public, page.text


@pytest.mark.parametrize("chart", [scatter, over_time])
def test_a_submission_far_from_all_others_is_named_and_not_drawn(chart):
    public, text = drawn(chart("rmse", answers(), {"run6": "diverged"}))
    assert len(public["x"]) == 6
    assert "Not drawn, so far is its CV from the others: diverged (3)." in text


def test_submissions_keep_their_numbers_where_one_between_them_is_not_drawn():
    public, _ = drawn(over_time("rmse", answers([0.5, 3.0, 0.51, 0.52, 0.53, 0.54, 0.55]), {}))
    assert public["x"] == [1, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("chart", [scatter, over_time])
def test_one_that_lies_outside_its_band_is_always_drawn(chart):
    public, text = drawn(chart("rmse", answers(outside=[6]), {}))
    assert len(public["x"]) == 7
    assert "Not drawn" not in text


def test_of_few_submissions_none_is_left_out():
    public, _ = drawn(scatter("rmse", answers([0.5, 0.51, 3.0]), {}))
    assert len(public["x"]) == 3
