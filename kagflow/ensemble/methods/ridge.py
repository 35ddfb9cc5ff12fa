"""Stacking by ridge regression, from sums of products that are made once a fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, Method
from kagflow.ensemble.methods.design import Design
from kagflow.ensemble.rows import Array, Level, Part, Values

_CHUNK = 8_192  # rows at once


@dataclass(frozen=True, kw_only=True)
class Ridge(Method):
    """Ridge regression of what the mean of the members leaves over (Hoerl and Kennard, 1970), for values.

    Like a climb by mean squares it needs sums of products of the columns only, made once a fold.

    Parameters
    ----------
    strengths
        Penalties to choose from, in units of a usual member's mean square difference from the mean.
    """

    kind: ClassVar[str] = "ridge"
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)

    def suits(self, level: Level) -> bool:
        """Say whether members are values."""
        return level.classes is None and not level.are_probabilities

    def prepare(self, level: Level) -> None:
        """Make the sums of products; see ``Method.prepare``."""
        _moments(level)

    def fit_target(self, part: Part) -> FittedBlend:
        """Fit on the rows; see ``Method.fit``."""
        level, moments = part.level, _moments(part.level)
        design = Design.of(level)

        def fitted(folds: tuple[int, ...], strength: float) -> Array:
            return _ridge(np.sum([moments[number] for number in folds], axis=0), len(design.members), strength)

        def loss(strength: float) -> float:
            """Return the squared error over the part's folds, each by a fit on its other folds."""
            total = 0.0
            for number in part.folds:
                error = np.r_[fitted(tuple(other for other in part.folds if other != number), strength), -1.0]
                total += float(error @ moments[number] @ error)
            return total

        strength = self.strengths[0]
        if len(self.strengths) > 1 and len(part.folds) > 1:
            strength = min(self.strengths, key=loss)
        found = fitted(part.folds, strength)
        return StackOfValues(design, float(found[0]), found[1:], strength)


@dataclass(frozen=True, eq=False)
class StackOfValues:
    """The mean of the members, and what a linear function of the differences from it and of features adds.

    Attributes
    ----------
    design
        Its columns.
    intercept, coefficients
        Of the function.
    strength
        The penalty that was chosen.
    """

    design: Design
    intercept: float
    coefficients: Array
    strength: float

    @property
    def weights(self) -> Mapping[str, float]:
        """What each member counts in the sum; they need not add up to one."""
        own = self.coefficients[: len(self.design.members)]
        # A member's share in the mean from which all differences are taken is in each of them.
        equal = (1 - own.sum()) / len(own)
        return {name: float(each + equal) for name, each in zip(self.design.members, own, strict=True)}

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return (n,) values; see ``FittedBlend.apply``."""
        total: Array | float = self.intercept
        for name, weight in self.weights.items():
            total = total + weight * self.design.scaled(members[name])
        features = self.coefficients[len(self.design.members) :]
        for name, weight in zip(self.design.features, features, strict=True):
            total = total + weight * members[name].astype(np.float64)
        return self.design.scale.back(np.asarray(total))

    def document(self) -> dict[str, Any]:
        """Return weights, intercept, and coefficients of features."""
        features = self.coefficients[len(self.design.members) :]
        return {
            "weights": dict(self.weights),
            "intercept": self.intercept,
            "features": {name: float(each) for name, each in zip(self.design.features, features, strict=True)},
            "strength": self.strength,
        }


def _moments(level: Level) -> dict[int, Array]:
    """Return for each fold the sums of products of a one, all columns, and what the mean leaves over of the target."""
    return level.share("moments", lambda: {number: _moments_of(level, number) for number in level.rows.fold_numbers})


def _moments_of(level: Level, fold: int) -> Array:
    design, rows = Design.of(level), level.rows
    own = np.flatnonzero(rows.folds == fold)
    size = 2 + len(design.members) + len(design.features)
    total = np.zeros((size, size))
    columns = {**level.features, **dict(zip(level.names, level.members, strict=True))}
    for first in range(0, len(own), _CHUNK):
        index = own[first : first + _CHUNK]
        chunk = {name: column[index] for name, column in columns.items()}
        start = design.start(chunk)
        left = design.scale.forward(rows.y[index]).astype(np.float64) - start
        seen = np.column_stack([np.ones(len(index)), design.columns(chunk, start), left])
        mass = 1.0 if rows.weight is None else rows.weight[index].astype(np.float64)[:, np.newaxis]
        total += seen.T @ (mass * seen)
    return total


def _ridge(moments: Array, members: int, strength: float) -> Array:
    """Return intercept and coefficients from sums of products of a one, the columns and what is left over."""
    means = moments[0, 1:] / moments[0, 0]
    covariance = moments[1:, 1:] / moments[0, 0] - np.outer(means, means)
    x, xy = covariance[:-1, :-1], covariance[:-1, -1]
    spread = np.diagonal(x).copy()
    spread[:members] = np.median(spread[:members])  # members share a unit; features have their own
    spread = np.sqrt(np.where(spread > 0, spread, 1.0))
    scaled = x / np.outer(spread, spread) + strength * np.eye(len(spread))
    coefficients = np.linalg.solve(scaled, xy / spread) / spread
    found: Array = np.r_[means[-1] - means[:-1] @ coefficients, coefficients]
    return found
