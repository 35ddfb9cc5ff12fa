"""Any metric: every step towards every member is scored."""

import numpy as np

from kagflow.ensemble.rows import Array, Part, Values
from kagflow.ensemble.scale import scale_of
from kagflow.ensemble.trails.base import Mask
from kagflow.errors import KagflowError


class PlainTrail:
    """The trail that every other must agree with."""

    def __init__(self, part: Part) -> None:
        self._rows = part.rows
        self._scale = scale_of(part.rows.metric)
        self._members: list[Values] = [self._scale.forward(member) for member in part.members()]
        self._blend: Array = np.zeros(self._members[0].shape)
        self._sign = 1.0 if part.rows.metric.direction == "minimize" else -1.0

    def losses(self, step: float, allowed: Mask) -> Array:
        """Return the scores after a step towards each member, turned so that less is better; see ``Trail``."""
        losses = np.full(len(self._members), np.inf)
        for member in np.flatnonzero(allowed):
            losses[member] = self._loss(self._after(self._members[member], step))
        return losses

    def move(self, member: int, step: float) -> None:
        """Take the step towards that member."""
        self._blend = self._after(self._members[member], step)

    def _after(self, member: Values, step: float) -> Array:
        after: Array = (1 - step) * self._blend + step * member.astype(np.float64)
        return after

    def _loss(self, blend: Array) -> float:
        try:
            return self._sign * self._rows.score(self._scale.back(blend))
        except KagflowError:  # the metric is not defined there, as a logarithm of what a negative weight made
            return float("inf")
