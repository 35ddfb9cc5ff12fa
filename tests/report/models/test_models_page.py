"""The sections of models and data say what was found, for every kind of competition and run."""

import json

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import import_member
from kagflow.report.data.section import data
from kagflow.report.html.markup import Html
from kagflow.report.models.section import models
from kagflow.report.state import read_state

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")


def state_of(project):
    return read_state(load("toy", project.root))


def models_of(project):
    """Return the section of models and all that it says, after a look at whether JSON can hold it."""
    section = models(state_of(project))
    json.dumps(dict(section.document), allow_nan=False)
    return section, section.body.striptags()


def questions(section):
    return [part.split("</figcaption>")[0] for part in section.body.split("<figcaption>")[1:]]


def test_without_a_run_there_is_nothing_on_models(project):
    assert models(state_of(project)) is None


def test_a_regression_is_shown_from_features_to_rows(project):
    project.cv(*RIDGE)
    section, said = models_of(project)
    assert questions(section) == [
        "Which features do the models use?",
        "Which features does the score need?",
        "Is the truth where the prediction says, high and low?",
        "Do a few rows rule the error?",
        "Are test rows predicted as valid rows are?",
    ]
    assert "kagflow cv toy --sample 0.25" in said
    assert "Where is the model bad?" in said
    assert section.document["permutation"][0]["columns"] == ["x1"]
    assert "about the best run, default" in said


def test_two_classes_have_probabilities_a_cut_and_confusions(project):
    project.data("binary")
    project.facts(task="binary", metric="f1", splitter={"kind": "stratified", "folds": 3})
    project.cv(*LOGISTIC)
    section, said = models_of(project)
    assert {
        "Do probabilities come true as often as they say?",
        "Where does the cut between the classes belong?",
        "Which class is taken for which?",
    } < set(questions(section))
    assert "The best cut is" in said
    assert section.document["confusion"]["classes"] == ["False", "True"]


def test_a_metric_of_the_order_has_neither_cut_nor_confusions(project):
    project.data("binary")
    project.facts(task="binary", metric="auc", splitter={"kind": "stratified", "folds": 3})
    project.cv(*LOGISTIC)
    section, _ = models_of(project)
    assert "Do probabilities come true as often as they say?" in questions(section)
    assert not {"Where does the cut between the classes belong?", "Which class is taken for which?"} & set(
        questions(section)
    )


def test_more_classes_are_shown_by_their_shares(project):
    project.data("multiclass", {name: [0.0] * 12 for name in ("low", "mid", "top")})
    project.facts(task="multiclass", metric="log_loss", splitter={"kind": "stratified", "folds": 3})
    project.cv(*LOGISTIC)
    section, _ = models_of(project)
    assert "Where does the cut between the classes belong?" not in questions(section)
    assert list(section.document["calibration"]) == ["low", "mid", "top"]
    assert np.sum(section.document["confusion"]["rows"]) == 60


def test_each_of_several_targets_is_named(project):
    path = project.raw / "train.csv"
    train = pl.read_csv(path)
    train.with_columns(heat=pl.col("y") + 20, cold=pl.col("day") - pl.col("y")).drop("y").write_csv(path)
    ids = pl.read_csv(project.raw / "sample_submission.csv")["id"]
    pl.DataFrame({"id": ids, "heat": [0] * 12, "cold": [0] * 12}).write_csv(project.raw / "sample_submission.csv")
    project.facts(target=["heat", "cold"], metric="mcrmse")
    project.cv(*RIDGE)
    section, _ = models_of(project)
    assert "<h3>heat</h3>" in section.body
    assert "<h3>cold</h3>" in section.body
    assert {"heat", "cold"} < set(section.document)


def test_rows_that_no_fold_scores_are_told(project):
    project.facts(time="day", ignore=["shop", "w"], splitter={"kind": "forward", "folds": 2})
    project.cv(*RIDGE)
    _, said = models_of(project)
    assert "No fold scores" in said


