"""Values within the range of the target, or among those that occur in it."""

from dataclasses import dataclass

import numpy as np

from kagflow.training.postprocess.base import Array, Post, Values, one_column


@dataclass(frozen=True)
class FittedClip:
    """Moves values to the nearest of a range."""

    lowest: float
    highest: float

    def apply(self, prediction: Values) -> Array:
        """Return (n,) values."""
        return np.clip(prediction.astype(np.float64), self.lowest, self.highest)


class Clip(Post):
    """Keeps values within the range of the target."""

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedClip:
        """Take the range; see ``Post.fit``."""
        one_column("clip", y, prediction)
        values = y.astype(np.float64)
        return FittedClip(float(values.min()), float(values.max()))


@dataclass(frozen=True, eq=False)
class FittedRound:
    """Moves values to the nearest that are known; the lower one where two are as near."""

    known: Array

    def apply(self, prediction: Values) -> Array:
        """Return (n,) values."""
        values = prediction.astype(np.float64)
        upper = np.clip(np.searchsorted(self.known, values), 1, max(len(self.known) - 1, 1))
        below, above = self.known[upper - 1], self.known[np.minimum(upper, len(self.known) - 1)]
        nearest: Array = np.where(values - below <= above - values, below, above)
        return nearest


class Round(Post):
    """Moves values to those that occur in the target."""

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedRound:
        """Take the values; see ``Post.fit``."""
        one_column("round", y, prediction)
        return FittedRound(np.unique(y.astype(np.float64)))
