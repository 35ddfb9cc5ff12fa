"""Where a number stands among those of the training rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.features.encoders.columns import finite_numbers, fix_names, numbers
from kagflow.features.encoders.settings import check_number, check_word
from kagflow.features.steps import FoldStep

_LANDMARKS = 1000


@dataclass(frozen=True)
class Rank(FoldStep):
    """The share of training rows with a smaller number, as ``<column>__rank`` (Float64).

    Rows with null count for nothing, and stay null; where the training rows hold nothing, all are null.

    Parameters
    ----------
    columns
        Columns of numbers.

    Raises
    ------
    FeatureError
        A column is missing, or holds something else.
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def fit(self, x: Frame) -> "FittedRank":
        """Count the numbers of the training rows."""
        return FittedRank(self, tuple(_distinct(finite_numbers(self, x, column)) for column in self.columns))


@dataclass(frozen=True)
class FittedRank:
    """For each column, its distinct numbers in order, and how often they occur."""

    step: Rank
    counts: tuple[Frame, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        pairs = zip(self.step.columns, self.counts, strict=True)
        return pl.DataFrame([self._ranks(numbers(self.step, x, column), known) for column, known in pairs])

    def _ranks(self, values: pl.Series, known: Frame) -> pl.Series:
        # How many rows are below the first distinct number, the second, ..., and above the last.
        below = np.concatenate([[0], np.cumsum(known["count"].to_numpy())])
        shares = below / below[-1] if below[-1] else np.full(1, np.nan)
        places = known["number"].search_sorted(values.fill_null(0.0), side="left").to_numpy()
        return _unless_null(f"{values.name}__rank", values, shares[places])

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the distinct numbers and their counts."""
        return dict(zip(self.step.columns, self.counts, strict=True))


@dataclass(frozen=True)
class QuantileTransform(FoldStep):
    """Numbers spread evenly, or like a normal distribution, as ``<column>__quantile`` (Float64).

    A number of the training rows becomes the share of them below it plus half the share of those equal to it (Hazen,
    1914); between two of them, on a straight line; outside, the first or the last. Beyond 1000 distinct numbers, 1000
    of them carry the line. ``normal`` is the quantile of a standard normal distribution for that share. A column that
    does not vary in the training rows becomes the middle (0.5, or 0); null stays null, and all are where the training
    rows hold nothing.

    Parameters
    ----------
    columns
        Columns of numbers.
    output
        ``uniform`` (from 0 to 1) or ``normal``.

    Raises
    ------
    FeatureError
        A column is missing, or holds something else.
    """

    columns: tuple[str, ...]
    output: str = "normal"

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_word(self, "output", self.output, ("normal", "uniform"))

    def fit(self, x: Frame) -> "FittedQuantileTransform":
        """Learn numbers and what they become."""
        return FittedQuantileTransform(
            self, tuple(self._line(finite_numbers(self, x, column)) for column in self.columns)
        )

    def _line(self, values: pl.Series) -> Frame:
        known = _distinct(values)
        counts = known["count"].to_numpy()
        shares = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
        if len(shares) > _LANDMARKS:
            wanted = np.linspace(shares[0], shares[-1], _LANDMARKS)
            kept = np.unique(np.searchsorted(shares, wanted).clip(max=len(shares) - 1))
            known, shares = known[kept], shares[kept]
        return known.select("number", pl.Series("share", shares))


@dataclass(frozen=True)
class FittedQuantileTransform:
    """For each column, numbers in order and their shares."""

    step: QuantileTransform
    lines: tuple[Frame, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        pairs = zip(self.step.columns, self.lines, strict=True)
        return pl.DataFrame([self._place(numbers(self.step, x, column), line) for column, line in pairs])

    def _place(self, values: pl.Series, line: Frame) -> pl.Series:
        from scipy.special import ndtri

        name = f"{values.name}__quantile"
        if line.is_empty():
            return values.clear(values.len()).alias(name)
        shares = np.interp(values.fill_null(0.0).to_numpy(), line["number"].to_numpy(), line["share"].to_numpy())
        return _unless_null(name, values, ndtri(shares) if self.step.output == "normal" else shares)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the numbers that carry the line, and their shares."""
        return dict(zip(self.step.columns, self.lines, strict=True))


@dataclass(frozen=True)
class Bins(FoldStep):
    """Which of n intervals a number is in, each with about as many training rows, as ``<column>__bin``.

    Intervals hold their lower end. Where many training rows have one number, some intervals are never used. Null stays
    null, and all are where the training rows hold nothing.

    Parameters
    ----------
    columns
        Columns of numbers.
    n
        Number of intervals, from 2 on.
    categorical
        Whether to make categories ``0`` to ``n - 1`` (Enum, for encoders and trees), or numbers (Int32).

    Raises
    ------
    FeatureError
        A column is missing, or holds something else.
    """

    columns: tuple[str, ...]
    n: int = 10
    categorical: bool = True

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "n", 2)

    def fit(self, x: Frame) -> "FittedBins":
        """Find where the intervals start."""
        return FittedBins(self, tuple(self._edges(finite_numbers(self, x, column)) for column in self.columns))

    def _edges(self, values: pl.Series) -> pl.Series:
        """Return where the intervals but the first start."""
        shares = np.arange(1, self.n) / self.n
        known = values.drop_nulls().to_numpy()
        return pl.Series(values.name, np.quantile(known, shares) if len(known) else [], dtype=pl.Float64)


@dataclass(frozen=True)
class FittedBins:
    """For each column, where the intervals but the first start."""

    step: Bins
    edges: tuple[pl.Series, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame([self._bins(numbers(self.step, x, edges.name), edges) for edges in self.edges])

    def _bins(self, values: pl.Series, edges: pl.Series) -> pl.Series:
        codes = edges.search_sorted(values.fill_null(0.0), side="right").cast(pl.Int32)
        known = values.is_not_null() if edges.len() else pl.repeat(False, values.len(), eager=True)
        codes = codes.set(~known, None).alias(f"{values.name}__bin")
        names = pl.Enum([str(i) for i in range(self.step.n)])
        return codes.cast(pl.String).cast(names) if self.step.categorical else codes

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the bins and where they start; null for the first."""
        return {edges.name: pl.DataFrame({"start": [None, *edges]}).with_row_index("bin") for edges in self.edges}


def _distinct(values: pl.Series) -> Frame:
    """Return the distinct numbers in ascending order, and their counts."""
    return values.drop_nulls().alias("number").to_frame().group_by("number").agg(count=pl.len()).sort("number")


def _unless_null(name: str, values: pl.Series, made: NDArray[np.float64]) -> pl.Series:
    """Return what was made of values, but null where they are."""
    return pl.Series(name, made, nan_to_null=True).set(values.is_null(), None)
