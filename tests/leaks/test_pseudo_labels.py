"""Pseudo-labels know no target that is scored: other targets of a fold's valid rows change nothing of that fold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.config import Experiment, ModelConfig, PseudoLabels, RoundsConfig
from kagflow.data import find_source
from kagflow.errors import ConfigError
from kagflow.runs import cross_validate
from kagflow.runs.plan import make_plan
from kagflow.runs.pseudo import SaidOfTest
from kagflow.tuning.nested import inner_plan

FOLDS, ROWS, TEST_ROWS = 3, 90, 40
FACTS = """\
title: Small
slug: small
task: {task}
metric: {metric}
id: id
target: y
splitter: {{kind: kfold, folds: 3}}
"""
FEATURES = """\
from kagflow.features import FeatureSet
from kagflow.features.encoders import Scale, TargetMean

FEATURES = FeatureSet(fold=[Scale(["a"])], target=[TargetMean(["shop"])], drop=["shop"])
"""
TREES = {
    "model": ModelConfig(kind="lightgbm", params={"min_data_in_leaf": 4, "num_leaves": 7, "learning_rate": 0.2}),
    "rounds": RoundsConfig(limit=12, patience=4, refit=True),
}


@dataclass(frozen=True)
class Small:
    """A project with files, a run that labels test rows, and one that trains on them too."""

    root: Path
    task: str

    def write(self, frame: pl.DataFrame) -> None:
        files = self.root / "files"
        frame[:ROWS].write_csv(files / "train.csv")
        frame[ROWS:].drop("y").write_csv(files / "test.csv")
        frame[ROWS:].select("id", y=pl.lit(0.5)).write_csv(files / "sample_submission.csv")

    def labelled(self, frame, pseudo):
        """Return the run with pseudo-labels, and what each of its folds learns from."""
        self.write(frame)
        competition = load("small", self.root)
        files = self.root / "files"
        cross_validate(competition, Experiment(threads=1, **TREES), config="base", source=files)
        experiment = Experiment(threads=1, extra=(pseudo,), **TREES)
        run = cross_validate(competition, experiment, config="pseudo", source=files)
        plan = make_plan(competition, experiment, "pseudo", find_source("small", competition.facts, self.root, files))
        return run, [plan.setup.for_fold(number).pool for number in range(FOLDS)]


@pytest.fixture(params=["regression", "binary"])
def small(request, tmp_path):
    folder = tmp_path / "competitions" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    metric = {"regression": "rmse", "binary": "log_loss"}[request.param]
    (folder / "competition.yaml").write_text(FACTS.format(task=request.param, metric=metric))
    (folder / "features.py").write_text(FEATURES)
    return Small(tmp_path, request.param)


def frame_of(task):
    rng = np.random.default_rng(3)
    n = ROWS + TEST_ROWS
    a, shop = rng.normal(size=n), rng.integers(0, 5, n)
    y = a + 0.5 * shop + rng.normal(0, 0.3, n)
    y = y if task == "regression" else (y > 1).astype(int)
    return pl.DataFrame({"id": np.arange(n), "a": a, "b": rng.normal(size=n), "shop": [f"s{k}" for k in shop], "y": y})


def poisoned(frame, ids, task):
    """Return other targets for some rows."""
    other = pl.col("y") * -3 + 7 if task == "regression" else 1 - pl.col("y")
    return frame.with_columns(pl.when(pl.col("id").is_in(ids.implode())).then(other).otherwise("y").alias("y"))


def assert_valid_targets_reach_no_label(small, **cut):
    pseudo, frame = PseudoLabels(pseudo="base", **cut), frame_of(small.task)
    before, labels = small.labelled(frame, pseudo)
    for number in range(FOLDS):
        ids = before.oof().filter(pl.col("fold") == number)["id"]
        after, others = small.labelled(poisoned(frame, ids, small.task), pseudo)
        assert labels[number].y[ROWS:].equals(others[number].y[ROWS:]), f"labels of fold {number} moved"
        assert np.array_equal(labels[number].joins, others[number].joins), f"labels of fold {number} moved"
        own = [run.oof().filter(pl.col("fold") == number)["prediction"].to_numpy() for run in (before, after)]
        assert own[0].tobytes() == own[1].tobytes(), f"predictions of fold {number} moved"
        another = (number + 1) % FOLDS
        assert not before.oof().filter(pl.col("fold") == another).equals(after.oof().filter(pl.col("fold") == another))


def test_targets_that_a_fold_scores_reach_neither_its_labels_nor_its_predictions(small):
    assert_valid_targets_reach_no_label(small)


@pytest.mark.parametrize("small", ["binary"], indirect=True)
@pytest.mark.parametrize("cut", [{"share": 0.5}, {"confidence": 0.8}], ids=str)
def test_nor_do_they_choose_the_rows_that_are_labelled(small, cut):
    assert_valid_targets_reach_no_label(small, **cut)


def test_labels_of_the_mean_of_all_folds_models_are_caught(small, monkeypatch):
    monkeypatch.setattr(SaidOfTest, "by_fold", lambda self, number: self.by_all())
    with pytest.raises(AssertionError, match="of fold 0 moved"):
        assert_valid_targets_reach_no_label(small)


def test_labels_of_another_fold_s_models_are_caught(small, monkeypatch):
    honest = SaidOfTest.by_fold
    monkeypatch.setattr(SaidOfTest, "by_fold", lambda self, number: honest(self, (number + 1) % FOLDS))
    with pytest.raises(AssertionError, match="of fold 0 moved"):
        assert_valid_targets_reach_no_label(small)


def test_folds_within_folds_get_no_labels_that_know_the_outer_fold(small):
    small.labelled(frame_of(small.task), PseudoLabels(pseudo="base"))
    competition = load("small", small.root)
    origin = find_source("small", competition.facts, small.root, small.root / "files")
    plan = make_plan(competition, Experiment(extra=(PseudoLabels(pseudo="base"),), **TREES), "pseudo", origin)
    with pytest.raises(ConfigError, match="made for other folds, and may know the targets that are scored"):
        inner_plan(plan, plan.setup.folds.folds[0])
