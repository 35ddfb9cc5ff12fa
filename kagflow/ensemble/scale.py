"""The scale on which predictions are added up: the one on which the metric is an error of the mean."""

from typing import Protocol

import numpy as np

from kagflow.ensemble.rows import Array, Values
from kagflow.metrics import Metric

_LOWEST = -1 + 1e-9  # what lies below has no logarithm


class Scale(Protocol):
    """A scale and the way back."""

    def forward(self, prediction: Values) -> Values:
        """Return predictions, or targets, on the scale."""

    def back(self, blend: Array) -> Array:
        """Return a blend as predictions."""


class AsIs:
    """The predictions' own scale."""

    def forward(self, prediction: Values) -> Values:
        """Return them as they are."""
        return prediction

    def back(self, blend: Array) -> Array:
        """Return it as it is."""
        return blend


class Logarithm:
    """The logarithm of one plus the prediction."""

    def forward(self, prediction: Values) -> Values:
        """Return log(1 + prediction)."""
        return np.log1p(np.maximum(prediction, _LOWEST))

    def back(self, blend: Array) -> Array:
        """Return exp(blend) - 1."""
        return np.expm1(blend)


def scale_of(metric: Metric) -> Scale:
    """Return the scale of that metric: logarithmic where its objective is fitted there."""
    return Logarithm() if metric.transform == "log1p" else AsIs()


_SMALLEST = 1e-7  # what is nearer to 0 or 1 is moved there: one member that is quite sure must not outvote all others


def log_odds(p: Values) -> Array:
    """Return the log-odds of (n,) P(positive), or (n, k) logarithms of P(class), with mean zero over the classes."""
    clipped = np.clip(p.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    if p.ndim == 1:
        odds: Array = np.log(clipped) - np.log1p(-clipped)
        return odds
    logarithms = np.log(clipped)
    centred: Array = logarithms - logarithms.mean(axis=1, keepdims=True)
    return centred


def probabilities(odds: Array) -> Array:
    """Return what has these log-odds: the way back from ``log_odds``."""
    from scipy.special import expit, softmax

    back: Array = expit(odds) if odds.ndim == 1 else softmax(odds, axis=1)
    return back
