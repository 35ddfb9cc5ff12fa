"""What the target was, on average, for rows of the same category."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.data.table import target_codes
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.levels import Levels
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import AdditiveStep

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TargetMean(AdditiveStep):
    """The mean target of the row's category, smoothed, as ``<column>__target_mean`` (Float64).

    The m-estimate of Micci-Barreca (2001): (sum + m * prior) / (count + m), where the prior is the mean of all rows
    and m is ``smooth``. Null is a category of its own; a category unseen in the fit has the prior. For two classes the
    mean is the share of the last one; for more there is a column a class, ``<column>__target_mean_<class>``.

    Parameters
    ----------
    columns
        Categorical or boolean columns.
    smooth
        How many rows the prior counts for; 0 for plain means.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.
    """

    columns: tuple[str, ...]
    smooth: float = 10.0

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "smooth", 0)

    def tally(self, x: Frame, y: Target) -> "TargetTally":
        """Return counts and sums of the target for every level of every column."""
        levels = tuple(Levels.of(self, x, column) for column in self.columns)
        classes = tuple(y.dtype.categories) if isinstance(y.dtype, pl.Enum) else ()
        pairs = [_count_and_sum(each.codes(self, x), len(each), target_codes(y), len(classes)) for each in levels]
        counts, sums = zip(*pairs, strict=True)
        return TargetTally(levels, classes if len(classes) > 2 else ("",), counts, sums)

    def finish(self, tally: "TargetTally") -> "FittedTargetMean":
        """Return the smoothed means."""
        pairs = zip(tally.counts, tally.sums, strict=True)
        return FittedTargetMean(self, tally, tuple(_smoothed(counts, sums, self.smooth) for counts, sums in pairs))


@dataclass(frozen=True)
class TargetTally:
    """Sums of the target over rows.

    Attributes
    ----------
    levels
        The levels of each column.
    classes
        The k classes of which means are taken; one without a name where there is no choice of it.
    counts
        For each column, (levels,) number of rows.
    sums
        For each column, (k, levels) sum of the target, or number of rows of the class.
    """

    levels: tuple[Levels, ...]
    classes: tuple[str, ...]
    counts: tuple[Array, ...]
    sums: tuple[Array, ...]

    def __add__(self, other: "TargetTally") -> "TargetTally":
        return TargetTally(
            self.levels,
            self.classes,
            tuple(map(np.add, self.counts, other.counts)),
            tuple(map(np.add, self.sums, other.sums)),
        )


@dataclass(frozen=True)
class FittedTargetMean:
    """For each column, (k, levels) smoothed means."""

    step: TargetMean
    tally: TargetTally
    means: tuple[Array, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named, or one for each class of it."""
        made = []
        for levels, means in zip(self.tally.levels, self.means, strict=True):
            codes = levels.codes(self.step, x)
            names = self._names(f"{levels.column}__target_mean")
            made += [pl.Series(name, np.take(mean, codes)) for name, mean in zip(names, means, strict=True)]
        return pl.DataFrame(made)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, count, mean and what it is smoothed to."""
        parts = zip(self.tally.levels, self.tally.counts, self.tally.sums, self.means, strict=True)
        return {levels.column: self._table(levels, counts, sums, means) for levels, counts, sums, means in parts}

    def _table(self, levels: Levels, counts: Array, sums: Array, means: Array) -> Frame:
        plain = sums / np.maximum(counts, 1)
        columns = [levels.names(), pl.Series("count", counts.astype(np.int64))]
        columns += map(pl.Series, self._names("mean"), plain)
        columns += map(pl.Series, self._names("smoothed"), means)
        return pl.DataFrame(columns).filter(pl.col("count") > 0)

    def _names(self, stem: str) -> list[str]:
        return [f"{stem}_{name}" if name else stem for name in self.tally.classes]


def _count_and_sum(codes: NDArray[np.uint32], size: int, y: NDArray[np.generic], n_classes: int) -> tuple[Array, Array]:
    """Return (size,) counts and (k, size) sums by code; of two classes, k = 1: the last."""
    if n_classes == 0:
        counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, weights=y, minlength=size)
        return counts.astype(np.float64), sums[np.newaxis].astype(np.float64, copy=False)
    pairs = codes.astype(np.int64) * n_classes + y.astype(np.int64)  # (code, class) in one number, counted in one pass
    by_class = np.bincount(pairs, minlength=size * n_classes).reshape(size, n_classes).T.astype(np.float64)
    return by_class.sum(axis=0), by_class if n_classes > 2 else by_class[-1:]


def _smoothed(counts: Array, sums: Array, smooth: float) -> Array:
    """Return (k, levels) means, each drawn towards the mean of all rows; exactly that where there are no rows."""
    prior = sums.sum(axis=1, keepdims=True) / counts.sum()
    means = np.repeat(prior, len(counts), axis=1)
    np.divide(sums + smooth * prior, counts + smooth, out=means, where=counts > 0)
    return means
