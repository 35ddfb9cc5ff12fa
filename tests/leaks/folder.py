"""A competition in a folder of its own: facts, features and small files, as a competitor has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from kagflow.audit.audit import Report, audit
from kagflow.audit.check import check_competition
from kagflow.audit.findings import Finding
from kagflow.competition import Competition, load
from kagflow.config import Experiment
from kagflow.data import find_source, read_dataset
from kagflow.runs import Run, cross_validate

ROWS, TEST_ROWS, SHOPS = 240, 60, 24
FACTS = {
    "title": "A small one",
    "slug": "small",
    "task": "regression",
    "metric": "rmse",
    "id": "row",
    "target": "y",
    "ignore": ["patient", "day"],
    "splitter": {"kind": "kfold", "folds": 4},
}
HEAD = """\
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from kagflow.features import FeatureSet, FittedStep, FoldStep, HistoryStep, Selector, TargetStep
from kagflow.features.encoders import *
"""
FEW_TREES = {"min_data_in_leaf": 5, "num_leaves": 7, "learning_rate": 0.2}
TREES: Mapping[str, Any] = {"rounds": 8, "model": {"kind": "lightgbm", "params": FEW_TREES}}
RIDGE: Mapping[str, Any] = {"model": {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}}
CLASSES: Mapping[str, list[str]] = {"binary": ["no", "yes"], "multiclass": ["high", "low", "mid"]}


def rows(task: str = "regression", seed: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return train and test; the target hangs on the shop, the area and chance."""
    rng = np.random.default_rng(seed)
    n = ROWS + TEST_ROWS
    shop, area = np.arange(n) % SHOPS, rng.normal(50, 15, n)
    signal = rng.normal(0, 3, SHOPS)[shop] + 0.1 * area + rng.normal(0, 2, n)
    codes = np.argsort(np.argsort(signal)) * len(CLASSES.get(task, [0])) // n
    frame = pl.DataFrame(
        {
            "row": rng.permutation(n),
            "shop": [f"shop{code:02}" for code in shop],
            "colour": rng.choice(["red", "green", "blue"], n),
            "area": [None if gone else value for gone, value in zip(rng.random(n) < 0.1, area, strict=True)],
            "rooms": rng.integers(1, 9, n),
            "income": rng.lognormal(3, 1, n),
            "patient": rng.integers(0, 30, n),
            "day": np.arange(n) // 5,
            "y": [CLASSES[task][code] for code in codes] if task in CLASSES else signal.round(3),
        }
    )
    return frame[:ROWS], frame[ROWS:].drop("y")


@dataclass(frozen=True)
class Folder:
    """What a competitor has written.

    Attributes
    ----------
    features
        The text of `features.py`, after the imports.
    target
        The text of `target.py`, where there is one.
    facts, config
        What differs from a small regression, and from a few trees.
    add
        Columns besides, of train and of test.
    train
        What else was done to train.
    tables
        Further files by name, made of train.
    """

    features: str = "FEATURES = FeatureSet()"
    target: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=lambda: TREES)
    add: tuple[Mapping[str, pl.Expr], Mapping[str, pl.Expr]] = ({}, {})
    train: Callable[[pl.DataFrame], pl.DataFrame] = pl.DataFrame.clone
    tables: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = field(default_factory=dict)

    def write(self, root: Path) -> tuple[Competition, Experiment, Path]:
        """Write it down, and return the competition, the experiment and the folder of the files."""
        place, files = root / "competitions" / "small", root / "files"
        for folder in (place, files):
            folder.mkdir(parents=True)
        facts = FACTS | self.facts | {"tables": {name: f"{name}.csv" for name in self.tables}}
        (place / "competition.yaml").write_text(yaml.safe_dump(facts))
        (place / "features.py").write_text(HEAD + self.features)
        if self.target:
            (place / "target.py").write_text(self.target)
        train, test = rows(facts["task"])
        for name, frame, more in zip(("train", "test"), (self.train(train), test), self.add, strict=True):
            frame.with_columns(**more).write_csv(files / f"{name}.csv")
        for name, make in self.tables.items():
            make(self.train(train)).write_csv(files / f"{name}.csv")
        sample = rows(facts["task"])[1].select("row", y=pl.lit(0.5))
        sample.write_csv(files / "sample_submission.csv")
        return load("small", root), Experiment.model_validate({"threads": 1, **self.config}), files

    def audit(self, root: Path) -> Report:
        """Audit it."""
        competition, experiment, files = self.write(root)
        return audit(competition, experiment, source=files)[0]

    def check(self, root: Path) -> tuple[Finding, ...]:
        """Check its files, rows and folds."""
        competition, _, files = self.write(root)
        source = find_source(competition.name, competition.facts, root, files)
        return check_competition(competition, read_dataset(source, competition.facts, competition.additions)).findings

    def cv(self, root: Path) -> Run:
        """Cross-validate it."""
        competition, experiment, files = self.write(root)
        return cross_validate(competition, experiment, source=files)
