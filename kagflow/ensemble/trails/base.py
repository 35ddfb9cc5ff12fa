"""Trails: a blend that grows by one member at a time, and what each member would make of it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.rows import Array

Mask = NDArray[np.bool_]


class Trail(Protocol):
    """A blend on its way, at first without members.

    All members move it in the same manner: ``(1 - step) * blend + step * member``, the first by a step of one.
    Losses are smaller where the blend is better.
    """

    def losses(self, step: float, allowed: Mask) -> Array:
        """Return (members,) loss of the blend after a step towards each member.

        It is infinite for those that are not allowed, or so bad that they need not be looked at.
        """

    def move(self, member: int, step: float) -> None:
        """Take the step towards that member."""
