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
from kagflow.errors import ConfigError, DataError, did_you_mean
from kagflow.runs.directory import PARTIAL, run_name
from kagflow.runs.submission import SUBMISSION
from kagflow.stats import with_noise

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

    def __str__(self) -> str:
        """Return its config, and its score with the noise, in a line."""
        if not self.scored:
            return f"{self.facts['config']}: no score: {self.scores['why_no_cv']}"
        better = "less" if self.scores["direction"] == "minimize" else "more"
        score = with_noise(self.scores["cv"], self.scores["se"])
        return f"{self.facts['config']}: {self.scores['metric']} {score} ({better} is better)"

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.path.name

    @property
    def kind(self) -> str:
        """What made it: a model's kind, ``ensemble``, or ``imported``."""
        return str(self.facts["kind"])

    @property
    def foreign(self) -> bool:
        """Whether its OOF came from other folds, so that nothing is known of what its scored rows have touched."""
        return bool(self.facts.get("foreign"))

    @property
    def honest(self) -> bool:
        """Whether its score makes a claim: it is not foreign, nor is anything that it was made of."""
        return not self.foreign and bool(self.facts.get("honest", True))

    @property
    def scored(self) -> bool:
        """Whether it has a score: none has what is submitted with files that have no OOF."""
        return self.scores["cv"] is not None

    @property
    def quick(self) -> bool:
        """Whether it looked at a part of the data only, so that its score compares with no other."""
        return self.facts.get("quick_look") is not None

    def compares_with(self, other: "Run") -> bool:
        """Say whether both scores measure the same on the same rows."""
        if self is other:
            return True
        if self.quick or other.quick or not self.scored or not other.scored:
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
        shown = ("competition", "config", "kind", "edition", "quick_look", "seconds")
        facts = {name: self.facts.get(name) for name in shown}
        return {
            **facts,
            "foreign": not self.honest,
            "run": str(self.path),
            **self.scores,
            "submission": str(self.path / SUBMISSION),
        }


PROCESSED = "processed"
METRIC_COLUMN = "metric_column_"  # before the name of what else the metric looks at


def known_columns(names: Sequence[str]) -> list[str]:
    """Return the columns of an OOF frame that tell of its rows, without the predictions."""
    return [name for name in names if not name.startswith(("prediction", PROCESSED))]


def raw_columns(names: Sequence[str]) -> list[str]:
    """Return the columns of a frame that hold the models' own mean predictions: one, or one a class or target."""
    return [name for name in names if name == "prediction" or name.startswith("prediction_")]


def prediction_columns(frame: Frame) -> NDArray[np.generic]:
    """Return what is scored of an OOF frame: its processed predictions, or the models' own.

    They are (n,), or (n, k) of classes, or (n, targets) of several targets.
    """
    stem = PROCESSED if any(name.startswith(PROCESSED) for name in frame.columns) else "prediction"
    names = [name for name in frame.columns if name == stem or name.startswith(f"{stem}_")]
    values = frame.select(names).to_numpy(order="c")
    return values[:, 0] if len(names) == 1 else values


def best_run(runs: Sequence[Run]) -> Run:
    """Return the run with the best score among those that compare with the last one: same data, folds and metric.

    The last one counts that has a score. One whose score makes no claim is the best only where all are such.
    """
    last = ([run for run in runs if run.scored] or [*runs])[-1]
    sign = 1 if last.scores["direction"] == "minimize" else -1
    alike = [run for run in runs if run.compares_with(last)]
    return min(alike, key=lambda run: (not run.honest, sign * (run.scores["cv"] or 0.0)))


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
    return find_run(list_runs(runs), name, runs)


def find_run(known: Sequence[Run], name: str, where: Path) -> Run:
    """Return one of these runs, as ``read_run`` does; ``where`` names them in errors."""
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
            f"{name!r} is part of {len(found)} runs' names",
            hint="write more of it: " + found[-1].name,
            where=str(where),
        )
    raise ConfigError(
        f"there is no run {name!r}", hint=did_you_mean(wanted, [run.name for run in known]), where=str(where)
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
