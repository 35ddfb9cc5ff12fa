"""Reading runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.data.table import targets_array
from kagflow.errors import ConfigError, DataError, did_you_mean
from kagflow.runs.directory import PARTIAL, run_name
from kagflow.runs.submission import SUBMISSION

PAIRING = ("edition", "data", "folds")
"""Fingerprints that two runs share when their rows pair."""


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes
    ----------
    path
        Its folder.
    facts
        `run.json`: how it came about.
    scores
        `scores.json`: metric, direction, cv, se, folds.
    """

    path: Path
    facts: dict[str, Any]
    scores: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.path.name

    @property
    def quick(self) -> bool:
        """Whether it looked at a part of the data only, so that its score compares with no other."""
        return self.facts.get("quick_look") is not None

    def compares_with(self, other: "Run") -> bool:
        """Say whether both scores measure the same on the same rows."""
        if self is other:
            return True
        if self.quick or other.quick:
            return False
        same = all(self.facts["fingerprints"][what] == other.facts["fingerprints"][what] for what in PAIRING)
        return same and self.scores["metric"] == other.scores["metric"]

    def oof(self) -> Frame:
        """Return ``oof.parquet``: id, fold, repeat, y, and one prediction or one a class.

        Of several targets it has ``y__<target>`` and ``prediction__<target>`` for each.
        """
        return pl.read_parquet(self.path / "oof.parquet")

    def test(self) -> Frame:
        """Return ``test.parquet``: id, one prediction a task, and their mean."""
        return pl.read_parquet(self.path / "test.parquet")

    def experiment(self) -> str:
        """Return the experiment with every default written out."""
        return (self.path / "experiment.yaml").read_text(encoding="utf-8")

    def result(self) -> dict[str, Any]:
        """Return what ``--json`` prints of a run."""
        shown = ("competition", "config", "edition", "quick_look", "seconds")
        facts = {name: self.facts.get(name) for name in shown}
        return {**facts, "run": str(self.path), **self.scores, "submission": str(self.path / SUBMISSION)}


PROCESSED = "processed"
METRIC_COLUMN = "metric_column_"  # before the name of what else the metric looks at


def truth_columns(frame: Frame) -> NDArray[np.generic]:
    """Return the targets of an OOF frame as the metric takes them, (n,) or (n, targets)."""
    return targets_array(frame.select(name for name in frame.columns if name == "y" or name.startswith("y__")))


def prediction_columns(frame: Frame) -> NDArray[np.generic]:
    """Return what is scored of an OOF frame: its processed predictions, or the models' own.

    They are (n,), or (n, k) of classes, or (n, targets) of several targets.
    """
    stem = PROCESSED if any(name.startswith(PROCESSED) for name in frame.columns) else "prediction"
    names = [name for name in frame.columns if name == stem or name.startswith(f"{stem}_")]
    values = frame.select(names).to_numpy(order="c")
    return values[:, 0] if len(names) == 1 else values


def best_run(runs: Sequence[Run]) -> Run:
    """Return the run with the best score among those that compare with the last one: same data, folds and metric."""
    last = runs[-1]
    sign = 1 if last.scores["direction"] == "minimize" else -1
    return min((run for run in runs if run.compares_with(last)), key=lambda run: sign * run.scores["cv"])


def list_runs(runs: Path) -> list[Run]:
    """Return the complete runs of ``runs/<name>``, oldest first."""
    if not runs.is_dir():
        return []
    folders = sorted(path for path in runs.iterdir() if (path / "run.json").is_file() and path.suffix != PARTIAL)
    return [open_run(folder) for folder in folders]


def run_of_key(runs: Path, config: str, key: str) -> Run | None:
    """Return the newest complete run of a config whose result was decided by the same things; ``None`` without one.

    Parameters
    ----------
    runs
        ``runs/<name>``.
    config
        Its name.
    key
        Hash of everything that decides on the result: ``Plan.key``.
    """
    found = sorted(path for path in runs.glob(f"*-{run_name(config, key)}") if (path / "run.json").is_file())
    return open_run(found[-1]) if found else None


def read_run(runs: Path, name: str) -> Run:
    """Return one run: by its name or path, its config (the newest that is no quick look), or a part of its name.

    Raises
    ------
    ConfigError
        No run, or more than one, is meant.
    """
    known = list_runs(runs)
    wanted = Path(name).name
    found = (
        [run for run in known if run.name == wanted]
        or [run for run in known if run.facts["config"] == wanted and not run.quick][-1:]
        or [run for run in known if wanted in run.name]
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            f"{name!r} is part of {len(found)} runs' names", hint="write more of it: " + found[-1].name, where=str(runs)
        )
    raise ConfigError(
        f"there is no run {name!r}", hint=did_you_mean(wanted, [run.name for run in known]), where=str(runs)
    )


def open_run(folder: Path) -> Run:
    """Return the run of a folder.

    Raises
    ------
    DataError
        Its files are damaged.
    """
    try:
        facts, scores = (
            json.loads((folder / file).read_text(encoding="utf-8")) for file in ("run.json", "scores.json")
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"the run cannot be read: {error}", hint="restore or remove its folder", where=str(folder)
        ) from None
    return Run(folder, facts, scores)
