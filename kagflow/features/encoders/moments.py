"""Count, mean and spread of numbers by level, as sums that can be added up."""

from dataclasses import dataclass

import numpy as np

from kagflow.data import Frame
from kagflow.features.encoders.levels import AnyLevels, Array, Codes, LevelSums

MOMENTS = ("mean", "std", "var", "count")
"""The statistics that follow from a count, a sum and a sum of squared deviations."""


@dataclass(frozen=True, eq=False)
class LevelMoments:
    """Sums over rows, by level; ``+`` of two is that of both sets of rows (Chan, Golub and LeVeque, 1983).

    Squares are of deviations from the level's own mean, so that a large mean costs no digits of the variance.

    Attributes
    ----------
    sums
        By level: the number of rows, and k sums of numbers.
    squares
        (k, levels) sums of squared deviations.
    """

    sums: LevelSums
    squares: Array

    @classmethod
    def of(cls, levels: AnyLevels, codes: Codes, numbers: Frame) -> "LevelMoments":
        """Return the sums of (n, k) numbers, given (n,) the level of each row."""
        columns = [column.to_numpy() for column in numbers]
        counts = np.bincount(codes, minlength=len(levels)).astype(np.float64)
        sums = LevelSums(levels, np.stack([counts, *(_by_level(codes, column, levels) for column in columns)]))
        deviations = (column - means[codes] for column, means in zip(columns, sums.means, strict=True))
        return cls(sums, np.stack([_by_level(codes, each**2, levels) for each in deviations]))

    def __add__(self, other: "LevelMoments") -> "LevelMoments":
        sums = self.sums + other.sums
        own, others = (_spread(each, sums.levels) for each in (self, other))
        shared = own.sums.counts * others.sums.counts / np.maximum(sums.counts, 1)
        between = (others.sums.means - own.sums.means) ** 2 * shared
        return LevelMoments(sums, own.squares + others.squares + between)

    def statistic(self, word: str, k: int) -> Array:
        """Return (levels,) one of the ``MOMENTS`` of the k-th number; NaN where there is none."""
        return _statistic(word, self.sums.counts, self.sums.means[k], self.squares[k])

    def statistic_of_all(self, word: str, k: int) -> float:
        """Return the same over the rows of all levels."""
        counts, means = self.sums.counts, self.sums.means[k]
        mean = self.sums.values[1 + k].sum() / max(counts.sum(), 1)
        squares = self.squares[k].sum() + (counts * (means - mean) ** 2).sum()
        return float(_statistic(word, *np.array([[counts.sum()], [mean], [squares]])).item())


def _by_level(codes: Codes, values: Array, levels: AnyLevels) -> Array:
    return np.bincount(codes, weights=values, minlength=len(levels)).astype(np.float64)


def _spread(moments: LevelMoments, union: AnyLevels) -> LevelMoments:
    """Return the same sums under the levels of a union; 0 where there are no rows."""
    levels, spread = moments.sums.levels, union.spread
    sums = LevelSums(union, spread(moments.sums.values, levels))  # type: ignore[arg-type]  # of the same kind
    return LevelMoments(sums, spread(moments.squares, levels))  # type: ignore[arg-type]


def _statistic(word: str, counts: Array, means: Array, squares: Array) -> Array:
    if word == "count":
        return counts
    if word == "mean":
        return np.where(counts > 0, means, np.nan)
    variances = np.where(counts > 1, squares / np.maximum(counts - 1, 1), np.nan)
    return np.sqrt(variances) if word == "std" else variances
