"""Two runs side by side: any two that matter, by what the page says of them, with and without its script."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pytest

from kagflow.report import read_state
from kagflow.report.runs import paired as paired_module
from kagflow.report.runs.history import history
from kagflow.report.runs.moved import Predicted
from kagflow.report.runs.paired import paired_runs
from kagflow.report.runs.side_by_side import side_by_side
from kagflow.runs import compare
from tests.report.models.outcomes import chances, outcome, seven, values
from tests.report.reading import read

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


class Shown:
    """The part of the page: what stands there without its script, and what the script is given."""

    def __init__(self, planted):
        state = read_state(planted.competition, NOW)
        made = side_by_side(state, history(state))
        self.document = made.document
        self.page = read(made.body)
        self.data = json.loads(self.page.one("script", id="pairs").children[0])
        self.names = [run["name"] for run in self.data["runs"]]

    @property
    def first(self):
        """Texts of the two runs that are shown first."""
        shown = self.page.one("div", id="side-by-side")
        return shown.one("p", class_="said").text, [table.rows for table in shown.all("table")]

    def pair(self, one, other):
        """What is known of two runs, whichever comes first."""
        places = [str(self.names.index(name)) for name in (one, other)]
        known = self.data["pairs"]
        return known.get(" ".join(places)) or known.get(" ".join(places[::-1]))

    @property
    def legend(self):
        return self.page.all("p", class_="soft")[0].text


def edit_facts(planted, name, **changes):
    path = planted.competition.runs_folder / name / "run.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "fingerprints": {**facts["fingerprints"], **changes}}))


# --- the paired difference -------------------------------------------------------------------------------------------


def test_each_pair_is_what_comparing_the_two_alone_says(planted):
    names = [planted.run(config, error) for config, error in [("a", 0.5), ("b", 0.4), ("c", 0.6)]]
    planted.ensemble("climb", 0.35, names)
    state = read_state(planted.competition, NOW)
    found = paired_runs(state)
    assert len(found.pairs) == 6
    for pair in found.pairs:
        alone = compare(pair.run, pair.other, planted.competition.metric)
        assert (pair.difference, pair.se, pair.better) == (alone.difference.value, alone.se, alone.better)


def test_a_pair_is_the_same_either_way_round(planted):
    planted.run("a", 0.5)
    planted.run("b", 0.4)
    found = paired_runs(read_state(planted.competition, NOW))
    there, back = found.of(*found.runs), found.of(*found.runs[::-1])
    assert (back.difference, back.se) == (-there.difference, there.se)
    assert (there.verdict, back.verdict) == ("better", "worse")


def test_any_two_are_said_to_differ_for_real_or_inside_the_noise(planted):
    names = [planted.run("a", 0.5), planted.run("b", 0.3), planted.run("b_again", 0.3)]
    shown = Shown(planted)
    assert all(shown.pair(one, other) for one, other in combinations(names, 2))
    assert shown.pair(names[0], names[1])["said"].startswith("Real: b is better than a by 0.")
    assert " ± " in shown.pair(names[0], names[1])["said"]
    assert shown.pair(names[2], names[1])["said"].startswith("Inside the noise: ")
    assert "Real is what lies beyond two standard errors" in shown.legend


def test_the_runs_that_matter_are_the_best_the_newest_those_sent_and_the_next_best(planted, monkeypatch):
    monkeypatch.setattr(paired_module, "_MOST", 4)
    monkeypatch.setattr(paired_module, "_NEWEST", 1)
    best, sent, good, _, newest = (
        planted.run(config, error)
        for config, error in [("best", 0.3), ("sent", 0.9), ("good", 0.4), ("bad", 0.8), ("newest", 0.7)]
    )
    state = read_state(planted.competition, NOW)
    monkeypatch.setattr(type(state), "sent_runs", lambda self: {sent: None})
    assert [run.name for run in paired_runs(state).runs] == [best, newest, sent, good]


def test_fewer_runs_are_compared_where_each_has_many_rows(planted, monkeypatch):
    monkeypatch.setattr(paired_module, "_NUMBERS", 600)
    for place in range(6):
        planted.run(f"run{place}", 0.5)
    assert len(paired_runs(read_state(planted.competition, NOW)).runs) == paired_module._FEWEST


# --- without the script ----------------------------------------------------------------------------------------------


def test_the_newest_run_stands_beside_the_best_one_without_a_script(planted):
    planted.run("a", 0.4, seeds=3)
    planted.run("b", 0.5, seeds=1)
    said, (settings, moved) = Shown(planted).first
    assert said.startswith("Real: a is better than b by 0.")
    assert said.endswith("paired over the same rows.")
    assert settings[0] == ["", "b", "a"]
    assert ["seeds", "1", "3"] in settings
    assert ["folds in which it is better", "0 of 5", "5 of 5"] in settings
    assert moved[0] == ["row", "truth", "b", "a"]
    assert len(moved) == 9


def test_each_run_against_each_other_stands_in_a_table_that_needs_no_script(planted):
    for config, error in [("a", 0.5), ("b", 0.3), ("c", 0.4)]:
        planted.run(config, error)
    rows = Shown(planted).page.one("details").one("table").rows
    assert [row[0] for row in rows] == ["this run minus …", "b", "c", "a"]  # by their scores
    assert rows[1][1] == ""
    assert rows[1][3].startswith("-0.")
    assert rows[1][3].endswith("better")
    assert rows[3][1].endswith("worse")


def test_two_can_be_chosen_by_keyboard_and_what_is_said_of_them_is_read_out(planted):
    planted.run("a", 0.5)
    planted.run("b", 0.4)
    page = Shown(planted).page
    assert [label.text for label in page.one("form", id="choose").all("label")] == ["run", "against"]
    assert all(label.all("select") for label in page.one("form", id="choose").all("label"))
    assert page.one("div", id="side-by-side").attributes["aria-live"] == "polite"
    assert "kagflow runs toy RUN --against RUN" in page.one("noscript").text


def test_one_run_stands_beside_none(planted):
    planted.run("a", 0.5)
    state = read_state(planted.competition, NOW)
    assert side_by_side(state, history(state)).body == ""


# --- runs that do not pair -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "said"), [("folds", "they were made on different folds"), ("data", "they were made on different data")]
)
def test_runs_on_other_rows_have_no_paired_difference_and_say_why(planted, what, said):
    other, mine = planted.run("elsewhere", 0.1), planted.run("b", 0.4)
    edit_facts(planted, other, **{what: "another"})
    shown = Shown(planted)
    assert shown.pair(other, mine) is None
    assert shown.first[0] == f"There is no paired difference: {said}."
    assert f"1 run cannot be compared with the best one: 1 on other {what}." in shown.legend
    made_on = [run["made_on"][what] for run in shown.data["runs"]]
    assert made_on[0] != made_on[1]  # from which the script says the same
    assert shown.data["apart"][what] == said


def test_a_run_of_another_target_has_no_paired_difference(planted):
    other = planted.run("elsewhere", 0.6, y=planted.y + 1, facts={})
    edit_facts(planted, other, sources="changed since")
    mine = planted.run("b", 0.4)
    shown = Shown(planted)
    assert shown.pair(other, mine) is None
    assert shown.first[0] == "There is no paired difference: one has another target, other groups or other weights."


def test_a_quick_look_says_that_it_is_one(planted):
    mine = planted.run("b", 0.4)
    quick = planted.run("quick", 0.1, facts={"quick_look": {"sample": 0.1, "folds": []}})
    shown = Shown(planted)
    assert shown.pair(quick, mine) is None
    assert shown.first[0] == "There is no paired difference: quick is a quick look at a part of the data."


def test_a_pair_that_was_left_out_is_given_by_a_command(planted, monkeypatch):
    monkeypatch.setattr(paired_module, "_MOST", 1)
    monkeypatch.setattr(paired_module, "_FEWEST", 1)
    one, best = planted.run("a", 0.5), planted.run("b", 0.4)
    said, tables = Shown(planted).first
    command = f"kagflow runs toy {one} --against {best}"
    assert said == f"The paired difference of these two is not on this page; this command gives it: {command}"
    assert tables[0][0] == ["", "a", "b"]
    assert "worse" in planted.project.cli(*command.split()[1:]).out


# --- the rows that moved most ----------------------------------------------------------------------------------------


def moved(one, other):
    return Predicted([one]).moved(Predicted([other]))


def changed(made, **rows):
    """Return an outcome with the predictions of some rows put in, by ``row<number>``."""
    prediction = made.prediction.copy()
    for row, value in rows.items():
        prediction[int(row.removeprefix("row"))] = value
    return replace(made, prediction=prediction, scored=prediction)


def test_the_rows_that_moved_most_come_first_and_show_truth_and_both_predictions():
    made = outcome([1.0, 2.0, 3.0, 40_000.0], [1.0, 2.0, 3.0, 39_000.0])
    rows = moved(changed(made, row1=2.5, row3=40_000.0), made)
    assert [(row.row, row.truth, row.first, row.second, row.nearer) for row in rows] == [
        ("3", "40,000", "40,000", "39,000", 0),
        ("1", "2", "2.5", "2", 1),
    ]


def test_rows_that_are_predicted_the_same_did_not_move():
    made = values(50)
    assert moved(made, made) == []


def test_a_row_as_far_off_on_the_other_side_is_nearer_for_neither():
    made = outcome([1.0, 2.0], [1.5, 2.0])
    assert [row.nearer for row in moved(made, changed(made, row0=0.5))] == [None]


def test_where_the_metric_looks_at_logarithms_rows_move_by_their_ratio():
    made = outcome([10.0, 1000.0], [10.0, 1000.0], metric="rmsle")
    assert moved(made, changed(made, row0=20.0, row1=1100.0))[0].row == "0"
    plain = outcome([10.0, 1000.0], [10.0, 1000.0])
    assert moved(plain, changed(plain, row0=20.0, row1=1100.0))[0].row == "1"


def test_where_only_the_order_counts_another_scale_moves_nothing():
    made = chances(200, metric="auc")
    assert moved(made, replace(made, prediction=made.prediction**2)) == []
    first = moved(made, changed(made, row7=0.9999))[0]
    assert (first.row, first.second) == ("7", "99.8%")
    assert "order only" in Predicted([made]).about


def test_of_several_classes_the_likeliest_is_shown_with_its_probability():
    made = seven(100)
    sure = np.eye(7)[2]
    rows = moved(made, changed(made, row5=sure))
    assert [row.row for row in rows] == ["5"]
    assert rows[0].second == "c 1.000"
    assert rows[0].nearer == (1 if made.known.y[5] == 2 else 0)


def test_of_several_targets_a_row_names_the_one_that_moved():
    one = outcome([1.0, 2.0], [1.0, 2.0])
    other = replace(one, target="z")
    rows = Predicted([one, other]).moved(Predicted([one, changed(other, row1=5.0)]))
    assert [row.row for row in rows] == ["1 · z"]


def test_labels_and_probabilities_are_not_held_against_each_other():
    labels = outcome([0, 1, 2], [0, 1, 2], metric="log_loss", task="multiclass", classes=("a", "b", "c"))
    shares = replace(labels, prediction=np.eye(3))
    assert moved(labels, shares) is None
