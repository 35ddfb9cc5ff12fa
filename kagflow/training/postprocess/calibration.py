"""Probabilities that occur as often as they say."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.training.postprocess.base import Array, Post, Values, weights_of


@dataclass(frozen=True)
class FittedCalibration:
    """One increasing function of P(class) a class; for two classes, of P(positive)."""

    functions: tuple[Callable[[Array], Array], ...]

    def apply(self, prediction: Values) -> Array:
        """Return (n,) P(positive), or (n, k) probabilities that add up to one (all equal where none is left)."""
        p = prediction.astype(np.float64)
        if p.ndim == 1:
            return self.functions[0](p)
        calibrated = np.stack([function(column) for function, column in zip(self.functions, p.T, strict=True)], axis=1)
        total = calibrated.sum(axis=1, keepdims=True)
        return np.where(total > 0, calibrated / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])


class Calibration(Post):
    """Probabilities that occur as often as they say; of several classes each against all others.

    Parameters
    ----------
    learn
        ``learn(hit, p, weight)`` returns an increasing function of p, from (n,) outcomes 0 and 1.
    """

    def __init__(self, learn: Callable[[Array, Array, Array], Callable[[Array], Array]]) -> None:
        self._learn = learn

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedCalibration:
        """Learn one function a class; see ``Post.fit``."""
        p, weights = prediction.astype(np.float64), weights_of(y, weight)
        columns = [(1, p)] if p.ndim == 1 else list(enumerate(p.T))
        return FittedCalibration(tuple(self._of_class(y == code, column, weights) for code, column in columns))

    def _of_class(self, hit: NDArray[np.bool_], p: Array, weight: Array) -> Callable[[Array], Array]:
        if hit.all() or not hit.any():
            raise KagflowError(
                "probabilities cannot be calibrated on rows that all have a class, or all lack it",
                hint="a stratified splitter spreads the classes over the folds",
                where="calibration",
            )
        return self._learn(hit.astype(np.float64), p, weight)


def learn_steps(hit: Array, p: Array, weight: Array) -> Callable[[Array], Array]:
    """Isotonic regression (Zadrozny and Elkan, 2002); between the predictions that it saw, straight lines.

    It says 0 and 1 where one class only was seen, which a log loss punishes.
    """
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p, hit, sample_weight=weight)
    return partial(_interpolated, known=steps.X_thresholds_, shares=steps.y_thresholds_)


def _interpolated(p: Array, *, known: Array, shares: Array) -> Array:
    between: Array = np.interp(p, known, shares)
    return between


def learn_sigmoid(hit: Array, p: Array, weight: Array) -> Callable[[Array], Array]:
    """Logistic regression on the log-odds, on outcomes that are moved towards each other (Platt, 1999)."""
    from scipy.optimize import minimize

    score = _log_odds(p)
    positive, negative = (weight * hit).sum(), (weight * (1 - hit)).sum()
    aim = np.where(hit == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    share = weight / weight.sum()

    def loss(at: Array) -> tuple[float, Array]:
        z = at[0] * score + at[1]
        wrong = share * (_sigmoid(z) - aim)
        return float((share * (np.logaddexp(0.0, z) - aim * z)).sum()), np.array([(wrong * score).sum(), wrong.sum()])

    # A slope below zero would turn the order of the rows round.
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    return partial(_squeezed, slope=float(found.x[0]), shift=float(found.x[1]))


def _squeezed(p: Array, *, slope: float, shift: float) -> Array:
    return _sigmoid(slope * _log_odds(p) + shift)


def _log_odds(p: Array) -> Array:
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    odds: Array = np.log(clipped) - np.log1p(-clipped)
    return odds


def _sigmoid(z: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -z))
