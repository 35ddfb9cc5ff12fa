"""Metrics of predicted labels, and of ranked ones."""

import numpy as np

from kagflow.errors import KagflowError
from kagflow.metrics.base import ROUNDING, Array, Confusion, Metric, RowMean, Values


def _counts(table: Array) -> tuple[Array, Array, Array]:
    """Return (..., k) masses of each class: hit, true, and said."""
    return np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1), table.sum(axis=-2)


def _divide(numerator: Array, denominator: Array, otherwise: float) -> Array:
    quotient: Array = np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), otherwise)
    return quotient


def _accuracy(table: Array) -> Array:
    hit, true, _ = _counts(table)
    share: Array = hit.sum(axis=-1) / true.sum(axis=-1)
    return share


def _balanced_accuracy(table: Array) -> Array:
    """Mean recall over the classes that occur; NaN for one class."""
    hit, true, _ = _counts(table)
    occurring = (true > 0).sum(axis=-1)
    mean: Array = _divide(hit, true, 0.0).sum(axis=-1) / occurring
    return np.where(occurring > 1, mean, np.nan)


def _f1(table: Array) -> Array:
    """F1 of the positive class; NaN where it does not occur, as without it every cut is as good."""
    if table.shape[-1] > 2:
        raise KagflowError(
            f"f1 is for two classes; there are {table.shape[-1]}", hint="use f1_macro or f1_micro", where="metric"
        )
    hit, true, said = (masses[..., 1] for masses in _counts(table))
    return _divide(2.0 * hit, np.where(true > 0, true + said, 0.0), np.nan)


def _f1_macro(table: Array) -> Array:
    """Mean F1 over the classes that occur or were said."""
    hit, true, said = _counts(table)
    scores = _divide(2.0 * hit, true + said, 0.0)
    mean: Array = scores.sum(axis=-1) / (true + said > 0).sum(axis=-1)
    return mean


def _mcc(table: Array) -> Array:
    """Correlation of truth and label (Matthews, 1975; Gorodkin, 2004): 0 for one label said, NaN for one class."""
    hit, true, said = _counts(table)
    total = true.sum(axis=-1)
    covariance = hit.sum(axis=-1) * total - (true * said).sum(axis=-1)
    of_truth, of_said = total**2 - (true**2).sum(axis=-1), total**2 - (said**2).sum(axis=-1)
    one_class = (true > 0).sum(axis=-1) < 2
    several_said = (said > 0).sum(axis=-1) > 1
    spread = np.where(one_class | ~several_said, 0.0, np.sqrt(np.maximum(of_truth * of_said, 0.0)))
    return np.where(one_class, np.nan, _divide(covariance, spread, 0.0))


def _kappa_statistics(y: Values, prediction: Values) -> Array:
    """Return (5, n): squared difference, and both labels with their squares, from the middle of the truth on."""
    truth, said = y.astype(np.float64), prediction.astype(np.float64)
    middle = np.rint(truth.mean())
    truth, said = truth - middle, said - middle
    return np.stack([(truth - said) ** 2, truth, said, truth * truth, said * said])


def _kappa(means: Array) -> float:
    """Return 1 - observed / expected squared difference (Cohen, 1968); NaN where chance could not be wrong."""
    difference, truth, said, truth_squared, said_squared = means
    expected = truth_squared + said_squared - 2.0 * truth * said
    return float(1.0 - difference / expected) if expected > ROUNDING * (truth_squared + said_squared) else float("nan")


def _reciprocal_rank(y: Values, ranked: Values) -> Array:
    """Return one over the place of the true label, nothing where it is not among the ranked."""
    hits = ranked == y[:, np.newaxis]
    reciprocal: Array = np.where(hits.any(axis=1), 1.0 / (1.0 + np.argmax(hits, axis=1)), 0.0)
    return reciprocal


def mean_average_precision(name: str, top: int) -> Metric:
    """Return map@k for rows that have one true label: the mean of one over its place among the first k."""
    return Metric(
        name=name,
        direction="maximize",
        wants="top_k",
        function=RowMean(loss=_reciprocal_rank),
        objective="log_loss",
        top=top,
    )


def _of_labels(name: str, function: Confusion | RowMean, *, ordinal: bool = False) -> Metric:
    return Metric(
        name=name, direction="maximize", wants="label", function=function, objective="log_loss", ordinal=ordinal
    )


LABEL_METRICS = (
    _of_labels("accuracy", Confusion(finish=_accuracy)),
    _of_labels("balanced_accuracy", Confusion(finish=_balanced_accuracy)),
    _of_labels("f1", Confusion(finish=_f1)),
    _of_labels("f1_macro", Confusion(finish=_f1_macro)),
    _of_labels("f1_micro", Confusion(finish=_accuracy)),  # the same for rows of one label; its other name
    _of_labels("mcc", Confusion(finish=_mcc)),
    _of_labels("quadratic_kappa", RowMean(loss=_kappa_statistics, finish=_kappa), ordinal=True),
)
