"""Post-processing: what is done to predictions after the models, fitted on OOF predictions and their targets.

A cut fitted on the very rows that it is scored on flatters the score. `cross_fit` therefore processes each fold by
what was learned from the OOF of the other folds: with the OOF held fixed, a fold's processed predictions do not depend
on its own targets. (The OOF of the other folds came from models that trained on this fold; that is level 1's matter.)
Test rows are processed by a fit on the whole OOF.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import ConfigError, KagflowError, SplitError, did_you_mean
from kagflow.metrics import Confusion, Metric

Values = NDArray[np.generic]
Array = NDArray[np.float64]

_CUTS = 200  # candidates for each cut between grades; a finer grid fits noise
_MOST_SWEEPS = 50


class FittedPost(Protocol):
    """What fitting a post-processing step returns; its attributes are what was learned."""

    def apply(self, prediction: Values) -> Values:
        """Return processed predictions of any rows, each row by itself."""


class Post(ABC):
    """One kind of post-processing."""

    @abstractmethod
    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedPost:
        """Learn from predictions that were made without their own targets.

        Parameters
        ----------
        y
            (n,) values, or class codes.
        prediction
            (n,) values or P(positive), or (n, k) probabilities in class order.
        weight
            (n,) positive weights; all one when absent.

        Raises
        ------
        KagflowError
            The rows do not allow it: no rows, another form of predictions, one class only.
        """


@dataclass(frozen=True, eq=False)
class PostProcessed:
    """OOF predictions after post-processing, in both ways, and what to apply to test rows.

    Attributes
    ----------
    crossfitted
        Each fold processed by a fit on the other folds: the score of these is re-estimated.
    as_fitted
        All rows processed by the fit on all rows: the score of these is too good.
    fitted
        The fit on all rows.
    """

    crossfitted: Values
    as_fitted: Values
    fitted: FittedPost


def post_process(
    post: Post, folds: NDArray[np.int64], oof: Values, y: Values, weight: Values | None = None
) -> PostProcessed:
    """Return processed OOF predictions, cross-fitted and as fitted, and the fit on all rows for the test rows.

    Parameters are those of ``cross_fit``.
    """
    fitted = post.fit(y, oof, weight)
    return PostProcessed(cross_fit(post, folds, oof, y, weight), fitted.apply(oof), fitted)


def cross_fit(post: Post, folds: NDArray[np.int64], oof: Values, y: Values, weight: Values | None = None) -> Values:
    """Return OOF predictions of which each fold is processed by a fit on the OOF of the other folds.

    Parameters
    ----------
    post
        What to fit.
    folds
        (n,) number of the fold that scored each row, in one repeat.
    oof
        (n,) or (n, k) OOF predictions of the same rows.
    y, weight
        (n,) their targets and weights.

    Raises
    ------
    SplitError
        There are fewer than two folds.
    KagflowError
        The lengths differ, or the other folds do not allow a fit.
    """
    if not len(folds) == len(oof) == len(y) or (weight is not None and len(weight) != len(y)):
        raise KagflowError(
            f"{len(folds)} fold numbers, {len(oof)} predictions and {len(y)} targets are not of the same rows",
            hint="take all of them from one run's oof.parquet",
        )
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise SplitError("post-processing cannot be cross-fitted over one fold", hint="score at least two folds")
    rows, processed = [], []
    for number in numbers:
        own, others = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
        fitted = post.fit(y[others], oof[others], None if weight is None else weight[others])
        rows.append(own)
        processed.append(fitted.apply(oof[own]))
    order = np.argsort(np.concatenate(rows))
    result: Values = np.concatenate(processed)[order]
    return result


# --- labels ----------------------------------------------------------------------------------------------------------


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
        chances = _one_column("threshold", y, prediction)
        order = np.argsort(chances, kind="stable")
        ranked, mass = chances[order], _weights(y, weight)[order]
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
        values = _one_column("kappa", y, _as_values(prediction))
        grades, truth = np.unique(y.astype(np.float64), return_inverse=True)
        if len(grades) < 2 or (grades != np.rint(grades)).any():
            raise KagflowError(
                "the target holds no grades: it needs two different whole numbers at least, and nothing else",
                hint="cut points are for whole numbers on a scale",
                where="kappa",
            )
        candidates = _quantile_cuts(values)
        rows = _Binned(self.metric, grades, candidates, truth, values, _weights(y, weight))
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


# --- calibration -----------------------------------------------------------------------------------------------------


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
        p, weights = prediction.astype(np.float64), _weights(y, weight)
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


def _learn_steps(hit: Array, p: Array, weight: Array) -> Callable[[Array], Array]:
    """Isotonic regression (Zadrozny and Elkan, 2002); between the predictions that it saw, straight lines.

    It says 0 and 1 where one class only was seen, which a log loss punishes.
    """
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p, hit, sample_weight=weight)
    return partial(_interpolated, known=steps.X_thresholds_, shares=steps.y_thresholds_)


def _interpolated(p: Array, *, known: Array, shares: Array) -> Array:
    between: Array = np.interp(p, known, shares)
    return between


def _learn_sigmoid(hit: Array, p: Array, weight: Array) -> Callable[[Array], Array]:
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


# --- values ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FittedClip:
    """Moves values to the nearest of a range."""

    lowest: float
    highest: float

    def apply(self, prediction: Values) -> Array:
        """Return (n,) values."""
        return np.clip(prediction.astype(np.float64), self.lowest, self.highest)


class Clip(Post):
    """Keeps values within the range of the target."""

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedClip:
        """Take the range; see ``Post.fit``."""
        _one_column("clip", y, prediction)
        values = y.astype(np.float64)
        return FittedClip(float(values.min()), float(values.max()))


@dataclass(frozen=True, eq=False)
class FittedRound:
    """Moves values to the nearest that are known; the lower one where two are as near."""

    known: Array

    def apply(self, prediction: Values) -> Array:
        """Return (n,) values."""
        values = prediction.astype(np.float64)
        upper = np.clip(np.searchsorted(self.known, values), 1, max(len(self.known) - 1, 1))
        below, above = self.known[upper - 1], self.known[np.minimum(upper, len(self.known) - 1)]
        nearest: Array = np.where(values - below <= above - values, below, above)
        return nearest


class Round(Post):
    """Moves values to those that occur in the target."""

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedRound:
        """Take the values; see ``Post.fit``."""
        _one_column("round", y, prediction)
        return FittedRound(np.unique(y.astype(np.float64)))


# --- several targets --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FittedColumns:
    """What was fitted to the predictions of each target, in their order."""

    columns: tuple[FittedPost, ...]

    def apply(self, prediction: Values) -> Values:
        """Return (n, t) processed predictions."""
        return np.stack([own.apply(p) for own, p in zip(self.columns, prediction.T, strict=True)], axis=1)


@dataclass(frozen=True)
class Columns(Post):
    """The same post-processing for each of several targets, fitted to each by itself.

    Parameters
    ----------
    of
        That of one target.
    """

    of: Post

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedColumns:
        """Fit each column; see ``Post.fit``, here with (n, t) targets and predictions."""
        return FittedColumns(
            tuple(self.of.fit(truth, made, weight) for truth, made in zip(y.T, prediction.T, strict=True))
        )


# --- shared ----------------------------------------------------------------------------------------------------------


def _weights(y: Values, weight: Values | None) -> Array:
    return np.ones(len(y)) if weight is None else weight.astype(np.float64)


def _as_values(prediction: Values) -> Array:
    """Return (n,) values; of class probabilities the expected class code."""
    values = prediction.astype(np.float64)
    return values if values.ndim == 1 else (values * np.arange(values.shape[1])).sum(axis=1)


def _one_column(name: str, y: Values, prediction: Values) -> Array:
    """Return (n,) predictions after looking at them."""
    values = prediction.astype(np.float64)
    if values.shape != (len(y),) or len(y) == 0:
        raise KagflowError(
            f"{name} takes one prediction a row; {len(y)} targets came with predictions of shape {values.shape}",
            hint="it is not for one probability a class",
            where=name,
        )
    return values


POSTS: Mapping[str, Callable[[Metric], Post]] = MappingProxyType(
    {
        "threshold": Threshold,
        "kappa": Grades,
        "isotonic": lambda metric: Calibration(_learn_steps),
        "platt": lambda metric: Calibration(_learn_sigmoid),
        "clip": lambda metric: Clip(),
        "round": lambda metric: Round(),
    }
)


def find_post(name: str, metric: Metric) -> Post:
    """Return the post-processing of that name.

    Parameters
    ----------
    name
        ``threshold``, ``kappa``, ``isotonic``, ``platt``, ``clip`` or ``round``.
    metric
        What is to become better, for those that look at it. Where it scores several targets, each is processed by
        itself, for the metric of one.

    Raises
    ------
    ConfigError
        There is none, or the metric does not say what is better for one target.
    """
    if name not in POSTS:
        raise ConfigError(f"no post-processing is called {name!r}", hint=did_you_mean(name, POSTS), where="postprocess")
    if metric.several:
        if metric.of_column is None:
            raise ConfigError(
                f"each target is post-processed by itself, and {metric.name} has no metric of one target",
                hint="give METRIC one, as `of_column`",
                where="postprocess",
            )
        return Columns(find_post(name, metric.of_column))
    return POSTS[name](metric)
