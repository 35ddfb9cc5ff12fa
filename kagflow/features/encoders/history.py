"""What happened to the same key before: lags, and statistics of a window that ends a lag ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from kagflow.data import Frame, Target
from kagflow.data.table import target_codes
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, numbers, present
from kagflow.features.encoders.past import STATISTICS, Past, span_in_ticks, statistics_of, ticks_of
from kagflow.features.encoders.settings import check_word
from kagflow.features.steps import HistoryStep

Span = int | timedelta


@dataclass(frozen=True)
class Lag(HistoryStep):
    """The number that the same key had a lag ago, as ``<column>__lag_<lag>_by_<key>`` (Float64).

    It is the latest known number of the training rows with the same key whose time is at most the row's minus the lag;
    the mean of several at one moment. Null where there is none, or the time is null. A null key is a key of its own.

    Parameters
    ----------
    columns
        Columns of numbers.
    key
        Columns that together say what is the same: a shop, a shop and an article.
    lag
        How old the nearest usable row is, in the unit of the time column: a number, or a timedelta for dates.

    Raises
    ------
    FeatureError
        The lag is not positive, or of another kind than times; a column is missing, or holds no numbers.

    Examples
    --------
    >>> step = Lag(["price"], key=["shop", "article"], lag=timedelta(days=28))
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    lag: Span

    def __post_init__(self) -> None:
        for field in ("columns", "key"):
            fix_names(self, field)
        _check_span(self, "lag")

    def fit(self, x: Frame, y: Target, time: pl.Series) -> "FittedHistory":
        """Put the training rows in order."""
        suffix = f"__lag_{_in_words(self.lag)}_by_{'_'.join(self.key)}"
        looks = [(numbers(self, x, column), {"mean": column + suffix}) for column in self.columns]
        return _fit(self, x, time, looks, None)


@dataclass(frozen=True)
class TargetLag(HistoryStep):
    """The target that the same key had a lag ago, as ``<key>__target_lag_<lag>`` (Float64).

    As ``Lag``, of the target: of two classes it is the share of the last; of more, a column
    ``<key>__target_lag_<lag>_<class>`` for each.

    Parameters
    ----------
    key
        Columns that together say what is the same.
    lag
        How old the nearest usable row is; at least the horizon that is scored.

    Raises
    ------
    FeatureError
        The lag is not positive, or of another kind than times; a column is missing.
    """

    key: tuple[str, ...]
    lag: Span

    def __post_init__(self) -> None:
        fix_names(self, "key")
        _check_span(self, "lag")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say who it is in messages."""
        return self.key

    def fit(self, x: Frame, y: Target, time: pl.Series) -> "FittedHistory":
        """Put the training rows in order."""
        stem = f"{'_'.join(self.key)}__target_lag_{_in_words(self.lag)}"
        return _fit(self, x, time, [(part, {"mean": stem + suffix}) for suffix, part in _parts(y)], None)


@dataclass(frozen=True)
class Rolling(HistoryStep):
    """Statistics of the numbers that the same key had in a window of time that ends a lag ago.

    As ``<column>__<statistic>_<window>_lag_<lag>_by_<key>`` (Float64), over the training rows with the same key whose
    time is at most the row's minus the lag, and more than the row's minus lag and window. Null where there are none
    (for ``count``: 0), and ``std`` where there is one; null where the time is null. A null number counts for nothing; a
    null key is a key of its own.

    Parameters
    ----------
    columns
        Columns of numbers.
    key
        Columns that together say what is the same.
    window, lag
        In the unit of the time column: numbers, or timedeltas for dates.
    statistics
        Some of ``mean``, ``std`` (of a sample: divided by n - 1), ``median``, ``min``, ``max``, ``sum``, ``count``.

    Raises
    ------
    FeatureError
        Lag or window is not positive, or of another kind than times; there is no such statistic; a column is missing,
        or holds no numbers.

    Examples
    --------
    >>> step = Rolling("price", key="shop", window=7, lag=28, statistics=["mean", "max"])
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    window: Span
    lag: Span
    statistics: tuple[str, ...] = ("mean",)

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        _check_rolling(self)

    def fit(self, x: Frame, y: Target, time: pl.Series) -> "FittedHistory":
        """Put the training rows in order."""
        end = f"_by_{'_'.join(self.key)}"
        looks = [(numbers(self, x, column), _names(self, f"{column}__", end)) for column in self.columns]
        return _fit(self, x, time, looks, self.window)


