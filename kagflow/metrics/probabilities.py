"""Metrics of predicted probabilities, and of the order that predictions put rows in."""

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.metrics.base import Array, Metric, Redrawn, RowMean, Values


def _surprise(y: Values, prediction: Values) -> Array:
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


def _brier_loss(y: Values, prediction: Values) -> Array:
    """Return the squared error of P(positive), or that of all classes added up (Brier, 1950)."""
    p = prediction.astype(np.float64)
    if p.ndim == 1:
        return (y.astype(np.float64) - p) ** 2
    true = y.astype(np.int64)[:, np.newaxis] == np.arange(p.shape[1])
    loss: Array = ((true - p) ** 2).sum(axis=1)
    return loss


def _tied(prediction: Values, *masses: Array) -> list[Array]:
    """Return masses added up over rows of equal prediction, in ascending order of it."""
    order = np.argsort(prediction, kind="stable")
    ranked = prediction[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    return [np.add.reduceat(mass[order], starts) for mass in masses]


def _refuse_several_classes(name: str, prediction: Values) -> None:
    if prediction.ndim != 1:
        raise KagflowError(
            f"{name} is for two classes; there are {prediction.shape[1]}",
            hint="check `metric` and `task`",
            where="metric",
        )


class AreaUnderCurve:
    """Weighted area under the ROC curve; a tie counts half (Mann and Whitney, 1947). NaN for one class."""

    def __call__(self, y: Values, prediction: Values, weight: Array) -> float:
        """Return the metric; as every metric's function."""
        _refuse_several_classes("auc", prediction)
        mass = weight * (y == 1)
        positive, negative = _tied(prediction, mass, weight - mass)
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        return float((positive * (below + negative / 2)).sum() / pairs) if pairs > 0 else float("nan")

    def redrawn(self, y: Values, prediction: Values, weight: Array) -> Redrawn:
        """Return the metric as a function of how often each row is drawn, sorting once."""
        _refuse_several_classes("auc", prediction)
        positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y != 1)
        negative = negative[np.argsort(prediction[negative], kind="stable")]
        ranked = prediction[negative]
        # How many negative rows lie below each positive one, and how many below or level with it.
        below = np.searchsorted(ranked, prediction[positive], "left")
        level = np.searchsorted(ranked, prediction[positive], "right")
        of_positive, of_negative = weight[positive], weight[negative]

        def score(counts: NDArray[np.int64]) -> float:
            mass = of_positive * counts[positive]
            under = np.concatenate([[0.0], np.cumsum(of_negative * counts[negative])])
            pairs = mass.sum() * under[-1]
            return float((mass * (under[below] + under[level])).sum() / (2 * pairs)) if pairs > 0 else float("nan")

        return score


_auc = AreaUnderCurve()


def _auc_one_vs_rest(y: Values, prediction: Values, weight: Array) -> float:
    """Mean over the classes of the auc of each against all others; NaN where a class does not occur."""
    if prediction.ndim == 1:
        raise KagflowError("auc_ovr is for several classes; there are two", hint="use auc", where="metric")
    scores = [_auc((y == k).astype(np.int64), prediction[:, k], weight) for k in range(prediction.shape[1])]
    return float(np.mean(scores))


def _average_precision(y: Values, prediction: Values, weight: Array) -> float:
    """Precision at every cut, weighted by the recall that it adds; rows of equal prediction come together."""
    _refuse_several_classes("average_precision", prediction)
    positive, all_rows = (mass[::-1] for mass in _tied(prediction, weight * (y == 1), weight))
    precision = np.cumsum(positive) / np.cumsum(all_rows)
    found = positive.sum()
    return float((positive * precision).sum() / found) if found > 0 else float("nan")


def _gini(y: Values, prediction: Values, weight: Array) -> float:
    """Gini index of the order that predictions put rows in, over that of the best order.

    Twice the area between the Lorenz curve of the target and the diagonal. Rows of equal prediction make one straight
    piece of the curve: what their order would give on average. For two classes it is 2 auc - 1.
    """
    _refuse_several_classes("gini", prediction)
    best = _lorenz_area(y, y, weight)
    return _lorenz_area(y, prediction, weight) / best if best > 0 else float("nan")


def _lorenz_area(y: Values, by: Values, weight: Array) -> float:
    amount = y.astype(np.float64)
    if (amount < 0).any():
        raise KagflowError("gini is for amounts; some are below zero", hint="check `metric`", where="metric")
    rows, target = (np.cumsum(mass[::-1]) for mass in _tied(by, weight, weight * amount))
    if target[-1] == 0:
        return float("nan")
    x, curve = np.r_[0.0, rows / rows[-1]], np.r_[0.0, target / target[-1]]
    return float(((curve[1:] + curve[:-1]) * np.diff(x)).sum() - 1.0)


PROBABILITY_METRICS = (
    Metric(
        name="log_loss",
        direction="minimize",
        wants="probability",
        function=RowMean(loss=_surprise),
        objective="log_loss",
    ),
    Metric(
        name="brier",
        direction="minimize",
        wants="probability",
        function=RowMean(loss=_brier_loss),
        objective="log_loss",
    ),
    Metric(
        name="auc",
        direction="maximize",
        wants="probability",
        function=_auc,
        objective="log_loss",
    ),
    Metric(
        name="auc_ovr",
        direction="maximize",
        wants="probability",
        function=_auc_one_vs_rest,
        objective="log_loss",
    ),
    Metric(
        name="average_precision",
        direction="maximize",
        wants="probability",
        function=_average_precision,
        objective="log_loss",
    ),
    Metric(
        name="gini",  # of a target that is not negative: classes, or amounts
        direction="maximize",
        wants="probability",
        function=_gini,
        objective="log_loss",
    ),
)
