"""Whether the lag of a history step reaches as far as the rows that it encodes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.steps import HistoryStep

_LESS_FAR = {
    "test": ", or `refit: {rows: all}`, for an early fold is far from test",
    "stop": ", or give `rounds` a number, so that no stop rows are needed",
}


def check_lag(step: HistoryStep, time: pl.Series, ahead: Mapping[str, pl.Series]) -> None:
    """Refuse a lag that the rows to encode outrun: their nearest history would be missing where it counts.

    Parameters
    ----------
    step
        Whose lag.
    time
        Times of the training rows.
    ahead
        Times of the rows that lie ahead of them, by name.

    Raises
    ------
    FeatureError
        The lag is not positive, or shorter than the horizon.
    """
    last: Any = time.max()
    if isinstance(last - last, timedelta) != isinstance(step.lag, timedelta):
        raise FeatureError(
            f"its lag of {step.lag!r} is no span of the time column, which holds {time.dtype}",
            hint="write a timedelta for dates, and a number for numbers",
            where=where_is(step),
        )
    if not step.lag > last - last:
        raise FeatureError(f"the lag must be positive, got {step.lag}", where=where_is(step), code="KF305")
    for name, times in ahead.items():
        farthest: Any = times.max()
        horizon = farthest - last
        if horizon > step.lag:
            raise FeatureError(
                f"its lag of {step.lag} is shorter than the horizon: "
                f"{name} rows reach {horizon} beyond the training rows",
                hint=f"use a lag of at least {horizon}" + _LESS_FAR.get(name, ""),
                where=where_is(step),
                code="KF305",
            )
