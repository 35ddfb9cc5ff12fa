"""Metrics of predicted values."""

from functools import partial
from typing import Any

import numpy as np

from kagflow.metrics.base import ROUNDING, Array, Metric, RowMean, Values


def _root(mean: float) -> float:
    return float(np.sqrt(mean))


def _error(y: Values, prediction: Values) -> Array:
    error: Array = np.subtract(y, prediction, dtype=np.float64)
    return error


def _squared_error(y: Values, prediction: Values) -> Array:
    error = _error(y, prediction)
    return error * error


def _absolute_error(y: Values, prediction: Values) -> Array:
    absolute: Array = np.abs(_error(y, prediction))
    return absolute


def _squared_log_error(y: Values, prediction: Values) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):  # a value at or below -1 becomes NaN, which score() reports
        return _squared_error(np.log1p(y, dtype=np.float64), np.log1p(prediction, dtype=np.float64))


def _relative_error(y: Values, prediction: Values) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):  # a truth of zero is infinitely wrong, which score() reports
        relative: Array = _absolute_error(y, prediction) / np.abs(y, dtype=np.float64)
    return relative


def _symmetric_relative_error(y: Values, prediction: Values) -> Array:
    """Return 200 |y - p| / (|y| + |p|), in percent; nothing where both are zero, as Kaggle has it."""
    size: Array = np.abs(y, dtype=np.float64) + np.abs(prediction, dtype=np.float64)
    return 200.0 * _absolute_error(y, prediction) / np.where(size > 0, size, 1.0)


def _pinball_loss(y: Values, prediction: Values, *, quantile: float) -> Array:
    error = _error(y, prediction)
    loss: Array = np.maximum(quantile * error, (quantile - 1.0) * error)
    return loss


def _spread_and_error(y: Values, prediction: Values) -> Array:
    """Return (3, n): squared error, and the target with its square, from its mean on to keep the digits."""
    centred = y.astype(np.float64) - float(y.astype(np.float64)[0])  # first this: one value only is exactly zero
    centred = centred - centred.mean()
    return np.stack([_squared_error(y, prediction), centred, centred * centred])


def _explained(means: Array) -> float:
    error, mean, square = means
    variance = square - mean * mean
    return float(1.0 - error / variance) if variance > ROUNDING * square else float("nan")


def _squared_errors(y: Values, prediction: Values) -> Array:
    """Return (targets, n) squared errors, or (n,) of one target."""
    return _squared_error(y, prediction).T


def _mean_root(means: Any) -> float:
    return float(np.mean(np.sqrt(means)))


def _median_absolute_error(y: Values, prediction: Values, weight: Array) -> float:
    """Return the weighted median of absolute errors; where half the weight ends between two, their mean."""
    error = _absolute_error(y, prediction)
    order = np.argsort(error, kind="stable")
    ranked, mass = error[order], np.cumsum(weight[order])
    # Two searches, so that the median of an even number of equal weights is the mean of the middle two.
    # Each errs to its side by a rounding error, as sums of weights like 1/3 have one.
    half = mass[-1] / 2
    lower, upper = np.searchsorted(mass, [half * (1 - ROUNDING), half * (1 + ROUNDING)])
    return float((ranked[lower] + ranked[upper]) / 2)


def pinball(name: str, quantile: float) -> Metric:
    """Return the mean pinball loss of a quantile in (0, 1) (Koenker and Bassett, 1978)."""
    return Metric(
        name=name,
        direction="minimize",
        wants="value",
        function=RowMean(loss=partial(_pinball_loss, quantile=quantile)),
        objective="absolute_error",
        quantile=quantile,
    )


_RMSE = Metric(
    name="rmse",
    direction="minimize",
    wants="value",
    function=RowMean(loss=_squared_error, finish=_root),
    objective="squared_error",
)

VALUE_METRICS = (
    _RMSE,
    Metric(
        name="rmsle",
        direction="minimize",
        wants="value",
        function=RowMean(loss=_squared_log_error, finish=_root),
        objective="squared_error",
        transform="log1p",
    ),
    Metric(
        name="mcrmse",  # the mean over targets of each one's rmse
        direction="minimize",
        wants="value",
        function=RowMean(loss=_squared_errors, finish=_mean_root),
        objective="squared_error",
        several=True,
        of_column=_RMSE,
    ),
    Metric(
        name="mae",
        direction="minimize",
        wants="value",
        function=RowMean(loss=_absolute_error),
        objective="absolute_error",
    ),
    Metric(
        name="wmae",
        direction="minimize",
        wants="value",
        function=RowMean(loss=_absolute_error),
        objective="absolute_error",
        needs_weight=True,
    ),
    Metric(
        name="medae",
        direction="minimize",
        wants="value",
        function=_median_absolute_error,
        objective="absolute_error",
    ),
    Metric(
        name="mape",  # a share, not percent
        direction="minimize",
        wants="value",
        function=RowMean(loss=_relative_error),
        objective="absolute_error",
    ),
    Metric(
        name="smape",  # in percent, 0 to 200
        direction="minimize",
        wants="value",
        function=RowMean(loss=_symmetric_relative_error),
        objective="absolute_error",
    ),
    Metric(
        name="r2",
        direction="maximize",
        wants="value",
        function=RowMean(loss=_spread_and_error, finish=_explained),
        objective="squared_error",
    ),
)
