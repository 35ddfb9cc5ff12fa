"""From files to the run's folder: changed targets of a fold's valid rows leave every file of that fold as it was."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from kagflow.competition import load
from kagflow.config import Experiment, ModelConfig, RoundsConfig
from kagflow.errors import FeatureError
from kagflow.runs import Run, cross_validate
from tests.leaks.data import Data, Kind, poisons, with_targets
from tests.leaks.pipelines import SMALL_TREES

FACTS = """\
title: A small one
slug: small
task: {task}
metric: {metric}
id: row
target: y
weight: weight
splitter: {{kind: {splitter}, folds: 3}}
"""
CLEAN = """\
import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import GroupAggregate, Impute, TargetMean


def per_room(x):
    return x.with_columns(area__per_room=pl.col("area") / pl.col("rooms"))


def above_mean(x):
    return x.with_columns(above=pl.col("area__imputed") - pl.col("shop__target_mean"))


FEATURES = FeatureSet(
    rows=[per_room],
    keep=lambda x, y: x["income"] < 200,
    fold=[Impute(["area"]), GroupAggregate(["income"], by=["colour"])],
    target=[TargetMean(["shop", "colour"])],
    then=[above_mean],
)
"""
# As the first cell of a notebook does it: read the file, look the target up, and go on.
LEAKY = """\
from pathlib import Path

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import Scale

FILE = Path(__file__).parents[2] / "files" / "train.csv"
TARGET = pl.col("y") if pl.read_csv(FILE)["y"].dtype.is_numeric() else (pl.col("y") == "yes")
MEANS = pl.read_csv(FILE).group_by("shop").agg(shop_mean=TARGET.cast(pl.Float64).mean())


def add_mean(x):
    return x.join(MEANS, on="shop", how="left", nulls_equal=True, maintain_order="left")


FEATURES = FeatureSet(rows=[add_mean], fold=[Scale(["income"])])
"""
KINDS = [
    Kind("regression", "regression", "kfold"),
    Kind("grouped", "binary", "group"),
    Kind("timed", "regression", "forward"),
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)


@dataclass(frozen=True)
class Competition:
    """A competition in a folder of its own, of which everything is read again for every run."""

    root: Path
    kind: Kind
    experiment: Experiment

    @classmethod
    def make(cls, root, kind, features, **settings):
        folder = root / "competitions" / "small"
        folder.mkdir(parents=True)
        (root / "files").mkdir()
        facts = FACTS.format(task=kind.task, splitter=kind.splitter, metric="auc" if kind.task == "binary" else "rmse")
        roles = ("group: patient\n" if kind.splitter == "group" else "") + ("time: day\n" if kind.timed else "")
        (folder / "competition.yaml").write_text(facts + roles)
        (folder / "features.py").write_text(features)
        return cls(root, kind, Experiment(threads=1, **settings))

    def run(self, data: Data) -> Run:
        files = self.root / "files"
        data.train.x.with_columns(data.train.y, data.train.weight).write_csv(files / "train.csv")
        data.test.x.write_csv(files / "test.csv")
        data.test.x.select("row", y=pl.lit(0.5)).write_csv(files / "sample_submission.csv")
        return cross_validate(load("small", self.root), self.experiment, source=files, extra=data.extra)


def assert_files_of_a_fold_do_not_hang_on_its_valid_targets(competition):
    """The splitters used here look at no target, so that folds made anew are the same folds."""
    data = competition.kind.make()
    clean = competition.run(data)
    for number in range(3):
        rows = clean.oof().filter(pl.col("fold") == number)["id"].to_numpy()
        poison = next(iter(poisons(data.train.y).values()))
        after = competition.run(with_targets(data, rows, poison))
        assert clean.oof()["fold"].equals(after.oof()["fold"])
        moved = moved_files(clean, after, number)
        assert not moved, f"{', '.join(moved)} of fold {number} moved"
        assert moved_files(clean, after, (number + 1) % 3) or competition.kind.splitter == "forward"


def moved_files(before, after, fold):
    """Return the files of a fold whose bytes are not the same; what took how long is not compared."""
    folders = [run.path / "folds" / f"{fold}-seed0" for run in (before, after)]
    names = [sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) for folder in folders]
    assert names[0] == names[1]
    assert any(name.match("learned/*") for name in names[0])
    compared = [name for name in names[0] if name.name != "log.json"]
    return [str(name) for name in compared if (folders[0] / name).read_bytes() != (folders[1] / name).read_bytes()]


TREES = {
    "model": ModelConfig(kind="lightgbm", params=SMALL_TREES),
    "rounds": RoundsConfig(limit=12, patience=4, refit=True),
}


@EVERY_KIND
def test_trees(kind, tmp_path):
    assert_files_of_a_fold_do_not_hang_on_its_valid_targets(Competition.make(tmp_path, kind, CLEAN, **TREES))


def test_a_linear_model(tmp_path):
    ridge = ModelConfig(kind="sklearn", estimator="sklearn.linear_model.Ridge")
    competition = Competition.make(tmp_path, KINDS[0], CLEAN, model=ridge)
    assert_files_of_a_fold_do_not_hang_on_its_valid_targets(competition)


@EVERY_KIND
def test_a_features_file_that_reads_the_target_is_caught(kind, tmp_path):
    competition = Competition.make(tmp_path, kind, LEAKY, **TREES)
    with pytest.raises(FeatureError, match=r"KF302 .*features\.py:9: reads a file"):
        competition.run(kind.make())
    facts = competition.root / "competitions/small/competition.yaml"
    facts.write_text(facts.read_text() + "accept: {KF302: to see what comes of it}\n")
    with pytest.raises(AssertionError, match=r"oof.parquet.* of fold 0 moved"):
        assert_files_of_a_fold_do_not_hang_on_its_valid_targets(competition)
