"""What a model may be told to fit, and to follow on stop rows, beside what its library knows: functions of the user's.

A function of one's own sees raw scores: values for regression, log-odds for two classes. Boosting starts from the best
constant of the usual loss (the mean; the log-odds of the prior), as it does for the libraries' own objectives, for it
would take many rounds to get there from zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from kagflow.config import Task
from kagflow.errors import ModelError
from kagflow.features.blame import blaming, where_is

Array = NDArray[np.float64]
Derivatives = Callable[[Array, Array, Array], tuple[Array, Array]]
"""``(y, prediction, weight) -> (gradient, hessian)``: see `OwnObjective`."""

_LEAST_PRIOR = 1e-6  # of one class only; its log-odds would be infinite


@dataclass(frozen=True)
class OwnObjective:
    """An objective by its derivatives.

    Parameters
    ----------
    function
        ``function(y, prediction, weight) -> (gradient, hessian)``, all (n,) Float64: ``y`` on the model's scale (0 and
        1 for classes), ``prediction`` raw, ``weight`` one where the competition has none. Derivatives of the weighted
        loss of each row by its prediction, so the function multiplies by ``weight``. It may be called with some of
        the rows at a time (CatBoost does), and from several threads.
    """

    function: Derivatives

    def start(self, y: NDArray[np.generic], weight: Array | None, task: Task) -> float:
        """Return the raw score that boosting starts from, of (n,) training targets.

        Raises
        ------
        FeatureError, ModelError
            As ``derivatives``; or twice the weights make no difference, so that the function forgot to multiply.
        """
        mean = np.average(y.astype(np.float64), weights=weight)
        start = float(mean if task == "regression" else logit(np.clip(mean, _LEAST_PRIOR, 1 - _LEAST_PRIOR)))
        if weight is not None:
            self._check_weights(y, np.full(len(y), start), weight)
        return start

    def derivatives(
        self, y: NDArray[np.generic], prediction: NDArray[np.generic], weight: NDArray[np.generic] | None
    ) -> tuple[Array, Array]:
        """Return (n,) gradients and (n,) Hessians.

        Raises
        ------
        FeatureError
            The function raised; the error names its line.
        ModelError
            It returned something else than two arrays of n finite numbers, or does not look at the weights.
        """
        truth, raw = (np.array(part, dtype=np.float64) for part in (y, prediction))
        weights = np.ones(len(truth)) if weight is None else np.array(weight, dtype=np.float64)
        with blaming(self.function):
            returned = self.function(truth, raw, weights)
        return self._checked(returned, len(truth))

    def _check_weights(self, y: NDArray[np.generic], raw: Array, weight: Array) -> None:
        gradient, _ = self.derivatives(y, raw, weight)
        double, _ = self.derivatives(y, raw, 2 * weight)
        if gradient.any() and np.array_equal(gradient, double):
            raise ModelError(
                "the objective takes no notice of the rows' weights",
                hint="multiply gradient and hessian by `weight`, or remove `weight` from competition.yaml",
                where=where_is(self.function),
            )

    def _checked(self, returned: object, rows: int) -> tuple[Array, Array]:
        where = where_is(self.function)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise ModelError(
                f"the objective must return (gradient, hessian), got {type(returned).__name__}",
                hint="write `return gradient, hessian`",
                where=where,
            )
        for name, part in zip(("gradient", "hessian"), returned, strict=True):
            if not isinstance(part, np.ndarray) or part.shape != (rows,):
                came = f"shape {part.shape}" if isinstance(part, np.ndarray) else type(part).__name__
                raise ModelError(
                    f"the objective's {name} must be an array of shape ({rows},), got {came}",
                    hint="one number a row; for a constant, np.full_like(prediction, 2.0)",
                    where=where,
                )
            unusable = np.count_nonzero(~np.isfinite(part.astype(np.float64)))
            if unusable:
                raise ModelError(
                    f"the objective's {name} is not finite for {unusable} of {rows} rows",
                    hint="look for logarithms, divisions by zero, and exponentials of large raw scores",
                    where=where,
                )
        gradient, hessian = returned
        return gradient.astype(np.float64), hessian.astype(np.float64)


def answer(raw: NDArray[np.floating], task: Task) -> Array:
    """Return (n,) values or P(positive) of (n,) raw scores."""
    scores = np.asarray(raw, dtype=np.float64)
    return scores if task == "regression" else expit(scores)


@dataclass(frozen=True)
class StopScore:
    """What early stopping follows instead of the library's own loss; it knows the stop rows, and no others.

    Attributes
    ----------
    name
        Of the metric.
    maximize
        Whether more is better.
    score
        Takes the stop rows' predictions in the form of ``FittedModel.predict``, and returns one number.
    """

    name: str
    maximize: bool
    score: Callable[[Array], float]
