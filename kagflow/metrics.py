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
            There are no rows, the shapes do not fit, a prediction is not finite, or the result is not.
        """
        self._check(y, prediction)
        weights = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
        value = float(self.function(y, self.prepare(prediction), weights))
        if not np.isfinite(value):
            raise KagflowError(
                f"the metric {self.name} returned {value} for {len(y)} rows", hint=self._why(y), where=self.name
            )
        return value

    def prepare(self, prediction: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return predictions in the form that the function wants (labels, where it wants labels)."""
        if self.wants != "label" or np.issubdtype(prediction.dtype, np.integer):
            return prediction
        values = prediction.astype(np.float64)
        labels: NDArray[np.int64] = np.argmax(values, axis=1) if values.ndim == 2 else (values > 0.5).astype(np.int64)
        return labels

    def better(self, first: float, second: float) -> bool:
        """Say whether the first score is better than the second."""
        return first < second if self.direction == "minimize" else first > second

    def _check(self, y: NDArray[np.generic], prediction: NDArray[np.generic]) -> None:
        if len(y) == 0 or len(prediction) != len(y) or (self.wants == "value" and prediction.shape != y.shape):
            raise KagflowError(
                f"a target of shape {y.shape} cannot be scored with predictions of shape {prediction.shape}",
                hint="one prediction a row, for at least one row",
                where=self.name,
            )
        # Ranking or picking a class would turn NaN into a good-looking number.
        if np.issubdtype(prediction.dtype, np.floating) and not np.isfinite(prediction).all():
            unusable = np.count_nonzero(~np.isfinite(prediction).reshape(len(y), -1).all(axis=1))
            raise KagflowError(
                f"{unusable} of {len(y)} predictions are not finite",
                hint="look at the features and the target transform",
                where=self.name,
            )

    def _why(self, y: NDArray[np.generic]) -> str:
        if self.wants != "value" and (y == y[0]).all():
            return "the rows hold one class only; a stratified splitter spreads the classes over the folds"
        return "predictions are finite, so look at the metric's own function (logarithms, divisions by zero)"


@dataclass(frozen=True, kw_only=True)
class RowMean:
    """A metric's function that is a weighted mean of row losses, and a last step over it."""

    loss: Callable[[NDArray[np.generic], NDArray[np.generic]], Array]
    finish: Callable[[float], float] = float

    def __call__(self, y: NDArray[np.generic], prediction: NDArray[np.generic], weight: Array) -> float:
        """Return the metric; as every metric's function."""
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
    error: Array = np.subtract(y, prediction, dtype=np.float64)
    return error * error


def _absolute_error(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    error: Array = np.subtract(y, prediction, dtype=np.float64)
    absolute: Array = np.abs(error)
    return absolute


def _squared_log_error(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):  # a value at or below -1 becomes NaN, which score() reports
        return _squared_error(np.log1p(y, dtype=np.float64), np.log1p(prediction, dtype=np.float64))


def _hit(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    hit: Array = np.equal(y, prediction).astype(np.float64)
    return hit


def _surprise(y: NDArray[np.generic], prediction: NDArray[np.generic]) -> Array:
    """Return minus the logarithm of the true class's probability, probabilities clipped as Kaggle does."""
    epsilon = 1e-15
    codes, p = y.astype(np.int64), prediction.astype(np.float64)
    if p.ndim == 1:
        chosen = np.where(codes == 1, p, 1.0 - p)
    else:
        with np.errstate(invalid="ignore"):  # a row of zeros becomes NaN, which score() reports
            chosen = p[np.arange(len(codes)), codes] / p.sum(axis=1)
    surprise: Array = -np.log(np.clip(chosen, epsilon, 1.0 - epsilon))
    return surprise


def _auc(y: NDArray[np.generic], prediction: NDArray[np.generic], weight: Array) -> float:
    """Weighted area under the ROC curve; a tie counts half (Mann and Whitney, 1947). NaN for one class."""
    if prediction.ndim != 1:
        raise KagflowError(
            f"auc is for two classes; there are {prediction.shape[1]}", hint="check `metric` and `task`", where="metric"
        )
    order = np.argsort(prediction, kind="stable")
    ranked, mass = prediction[order], weight[order]
    positive = mass * (y[order] == 1)
    negative = mass - positive
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positive, negative = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs > 0 else float("nan")


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
