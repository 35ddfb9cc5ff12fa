"""Rows brought down to a few numbers before anything is drawn: means with their noise, bins, histograms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

SURE = 4.0  # standard errors: what chance alone does once in 16,000 looks


@dataclass(frozen=True)
class Mean:
    """A number with its standard error, which is NaN where it cannot be had."""

    value: float
    se: float

    @property
    def sure(self) -> bool:
        """Whether it is beyond what chance does in a page full of numbers."""
        return bool(abs(self.value) > SURE * self.se)


def mean_of(values: Array, weight: Array, units: Codes) -> Mean:
    """Return a weighted mean and its standard error over independent units.

    Notes
    -----
    The units' sums of weighted deviations, squared: the sandwich estimate for clusters (Liang and Zeger, 1986).
    """
    mean = float(np.average(values, weights=weight))
    return Mean(mean, _error(weight * (values - mean) / weight.sum(), units))


def slope_of(x: Array, y: Array, weight: Array, units: Codes) -> Mean:
    """Return the slope of the line through points by least squares, with its noise over independent units."""
    away = x - np.average(x, weights=weight)
    square = float((weight * away**2).sum())
    if square == 0:
        return Mean(float("nan"), float("nan"))
    high = y - np.average(y, weights=weight)
    slope = float((weight * away * high).sum()) / square
    return Mean(slope, _error(weight * away * (high - slope * away) / square, units))


def _error(influence: Array, units: Codes) -> float:
    """Return the standard error of a sum of (n,) influences."""
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=influence)
    return float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1))) if len(sums) > 1 else float("nan")


def by_rank(values: Array, most: int) -> Codes:
    """Return (n,) the number of the bin of each row, of at most so many of about the same size; ties stay together."""
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:-1]))
    return np.unique(np.searchsorted(cuts, values, "left"), return_inverse=True)[1]


def even_edges(values: Array, bins: int, outside: float = 0.002) -> Array:
    """Return (bins + 1,) edges, beyond which a small share of the rows lies; a few whole numbers have a bin each."""
    low, high = (float(each) for each in np.quantile(values, [outside, 1 - outside]))
    if low == high:
        return np.array([low - 0.5, low + 0.5])
    if high - low < bins and (values == np.rint(values)).all():
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    return np.linspace(low, high, bins + 1)


def shares(values: Array, edges: Array) -> Array:
    """Return (bins,) the share of the rows in each bin; those beyond the ends count in the outermost."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    share: Array = counts / max(len(values), 1)
    return share
