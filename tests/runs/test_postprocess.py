"""Post-processing in a run: scored by what other folds taught, applied to test, and said so."""

import json

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.errors import ConfigError
from kagflow.metrics import find_metric
from kagflow.runs import compare, predict

LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


@pytest.fixture
def labels(project):
    """One row in three is positive, so that a cut at one half is not the best one for F1."""
    project.data("binary")
    train = pl.read_csv(project.raw / "train.csv")
    cut = train["x1"].sort()[40]
    train.with_columns(y=(pl.col("x1") + pl.Series(np.sin(np.arange(60))) > cut).cast(pl.String)).write_csv(
        project.raw / "train.csv"
    )
    project.facts(task="binary", metric="f1")
    return project


def test_a_threshold_is_scored_cross_fitted_and_as_fitted(labels):
    plain, cut = labels.cv(*LOGISTIC), labels.cv(*LOGISTIC, "postprocess=threshold")
    assert "cv_fitted" not in plain.scores
    oof = cut.oof()
    assert oof["prediction"].equals(plain.oof()["prediction"])  # what the models said is kept as it was
    f1 = find_metric("f1")
    y = oof["y"].to_physical().to_numpy()
    assert cut.scores["cv"] == f1.score(y, oof["processed"].to_numpy())
    assert cut.scores["cv_fitted"] >= plain.scores["cv"]  # the best cut on these very rows
    assert cut.facts["chosen_by_looking"] == ["postprocess: threshold"]
    assert plain.facts["chosen_by_looking"] == []


def test_a_fold_is_cut_where_the_others_say(labels):
    """By hand: the cut of each fold is the best one of all the other folds' OOF."""
    oof = labels.cv(*LOGISTIC, "postprocess=threshold").oof()
    f1 = find_metric("f1")

    def score(rows, cut):
        said = (rows["prediction"] > cut).cast(pl.Int64).to_numpy()
        return f1.score(rows["y"].to_physical().to_numpy(), said)

    for (fold,), own in oof.group_by("fold"):
        others = oof.filter(pl.col("fold") != fold)
        best = max(score(others, cut) for cut in np.linspace(0, 1, 501))
        said = own.filter(pl.col("processed") == 0)["prediction"].max()
        kept = own.filter(pl.col("processed") == 1)["prediction"].min()
        assert max(score(others, cut) for cut in np.linspace(said, kept - 1e-9, 50)) >= best - 1e-12


def test_test_rows_and_later_rows_are_processed_too(labels, tmp_path):
    run = labels.cv(*LOGISTIC, "postprocess=threshold")
    plain = labels.cv(*LOGISTIC)
    written = pl.read_csv(run.path / "submission.csv", infer_schema=False)
    assert set(written["y"]) <= {"true", "false"}
    assert not written.equals(pl.read_csv(plain.path / "submission.csv", infer_schema=False))
    _, again = predict(run, labels.raw)
    assert again.write_csv() == (run.path / "submission.csv").read_text()


def test_runs_are_compared_by_what_is_scored(labels):
    plain, cut = labels.cv(*LOGISTIC), labels.cv(*LOGISTIC, "postprocess=threshold")
    difference = compare(cut, plain, load("toy", labels.root).metric).difference
    assert difference.value == pytest.approx(cut.scores["cv"] - plain.scores["cv"])


def test_values_are_clipped_and_rounded(project):
    project.cv(*RIDGE)
    clipped = project.cv(*RIDGE, "postprocess=clip").oof()
    for (fold,), own in clipped.group_by("fold"):
        others = clipped.filter(pl.col("fold") != fold)["y"]
        assert own["processed"].equals(own["prediction"].clip(others.min(), others.max()).rename("processed"))


def test_an_unknown_one_is_refused_before_anything_is_fitted(project):
    with pytest.raises(ConfigError) as caught:
        project.cv(*RIDGE, "postprocess=treshold")
    assert "threshold" in caught.value.hint
    assert not project.runs.exists()


def test_the_command_says_what_was_chosen_by_looking(labels):
    words = [word for override in (*LOGISTIC, "postprocess=threshold") for word in ("--set", override)]
    said = labels.cli("cv", "toy", *words)
    assert "postprocess threshold: " in said.out
    document = json.loads(labels.cli("cv", "toy", *words, "--json").out)
    assert document["cv_fitted"] >= document["cv"]
