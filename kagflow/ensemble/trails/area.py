"""The area under the ROC curve: members are screened by counting passed rows, and the best of them sorted."""

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.rows import Array, Part
from kagflow.ensemble.trails.screened import Column, ScreenedTrail
from kagflow.metrics import METRICS, Metric

_BINS = 65_536  # of predictions between 0 and 1, while they are screened
_CHUNK = 32_768  # rows at once: they stay in a core's cache

Single = NDArray[np.float32]
Keys = NDArray[np.int32] | NDArray[np.int64]


def is_area(metric: Metric) -> bool:
    """Say whether the metric is the area under the ROC curve."""
    return metric.function is METRICS["auc"].function


class AreaTrail(ScreenedTrail):
    """The trail of the area under the curve; predictions lie between 0 and 1, and are added and sorted in 32 bits.

    A step is screened as if only the positive rows moved, and as if only the negative ones did: what each row passes
    is looked up in the distribution of the other class, in bins. (The derivative, however smoothed, misjudges members
    of another spread than the blend: of 60 such ones it put the best behind 50 others, this behind nine at most.)
    """

    def __init__(self, part: Part) -> None:
        positive = part.rows.y == 1
        order = np.argsort(~positive, kind="stable")  # positive rows first
        super().__init__(_columns(part, order))
        self._positives = int(positive.sum())
        self._label = positive[order].astype(np.int32)
        self._places = np.arange(len(positive), dtype=np.float64)
        self._weight = None if part.rows.weight is None else part.rows.weight[order].astype(np.float64)

    def loss(self, blend: Column) -> float:
        """Return minus the area; infinite where there is one class only."""
        if self._positives in (0, len(blend)):
            return float("inf")
        single = blend.astype(np.float32, copy=False)
        if self._weight is None:
            return -area(single, self._label, self._places)
        return -weighted_area(single, self._label, self._weight)

    def guess(self, blend: Array, step: float, members: NDArray[np.int64]) -> Array:
        """Return minus the area, but for a constant, as if one class stood still; see ``ScreenedTrail``."""
        if self._positives in (0, len(blend)):
            return np.zeros(len(members))
        place = np.clip(blend * _BINS, 0, _BINS - 1).astype(np.intp)
        kept = ((1 - step) * _BINS * blend).astype(np.float32)
        positive, negative = slice(0, self._positives), slice(self._positives, len(blend))
        lost = self._mean_rank(positive, self._below(place, negative), kept, step, members)
        return self._mean_rank(negative, self._below(place, positive), kept, step, members) - lost

    def _below(self, place: NDArray[np.intp], rows: slice) -> Single:
        """Return (bins,) share of the mass of some rows that lies below a bin, with half of what lies in it."""
        mass = None if self._weight is None else self._weight[rows]
        counts = np.bincount(place[rows], weights=mass, minlength=_BINS).astype(np.float64)
        below: Single = ((np.cumsum(counts) - counts / 2) / counts.sum()).astype(np.float32)
        return below

    def _mean_rank(self, rows: slice, below: Single, kept: Single, step: float, members: NDArray[np.int64]) -> Array:
        """Return for each member the mean share that lies below the rows after a step towards it."""
        sums, total = np.zeros(len(members)), 0.0
        for start in range(rows.start, rows.stop, _CHUNK):
            chunk = slice(start, min(start + _CHUNK, rows.stop))
            mass = np.ones(chunk.stop - start) if self._weight is None else self._weight[chunk]
            total += float(mass.sum())
            for number, member in enumerate(members):
                after = self._columns[member][chunk] * np.float32(step * _BINS)
                after += kept[chunk]
                ranks = below.take(after.astype(np.intp), mode="clip")
                sums[number] += float(ranks.sum() if self._weight is None else (ranks * mass).sum())
        sums /= total
        return sums


def _columns(part: Part, order: NDArray[np.int64]) -> list[Column]:
    """Return predictions in 32 bits; where they do not lie between 0 and 1, all are moved there alike."""
    members = part.level.members
    lowest, highest = min(float(each.min()) for each in members), max(float(each.max()) for each in members)
    if lowest >= 0 and highest <= 1:
        return [each[order].astype(np.float32, copy=False) for each in part.members()]
    width = highest - lowest or 1.0
    return [((each[order].astype(np.float64) - lowest) / width).astype(np.float32) for each in part.members()]


def area(blend: Single, label: NDArray[np.int32], places: Array | None = None) -> float:
    """Return the area under the curve of unweighted rows, a tie counting half; exact, by one sort of integers.

    Parameters
    ----------
    blend
        (n,) predictions.
    label
        (n,) 1 for the positive class, else 0; both occur.
    places
        (n,) 0, 1, 2 ..., where they are at hand.
    """
    keys = _keys(blend, label)
    keys.sort()
    positive = (keys & 1).astype(np.float64)
    n_positive = float(positive.sum())
    # A positive row's place is the number of rows below it; those of its own class are taken off. Whole numbers all.
    places = np.arange(len(keys), dtype=np.float64) if places is None else places
    below = float(np.einsum("i,i", positive, places)) - n_positive * (n_positive - 1) / 2
    return (below - _half_tied(keys)) / (n_positive * (len(keys) - n_positive))


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


def weighted_area(blend: Single, label: NDArray[np.int32], weight: Array) -> float:
    """Return the area under the curve of weighted rows; as ``area``, by a sort of the rows."""
    order = np.argsort(blend)
    ranked, mass = blend[order], weight[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positive, both = np.add.reduceat(label[order] * mass, starts), np.add.reduceat(mass, starts)
    negative = both - positive
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))
