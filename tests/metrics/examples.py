"""One target and one set of predictions a metric, with the same number from scikit-learn or a plain loop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from kagflow.metrics import Metric, find_metric

Floats = NDArray[np.float64]
ROWS = 200
RNG = np.random.default_rng(0)
VALUES = RNG.gamma(2.0, size=ROWS)
ESTIMATES = VALUES * RNG.uniform(0.5, 1.5, size=ROWS)
BINARY = RNG.integers(0, 2, ROWS)
CHANCES = np.clip(0.3 * BINARY + RNG.uniform(0, 0.7, ROWS), 0.01, 0.99)
CLASSES = RNG.integers(0, 3, ROWS)
SHARES = 0.8 * RNG.dirichlet([1, 1, 1], ROWS) + 0.2 * np.eye(3)[CLASSES]
WEIGHTS = RNG.uniform(0.5, 3, ROWS)
GRADES = RNG.integers(1, 6, ROWS).astype(np.float64)
GUESSES = GRADES + RNG.normal(scale=0.8, size=ROWS)
PAIRS = RNG.normal(size=(ROWS, 2))
NEAR_PAIRS = PAIRS + RNG.normal(size=(ROWS, 2))
TIMES = np.ceil(5 * VALUES)
HAPPENED = RNG.integers(0, 2, ROWS)
STRATA = RNG.integers(0, 3, ROWS)
BINARY_PAIRS = RNG.integers(0, 2, (ROWS, 2))
CHANCE_PAIRS = np.clip(0.3 * BINARY_PAIRS + RNG.uniform(0, 0.7, (ROWS, 2)), 0.01, 0.99)


@dataclass
class Example:
    y: NDArray[Any]
    prediction: Floats
    reference: Callable[..., float]
    further: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def perfect(self) -> NDArray[Any]:
        """The truth, in the form of the predictions."""
        if self.prediction.ndim == 2 and self.y.ndim == 1:
            return (self.y[:, np.newaxis] == np.arange(self.prediction.shape[1])).astype(np.float64)
        return self.y


def of_labels(score: Callable[..., float], **settings: Any) -> Callable[..., float]:
    return lambda y, p, sample_weight: score(y, p > 0.5, sample_weight=sample_weight, **settings)


def ones_where_absent(weight: Floats | None, rows: int) -> Floats:
    return np.ones(rows) if weight is None else weight


def smape_in_a_loop(y: Floats, p: Floats, sample_weight: Floats | None) -> float:
    terms = [200 * abs(a - b) / (abs(a) + abs(b)) if a or b else 0.0 for a, b in zip(y, p, strict=True)]
    return float(np.average(terms, weights=sample_weight))


def by_column(score: Callable[..., float]) -> Callable[..., float]:
    return lambda y, p, sample_weight, **further: float(
        np.mean([score(y[:, c], p[:, c], sample_weight=sample_weight, **further) for c in range(y.shape[1])])
    )


def gini_by_auc(y: Floats, p: Floats, sample_weight: Floats | None) -> float:
    return float(2 * sk.roc_auc_score(y, p, sample_weight=sample_weight) - 1)


def concordance_of_pairs(
    y: Floats, p: Floats, sample_weight: Floats | None, event: NDArray[Any] | None = None
) -> float:
    """All pairs one by one: known where the first is an event and the second came later, or was seen that long."""
    weight, happened = ones_where_absent(sample_weight, len(y)), np.ones(len(y)) if event is None else event
    won = known = 0.0
    for i, j in product(range(len(y)), repeat=2):
        if happened[i] and (y[i] < y[j] or (y[i] == y[j] and not happened[j])):
            known += weight[i] * weight[j]
            won += weight[i] * weight[j] * (float(p[i] < p[j]) + 0.5 * float(p[i] == p[j]))
    return won / known if known else float("nan")


def stratified_concordance_of_pairs(
    y: Floats, p: Floats, sample_weight: Floats | None, event: NDArray[Any], stratum: NDArray[Any]
) -> float:
    weight = ones_where_absent(sample_weight, len(y))
    own = [stratum == value for value in sorted(set(stratum))]
    scores = [concordance_of_pairs(y[rows], p[rows], weight[rows], event[rows]) for rows in own]
    return float(np.mean(scores) - np.std(scores))


def map_at_two_in_a_loop(y: NDArray[Any], p: Floats, sample_weight: Floats | None) -> float:
    scores = []
    for code, row in zip(y, p, strict=True):
        first, second = sorted(range(len(row)), key=lambda k: -row[k])[:2]
        scores.append(1.0 if code == first else 0.5 if code == second else 0.0)
    return float(np.average(scores, weights=sample_weight))


EXAMPLES: dict[str, Example] = {
    "rmse": Example(VALUES, ESTIMATES, sk.root_mean_squared_error),
    "rmsle": Example(VALUES, ESTIMATES, sk.root_mean_squared_log_error),
    "mcrmse": Example(PAIRS, NEAR_PAIRS, by_column(sk.root_mean_squared_error)),
    "mae": Example(VALUES, ESTIMATES, sk.mean_absolute_error),
    "wmae": Example(VALUES, ESTIMATES, sk.mean_absolute_error),
    "medae": Example(VALUES, ESTIMATES, sk.median_absolute_error),
    "mape": Example(VALUES, ESTIMATES, sk.mean_absolute_percentage_error),
    "smape": Example(VALUES, ESTIMATES, smape_in_a_loop),
    "r2": Example(VALUES, ESTIMATES, sk.r2_score),
    "pinball@0.9": Example(
        VALUES,
        ESTIMATES,
        lambda y, p, sample_weight: sk.mean_pinball_loss(y, p, alpha=0.9, sample_weight=sample_weight),
    ),
    "log_loss": Example(BINARY, CHANCES, sk.log_loss),
    "brier": Example(BINARY, CHANCES, sk.brier_score_loss),
    "auc": Example(BINARY, CHANCES, sk.roc_auc_score),
    "auc_ovr": Example(
        CLASSES,
        SHARES,
        lambda y, p, sample_weight: np.mean(
            [sk.roc_auc_score(y == k, p[:, k], sample_weight=sample_weight) for k in range(3)]
        ),
    ),
    "average_precision": Example(BINARY, CHANCES, sk.average_precision_score),
    "gini": Example(BINARY, CHANCES, gini_by_auc),
    "accuracy": Example(BINARY, CHANCES, of_labels(sk.accuracy_score)),
    "balanced_accuracy": Example(BINARY, CHANCES, of_labels(sk.balanced_accuracy_score)),
    "f1": Example(BINARY, CHANCES, of_labels(sk.f1_score)),
    "f1_macro": Example(BINARY, CHANCES, of_labels(sk.f1_score, average="macro")),
    "f1_micro": Example(BINARY, CHANCES, of_labels(sk.f1_score, average="micro")),
    "mcc": Example(BINARY, CHANCES, of_labels(sk.matthews_corrcoef)),
    "quadratic_kappa": Example(
        GRADES,
        GUESSES,
        lambda y, p, sample_weight: sk.cohen_kappa_score(
            y, np.rint(p), weights="quadratic", sample_weight=sample_weight, labels=np.arange(-2, 9)
        ),
    ),
    "mean_columnwise@mae": Example(PAIRS, NEAR_PAIRS, by_column(sk.mean_absolute_error)),
    "mean_columnwise@rmsle": Example(np.exp(PAIRS), np.exp(NEAR_PAIRS), by_column(sk.root_mean_squared_log_error)),
    "mean_columnwise@medae": Example(PAIRS, NEAR_PAIRS, by_column(sk.median_absolute_error)),
    "mean_columnwise@auc": Example(BINARY_PAIRS, CHANCE_PAIRS, by_column(sk.roc_auc_score)),
    "mean_columnwise@log_loss": Example(BINARY_PAIRS, CHANCE_PAIRS, by_column(sk.log_loss)),
    "mean_columnwise@f1": Example(BINARY_PAIRS, CHANCE_PAIRS, by_column(of_labels(sk.f1_score))),
    "mean_columnwise@concordance@event": Example(
        np.ceil(np.exp(PAIRS)), NEAR_PAIRS, by_column(concordance_of_pairs), {"event": HAPPENED}
    ),
    "map@2": Example(CLASSES, SHARES, map_at_two_in_a_loop),
    "concordance": Example(TIMES, ESTIMATES, concordance_of_pairs),
    "concordance@event": Example(TIMES, ESTIMATES, concordance_of_pairs, {"event": HAPPENED}),
    "stratified_concordance@event,stratum": Example(
        TIMES, ESTIMATES, stratified_concordance_of_pairs, {"event": HAPPENED, "stratum": STRATA}
    ),
}


def example(name: str) -> tuple[Metric, Example]:
    return find_metric(name), EXAMPLES[name]
