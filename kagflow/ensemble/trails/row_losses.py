"""Metrics that are a mean over rows of a convex loss: log loss, and the kinds of absolute error."""

import numpy as np

from kagflow.ensemble.rows import Array, Part, Values
from kagflow.ensemble.trails.screened import Column, ConvexTrail
from kagflow.metrics import METRICS, Metric, RowMean

_ABSOLUTE = ("mae", "wmae", "mape", "pinball")
_SMALLEST = 1e-15  # the metric's


def is_log_loss(metric: Metric) -> bool:
    """Say whether the metric is the log loss."""
    return metric.function is METRICS["log_loss"].function


def is_absolute(metric: Metric) -> bool:
    """Say whether the metric is a mean of absolute errors, or of a quantile's."""
    return isinstance(metric.function, RowMean) and metric.name.partition("@")[0] in _ABSOLUTE


class LogLossTrail(ConvexTrail):
    """The trail of the log loss: of a row it asks for the chance of the true class only, also of many classes."""

    def __init__(self, part: Part) -> None:
        truth = part.rows.y.astype(np.int64)
        super().__init__([_of_truth(member, truth) for member in part.members()])
        self._mass = part.rows.mass

    def loss(self, blend: Column) -> float:
        """Return the log loss."""
        surprise = np.log(np.clip(blend.astype(np.float64, copy=False), _SMALLEST, 1 - _SMALLEST))
        surprise *= self._mass
        return -float(surprise.sum())

    def is_bound(self, blend: Array, step: float) -> bool:
        """Say whether no chance is, or becomes, less than nothing; such a one is clipped, which is not convex."""
        return step > 0 and float(blend.min()) >= 0

    def slope(self, blend: Array) -> Array:
        """Return the derivative of the log loss."""
        # What negative weights raised above one is clipped to it.
        return np.where(blend < 1, -self._mass / np.maximum(blend, _SMALLEST), 0.0)


def _of_truth(member: Values, truth: Values) -> Column:
    """Return (n,) chance of the true class, in the precision of the member."""
    chance: Column
    if member.ndim == 1:
        chance = np.where(truth == 1, member, 1 - member)
    else:
        chance = member[np.arange(len(member)), truth] / member.sum(axis=1)
    return chance


class AbsoluteTrail(ConvexTrail):
    """The trail of an absolute error."""

    def __init__(self, part: Part) -> None:
        super().__init__([member.astype(np.float64, copy=False) for member in part.members()])
        rows = part.rows
        assert isinstance(rows.metric.function, RowMean)
        self._y, self._mass, self._of_rows = rows.y, rows.mass, rows.metric.function.loss
        # Far below how predictions differ, far above rounding.
        self._width = 1e-6 * (float(np.std(rows.y.astype(np.float64))) or 1.0)

    def loss(self, blend: Column) -> float:
        """Return the metric."""
        return float((self._mass * self._of_rows(self._y, blend)).sum())

    def slope(self, blend: Array) -> Array:
        """Return the derivative, across the corner of the loss the mean of both sides'."""
        rise = self._of_rows(self._y, blend + self._width) - self._of_rows(self._y, blend - self._width)
        slope: Array = self._mass * rise / (2 * self._width)
        return slope