@dataclass(frozen=True)
class TargetRolling(HistoryStep):
    """Statistics of the targets of the same key in a window of time that ends a lag ago.

    As ``Rolling``, of the target, as ``<key>__target_<statistic>_<window>_lag_<lag>``: of two classes, the last counts
    as 1; of more, there are columns for each, with ``_<class>`` at the end.

    Parameters
    ----------
    key
        Columns that together say what is the same.
    window, lag
        In the unit of the time column: numbers, or timedeltas for dates. The lag must be at least the horizon that is
        scored.
    statistics
        As of ``Rolling``.

    Raises
    ------
    FeatureError
        Lag or window is not positive, or of another kind than times; there is no such statistic; a column is missing.
    """

    key: tuple[str, ...]
    window: Span
    lag: Span
    statistics: tuple[str, ...] = ("mean",)

    def __post_init__(self) -> None:
        _check_rolling(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say who it is in messages."""
        return self.key

    def fit(self, x: Frame, y: Target, time: pl.Series) -> "FittedHistory":
        """Put the training rows in order."""
        stem = f"{'_'.join(self.key)}__target_"
        looks = [(part, _names(self, stem, suffix)) for suffix, part in _parts(y)]
        return _fit(self, x, time, looks, self.window)


Keyed = Lag | TargetLag | Rolling | TargetRolling
Names = Mapping[str, str]
"""New column by statistic."""


@dataclass(frozen=True)
class FittedHistory:
    """The past of each source of numbers, and what is asked of it: of a window, or of the latest moment."""

    step: Keyed
    time: str
    pasts: tuple[tuple[Past, Names], ...]
    window: Span | None

    def transform(self, x: Frame) -> Frame:
        """Return one column for each statistic of each source."""
        time = present(self.step, x, self.time)
        ticks = ticks_of(time) - span_in_ticks(self.step, self.step.lag, time)
        keys = _keys(self.step, x)
        made: list[pl.Series] = []
        for past, names in self.pasts:
            if self.window is None:
                found = past.latest(keys, ticks)
            else:
                found = past.window(keys, ticks, span_in_ticks(self.step, self.window, time))
            results = statistics_of(past.values, *found, list(names))
            made += [pl.Series(name, results[statistic], nan_to_null=True) for statistic, name in names.items()]
        return pl.DataFrame([column.set(time.is_null(), None) for column in made])

    def tables(self) -> Mapping[str, Frame]:
        """Return the rows that are looked back on, by source: key, time, number."""
        return {past.rows.columns[-1]: past.rows for past, _ in self.pasts}


def _fit(
    step: Keyed, x: Frame, time: pl.Series, looks: Sequence[tuple[pl.Series, Names]], window: Span | None
) -> FittedHistory:
    if time.name not in x.columns:
        raise FeatureError(
            f"there is no time column {time.name!r} to look back from",
            hint=did_you_mean(time.name, x.columns),
            where=where_is(step),
        )
    for span in (step.lag, *([] if window is None else [window])):
        span_in_ticks(step, span, time)
    keys, ticks = _keys(step, x), ticks_of(time)
    rows = keys.with_columns(time)
    pasts = tuple((Past.of(rows, step.key, ticks, values.fill_nan(None)), names) for values, names in looks)
    return FittedHistory(step, time.name, pasts, window)


def _keys(step: Keyed, x: Frame) -> Frame:
    return pl.DataFrame([present(step, x, name) for name in step.key])


def _parts(y: Target) -> list[tuple[str, pl.Series]]:
    """Return the numbers that a target comes to, and what to call them: one, or one for each of several classes."""
    codes = pl.Series("target", target_codes(y)).cast(pl.Float64)
    if not isinstance(y.dtype, pl.Enum) or len(y.dtype.categories) <= 2:
        return [("", codes)]
    return [
        (f"_{name}", (codes == code).cast(pl.Float64).alias(f"target_{name}"))
        for code, name in enumerate(y.dtype.categories)
    ]


def _names(step: Rolling | TargetRolling, stem: str, end: str) -> Names:
    spans = f"{_in_words(step.window)}_lag_{_in_words(step.lag)}"
    return {statistic: f"{stem}{statistic}_{spans}{end}" for statistic in step.statistics}


def _in_words(span: Span) -> str:
    """Return a span as part of a name: ``28``, ``28d``, ``12h``, ``90s``."""
    if not isinstance(span, timedelta):
        return f"{span:g}"
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not span % size:
            return f"{span // size}{unit}"
    return f"{span.total_seconds():g}s"


def _check_rolling(step: Rolling | TargetRolling) -> None:
    for field in ("key", "statistics"):
        fix_names(step, field)
    for statistic in step.statistics:
        check_word(step, "statistics", statistic, STATISTICS)
    for field in ("window", "lag"):
        _check_span(step, field)


def _check_span(step: object, field: str) -> None:
    span = getattr(step, field)
    is_number = isinstance(span, int | float) and not isinstance(span, bool)
    if not (isinstance(span, timedelta) or is_number) or not span > type(span)(0):
        raise FeatureError(
            f"{field} must be a positive number or timedelta, got {span!r}",
            hint=f"write {field}=28, or {field}=datetime.timedelta(days=28) where times are dates",
            where=where_is(step),
        )
