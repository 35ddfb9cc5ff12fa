"""What the target was, on average, for rows of the same category."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.data.table import target_codes
from kagflow.features.encoders.combinations import Columns, fix_columns
from kagflow.features.encoders.levels import AnyLevels, Array, Codes, LevelSums, levels_of_rows, take_by_level
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import AdditiveStep


@dataclass(frozen=True)
class TargetMean(AdditiveStep):
    """The mean target of the row's category, smoothed, as ``<column>__target_mean`` (Float64).

    The m-estimate of Micci-Barreca (2001): (sum + m * prior) / (count + m), where the prior is the mean of all rows
    and m is ``smooth``. Null is a category of its own; a category unseen in the fit has the prior. For two classes the
    mean is the share of the last one; for more there is a column a class, ``<column>__target_mean_<class>``.

    Parameters
    ----------
    columns
        Categorical or boolean columns; a tuple of several stands for their combination, ``<a>_x_<b>``.
    smooth
        How many rows the prior counts for; 0 for plain means.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.

    Examples
    --------
    >>> step = TargetMean(["colour", ("colour", "shape")])
    >>> step = TargetMean(combinations(["colour", "shape", "size"], 2))
    """

    columns: Columns
    smooth: float = 10.0

    def __post_init__(self) -> None:
        fix_columns(self, "columns")
        check_number(self, "smooth", 0)

    def tally(self, x: Frame, y: Target) -> "TargetTally":
        """Return counts and sums of the target for every level of every column."""
        return TargetTally.of(self, x, y)

    def finish(self, tally: "TargetTally") -> "FittedTargetMean":
        """Return the smoothed means."""
        return FittedTargetMean(self, tally, tally.smoothed_means(self.smooth))


@dataclass(frozen=True)
class TargetTally:
    """Sums of the target over rows.

    Attributes
    ----------
    classes
        The k classes of which means are taken; one without a name where there is no choice of it.
    sums
        For each key, by level: the number of rows, and k sums of the target, or numbers of rows of the class.
    """

    classes: tuple[str, ...]
    sums: tuple[LevelSums, ...]

    @classmethod
    def of(cls, step: AdditiveStep, x: Frame, y: Target) -> "TargetTally":
        """Return the sums of some rows by each key of ``step.columns``.

        Raises
        ------
        FeatureError
            A column is missing, or holds no categories.
        """
        assert isinstance(step.columns, Columns)
        classes = tuple(y.dtype.categories) if isinstance(y.dtype, pl.Enum) else ()
        sums = [
            LevelSums(levels, _count_and_sum(codes, len(levels), target_codes(y), len(classes)))
            for levels, codes in levels_of_rows(step, x, step.columns)
        ]
        return cls(classes if len(classes) > 2 else ("",), tuple(sums))

    def __add__(self, other: "TargetTally") -> "TargetTally":
        return TargetTally(self.classes, tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)))

    @property
    def levels(self) -> list[AnyLevels]:
        """The levels of each key."""
        return [each.levels for each in self.sums]

    def smoothed_means(self, smooth: float) -> tuple[Array, ...]:
        """Return, for each key, (k, levels) means drawn towards that of all rows; exactly that where there are none."""
        return tuple(_smoothed(each.counts, each.values[1:], smooth) for each in self.sums)


@dataclass(frozen=True)
class FittedTargetMean:
    """For each key, (k, levels) smoothed means."""

    step: TargetMean
    tally: TargetTally
    means: tuple[Array, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each key, or one for each class of it."""
        levels = self.tally.levels
        made = [
            pl.DataFrame(self._named(f"{each.column}__target_mean", means))
            for each, means in zip(levels, self.means, strict=True)
        ]
        return take_by_level(self.step, x, levels, made)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, count, mean and what it is smoothed to."""
        return {
            sums.levels.column: table_of_seen(
                sums, [*self._named("mean", sums.means), *self._named("smoothed", smoothed)]
            )
            for sums, smoothed in zip(self.tally.sums, self.means, strict=True)
        }

    def _named(self, stem: str, values: Array) -> list[pl.Series]:
        names = (f"{stem}_{name}" if name else stem for name in self.tally.classes)
        return [pl.Series(name, own) for name, own in zip(names, values, strict=True)]


def table_of_seen(sums: LevelSums, columns: Iterable[pl.Series]) -> Frame:
    """Return the levels that some row has: category, count, and further (levels,) columns."""
    counts = pl.Series("count", sums.counts.astype(np.int64))
    return pl.DataFrame([sums.levels.names(), counts, *columns]).filter(pl.col("count") > 0)


def _count_and_sum(codes: Codes, size: int, y: NDArray[np.generic], n_classes: int) -> Array:
    """Return (1 + k, size) counts and k sums by code; of two classes, k = 1: the last."""
    if n_classes == 0:
        return np.stack([np.bincount(codes, minlength=size), np.bincount(codes, weights=y, minlength=size)])
    pairs = codes.astype(np.int64) * n_classes + y.astype(np.int64)  # (code, class) in one number, counted in one pass
    by_class = np.bincount(pairs, minlength=size * n_classes).reshape(size, n_classes).T.astype(np.float64)
    return np.vstack([by_class.sum(axis=0), by_class if n_classes > 2 else by_class[-1:]])


def _smoothed(counts: Array, sums: Array, smooth: float) -> Array:
    prior = sums.sum(axis=1, keepdims=True) / counts.sum()
    means = np.repeat(prior, len(counts), axis=1)
    np.divide(sums + smooth * prior, counts + smooth, out=means, where=counts > 0)
    return means
