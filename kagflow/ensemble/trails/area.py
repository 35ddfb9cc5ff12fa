"""The area under the ROC curve: a smooth one says which members are promising, and those are sorted."""

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.rows import Array, Part
from kagflow.ensemble.trails.screened import Column, ScreenedTrail
from kagflow.metrics import METRICS, Metric

_BINS = 16_384  # of the smooth area, over the range of the blend

Single = NDArray[np.float32]
Keys = NDArray[np.int32] | NDArray[np.int64]


def is_area(metric: Metric) -> bool:
    """Say whether the metric is the area under the ROC curve."""
    return metric.function is METRICS["auc"].function


class AreaTrail(ScreenedTrail):
    """The trail of the area under the curve; predictions are added and sorted in 32 bits."""

    def __init__(self, part: Part) -> None:
        super().__init__(_columns(part), convex=False)
        positive = part.rows.y == 1
        self._label = positive.astype(np.int32)
        self._positive, self._negative = np.flatnonzero(positive), np.flatnonzero(~positive)
        self._weight = None if part.rows.weight is None else part.rows.weight.astype(np.float64)

    def loss(self, blend: Column) -> float:
        """Return minus the area; infinite where there is one class only."""
        if not len(self._positive) or not len(self._negative):
            return float("inf")
        single = blend.astype(np.float32, copy=False)
        return -(area(single, self._label) if self._weight is None else self._weighted_area(single))

    def slope(self, blend: Array, step: float) -> Single:
        """Return the derivative of minus a smoothed area.

        A row that moves passes the rows of the other class that lie about it; how far about, is about as far as a
        step moves a row.
        """
        low, high = float(blend.min()), float(blend.max())
        slope = np.zeros(len(blend), dtype=np.float32)
        if high == low:
            return slope
        bins = (_BINS - 1) / (high - low)
        place = ((blend - low) * bins).astype(np.int32)
        reach = max(1, int(abs(step) * float(blend.std()) * bins / 2))
        mass = np.ones(len(blend)) if self._weight is None else self._weight
        pairs = mass[self._positive].sum() * mass[self._negative].sum()
        for own, other, sign in ((self._positive, self._negative, -1.0), (self._negative, self._positive, 1.0)):
            density = _about(place[other], mass[other], reach) * (sign * bins / pairs)
            slope[own] = density[place[own]] * mass[own]
        return slope

    def _after(self, blend: Array, column: Column, step: float) -> Column:
        after: Single = np.multiply(column, step, dtype=np.float32)
        after += (1 - step) * blend
        return after

    def _weighted_area(self, blend: Single) -> float:
        assert self._weight is not None
        order = np.argsort(blend)
        ranked, positive = blend[order], self._label[order] * self._weight[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        of_positive, of_all = np.add.reduceat(positive, starts), np.add.reduceat(self._weight[order], starts)
        of_negative = of_all - of_positive
        below = np.cumsum(of_negative) - of_negative / 2
        return float((of_positive * below).sum() / (of_positive.sum() * of_negative.sum()))


def _columns(part: Part) -> list[Column]:
    """Return predictions in 32 bits; where they do not lie between 0 and 1, all are moved there alike."""
    members = part.level.members
    lowest, highest = min(float(each.min()) for each in members), max(float(each.max()) for each in members)
    if lowest >= 0 and highest <= 1:
        return [each.astype(np.float32, copy=False) for each in part.members()]
    width = highest - lowest or 1.0
    return [((each.astype(np.float64) - lowest) / width).astype(np.float32) for each in part.members()]


def _about(place: NDArray[np.int32], mass: Array, reach: int) -> Array:
    """Return for each bin the mean mass of the bins that are no further away than the reach."""
    counts = np.bincount(place, weights=mass, minlength=_BINS)
    up_to = np.r_[0.0, np.cumsum(counts)]
    bins = np.arange(_BINS)
    about: Array = up_to[np.minimum(bins + reach + 1, _BINS)] - up_to[np.maximum(bins - reach, 0)]
    about /= 2 * reach + 1
    return about


def area(blend: Single, label: NDArray[np.int32]) -> float:
    """Return the area under the curve of unweighted rows, a tie counting half; exact, by one sort of integers.

    Parameters
    ----------
    blend
        (n,) predictions.
    label
        (n,) 1 for the positive class, else 0; both occur.
    """
    keys = _keys(blend, label)
    keys.sort()
    positive = np.flatnonzero(keys & 1)
    n_positive, n_negative = len(positive), len(keys) - len(positive)
    # A positive row's place is the number of rows below it; those of its own class are taken off.
    below = int(positive.sum()) - n_positive * (n_positive - 1) // 2
    return (below - _half_tied(keys)) / (n_positive * n_negative)


def _keys(blend: Single, label: NDArray[np.int32]) -> Keys:
    """Return integers in the order of the predictions, of equal ones the negative rows first.

    The bits of floating-point numbers that are not negative are in order as integers, and below two they leave one
    bit free.
    """
    bits = blend.view(np.int32)
    if float(blend.min()) >= 0 and float(blend.max()) < 2:
        return (bits << 1) | label
    bits = (blend + np.float32(0)).view(np.int32)  # there is one zero only, that without a sign
    in_order = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)
    return (in_order << 1) | label


def _half_tied(keys: Keys) -> float:
    """Return half the number of pairs of a positive and a negative row with equal predictions."""
    ends = np.flatnonzero((keys[1:] - keys[:-1] == 1) & (keys[1:] & 1 == 1))  # the last negative row of each tie
    if not len(ends):
        return 0.0
    negative = ends + 1 - np.searchsorted(keys, keys[ends], "left")
    positive = np.searchsorted(keys, keys[ends + 1], "right") - ends - 1
    return float((negative * positive).sum()) / 2
