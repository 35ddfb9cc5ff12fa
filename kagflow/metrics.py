"""Metrics: what the competition measures, and everything that follows from it.

A metric's direction is written beside its name, never guessed. Truth and predictions come as arrays: values for
regression; class codes (in class order) against P(positive), or against one probability a class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import ConfigError, KagflowError, did_you_mean

Array = NDArray[np.float64]
Direction = Literal["minimize", "maximize"]
Wants = Literal["value", "probability", "label", "top_k"]
Objective = Literal["squared_error", "absolute_error", "log_loss"]
MetricFunction = Callable[[NDArray[np.generic], NDArray[np.generic], Array], float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number for a set of predictions.

    Parameters
    ----------
    name
        As `competition.yaml` writes it.
    direction
        Whether less or more is better.
    wants
        What the function takes as predictions: values, probabilities, labels (class codes) or ranked labels.
    function
        ``function(y, prediction, weight) -> float`` over rows, weights positive.
    objective
        What a model should fit to do well on it.
    transform
        Target transform under which that objective is this metric, if there is one.
    """

    name: str
    direction: Direction
    wants: Wants
    function: MetricFunction
    objective: Objective
    transform: str = "none"

    def score(
        self, y: NDArray[np.generic], prediction: NDArray[np.generic], weight: NDArray[np.generic] | None = None
    ) -> float:
        """Return the metric over all rows.

        Parameters
        ----------
        y
            (n,) values, or class codes.
        prediction
            (n,) values or P(positive), or (n, k) probabilities in class order. Where the metric wants labels,
            probabilities become the most probable label; class codes (integers) are taken as they are.
        weight
            (n,) positive weights; all one when absent.

        Raises
        ------
        KagflowError
            The result is not a finite number.
        """
        weights = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
        value = float(self.function(y, self.prepare(prediction), weights))
        if not np.isfinite(value):
            raise KagflowError(
                f"the metric {self.name} returned {value} for {len(y)} rows", hint=self._why(prediction), where=self.name
            )
        return value

    def prepare(self, prediction: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return predictions in the form that the function wants (labels, where it wants labels)."""
        if self.wants != "label" or np.issubdtype(prediction.dtype, np.integer):
            return prediction
        if prediction.ndim == 2:
            return np.argmax(prediction, axis=1)
        return (prediction > 0.5).astype(np.int64)

    def better(self, first: float, second: float) -> bool:
        """Say whether the first score is better than the second."""
        return first < second if self.direction == "minimize" else first > second

    @staticmethod
    def _why(prediction: NDArray[np.generic]) -> str:
        if not np.isfinite(prediction.astype(np.float64)).all():
            return "some predictions are not finite; look at the features and the target transform"
        return "predictions are finite, so look at the metric's own function (logarithms, divisions by zero)"


@dataclass(frozen=True, kw_only=True)
class RowMean:
    """A metric's function that is a weighted mean of row losses, and a last step over it."""

    loss: Callable[[NDArray[np.generic], NDArray[np.generic]], Array]
    finish: Callable[[float], float] = float

    def __call__(self, y: NDArray[np.generic], prediction: NDArray[np.generic], weight: Array) -> float:
        return self.finish(float(np.average(self.loss(y, prediction), weights=weight)))


def find_metric(name: str) -> Metric:
    """Return the metric of that name.

    Raises
    ------
    ConfigError
        There is none.
    """
    try:
        return METRICS[name]
    except KeyError:
        raise ConfigError(f"no metric is called {name!r}", hint=did_you_mean(name, METRICS), where="metric") from None


def _root(mean: float) -> float:
    return float(np.sqrt(mean))


def _squared_error(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    return np.square(np.subtract(y, prediction, dtype=np.float64))


def _absolute_error(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    return np.abs(np.subtract(y, prediction, dtype=np.float64))


def _squared_log_error(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):  # a value at or below -1 becomes NaN, which score() reports
        return np.square(np.log1p(y.astype(np.float64)) - np.log1p(prediction.astype(np.float64)))


def _hit(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    return (y == prediction).astype(np.float64)


def _surprise(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    """Return minus the logarithm of the true class's probability, probabilities clipped as Kaggle does."""
    epsilon = 1e-15
    codes = y.astype(np.int64)
    if prediction.ndim == 1:
        chosen = np.where(codes == 1, prediction, 1.0 - prediction.astype(np.float64))
    else:
        rows = prediction.astype(np.float64)
        chosen = rows[np.arange(len(codes)), codes] / rows.sum(axis=1)
    return -np.log(np.clip(chosen, epsilon, 1.0 - epsilon))


def _auc(y: NDArray[np.generic], prediction: NDArray[np.generic], weight: Array) -> float:
    """Weighted area under the ROC curve; a tie counts half (Mann and Whitney, 1947)."""
    order = np.argsort(prediction, kind="stable")
    ranked, mass = prediction[order], weight[order]
    positive = mass * (y[order] == 1)
    negative = mass - positive
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positive, negative = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float(np.dot(positive, below + negative / 2) / pairs) if pairs > 0 else float("nan")


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="rmse",
            direction="minimize",
            wants="value",
            function=RowMean(loss=_squared_error, finish=_root),
            objective="squared_error",
        ),
        Metric(
            name="rmsle",
            direction="minimize",
            wants="value",
            function=RowMean(loss=_squared_log_error, finish=_root),
            objective="squared_error",
            transform="log1p",
        ),
        Metric(
            name="mae",
            direction="minimize",
            wants="value",
            function=RowMean(loss=_absolute_error),
            objective="absolute_error",
        ),
        Metric(
            name="accuracy",
            direction="maximize",
            wants="label",
            function=RowMean(loss=_hit),
            objective="log_loss",
        ),
        Metric(
            name="log_loss",
            direction="minimize",
            wants="probability",
            function=RowMean(loss=_surprise),
            objective="log_loss",
        ),
        Metric(
            name="auc",
            direction="maximize",
            wants="probability",
            function=_auc,
            objective="log_loss",
        ),
    )
}
