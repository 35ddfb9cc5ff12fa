"""Times of rows as numbers, and lengths of time as a config writes them."""

import re
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError

Clock = NDArray[np.int64] | NDArray[np.float64]
Span = int | float | str
"""A length of time: a number where times are numbers, a text such as ``28d`` where they are dates."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(rf"(\d+)([{''.join(_SECONDS)}])")
_EXAMPLE = 'a number where times are numbers, or as in "28d" (s, m, h, d or w) where they are dates'


def times_of(table: Table) -> pl.Series:
    """Return the times of a table's rows.

    Raises
    ------
    SplitError
        It has none.
    """
    if table.time is None:
        raise SplitError(
            "a split by time needs a time column, and the competition names none",
            hint="add `time: <column>` to competition.yaml, or TIME = <expression> to features.py",
            where="splitter.kind",
        )
    return table.time


def moments_of(table: Table) -> Rows:
    """Return (n,) ranks of the rows' times, from 0."""
    return dense_codes(times_of(table))


def clock(time: pl.Series) -> Clock:
    """Return (n,) times as numbers: as they are, or microseconds where they are dates."""
    if time.dtype.is_temporal():
        is_moment = time.dtype in (pl.Date, pl.Datetime)
        unit = pl.Datetime("us", _zone(time)) if is_moment else pl.Duration("us")
        time = time.cast(unit).to_physical()
    numbers: Clock = time.cast(pl.Int64 if time.dtype.is_integer() else pl.Float64).to_numpy()
    return numbers


def check_span(name: str, value: object) -> None:
    """Raise a SplitError unless a setting is a length of time that is not negative."""
    if isinstance(value, str) and _SPAN.fullmatch(value):
        return
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return
    raise SplitError(f"expected a length of time, got {value!r}", hint=f"write {_EXAMPLE}", where=f"splitter.{name}")


def length(name: str, value: Span, time: pl.Series) -> int | float:
    """Return a setting's length in the units of ``clock``.

    Raises
    ------
    SplitError
        It is a number and times are dates, or the other way round.
    """
    if value == 0:
        return 0
    if isinstance(value, str) != time.dtype.is_temporal():
        raise SplitError(
            f"{value!r} is no length of time where times are {time.dtype}",
            hint=f"write {_EXAMPLE}",
            where=f"splitter.{name}",
        )
    if not isinstance(value, str):
        return value
    found = _SPAN.fullmatch(value)
    assert found is not None  # checked when the splitter was made
    return int(found[1]) * _SECONDS[found[2]] * 1_000_000


def moment(name: str, value: object, time: pl.Series) -> int | float:
    """Return a moment that a config names in the units of ``clock``.

    Raises
    ------
    SplitError
        It is not one in a column of such times.
    """
    try:
        if not time.dtype.is_temporal():
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
        elif isinstance(value, str | date):
            exact = datetime.fromisoformat(str(value))
            column = pl.Series([exact]).dt.replace_time_zone(_zone(time))
            return int(clock(column)[0])
    except ValueError:
        pass
    raise SplitError(
        f"{value!r} is no moment where times are {time.dtype}",
        hint="write a number where times are numbers, or as in 2024-01-31 where they are dates",
        where=f"splitter.{name}",
    )


def _zone(time: pl.Series) -> str | None:
    return time.dtype.time_zone if isinstance(time.dtype, pl.Datetime) else None
