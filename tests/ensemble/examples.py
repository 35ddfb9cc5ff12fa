"""Small ensembles: members in families, for every kind of target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kagflow.config import Task
from kagflow.ensemble import Level, Rows
from kagflow.metrics import find_metric

Values = NDArray[np.generic]


@dataclass(frozen=True)
class Example:
    """A metric, and what members predict for it."""

    metric: str
    task: Task

    def level(self, rows: int = 240, members: int = 5, seed: int = 0, *, weighted: bool = False) -> Level:
        """Return members of that many rows in four folds; the third is not worth much, the last repeats the first."""
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=rows)
        spread = rng.uniform(0.4, 1.2, members)
        spread[2 % members] = 5.0
        noisy = [signal + rng.normal(size=rows) * each for each in spread[:-1]]
        noisy.append(noisy[0].copy() if noisy else signal)
        y, predictions = self._as_asked(signal + rng.normal(scale=0.5, size=rows), noisy)
        weight = rng.uniform(0.5, 3.0, rows) if weighted or self.metric == "wmae" else None
        folds = rng.permutation(rows) % 4 + 3
        metric = find_metric(self.metric)
        own = Rows(metric=metric, y=y, folds=folds, task=self.task, weight=weight, units=np.arange(rows) // 2)
        return Level(own, predictions, [f"m{number}" for number in range(members)])

    def _as_asked(self, truth: Values, noisy: list[Values]) -> tuple[Values, list[Values]]:
        if self.metric == "mcrmse":
            return np.stack([truth, 1 - truth], axis=1), [np.stack([each, 1 - 0.5 * each], axis=1) for each in noisy]
        if self.task == "regression":
            return np.exp(truth), [np.exp(each) for each in noisy]
        if self.task == "binary":
            return (truth > 0).astype(np.int64), [1 / (1 + np.exp(-2.0 * each)) for each in noisy]
        grades = np.digitize(truth, [-0.6, 0.6])
        if self.metric == "quadratic_kappa":
            return grades, [each + 1 for each in noisy]
        shares = [np.exp(-((each[:, np.newaxis] - [-1, 0, 1]) ** 2)) for each in noisy]
        return grades, [each / each.sum(axis=1, keepdims=True) for each in shares]


EXAMPLES = [
    Example("rmse", "regression"),
    Example("rmsle", "regression"),
    Example("r2", "regression"),
    Example("mae", "regression"),
    Example("wmae", "regression"),
    Example("pinball@0.9", "regression"),
    Example("medae", "regression"),
    Example("mcrmse", "regression"),
    Example("log_loss", "binary"),
    Example("brier", "binary"),
    Example("auc", "binary"),
    Example("accuracy", "binary"),
    Example("mcc", "binary"),
    Example("log_loss", "multiclass"),
    Example("brier", "multiclass"),
    Example("accuracy", "multiclass"),
    Example("map@2", "multiclass"),
    Example("auc_ovr", "multiclass"),
    Example("quadratic_kappa", "multiclass"),
]


def name_of(example: Example) -> str:
    """Return what a test of it is called."""
    return f"{example.metric}-{example.task}"
