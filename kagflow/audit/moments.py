"""How rows lie in time: later than others, near to others; and lengths of time in words."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from kagflow.audit.chance import Floats
from kagflow.data import Rows
from kagflow.splits import Folds
from kagflow.splits.when import clock

_SECONDS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_MICROSECONDS_AN_HOUR = 3_600_000_000


def both_times(train: pl.Series, test: pl.Series) -> pl.Series:
    """Return (n + m,) the times of train, then of test."""
    frames = [column.alias("time").to_frame() for column in (train, test)]
    return pl.concat(frames, how="vertical_relaxed").to_series()


def share_later(time: pl.Series, train: Rows, scored: Rows) -> float:
    """Return the share of scored rows that come after the last training row."""
    moments = clock(time)
    return float((moments[scored] > moments[train].max()).mean())


def distances(time: pl.Series, train: Rows, scored: Rows) -> Floats:
    """Return (s,) how far in time each scored row is from the nearest training row, in the units of ``clock``."""
    moments = clock(time).astype(np.float64)
    known, asked = np.unique(moments[train]), moments[scored]
    right = np.clip(np.searchsorted(known, asked), 0, len(known) - 1)
    left = np.maximum(right - 1, 0)
    nearest: Floats = np.minimum(np.abs(known[right] - asked), np.abs(asked - known[left]))
    return nearest


def mean_distance(time: pl.Series, folds: Folds) -> float:
    """Return the mean distance in time of valid rows from the nearest training row, over all folds."""
    return float(np.concatenate([distances(time, fold.train, fold.valid) for fold in folds]).mean())


def in_words(length: float, time: pl.Series) -> str:
    """Return a length, in the units of ``clock``, for people."""
    if not time.dtype.is_temporal():
        return f"{length:.3g}"
    hours = length / _MICROSECONDS_AN_HOUR
    return f"{hours / 24:.3g} days" if hours >= 24 else f"{hours:.3g} hours"


def span_setting(length: Any) -> Any:
    """Return a length of time as a splitter's setting has it: ``28d``, or a number."""
    if not isinstance(length, timedelta):
        return _plain_number(length)
    seconds = max(round(length.total_seconds()), 1)
    return next(f"{seconds // size}{unit}" for unit, size in _SECONDS if seconds % size == 0)


def moment_setting(moment: Any) -> Any:
    """Return a moment as a splitter's setting has it: ``2024-01-31``, or a number."""
    if not isinstance(moment, date):
        return _plain_number(moment)
    return moment.isoformat().removesuffix("T00:00:00")


def _plain_number(value: float) -> float:
    return int(value) if value == int(value) else value
