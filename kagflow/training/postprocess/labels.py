"""Labels of chances, and grades of values: where to cut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import ConfigError, KagflowError
from kagflow.metrics import Confusion, Metric
from kagflow.training.postprocess.base import Array, Post, Values, one_column, weights_of

_CUTS = 200  # candidates for each cut between grades; a finer grid fits noise
_MOST_SWEEPS = 50


@dataclass(frozen=True)
class FittedThreshold:
    """Says the positive label where P(positive) is above the cut."""

    cut: float

    def apply(self, prediction: Values) -> NDArray[np.int64]:
        """Return (n,) labels, 0 or 1."""
        return (prediction.astype(np.float64) > self.cut).astype(np.int64)


@dataclass(frozen=True)
class Threshold(Post):
    """The cut of P(positive) with the best score, among all that differ on the rows.

    Cuts lie midway between neighbouring predictions, or beyond all of them. Of several best ones it is the nearest to
    one half.

    Parameters
    ----------
    metric
        One that counts labels: accuracy, f1, mcc ...
    """

    metric: Metric

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedThreshold:
        """Find the cut; see ``Post.fit``."""
        finish = self._finish()
        chances = one_column("threshold", y, prediction)
        order = np.argsort(chances, kind="stable")
        ranked, mass = chances[order], weights_of(y, weight)[order]
        positive = mass * (y[order] == 1)
        ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])  # the last row of each different prediction
        scores = finish(_tables(np.cumsum(positive)[ends], np.cumsum(mass - positive)[ends]))
        if not np.isfinite(scores).all():
            raise KagflowError(
                f"{self.metric.name} of the rows is not defined at every cut",
                hint="do they hold one class only? a stratified splitter spreads the classes over the folds",
                where="threshold",
            )
        best = scores.max() if self.metric.direction == "maximize" else scores.min()
        cuts = _cuts_between(ranked[ends])[np.isclose(scores, best, rtol=1e-12, atol=1e-15)]
        return FittedThreshold(float(cuts[np.argmin(np.abs(cuts - 0.5))]))

    def _finish(self) -> Callable[[Array], Array]:
        if not isinstance(self.metric.function, Confusion):
            raise ConfigError(
                f"a threshold is for metrics that count labels; {self.metric.name} does not",
                hint="one is for accuracy, balanced_accuracy, f1, f1_macro, f1_micro and mcc",
                where="postprocess",
            )
        return self.metric.function.finish


def _tables(positive: Array, negative: Array) -> Array:
    """Return (m + 1, 2, 2) masses, truth by label, from the (m,) masses up to each different prediction.

    The first cut lies below all rows, the last above all.
    """
    positive, negative = np.r_[0.0, positive], np.r_[0.0, negative]
    cells = [negative, negative[-1] - negative, positive, positive[-1] - positive]
    return np.stack(cells, axis=-1).reshape(-1, 2, 2)


def _cuts_between(distinct: Array) -> Array:
    """Return the cuts around (m,) ascending predictions: one below all, m - 1 midway, and the highest (none above)."""
    lower, upper = distinct[:-1], distinct[1:]
    middle = lower + (upper - lower) / 2
    middle = np.where(middle < upper, middle, lower)  # neighbouring numbers have none between them
    cuts: Array = np.r_[distinct[0] - 1.0, middle, distinct[-1]]
    return cuts


@dataclass(frozen=True)
class FittedGrades:
    """Says the grade whose cuts a value lies between.

    Attributes
    ----------
    grades
        Ascending.
    cuts
        Ascending; one less than there are grades. A value above a cut has a higher grade.
    """

    grades: tuple[int, ...]
    cuts: tuple[float, ...]

    def apply(self, prediction: Values) -> NDArray[np.int64]:
        """Return (n,) grades."""
        found: NDArray[np.int64] = np.array(self.grades)[np.searchsorted(self.cuts, _as_values(prediction))]
        return found


@dataclass(frozen=True)
class Grades(Post):
    """Cut points that turn values into grades, for a metric on grades.

    They start where each grade gets its share of the rows, and move one at a time to the best of up to 200 quantiles
    of the predictions, until none moves. Of class probabilities the expected class is what is cut.

    Parameters
    ----------
    metric
        One that wants labels, such as quadratic_kappa.
    """

    metric: Metric

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedGrades:
        """Find the cuts; see ``Post.fit``."""
        if self.metric.wants != "label":
            raise ConfigError(
                f"cut points are for metrics that want labels; {self.metric.name} wants a {self.metric.wants}",
                hint="they are made for quadratic_kappa",
                where="postprocess",
            )
        values = one_column("kappa", y, _as_values(prediction))
        grades, truth = np.unique(y.astype(np.float64), return_inverse=True)
        if len(grades) < 2 or (grades != np.rint(grades)).any():
            raise KagflowError(
                "the target holds no grades: it needs two different whole numbers at least, and nothing else",
                hint="cut points are for whole numbers on a scale",
                where="kappa",
            )
        candidates = _quantile_cuts(values)
        rows = _Binned(self.metric, grades, candidates, truth, values, weights_of(y, weight))
        chosen = rows.search(rows.by_share())
        return FittedGrades(tuple(int(grade) for grade in grades), tuple(float(candidates[c]) for c in chosen))


class _Binned:
    """Rows added up by grade and by the bin, between two candidates, that their value lies in.

    No candidate divides a bin, so that scores are exact, at the price of a few thousand rows.
    """

    def __init__(
        self, metric: Metric, grades: Array, candidates: Array, truth: NDArray[Any], values: Array, weight: Array
    ) -> None:
        self._metric = metric
        self._grades = grades.astype(np.int64)
        bins = len(candidates) + 1
        cell = truth * bins + np.searchsorted(candidates, values)
        mass = np.bincount(cell, weights=weight, minlength=len(grades) * bins).astype(np.float64)
        kept = np.flatnonzero(mass > 0)
        self._candidates = len(candidates)
        self._truth, self._bin, self._mass = kept // bins, kept % bins, mass[kept]

    def by_share(self) -> list[int]:
        """Return the candidates that give each grade about its share of the rows."""
        shares = np.cumsum(np.bincount(self._truth, weights=self._mass))
        of_bins = np.cumsum(np.bincount(self._bin, weights=self._mass, minlength=self._candidates + 1))
        return [min(int(c), self._candidates - 1) for c in np.searchsorted(of_bins, shares[:-1])]

    def search(self, cuts: list[int]) -> list[int]:
        """Return the candidates after moving one cut at a time, each to the best place between its neighbours."""
        best = self._score(cuts)
        for _ in range(_MOST_SWEEPS):
            before = best
            for place in range(len(cuts)):
                cuts, best = self._move(cuts, place, best)
            if best == before:
                break
        return cuts

    def _move(self, cuts: list[int], place: int, best: float) -> tuple[list[int], float]:
        lowest = cuts[place - 1] if place else 0
        highest = cuts[place + 1] if place + 1 < len(cuts) else self._candidates - 1
        for candidate in range(lowest, highest + 1):
            moved = [*cuts[:place], candidate, *cuts[place + 1 :]]
            score = self._score(moved)
            if self._metric.better(score, best) or np.isnan(best):
                cuts, best = moved, score
        return cuts, best

    def _score(self, cuts: list[int]) -> float:
        """Return the score; NaN where all rows have one label and the metric is not defined."""
        said = self._grades[np.searchsorted(cuts, self._bin)]
        return float(self._metric.function(self._grades[self._truth], said, self._mass))


def _quantile_cuts(values: Array) -> Array:
    """Return the candidates for cuts: midway between neighbouring predictions, or as many quantiles as are allowed."""
    distinct = np.unique(values)
    between = _cuts_between(distinct)[1:-1]
    if len(between) > _CUTS:
        between = np.unique(np.quantile(values, np.linspace(0, 1, _CUTS + 2)[1:-1]))
    return between if len(between) else distinct


def _as_values(prediction: Values) -> Array:
    """Return (n,) values; of class probabilities the expected class code."""
    values = prediction.astype(np.float64)
    return values if values.ndim == 1 else (values * np.arange(values.shape[1])).sum(axis=1)
