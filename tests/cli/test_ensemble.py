"""`kagflow ensemble` and the bank in `kagflow runs`: words, JSON, marks."""

import json

import polars as pl
import pytest

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


@pytest.fixture
def banked(project):
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x2]")
    project.cv("rounds=20", "model.params.min_data_in_leaf=3")
    return project


def test_json_of_an_ensemble(banked):
    said = banked.cli("ensemble", "toy", "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out, parse_constant=pytest.fail)
    wanted = {"competition", "run", "metric", "direction", "cv", "se", "folds", "seconds", "edition"}
    wanted |= {"members", "cv_fitted", "cv_crossfitted", "submission", "honest", "method", "candidates"}
    assert wanted <= document.keys()
    assert document["results"] == [{name: document[name] for name in document["results"][0]}]
    assert {"single", "mean", "climb"} <= {each["method"] for each in document["candidates"]}
    assert all({"cv_fitted", "cv_crossfitted", "difference_se"} <= each.keys() for each in document["candidates"])


def test_the_same_again_says_so(banked):
    banked.cli("ensemble", "toy")
    assert ", when it was made before" in banked.cli("ensemble", "toy").out


def test_a_foreign_member_is_marked_everywhere(banked):
    run = json.loads(banked.cli("runs", "toy", "--json").out)["results"][0]["run"]
    said = banked.cli("ensemble", "toy", "--import", f"{run}/oof.parquet", f"{run}/test.parquet", "--name", "theirs")
    assert said.code == 0, said.err
    assert "note: theirs is foreign: its folds are not known: name them by --folds" in said.err
    assert "no claim is made for this score" in said.out
    listed = banked.cli("runs", "toy").out
    assert "imported (foreign)" in listed
    assert "ensemble (foreign)" in listed
    results = json.loads(banked.cli("runs", "toy", "--json").out)["results"]
    assert [each["foreign"] for each in results] == [False, False, False, True, True]


def test_a_member_with_the_folds_of_the_project_is_not(banked):
    run = json.loads(banked.cli("runs", "toy", "--json").out)["results"][0]["run"]
    words = ("--import", f"{run}/oof.parquet", f"{run}/test.parquet", "--folds", "fold", "--name", "mine")
    assert "foreign" not in banked.cli("ensemble", "toy", *words).out
    assert "imported " in banked.cli("runs", "toy").out


def test_a_submission_without_oof_leaves_no_score(banked):
    file = banked.write("best.csv", "id,y\n" + "".join(f"{number},5.0\n" for number in range(60, 72)))
    said = banked.cli("ensemble", "toy", "--with", f"{file}=0.2")
    assert "no rmse, for its submission holds files that have no OOF; that of the rest is" in said.out
    assert f"with     0.200  {file}" in said.out
    assert "none: its submission holds files that have no OOF" in banked.cli("runs", "toy").out
    assert json.loads(banked.cli("ensemble", "toy", "--with", f"{file}=0.2", "--json").out)["cv"] is None
    assert json.loads(banked.cli("runs", "toy", "--json").out)["cv"] is not None


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--with", "best.csv"), "expected FILE=SHARE, got 'best.csv'"),
        (("--with", "best.csv=0.2"), "there is no such file"),
        (("--folds", "fold"), "--name and --folds are of what is imported"),
        (("--method", "stack"), "no ensemble is called 'stack'"),
        (("--members", "nothing"), "there is no run 'nothing'"),
    ],
)
def test_wrong_words_are_answered(banked, words, problem):
    said = banked.cli("ensemble", "toy", *words)
    assert said.code == 1
    assert problem in said.err


def test_without_runs_it_says_what_to_do(project):
    said = project.cli("ensemble", "toy")
    assert said.code == 1
    assert "hint: run `kagflow cv toy`" in said.err


def test_runs_show_what_each_member_adds(banked):
    document = json.loads(banked.cli("runs", "toy", "--json").out, parse_constant=pytest.fail)
    adds = {each["run"]: each["adds"] for each in document["results"]}
    assert min(adds.values()) < 0  # without the best one, the blend is worse
    assert all(each["adds"] == 0 or each["adds_se"] > 0 for each in document["results"])
    assert document["bank"]["members"] == 3
    assert all(-1 <= each["correlation"] <= 1 for each in document["results"])


def test_of_many_members_it_is_shown_when_it_is_asked_for(banked, monkeypatch):
    monkeypatch.setattr("kagflow.ensemble.standing._MOST_MEMBERS", 2)
    said = banked.cli("runs", "toy")
    assert "note: what each of 3 members adds to a blend is shown with --bank" in said.err
    assert "adds" not in said.out
    assert "adds" in banked.cli("runs", "toy", "--bank").out


def test_constant_predictions_correlate_with_nothing(banked, tmp_path):
    oof, test = tmp_path / "flat_oof.csv", tmp_path / "flat_test.csv"
    pl.DataFrame({"id": range(60), "prediction": 1.0}).write_csv(oof)
    pl.DataFrame({"id": range(60, 72), "prediction": 1.0}).write_csv(test)
    assert banked.cli("ensemble", "toy", "--import", str(oof), str(test)).code == 0
    results = json.loads(banked.cli("runs", "toy", "--json").out, parse_constant=pytest.fail)["results"]
    assert results[3]["correlation"] is None
