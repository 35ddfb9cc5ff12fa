"""Proof by running again: a row's values depend on that row alone, and the past on nothing later.

Whether an expression is row-wise cannot be read off it reliably, so it is tried: on a random part of the rows, in
another order, the same values must come out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from kagflow.data import Frame, Target
from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features.blame import blaming, where_is
from kagflow.features.steps import FittedStep, HistoryStep

_MOST_ROWS = 500
_SEED = 20_011


def prove_row_wise(step: object, function: Callable[[Frame], Frame], x: Frame, result: Frame) -> None:
    """Raise unless a function gives the same values for a few rows alone.

    Parameters
    ----------
    step
        What to blame: a row function, or the step behind a ``transform``.
    function
        The function that made ``result`` of ``x``.
    x, result
        (n, ...) frames.

    Raises
    ------
    FeatureError
        Some value changed: the function looks at other rows (a mean, a rank, a shift, a fill).
    """
    with blaming(step):
        moved = moved_columns(function, x, result)
    if moved:
        raise FeatureError(
            f"is not row-wise: run on {_sample_size(x)} of {x.height} rows alone, it gives other values "
            f"for {_first_few(moved)}",
            hint="learn what it needs of other rows in a fold step (under `pooled`, where the competition allows it)",
            where=where_is(step),
            code="KF301",
        )


def moved_columns(function: Callable[[Frame], Frame], x: Frame, result: Frame) -> list[str]:
    """Return the columns of ``result``, which the function made of ``x``, that differ when it is given a few rows."""
    if x.height < 2:
        return []
    size = _sample_size(x)
    order = np.random.default_rng(_SEED).choice(x.height, 2 * size, replace=False)
    # Twice, on different rows: of the one row that holds a maximum, at least one of the two parts knows nothing.
    parts = (order[:size], order[size:])
    return next(filter(None, (changed_columns(result[some], function(x[some])) for some in parts)), [])


def _sample_size(x: Frame) -> int:
    return min(_MOST_ROWS, x.height // 2)


def prove_history(step: HistoryStep, learned: FittedStep, x: Frame, y: Target, time: pl.Series) -> None:
    """Raise unless a history step gives rows the same values when everything newer than its lag is taken away.

    Parameters
    ----------
    step, learned
        The step, and what it learned from all the rows that follow.
    x, y, time
        (n, ...) training rows, their target and times.

    Raises
    ------
    FeatureError
        Some value changed: the step looks at rows nearer than its lag, perhaps at the row itself.
    """
    first: Any = time.min()
    moments = time.filter(time >= first + step.lag).sort()  # of the rows that have anything to look back on
    if moments.is_empty():
        return
    moment = moments[moments.len() // 2]
    past, old = time <= moment, time <= moment - step.lag
    rows = x.filter(past)
    with blaming(step):
        again = step.fit(x.filter(old), y.filter(old), time.filter(old)).transform(rows)
        moved = changed_columns(learned.transform(rows), again)
    if moved:
        raise FeatureError(
            f"looks at rows nearer than its lag of {step.lag}: {_first_few(moved)} changed when they were taken away",
            hint="use only rows whose time is at most that of the row minus the lag",
            where=where_is(step),
            code="KF305",
        )


def check_new_columns(step: object, made: Frame, x: Frame) -> None:
    """Raise unless a transform returned a frame of new columns, with a row for each that it was given.

    Raises
    ------
    FeatureError
        It did not; the error names the step.
    """
    if not isinstance(made, pl.DataFrame):
        raise FeatureError(
            f"transform returned {type(made).__name__}", hint="return a polars DataFrame", where=where_is(step)
        )
    if made.height != x.height:
        raise FeatureError(
            f"transform was given {x.height} rows and returned {made.height}",
            hint="one row for each, in the same order",
            where=where_is(step),
        )
    known = set(x.columns)
    for name in made.columns:
        if name in known:
            raise FeatureError(
                f"transform returned a column {name!r} that is there already",
                hint="return new columns only, named <source>__<what>",
                where=where_is(step),
            )


def _first_few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
