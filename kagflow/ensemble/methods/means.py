"""Methods that fit nothing but which rows they have seen: the best member, and means."""

from dataclasses import dataclass
from typing import ClassVar

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend, Method
from kagflow.ensemble.methods.climb import Climb
from kagflow.ensemble.rows import Part
from kagflow.ensemble.scale import scale_of


@dataclass(frozen=True, kw_only=True)
class Single(Method):
    """The member that is best on the rows; its cross-fitted score is that of choosing it."""

    kind: ClassVar[str] = "single"

    def fit_target(self, part: Part) -> FittedBlend:
        """Choose on the rows; see ``Method.fit``."""
        return Climb(picks=1).fit_target(part)


@dataclass(frozen=True, kw_only=True)
class Mean(Method):
    """The mean of all members, on the metric's scale."""

    kind: ClassVar[str] = "mean"

    def fit_target(self, part: Part) -> FittedBlend:
        """Return the mean; see ``Method.fit``."""
        weights = {name: 1 / len(part.names) for name in part.names}
        return LinearBlend(weights, scale_of(part.level.rows.metric))
