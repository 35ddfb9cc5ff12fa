"""Metrics that are a function of a mean of squares: everything follows from sums of products, fold by fold."""

import numpy as np

from kagflow.ensemble.rows import Array, Level, Part, Values
from kagflow.ensemble.scale import scale_of
from kagflow.ensemble.trails.base import Mask
from kagflow.metrics import METRICS, Metric

_CHUNK = 8_192  # rows at once: the errors of 200 members fit into a core's cache

_SQUARES = tuple(METRICS[name].function for name in ("rmse", "rmsle", "r2", "brier"))


def is_squared(metric: Metric) -> bool:
    """Say whether the metric is better exactly where the mean square of the errors, on its scale, is smaller."""
    return metric.function in _SQUARES


def products(part: Part) -> Array:
    """Return (members, members) mean products of the members' errors over the rows.

    The square error of a blend with weights w that add up to one is w' P w. Each fold's sums are made once and kept;
    those of a part are added up, never taken away, so that no digit of a fold that is left out is in them.
    """
    level = part.level
    sums = level.share("products", lambda: {number: _products(level, number) for number in level.rows.fold_numbers})
    mass = level.rows.weight
    total = np.zeros((len(level.names), len(level.names)))
    for number in part.folds:
        total += sums[number]
    total /= len(part.index) if mass is None else float(mass[part.index].astype(np.float64).sum())
    return total


def _products(level: Level, fold: int) -> Array:
    """Return (members, members) sums of products of errors over one fold's rows."""
    own = np.flatnonzero(level.rows.folds == fold)
    total = np.zeros((len(level.names), len(level.names)))
    scale = scale_of(level.rows.metric)
    for start in range(0, len(own), _CHUNK):
        index = own[start : start + _CHUNK]
        truth = _truth(scale.forward(level.rows.y[index]), level.members[0].shape[1:])
        errors = np.empty((len(level.names), truth.size))
        for row, member in zip(errors, level.members, strict=True):
            np.subtract(scale.forward(member[index]), truth, out=row.reshape(truth.shape), dtype=np.float64)
        if level.rows.weight is not None:
            errors *= np.repeat(np.sqrt(level.rows.weight[index].astype(np.float64)), truth.size // len(index))
        total += errors @ errors.T
    return total


def _truth(y: Values, columns: tuple[int, ...]) -> Array:
    """Return the target in the form of a prediction: of classes one column each."""
    if not columns:
        return y.astype(np.float64)
    one_hot: Array = (y.astype(np.int64)[:, np.newaxis] == np.arange(columns[0])).astype(np.float64)
    return one_hot


class SquaresTrail:
    """The trail of a metric of squares: a step costs as much as there are members, whatever the number of rows."""

    def __init__(self, part: Part) -> None:
        self._products = products(part)
        self._own = np.diagonal(self._products).copy()
        self._weights = np.zeros(len(self._own))

    def losses(self, step: float, allowed: Mask) -> Array:
        """Return the mean square errors after a step towards each member; see ``Trail``."""
        with_each = self._products @ self._weights
        now = float(self._weights @ with_each)
        after = (1 - step) ** 2 * now + 2 * step * (1 - step) * with_each + step**2 * self._own
        return np.where(allowed, after, np.inf)

    def move(self, member: int, step: float) -> None:
        """Take the step towards that member."""
        self._weights *= 1 - step
        self._weights[member] += step
