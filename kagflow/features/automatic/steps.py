"""Steps that only the automatic features need: what one row says, and how its nulls lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import fix_names, numbers, present
from kagflow.features.encoders.dates import moments_of
from kagflow.features.steps import FoldStep

_SECONDS_A_DAY = 86_400.0
_MOST_PATTERNS = 50


class _RowFunction(Protocol):
    @property
    def columns(self) -> tuple[str, ...]: ...

    def __call__(self, x: Frame) -> Frame: ...


@dataclass(frozen=True)
class OfRow(FoldStep):
    """The new columns of a row function, which has nothing to learn, as a step.

    Parameters
    ----------
    function
        A frozen object with ``columns``, such as those behind ``dates`` and ``text_lengths``.
    """

    function: _RowFunction

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the function reads."""
        return self.function.columns

    def fit(self, x: Frame) -> "OfRow":
        """Learn nothing."""
        return self

    def transform(self, x: Frame) -> Frame:
        """Return the columns that the function adds."""
        read = x.select(self.columns)
        return self.function(read).drop(read.columns)

    def tables(self) -> Mapping[str, Frame]:
        """Return nothing."""
        return {}


@dataclass(frozen=True)
class Arithmetic:
    """A row function that makes of two columns of numbers ``<a>__plus_<b>``, ``__minus_`` or ``__over_`` (Float64).

    Null where either is; what is divided by zero is null too.
    """

    columns: tuple[str, ...]
    word: str

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the column beside it."""
        first, second = (numbers(self, x, name) for name in self.columns)
        if self.word == "over":
            made = first / second.set(second == 0, None)
        else:
            made = first + second if self.word == "plus" else first - second
        return x.with_columns(made.alias(f"{self.columns[0]}__{self.word}_{self.columns[1]}"))


@dataclass(frozen=True)
class DaysBetween:
    """A row function that makes of two columns of dates ``<a>__days_since_<b>`` (Float64); null where either is."""

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the column beside it."""
        first, second = (moments_of(self, x, name).cast(pl.Datetime("us")) for name in self.columns)
        days = (first - second).dt.total_seconds() / _SECONDS_A_DAY
        return x.with_columns(days.alias(f"{self.columns[0]}__days_since_{self.columns[1]}"))


def is_missing(column: pl.Series) -> pl.Series:
    """Return (n,) whether there is nothing: null, or no number."""
    return column.is_null() | column.is_nan() if column.dtype.is_float() else column.is_null()


@dataclass(frozen=True)
class Missing(FoldStep):
    """How many of a row's columns are null, and how common it is that just these are.

    It makes ``row__missing`` (Int32) and ``row__missing_pattern`` (Int32): the place of the row's pattern among those
    of the training rows, the most common one first; one place for all that are rarer than the first 50, or unseen.

    Parameters
    ----------
    columns
        Columns of any kind.
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def fit(self, x: Frame) -> "FittedMissing":
        """Count the patterns of the training rows."""
        counts = self.patterns(x).to_frame().group_by("pattern").len("rows").sort("rows", "pattern", descending=True)
        return FittedMissing(self, counts.head(_MOST_PATTERNS).with_row_index("place"))

    def patterns(self, x: Frame) -> pl.Series:
        """Return (n,) a word for each row: 1 for a null, 0 for none, column by column."""
        signs = [is_missing(present(self, x, name)).cast(pl.UInt8).cast(pl.String) for name in self.columns]
        return pl.DataFrame(signs).select(pl.concat_str(pl.all()).alias("pattern")).to_series()


@dataclass(frozen=True)
class FittedMissing:
    """The most common patterns of the training rows: pattern, rows and place."""

    step: Missing
    patterns: Frame

    def transform(self, x: Frame) -> Frame:
        """Return two columns."""
        own = self.step.patterns(x).to_frame()
        found = own.join(self.patterns, on="pattern", how="left", maintain_order="left")
        return found.select(
            pl.col("pattern").str.count_matches("1").cast(pl.Int32).alias("row__missing"),
            pl.col("place").cast(pl.Int32).fill_null(_MOST_PATTERNS).alias("row__missing_pattern"),
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return the patterns."""
        return {"patterns": self.patterns}
