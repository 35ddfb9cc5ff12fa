"""Guards that are always on: what `kagflow cv` says when one stops a run, and when the competition accepts it."""

import json

import polars as pl
import pytest

RIDGE = ("--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Ridge")


def copy_target(project):
    """Add a column of which test knows nothing, and train everything."""
    for name, copy in (("train", pl.col("y") * 2), ("test", pl.lit(None))):
        path = project.raw / f"{name}.csv"
        pl.read_csv(path).with_columns(sold=copy).write_csv(path)


def read_by_itself(project):
    project.features(f"ROWS = pl.read_csv({str(project.raw / 'train.csv')!r})\nFEATURES = FeatureSet()\n")


def look_at_other_rows(project):
    project.features(
        "def centre(x):\n    return x.with_columns(pl.col('x1').rank())\nFEATURES = FeatureSet(rows=[centre])\n"
    )


def learn_from_test(project):
    project.features("from kagflow.features.encoders import Scale\nFEATURES = FeatureSet(pooled=[Scale(['x1'])])\n")


def look_too_near(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3}, ignore=["shop", "w"])
    lag = "Lag(['x1'], key=['color'], lag=1)"
    project.features(f"from kagflow.features.encoders import Lag\nFEATURES = FeatureSet(history=[{lag}])\n")


def mix_ids(project):
    project.facts(tables={"more": "test.csv"})
    project.write(
        "competitions/toy/tables.py",
        "import polars as pl\ndef assemble(tables):\n"
        "    return tuple(tables[name].with_columns(pl.col('x1').mean()) for name in ('train', 'test'))\n",
    )


def cut_groups(project):
    project.facts(group="shop", ignore=["day", "w"])


GUARDS = {
    "KF301": (look_at_other_rows, "centre at competitions/toy/features.py:3: is not row-wise"),
    "KF302": (read_by_itself, "features.py:3: reads a file that is not declared: pl.read_csv"),
    "KF303": (copy_target, "the files: the column 'sold' gives away the target of every training row that has it"),
    "KF304": (learn_from_test, "Scale(x1) would learn from test features"),
    "KF305": (look_too_near, "its lag of 1 is shorter than the horizon"),
    "KF306": (mix_ids, "assemble makes a row of other ids' rows"),
    "KF307": (cut_groups, "groups of 'shop'"),
}


@pytest.mark.parametrize("code", GUARDS)
def test_a_guard_stops_the_run_and_says_its_code(project, code):
    spoil, message = GUARDS[code]
    spoil(project)
    said = project.cli("cv", "toy", *RIDGE)
    assert said.code == 1
    first, second, *rest = said.err.splitlines()
    assert first.startswith(f"error: {code} ")
    assert message in first
    assert second.startswith("hint: ")
    assert rest == []
    assert project.complete() == []
    assert json.loads(project.cli("cv", "toy", *RIDGE, "--json").out)["error"]["code"] == code


@pytest.mark.parametrize("code", ["KF302", "KF303"])
def test_what_is_accepted_stops_nothing_and_is_noted(project, code):
    GUARDS[code][0](project)
    project.facts(accept={code: "known since the first day"})
    said = project.cli("cv", "toy", *RIDGE)
    assert said.code == 0, said.err
    (line,) = said.err.splitlines()
    assert line.startswith(f"note: accepted {code} (known since the first day): ")
    (noted,) = json.loads((project.complete()[0] / "run.json").read_text())["accepted"]
    assert (noted["code"], noted["reason"]) == (code, "known since the first day")
    assert noted["message"] in line


@pytest.mark.parametrize("verb", ["check", "cv"])
def test_a_code_that_is_mistyped_is_refused(project, verb):
    project.facts(accept={"KF30": "known"})
    said = project.cli(verb, "toy")
    assert said.code == 1
    assert "`accept.KF30`: there is no such code\nhint: did you mean" in said.err


def test_check_shows_what_is_accepted(project):
    path = project.raw / "train.csv"
    pl.read_csv(path).with_columns(extra=1).write_csv(path)
    assert "note: KF105" in project.cli("check", "toy").out
    project.facts(accept={"KF105": "it is the price of last year"})
    said = project.cli("check", "toy").out
    assert "accepted: KF105 test lacks extra; they are not features\n  reason: it is the price of last year\n" in said
    assert "0 errors, 0 warnings, 1 note" in said  # that the folds mirror test
    document = json.loads(project.cli("check", "toy", "--json").out)
    assert "KF105" not in {each["code"] for each in document["findings"]}
    assert [(each["code"], each["reason"]) for each in document["accepted"]] == [
        ("KF105", "it is the price of last year")
    ]


def test_what_was_accepted_is_noted_when_a_run_is_continued(project, monkeypatch):
    copy_target(project)
    project.facts(accept={"KF303": "known since the first day"})
    with monkeypatch.context() as patch:
        patch.setattr("kagflow.runs.execute.write_results", lambda *_: 1 / 0)
        assert project.cli("cv", "toy", *RIDGE).code == 3
    said = project.cli("cv", "toy", *RIDGE)
    assert "3 of 3 fits were done before" in said.err
    assert "note: accepted KF303 (known since the first day): the files: the column 'sold'" in said.err
