"""Two runs side by side: the paired difference of their scores, and what differs in how they came about."""

import difflib
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.data.table import target_codes
from kagflow.errors import ConfigError
from kagflow.metrics import Metric
from kagflow.runs.record import Run, prediction_columns
from kagflow.stats import Difference, paired_difference


@dataclass(frozen=True)
class Comparison:
    """What a run changed against another.

    Attributes
    ----------
    difference
        Score of the run minus score of the other, on the same rows.
    better
        Whether the run is better by the metric's direction; ``None`` inside the noise.
    changes
        Lines of configuration and features that differ, as in a diff.
    """

    difference: Difference
    better: bool | None
    changes: list[str]


def compare(run: Run, other: Run, metric: Metric) -> Comparison:
    """Compare two runs of the same data and folds.

    Raises
    ------
    ConfigError
        They were made on other data or folds, so their rows do not pair.
    """
    for what in ("edition", "data", "folds"):
        if run.facts["fingerprints"][what] != other.facts["fingerprints"][what]:
            raise ConfigError(
                f"the runs were made on different {what}, so their scores do not compare",
                hint="run one of the configs again on the other's",
                where=f"{run.name} against {other.name}",
            )
    first, second = run.oof(), other.oof()
    y = target_codes(first["y"])
    units = first["unit"].to_numpy().astype(np.int64) if "unit" in first.columns else None
    difference = paired_difference(metric, y, prediction_columns(first), prediction_columns(second), units=units)
    better = None if difference.is_noise else metric.better(difference.value, 0.0)
    return Comparison(difference, better, _changes(run, other))


def _changes(run: Run, other: Run) -> list[str]:
    changes: list[str] = []
    for file in ("experiment.yaml", "features.py"):
        texts = [
            (side.path / file).read_text(encoding="utf-8").splitlines() if (side.path / file).is_file() else []
            for side in (other, run)
        ]
        lines = difflib.unified_diff(*texts, fromfile=f"{other.name}/{file}", tofile=f"{run.name}/{file}", n=0, lineterm="")
        changes.extend(lines)
    return changes
