"""When to stop a trial: as soon as its folds so far say that it will not become the best.

A trial is compared with the best complete one on the same folds. On rows where a metric is a mean over rows, their
paired differences tell how sure the comparison is: the more alike two trials, the surer. What they cannot tell is how
much another training sample would change, so it is learned from how far differences vary between the folds of earlier
trials. `benchmarks/pruning.py` holds the rule against others, on recorded studies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kagflow.metrics import METRICS, Array, Metric, RowMean

# Chance of one decision to stop a trial that ends level with the best. Such a trial would bring nothing, and of those
# that end ahead fewer are stopped. On recorded studies of four competitions 0.2 to 3 % of the stops were wrong, and the
# best score for a number of fits was closer to the best there is than at lower chances, which stop less, and at higher
# ones, which lose what they look for. Scores of folds alone tell less, and stop as many at a higher chance only.
_ON_ROWS, _ON_SCORES = 0.2, 0.25
_DECISIONS = 4  # where there are more, they share the chance of these
_INFLATION = 1.5  # believed before anything is learned, with the weight of _BELIEF differences
_BELIEF = 4
# Of scores of folds, what each trial leaves of what was learned before: the closer a study gets, the more alike its
# trials, and the less their differences vary. (That of rows tells by itself how alike two trials are.)
_MEMORY = 0.9

_Values = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class FoldResult:
    """How a trial did on a fold.

    Attributes
    ----------
    fold
        Its number.
    score
        In the metric's units; ``None`` where the fold alone has none.
    losses
        (v,) losses of its rows, of which less is better; ``None`` where the metric is no mean over rows.
    weight
        (v,) weights of its rows; ``None`` when all weigh the same.
    """

    fold: int
    score: float | None
    losses: Array | None = None
    weight: Array | None = None


def row_losses(metric: Metric, y: _Values, prediction: _Values) -> Array | None:
    """Return (n,) losses of rows, of which less is better, or ``None`` where the metric is no mean over rows.

    A last step over the mean, such as a root, does not matter as long as it keeps the order.
    """
    prepared = metric.prepare(prediction)
    if metric.function == METRICS["accuracy"].function:
        return np.asarray(prepared != y, dtype=np.float64)
    if not isinstance(metric.function, RowMean):
        return None
    losses = metric.function.loss(y, prepared)
    if losses.ndim != 1:
        return None
    mean, finish = float(losses.mean()) or 1.0, metric.function.finish
    more, less = finish(mean * 1.001), finish(mean)
    if more == less:
        return None  # no order to tell
    return -losses if metric.better(more, less) == (mean > 0) else losses


class Pruner:
    """Stops trials that will not become the best.

    Parameters
    ----------
    metric
        Of the competition.

    Notes
    -----
    With the share f of all rows done, the final difference of two trials is the difference so far, give or take its
    standard error times sqrt(1 - f): what is done will not change any more. A trial is stopped where it is behind by
    more than so many of these as Student's t allows at the chance of a decision, of which there is one after each fold.

    The variance is that of the rows' paired differences, times how much more differences vary between folds than their
    rows explain (at least 1), which is what another training sample changes: a mean over earlier trials and this one.
    Of a metric that is no mean over rows it is the variance between folds itself, of late trials above all. Few rows
    may carry a difference, as where labels agree on all others: they count for the degrees of freedom, as do the folds
    learned from.
    """

    def __init__(self, metric: Metric) -> None:
        self._sign = 1.0 if metric.direction == "minimize" else -1.0
        self._ratios, self._ratio_df = _INFLATION * _BELIEF, _BELIEF
        self._squares, self._df = 0.0, 0.0

    def should_stop(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> bool:
        """Say whether a trial should be stopped.

        Parameters
        ----------
        trial
            What is done of it, in any order.
        best
            All folds of the best complete trial.

        Raises
        ------
        ValueError
            The trial has a fold that the best one has not.
        """
        pairs = _pairs(trial, best)
        if not pairs or len(trial) >= len(best):
            return False
        compared = [_compare_rows(*pair) for pair in pairs]
        rows = [each for each in compared if each is not None]
        if len(rows) == len(pairs) and all(result.losses is not None for result in best):
            return self._is_behind_on_rows(rows, best)
        return self._is_behind_on_folds(self._score_differences(pairs), len(best))

    def learn(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> None:
        """Learn from a trial, complete or stopped, how far differences to the best of its time vary between folds.

        Raises
        ------
        ValueError
            The trial has a fold that the best one has not.
        """
        pairs = _pairs(trial, best)
        rows = [each for pair in pairs if (each := _compare_rows(*pair)) is not None]
        if len(rows) > 1 and (explained := _explained(rows)):
            self._ratios += _squares([each.mean for each in rows]) / explained
            self._ratio_df += len(rows) - 1
        differences = self._score_differences(pairs)
        if len(differences) > 1 and differences.any():
            self._squares = _MEMORY * self._squares + _squares(differences)
            self._df = _MEMORY * self._df + len(differences) - 1

    def _is_behind_on_rows(self, rows: "Sequence[_OnRows]", best: Sequence[FoldResult]) -> bool:
        mass = np.array([each.mass for each in rows])
        share = mass / mass.sum()
        mean = float(share @ [each.mean for each in rows])
        variance = float(share**2 @ [each.variance for each in rows])
        inflation = self._ratios / self._ratio_df
        if explained := _explained(rows):
            own = _squares([each.mean for each in rows]) / explained
            inflation = (_BELIEF * inflation + own) / (_BELIEF + len(rows) - 1)
        left = 1 - mass.sum() / sum(_mass(result) for result in best)
        carrying = sum(each.carrying for each in rows) - 1
        if mean <= 0 or carrying <= 0:
            return False
        df = 1 / (1 / self._ratio_df + 1 / carrying)
        return mean > _quantile(_ON_ROWS, df, len(best)) * float(np.sqrt(max(1.0, inflation) * variance * left))

    def _is_behind_on_folds(self, differences: Array, n_folds: int) -> bool:
        done = len(differences)
        if not done or not self._df:  # nothing tells yet how far folds vary
            return False
        mean, df = float(differences.mean()), done - 1
        variance = (_BELIEF * self._squares / self._df + _squares(differences)) / (_BELIEF + df)
        error = float(np.sqrt(variance / done * (1 - done / n_folds)))
        return mean > 0 and mean > _quantile(_ON_SCORES, self._df + df, n_folds) * error

    def _score_differences(self, pairs: "Sequence[_Pair]") -> Array:
        scores = [(mine.score, its.score) for mine, its in pairs]
        return self._sign * np.array([mine - its for mine, its in scores if mine is not None and its is not None])


_Pair = tuple[FoldResult, FoldResult]


@dataclass(frozen=True)
class _OnRows:
    """Paired differences of a fold's rows.

    Attributes
    ----------
    mean, variance
        The mean difference, and the variance of that.
    mass
        The rows' weight.
    carrying
        How many rows carry the difference: all where they differ alike, else fewer (Kish, 1965).
    """

    mean: float
    variance: float
    mass: float
    carrying: float


def _pairs(trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> list[_Pair]:
    by_fold: Mapping[int, FoldResult] = {result.fold: result for result in best}
    for result in trial:
        if result.fold not in by_fold:
            raise ValueError(f"the best trial has no fold {result.fold}")
    return [(result, by_fold[result.fold]) for result in trial]


def _compare_rows(mine: FoldResult, its: FoldResult) -> _OnRows | None:
    """Return the comparison on rows, or ``None`` where there are no losses, or too few to vary."""
    if mine.losses is None or its.losses is None or len(mine.losses) < 2:
        return None
    difference = mine.losses - its.losses
    weight = np.ones(len(difference)) if mine.weight is None else mine.weight
    share = weight / weight.sum()
    mean = float((share * difference).sum())
    n = len(difference)
    variance = float((share**2 * (difference - mean) ** 2).sum()) * n / (n - 1)
    squares = (share * difference) ** 2
    carrying = float(squares.sum() ** 2 / (squares**2).sum()) if squares.any() else 0.0
    return _OnRows(mean, variance, float(weight.sum()), carrying)


def _explained(rows: Sequence[_OnRows]) -> float:
    """Return the variance between folds that their rows explain."""
    return float(np.mean([each.variance for each in rows])) if rows else 0.0


def _squares(values: Sequence[float] | Array) -> float:
    """Return the sum of squares about the mean."""
    return float(np.var(values) * len(values))


def _quantile(chance: float, df: float, n_folds: int) -> float:
    """Return Student's t of a decision's chance, one of those after all folds but the last."""
    return float(stats.t.isf(chance * min(1.0, _DECISIONS / (n_folds - 1)), df))


def _mass(result: FoldResult) -> float:
    assert result.losses is not None
    return float(len(result.losses) if result.weight is None else result.weight.sum())
