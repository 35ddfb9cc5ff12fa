"""Trails that look at few members closely: a slope tells of all at once which are promising.

How the loss changes towards a member is, for a small step, the sum over rows of the slope times the way to go: one
product of vectors a member, where scoring it takes several passes over the rows. The most promising members are scored,
more of them the longer the step is. Where the loss is convex the slope also bounds what a step can come to, and
scoring ends as soon as no other member can be better.
"""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.rows import Array
from kagflow.ensemble.trails.base import Mask

_LEAST, _MORE = 8, 100  # members to score: so many, and this many times the step's length more
_SLACK = 1e-6  # of the loss: how far rounding may move a bound

Column = NDArray[np.float32] | Array


class ScreenedTrail(ABC):
    """A trail on (n,) columns, of which the blend is a weighted sum.

    Parameters
    ----------
    columns
        What each member says of the rows.
    convex
        Whether the loss is a convex function of the blend.
    """

    def __init__(self, columns: list[Column], *, convex: bool) -> None:
        self._columns, self._convex = columns, convex
        self._blend: Array | None = None
        self._now = np.inf

    @abstractmethod
    def loss(self, blend: Column) -> float:
        """Return the loss of a blend."""

    @abstractmethod
    def slope(self, blend: Array, step: float) -> Column:
        """Return (n,) derivative of the loss by the blend of each row."""

    def losses(self, step: float, allowed: Mask) -> Array:
        """Return the losses of the most promising members; see ``Trail``."""
        losses = np.full(len(self._columns), np.inf)
        candidates = np.flatnonzero(allowed)
        if self._blend is None:
            losses[candidates] = [self.loss(self._columns[member]) for member in candidates]
            return losses
        expected = self._expected(self._blend, step, candidates)
        best = np.inf
        for place in np.argsort(expected, kind="stable")[: _LEAST + int(_MORE * abs(step))]:
            if self._convex and expected[place] > best + _SLACK * abs(best):
                break
            member = candidates[place]
            losses[member] = self.loss(self._after(self._blend, self._columns[member], step))
            best = min(best, float(losses[member]))
        return losses

    def move(self, member: int, step: float) -> None:
        """Take the step towards that member."""
        column = self._columns[member].astype(np.float64)
        self._blend = column if self._blend is None else (1 - step) * self._blend + step * column
        self._now = self.loss(self._blend)

    def _expected(self, blend: Array, step: float, candidates: NDArray[np.int64]) -> Array:
        """Return the losses after the step towards each, were the loss as steep all the way."""
        slope = self.slope(blend, step).astype(self._columns[0].dtype, copy=False)
        here = float(slope @ blend.astype(slope.dtype, copy=False))
        there = np.array([float(slope @ self._columns[member]) for member in candidates])
        expected: Array = self._now + step * (there - here)
        return expected

    def _after(self, blend: Array, column: Column, step: float) -> Column:
        after: Array = (1 - step) * blend
        after += step * column
        return after
