"""Members made elsewhere: their ids are matched, and without the project's folds they are foreign."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import Bank, import_member, make_ensemble
from kagflow.errors import ConfigError, DataError
from kagflow.runs import best_run, list_runs

from .conftest import RIDGE


@pytest.fixture
def theirs(banked, write_files):
    """Files of predictions that are those of a run, with rows in another order."""
    run = list_runs(banked.runs)[0]
    oof, test = run.oof().select("id", "fold", "prediction").reverse(), run.test().select("id", "prediction")
    return banked, run, oof, test, write_files


def imported(project, paths, **settings):
    return import_member(load("toy", project.root), *paths, **settings)


def test_predictions_come_back_as_they_were_given(theirs):
    project, run, oof, test, write = theirs
    member = imported(project, write(oof, test), name="mine", folds="fold")
    np.testing.assert_allclose(member.oof()["prediction"], run.oof()["prediction"])
    assert member.oof().drop("prediction").equals(run.oof().drop("prediction"))
    assert member.scores["cv"] == pytest.approx(run.scores["cv"])
    assert (member.facts["kind"], member.facts["foreign"]) == ("imported", False)
    assert member.facts["from"]["oof"]["sha256"]
    assert member.name in Bank.of(load("toy", project.root)).names


def test_importing_it_again_finds_it(theirs):
    project, _, oof, test, write = theirs
    paths = write(oof, test)
    assert imported(project, paths).path == imported(project, paths).path


def test_folds_count_by_who_is_with_whom_and_not_by_their_numbers(theirs):
    project, _, oof, test, write = theirs
    renamed = oof.with_columns(pl.col("fold").replace_strict({0: "c", 1: "a", 2: "b"}))
    assert not imported(project, write(renamed, test), folds="fold").foreign


def test_folds_may_stand_in_a_file_or_be_those_that_kagflow_froze(theirs, tmp_path):
    project, _, oof, test, write = theirs
    paths = write(oof.drop("fold"), test)
    oof.select("id", "fold").write_csv(tmp_path / "folds.csv")
    assert not imported(project, paths, folds=str(tmp_path / "folds.csv")).foreign
    (frozen,) = (project.root / "data/toy/folds").glob("*.parquet")
    assert not imported(project, paths, folds=str(frozen)).foreign
    with pytest.raises(DataError, match="neither a column of theirs_oof"):
        imported(project, paths, folds="flods")


def test_other_folds_make_it_foreign(theirs):
    project, run, oof, test, write = theirs
    told: list[str] = []
    other = oof.with_columns((pl.col("id") % 3).alias("fold"))
    member = imported(project, write(other, test), folds="fold", note=told.append)
    assert member.foreign
    assert told == ["theirs_oof is foreign: its 3 folds are not the project's 3"]
    assert imported(project, write(oof.drop("fold"), test), name="unknown").foreign  # nothing is known of its folds
    assert best_run([run, member]) == run  # though it is as good


def test_no_claim_is_made_for_an_ensemble_that_holds_a_foreign_member(theirs):
    project, _, oof, test, write = theirs
    member = imported(project, write(oof.drop("fold"), test))
    competition = load("toy", project.root)
    made = make_ensemble(competition, methods=["mean"])
    assert made.run.facts["honest"] is False
    assert member.name in made.run.facts["why_not_honest"]
    assert made.run.scores["cv_crossfitted"] is not None
    assert [each["run"] for each in made.run.facts["members"] if each["foreign"]] == [member.name]
    assert make_ensemble(competition, methods=["mean"], without=[member.name]).run.facts["honest"] is True
    above = make_ensemble(competition, members=[made.run.name, project.complete()[0].name])
    assert above.run.facts["honest"] is False  # it is foreign two levels down


WRONG = {
    "a missing id": (lambda frame: frame[1:], r"1 of \d+ ids are missing, the first is {first}"),
    "a double id": (lambda frame: pl.concat([frame, frame[:2]]), "2 ids occur more than once, the first is {first}"),
    "an unknown id": (
        lambda frame: pl.concat([frame, frame[:1].with_columns(id=pl.lit(700, pl.Int64))]),
        "1 ids are none of .*, the first is 700",
    ),
    "no id": (lambda frame: frame.with_columns(id=pl.lit("seven")), "the id 'seven', which is no Int64"),
    "text": (lambda frame: frame.with_columns(prediction=pl.lit("high")), "id {first} is 'high', and must be a finite"),
    "a gap": (lambda frame: frame.with_columns(prediction=pl.lit(None)), "id {first} is None, and must be a finite"),
    "two columns": (lambda frame: frame.rename({"prediction": "a"}).with_columns(b="a"), "it may be a, b"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_file_is_said(theirs, case):
    project, _, oof, test, write = theirs
    change, problem = WRONG[case]
    with pytest.raises(DataError, match=problem.format(first=oof["id"][0])):
        imported(project, write(change(oof), test))
    with pytest.raises(DataError, match=problem.format(first=test["id"][0])):
        imported(project, write(oof, change(test)))
    assert len(list_runs(project.runs)) == 3


def test_a_competition_may_begin_with_a_member_from_elsewhere(theirs, tmp_path):
    project, _, oof, test, write = theirs
    for path in sorted(project.runs.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    member = imported(project, write(oof, test), folds="fold")
    assert make_ensemble(load("toy", project.root)).bank.names == [member.name]


def test_ensembles_keep_their_name(theirs):
    project, _, oof, test, write = theirs
    with pytest.raises(ConfigError, match="is what ensembles are called"):
        imported(project, write(oof, test), name="ensemble")


def test_classes_are_found_by_number_or_by_label(project, write_files):
    project.data("multiclass", {"y": ["low"] * 12})
    project.facts(task="multiclass", metric="log_loss")
    with pytest.raises(DataError):  # the sample has one column, and log_loss wants one a class
        project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    project.facts(task="multiclass", metric="accuracy")
    run = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    shares = ["prediction_0", "prediction_1", "prediction_2"]
    oof, test = run.oof().select("id", "fold", *shares), run.test().select("id", *shares)
    labels = dict(zip(shares, ("p_low", "p_mid", "p_top"), strict=True))
    by_number = imported(project, write_files(oof, test), folds="fold")
    by_label = imported(project, write_files(oof.rename(labels), test.rename(labels)), name="named", folds="fold")
    np.testing.assert_allclose(by_number.oof().select(shares), run.oof().select(shares))
    np.testing.assert_allclose(by_label.oof().select(shares), run.oof().select(shares))
    with pytest.raises(DataError, match="no column holds the predictions of 'mid'"):
        imported(project, write_files(oof.rename(labels).drop("p_mid"), test))


def test_predictions_of_each_repeat_are_matched_by_it(project, write_files):
    project.facts(splitter={"kind": "kfold", "folds": 3, "repeats": 2})
    run = project.cv(*RIDGE)
    oof = run.oof().select("id", "repeat", "prediction").sample(fraction=1.0, shuffle=True, seed=0)
    member = imported(project, write_files(oof, run.test().select("id", "prediction")))
    np.testing.assert_allclose(member.oof()["prediction"], run.oof()["prediction"])
    assert member.scores["cv"] == pytest.approx(run.scores["cv"])