def test_a_member_made_elsewhere_has_no_models(project, tmp_path):
    run = project.cv(*RIDGE)
    paths = tmp_path / "oof.csv", tmp_path / "test.csv"
    run.oof().select("id", "prediction").write_csv(paths[0])
    run.test().select("id", "prediction").write_csv(paths[1])
    for path in sorted(run.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.path.rmdir()
    import_member(load("toy", project.root), *paths, name="theirs")
    section, said = models_of(project)
    assert "keeps models" in said
    assert questions(section)[0] == "Is the truth where the prediction says, high and low?"


def test_an_ensemble_shows_the_features_of_its_best_member(project):
    project.cv(*RIDGE, "drop=[x1]")
    project.cv(*RIDGE)
    said = project.cli("ensemble", "toy", "--track", "off")
    assert said.code == 0, said.err
    state = state_of(project)
    section = models(type(state)(**{**vars(state), "best": state.runs[-1]}))
    assert "It has no models of its own: features and rows are those of default" in section.body.striptags()
    assert section.document["learner"] == state.runs[1].name


def test_without_its_data_a_run_is_shown_as_far_as_it_goes(project):
    project.cv(*RIDGE)
    for path in project.raw.iterdir():
        path.unlink()
    section, said = models_of(project)
    assert "the data of the run are not there" in said
    assert "Is the truth where the prediction says, high and low?" in questions(section)
    assert data(state_of(project)).answer == "The data are not there, so nothing can be said of them."


# --- data -------------------------------------------------------------------------------------------------------------


def test_like_train_and_test_are_said_to_be_alike(project):
    section = data(state_of(project))
    json.dumps(dict(section.document), allow_nan=False)
    said = section.body.striptags()
    assert section.answer == "Test is like train, and the folds mirror it."
    assert "a model cannot tell test rows from training rows" in said
    assert "3 columns at a glance" in said
    assert "<figure" not in section.body


@pytest.fixture
def shifted(project):
    """A test set of 400 rows, whose x1 is higher than in train."""
    rng = np.random.default_rng(0)
    for name, first, shift in (("train", 0, 0.0), ("test", 1000, 3.0)):
        n = 400
        frame = pl.DataFrame(
            {"id": np.arange(first, first + n), "x1": rng.normal(size=n) + shift, "x2": rng.normal(size=n)}
        )
        frame = frame.with_columns(y=pl.Series(rng.normal(size=n))) if name == "train" else frame
        frame.write_csv(project.raw / f"{name}.csv")
    pl.DataFrame({"id": np.arange(1000, 1400), "y": [0] * 400}).write_csv(project.raw / "sample_submission.csv")
    project.facts(ignore=[])
    return project


def test_a_shifted_column_is_drawn_and_named(shifted):
    section = data(state_of(shifted))
    assert "Test differs from train (adversarial AUC" in section.answer
    assert section.document["drifting"] == ["x1"]
    assert section.document["adversarial"]["columns"][0] == "x1"
    assert questions(section) == ["Which columns differ between train and test?"]
    assert isinstance(section.body, Html)
    assert "<code>drop</code>" in section.body


def test_of_too_many_columns_those_are_shown_that_differ_then_those_that_models_use(shifted, monkeypatch):
    monkeypatch.setattr("kagflow.report.data.section._MOST_ROWS", 2)
    train = pl.read_csv(shifted.raw / "train.csv").with_columns(x3=pl.col("y") + 0.1 * pl.col("x2"))
    train.write_csv(shifted.raw / "train.csv")
    pl.read_csv(shifted.raw / "test.csv").with_columns(x3="x2").write_csv(shifted.raw / "test.csv")
    shifted.cv(*RIDGE)
    section = data(state_of(shifted))
    assert [each["name"] for each in section.document["columns"]] == ["x1", "x3"]
    assert "3 columns at a glance, 2 of them shown: those that differ, then those that the" in section.body.striptags()
