"""Runs with predictions that are made up, so that what each layer buys is known beforehand."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from kagflow.competition import Competition, load
from kagflow.metrics import find_metric
from kagflow.runs.scores import Known, score_repeats

ROWS = 600


@dataclass
class Planted:
    """A competition of squared errors, ``toy``, whose runs are planted.

    Attributes
    ----------
    project
        Where.
    rng
        Of the target and the errors.
    """

    project: Any
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    count: int = 0

    def __post_init__(self) -> None:
        self.y = self.rng.normal(size=ROWS)
        self.error = self.rng.normal(size=ROWS)  # which all runs share, as runs do
        self.competition.runs_folder.mkdir(parents=True, exist_ok=True)

    @property
    def competition(self) -> Competition:
        return load("toy", self.project.root)

    def run(
        self,
        config: str,
        error: float,
        *,
        own: float = 0.05,
        kind: str = "lightgbm",
        seconds: float = 60.0,
        facts: dict[str, Any] | None = None,
        y: NDArray[Any] | None = None,
        **settings: Any,
    ) -> str:
        """Plant a run, and return its name.

        Parameters
        ----------
        config, kind, seconds, facts
            Of its `run.json`.
        error, own
            Size of the error that all runs share, and of its own.
        settings
            Of its `experiment.yaml`, beside the defaults.
        """
        prediction = self.y + error * self.error + own * self.rng.normal(size=ROWS)
        experiment = {"features": "default", "only": [], "drop": [], "model": {"kind": kind, "params": {}}}
        path = self._write(config, kind, seconds, prediction, facts or {}, self.y if y is None else y)
        (path / "experiment.yaml").write_text(yaml.safe_dump({**experiment, "seeds": 1, "seed": 0, **settings}))
        return path.name

    def ensemble(self, method: str, error: float, members: list[str], own: float = 0.02, **facts: Any) -> str:
        """Plant an ensemble of runs; each has the same weight."""
        prediction = self.y + error * self.error + own * self.rng.normal(size=ROWS)
        weights = [{"run": name, "weight": 1 / len(members)} for name in members]
        own_facts = {"method": method, "members": weights, **facts}
        return self._write("ensemble", "ensemble", 6.0, prediction, own_facts, self.y).name

    def _write(
        self,
        config: str,
        kind: str,
        seconds: float,
        prediction: NDArray[Any],
        facts: dict[str, Any],
        y: NDArray[Any],
    ) -> Path:
        self.count += 1
        path = self.competition.runs_folder / f"20260101T{self.count:06d}-{config}-{self.count:010x}"
        path.mkdir()
        known = pl.DataFrame(
            {"id": np.arange(ROWS), "fold": np.arange(ROWS) % 5, "repeat": np.zeros(ROWS, int), "y": y}
        )
        scores = score_repeats(find_metric("rmse"), [(Known.of(known), prediction)])
        known.with_columns(prediction=prediction).write_parquet(path / "oof.parquet")
        pl.DataFrame({"id": np.arange(9), "prediction": np.arange(9.0)}).write_parquet(path / "test.parquet")
        (path / "scores.json").write_text(json.dumps({**scores, "rows_scored": ROWS}))
        fingerprints = {"data": "d", "folds": "f", "edition": "e", "sources": "s"}
        document = {
            "competition": "toy",
            "config": config,
            "kind": kind,
            "edition": "e",
            "seconds": seconds,
            "quick_look": None,
            "fingerprints": fingerprints,
            "pooled": [],
            "accepted": [],
            "chosen_by_looking": [],
            **facts,
        }
        (path / "run.json").write_text(json.dumps(document))
        return path
