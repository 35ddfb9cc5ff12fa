"""What is known of the past, in order, so that a row's part of it is found by bisection."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Ticks = NDArray[Any]
_CODE = "__code"
_MOST_NUMBERS = 2**22  # that are laid out at a time: 32 MiB


@dataclass(frozen=True)
class Past:
    """Known numbers in order of key, then time.

    Attributes
    ----------
    keys
        The distinct keys, and the code of each.
    moments
        (moments,) distinct times in order, whatever the key.
    places
        (n,) where a number stands: its key's code, and the rank of its time from 1, in one number; ascending.
    values
        (n,) the numbers, in the same order.
    rows
        (n,) the rows that they come from: key, time and number.
    """

    keys: Frame
    moments: Ticks
    places: Places
    values: Array
    rows: Frame

    @classmethod
    def of(cls, rows: Frame, key: Sequence[str], ticks: Ticks, values: pl.Series) -> "Past":
        """Put (n,) rows of keys and times, their ticks and numbers in order; rows without a number are left out."""
        known = values.is_not_null()
        rows = rows.with_columns(values.alias(f"{values.name}__known")).filter(known)
        keys = rows.select(key).unique().sort(key).with_row_index(_CODE)
        moments, ranks = np.unique(ticks[known.to_numpy()], return_inverse=True)
        places = _codes(rows, keys) * (len(moments) + 1) + ranks + 1
        order = np.argsort(places, kind="stable")
        return cls(keys, moments, places[order], values.filter(known).to_numpy()[order], rows[order])

    def window(self, x: Frame, ticks: Ticks, length: float | None) -> tuple[Places, Places]:
        """Return (m,) start and stop of the numbers of each row's key.

        Their time is at most the row's ticks, and more than ``length`` below; without a length, all the past.
        """
        base = _codes(x, self.keys) * (len(self.moments) + 1)  # of an unknown key before all places
        oldest = 0 if length is None else np.searchsorted(self.moments, ticks - length, side="right")
        newest = np.searchsorted(self.moments, ticks, side="right")
        start, stop = (np.searchsorted(self.places, base + rank, side="right") for rank in (oldest, newest))
        return start, stop

    def latest(self, x: Frame, ticks: Ticks) -> tuple[Places, Places]:
        """Return (m,) start and stop of the numbers of each row's key at its latest moment up to the row's ticks."""
        first, stop = self.window(x, ticks, None)
        start = stop.copy()
        some = first < stop
        start[some] = np.searchsorted(self.places, self.places[stop[some] - 1])
        return start, stop


def statistics_of(values: Array, start: Places, stop: Places, names: Sequence[str]) -> dict[str, Array]:
    """Return (m,) statistics of the numbers from each start to each stop; NaN where there is none.

    Each is computed from these numbers only, never as a difference of running sums, in which others leave a trace.
    """
    pairs, back = np.unique(start * (len(values) + 1) + stop, return_inverse=True)  # equal windows once
    start, stop = np.divmod(pairs, len(values) + 1)
    counts = stop - start
    made = {name: np.where(counts == 0, 0.0 if name == "count" else np.nan, np.nan) for name in names}
    some = np.flatnonzero(counts)
    for piece in _pieces(counts[some]):
        own = some[piece]
        offsets = np.cumsum(counts[own]) - counts[own]
        flat = values[np.arange(counts[own].sum()) + np.repeat(start[own] - offsets, counts[own])]
        for name in names:
            made[name][own] = STATISTICS[name](flat, offsets, counts[own])
    return {name: result[back] for name, result in made.items()}


def _pieces(counts: Places) -> Iterator[slice]:
    """Yield runs of windows with not too many numbers together, or with one window."""
    total = np.cumsum(counts)
    first = done = 0
    while first < len(counts):
        last = max(int(np.searchsorted(total, done + _MOST_NUMBERS, side="right")), first + 1)
        yield slice(first, last)
        first, done = last, int(total[last - 1])


def _mean(flat: Array, offsets: Places, counts: Places) -> Array:
    means: Array = np.add.reduceat(flat, offsets) / counts
    return means


def _std(flat: Array, offsets: Places, counts: Places) -> Array:
    squares = np.add.reduceat((flat - np.repeat(_mean(flat, offsets, counts), counts)) ** 2, offsets)
    variances: Array = np.divide(squares, counts - 1, out=np.full(len(counts), np.nan), where=counts > 1)
    return np.sqrt(variances)


def _median(flat: Array, offsets: Places, counts: Places) -> Array:
    ordered = flat[np.lexsort((flat, np.repeat(offsets, counts)))]
    middle: Array = (ordered[offsets + (counts - 1) // 2] + ordered[offsets + counts // 2]) / 2
    return middle


STATISTICS: Mapping[str, Callable[[Array, Places, Places], Array]] = {
    "mean": _mean,
    "std": _std,
    "median": _median,
    "min": lambda flat, offsets, counts: np.minimum.reduceat(flat, offsets),
    "max": lambda flat, offsets, counts: np.maximum.reduceat(flat, offsets),
    "sum": lambda flat, offsets, counts: np.add.reduceat(flat, offsets),
    "count": lambda flat, offsets, counts: counts.astype(np.float64),
}


def ticks_of(time: pl.Series) -> Ticks:
    """Return (n,) times as numbers: as they are, or in microseconds; 0 for null."""
    dtype = time.dtype
    if isinstance(dtype, pl.Date | pl.Datetime):
        ticks = time.dt.epoch("us")
    elif isinstance(dtype, pl.Duration):
        ticks = time.dt.total_microseconds()
    else:
        ticks = time.cast(pl.Int64 if dtype.is_integer() else pl.Float64)
    return ticks.fill_null(0).to_numpy()


def span_in_ticks(step: object, span: float | timedelta, time: pl.Series) -> float:
    """Return a lag or window in the unit of ``ticks_of``.

    Raises
    ------
    FeatureError
        It is a number where times are dates, or a timedelta where they are numbers.
    """
    is_delta = isinstance(span, timedelta)
    if is_delta != time.dtype.is_temporal():
        raise FeatureError(
            f"the times in {time.name!r} are of type {time.dtype}, and a span of them cannot be {span!r}",
            hint="write datetime.timedelta(days=28) for dates, a number for numbers",
            where=where_is(step),
        )
    return span // timedelta(microseconds=1) if isinstance(span, timedelta) else span


def _codes(x: Frame, keys: Frame) -> Places:
    """Return (n,) codes of the rows' keys; -1 of unknown ones. Null is a key of its own."""
    by = [name for name in keys.columns if name != _CODE]
    found = x.select(by).join(keys, on=by, how="left", nulls_equal=True, maintain_order="left")
    return found[_CODE].cast(pl.Int64).fill_null(-1).to_numpy()
