"""What a method of blending is, and what fitting one returns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from kagflow.ensemble.rows import Array, Level, Part, Rows, Values
from kagflow.ensemble.scale import Scale
from kagflow.errors import KagflowError


class FittedBlend(Protocol):
    """What fitting a method returns."""

    @property
    def weights(self) -> Mapping[str, float] | None:
        """Weight of each member, zeros too; ``None`` where it is no weighted sum of members."""

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return the blend of predictions of any rows, each row by itself.

        Parameters
        ----------
        members
            (n,) or (n, k) predictions by name, and the features that stood beside them. Members without weight may be
            missing.
        """

    def document(self) -> dict[str, Any]:
        """Return what was fitted, for JSON."""


class Method(ABC):
    """One way of blending; a frozen dataclass, whose fields are its settings."""

    kind: ClassVar[str]

    def fit(self, rows: Rows, members: Sequence[Values], names: Sequence[str]) -> FittedBlend:
        """Fit on all rows.

        Parameters
        ----------
        rows, members, names
            As for ``Level``.

        Raises
        ------
        KagflowError
            Members do not fit the rows, or the method is not for such predictions.
        """
        return self.fit_part(Level(rows, members, names).whole())

    def fit_part(self, part: Part) -> FittedBlend:
        """Fit on some folds; of several targets each is blended by itself."""
        level = part.level
        if level.rows.metric.several:
            parts = [part.of_target(target) for target in range(level.rows.y.shape[1])]
            return TargetBlends(tuple(self.fit_part(each) for each in parts))
        if not self.suits(level):
            raise KagflowError(
                f"{self.kind} is not for {level.rows.metric.name} of such members ({level.rows.task}, predictions of "
                f"shape {level.members[0].shape})",
                hint="mean, weighted and climb are for all",
                where="ensemble",
            )
        return self.fit_target(part)

    @abstractmethod
    def fit_target(self, part: Part) -> FittedBlend:
        """Fit on some folds, for one target."""

    def prepare(self, level: Level) -> None:  # noqa: B027 - most fits share nothing
        """Make what fits on several parts share; they run side by side afterwards. Of several targets, of one."""

    def suits(self, level: Level) -> bool:
        """Say whether the method is for such rows and members, those of one target."""
        return True


@dataclass(frozen=True, eq=False)
class LinearBlend:
    """A weighted sum of members, on the metric's scale.

    Attributes
    ----------
    weights
        By member; they add up to one.
    scale
        On which they are added.
    fitted
        What else is worth telling, for JSON.
    """

    weights: Mapping[str, float]
    scale: Scale
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return the weighted sum; see ``FittedBlend.apply``."""
        used = {name: weight for name, weight in sorted(self.weights.items()) if weight != 0}
        total: Array | None = None
        for name, weight in used.items():
            part = weight * self.scale.forward(members[name]).astype(np.float64)
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return self.scale.back(total)

    def document(self) -> dict[str, Any]:
        """Return the weights, and what else was told."""
        return {"weights": dict(self.weights), **self.fitted}


@dataclass(frozen=True, eq=False)
class TargetBlends:
    """The blends of several targets, in their order."""

    targets: tuple[FittedBlend, ...]

    @property
    def weights(self) -> None:
        """None: each target has its own."""
        return

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return (n, t) blends; see ``FittedBlend.apply``."""
        columns = [
            own.apply({name: each[:, number] if each.ndim == 2 else each for name, each in members.items()})
            for number, own in enumerate(self.targets)
        ]
        return np.stack(columns, axis=1)

    def document(self) -> dict[str, Any]:
        """Return what was fitted for each."""
        return {"targets": [own.document() for own in self.targets]}
