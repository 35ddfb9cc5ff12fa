"""Trails that guess what a step towards each member comes to, cheaply, and score the most promising ones only."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.rows import Array
from kagflow.ensemble.trails.base import Mask

_LEAST, _MORE = 8, 50  # members to score: so many, and this many times the step's length more
_SLACK = 1e-6  # of the loss: how far rounding may move a bound

Column = NDArray[np.float32] | Array


class ScreenedTrail(ABC):
    """A trail on (n,) columns, of which the blend is a weighted sum.

    Parameters
    ----------
    columns
        What each member says of the rows; all in one precision.
    """

    def __init__(self, columns: list[Column]) -> None:
        self._columns = columns
        self._blend: Array | None = None

    @abstractmethod
    def loss(self, blend: Column) -> float:
        """Return the loss of a blend."""

    @abstractmethod
    def guess(self, blend: Array, step: float, members: NDArray[np.int64]) -> Array:
        """Return about what the loss is after a step from the blend towards each of some members."""

    def is_bound(self, blend: Array, step: float) -> bool:
        """Say whether no guess is worse than the loss: where no other member can be better, scoring then ends."""
        return False

    def losses(self, step: float, allowed: Mask) -> Array:
        """Return the losses of the most promising members; see ``Trail``."""
        losses = np.full(len(self._columns), np.inf)
        members = np.flatnonzero(allowed)
        if self._blend is None:
            losses[members] = [self.loss(self._columns[member]) for member in members]
            return losses
        guesses = self.guess(self._blend, step, members)
        kept = ((1 - step) * self._blend).astype(self._columns[0].dtype)
        bounded, best = self.is_bound(self._blend, step), np.inf
        for place in np.argsort(guesses, kind="stable")[: _LEAST + int(_MORE * abs(step))]:
            if bounded and guesses[place] > best + _SLACK * abs(best):
                break
            member = members[place]
            losses[member] = self.loss(kept + step * self._columns[member])
            best = min(best, float(losses[member]))
        return losses

    def move(self, member: int, step: float) -> None:
        """Take the step towards that member."""
        column = self._columns[member].astype(np.float64)
        self._blend = column if self._blend is None else (1 - step) * self._blend + step * column


class ConvexTrail(ScreenedTrail):
    """A trail whose loss is convex: it lies above what its slope at the blend says, which is one product a member."""

    @abstractmethod
    def slope(self, blend: Array) -> Array:
        """Return (n,) derivative of the loss by the blend of each row."""

    def guess(self, blend: Array, step: float, members: NDArray[np.int64]) -> Array:
        """Return the losses, were the loss as steep all the way; see ``ScreenedTrail``."""
        slope = self.slope(blend).astype(self._columns[0].dtype, copy=False)
        here = float(slope @ blend.astype(slope.dtype, copy=False))
        there = np.array([float(slope @ self._columns[member]) for member in members])
        guesses: Array = self.loss(blend) + step * (there - here)
        return guesses

    def is_bound(self, blend: Array, step: float) -> bool:
        """Say yes, the loss being convex; see ``ScreenedTrail``."""
        return True
