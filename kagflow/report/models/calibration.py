"""Predicted probabilities against what came true (reliability; Murphy and Winkler, 1977)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.report.models.binned import Array, Codes, Mean, by_rank
from kagflow.report.models.outcome import Outcome
from kagflow.stats import Difference, paired_difference
from kagflow.training.postprocess import cross_fit, find_post

_BINS, _ITERATIONS = 15, 30
_STEEP, _SHIFT = 0.1, 0.1  # of the log odds: smaller ones are not worth a change
_LEAST = 1e-6
_MOST_ROWS = 200_000


@dataclass(frozen=True)
class Reliability:
    """One class, against all others.

    Attributes
    ----------
    name
        The class.
    predicted, came_true, noise, rows
        Of each bin of about the same prediction, ascending: mean probability, share that came true, the latter's
        standard error were the former right, and how many rows.
    slope
        Of the true log odds on the predicted ones: 1 is right, below 1 predictions are too extreme (over-confident).
    shift
        Of the log odds: what must be added to be right on average; 0 is right.
    """

    name: str
    predicted: tuple[float, ...]
    came_true: tuple[float, ...]
    noise: tuple[float, ...]
    rows: tuple[int, ...]
    slope: Mean
    shift: Mean

    @property
    def too_bold(self) -> bool:
        """Whether probabilities are too near 0 and 1, beyond noise."""
        return self._tilt.sure and self.slope.value < 1 - _STEEP

    @property
    def too_timid(self) -> bool:
        """Whether probabilities are too near the middle, beyond noise."""
        return self._tilt.sure and self.slope.value > 1 + _STEEP

    @property
    def shifted(self) -> bool:
        """Whether the class is predicted too often or too seldom, beyond noise."""
        return self.shift.sure and abs(self.shift.value) > _SHIFT

    @property
    def wrong(self) -> bool:
        """Whether anything is."""
        return self.too_bold or self.too_timid or self.shifted

    @property
    def words(self) -> str:
        """What is wrong with it."""
        told = []
        if self.too_bold or self.too_timid:
            slope = f"slope of the log odds {self.slope.value:.2f} ± {self.slope.se:.2f}, right is 1"
            told.append(f"too {'extreme' if self.too_bold else 'near the middle'} ({slope})")
        if self.shifted:
            told.append(f"too {'low' if self.shift.value > 0 else 'high'} on the whole")
        return " and ".join(told)

    @property
    def _tilt(self) -> Mean:
        return Mean(self.slope.value - 1, self.slope.se)


@dataclass(frozen=True)
class Calibration:
    """All classes (of two the positive one), and what calibrating them would bring.

    Attributes
    ----------
    classes
        One or more.
    order_only
        Whether the metric does not care.
    gain
        Score of predictions that Platt's sigmoid, fitted on the other folds, has put right, less the score as it is.
    better
        Whether that is a gain beyond noise.
    metric
        Its name.
    """

    classes: tuple[Reliability, ...]
    order_only: bool
    gain: Difference | None
    better: bool
    metric: str

    @property
    def wrong(self) -> bool:
        """Whether the probabilities of any class are off beyond noise."""
        return any(each.wrong for each in self.classes)

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        if not self.wrong:
            return "The probabilities are what they say, within noise; calibrating them would bring nothing."
        worst = max((each for each in self.classes if each.wrong), key=lambda each: abs(each.slope.value - 1))
        told = f"The probabilities{'' if len(self.classes) == 1 else f' of {worst.name}'} are {worst.words}"
        if self.order_only:
            return (
                f"{told}; {self.metric} looks at their order only and does not care, but a blend by their mean, or a "
                "threshold, would: blend ranks, or calibrate first."
            )
        if self.gain is not None and self.better:
            return (
                f"{told}; `postprocess: platt`, cross-fitted, changes {self.metric} by {self.gain.value:+.2g} ± "
                f"{self.gain.se:.1g}: use it, or regularise the model."
            )
        return f"{told}; `postprocess: platt` gains nothing beyond noise, so change the model rather than the scale."


def calibration(outcome: Outcome) -> Calibration | None:
    """Return how right the probabilities of classes are; ``None`` where the predictions are no probabilities."""
    chances = outcome.chances
    if chances is None:
        return None
    places = [1] if outcome.task == "binary" else list(range(chances.shape[1]))
    names = outcome.classes or ("0", "1")
    classes = tuple(
        _reliability(names[place], outcome.known.y == place, chances[:, place], outcome.weight, outcome.units)
        for place in places
        if 0 < np.count_nonzero(outcome.known.y == place) < outcome.n
    )
    if not classes:
        return None
    gain = None if outcome.order_only or not any(each.wrong for each in classes) else _gain(outcome.sampled(_MOST_ROWS))
    better = gain is not None and not gain.is_noise and outcome.metric.better(gain.value, 0.0)
    return Calibration(classes, outcome.order_only, gain, better, outcome.metric.name)


def _reliability(name: str, hit: NDArray[np.bool_], p: Array, weight: Array, units: Codes) -> Reliability:
    codes = by_rank(p, _BINS)
    mass = np.bincount(codes, weights=weight)
    predicted, true = (np.bincount(codes, weights=weight * each) / mass for each in (p, hit))
    rows = np.bincount(codes)
    noise = np.sqrt(predicted * (1 - predicted) / rows)
    odds = np.log(np.clip(p, _LEAST, 1 - _LEAST) / (1 - np.clip(p, _LEAST, 1 - _LEAST)))
    y = hit.astype(np.float64)
    one, level = np.ones((len(y), 1)), np.zeros(len(y))
    shift = _logistic(one, odds, y, weight, units)[0]
    slope = Mean(1.0, float("nan"))
    if np.ptp(odds) > 0:
        slope = _logistic(np.column_stack([odds, one]), level, y, weight, units)[0]
    return Reliability(
        name, tuple(predicted.tolist()), tuple(true.tolist()), tuple(noise.tolist()), tuple(rows.tolist()), slope, shift
    )


def _logistic(x: Array, offset: Array, y: Array, weight: Array, units: Codes) -> list[Mean]:
    """Return the coefficients of a logistic regression with their noise over units (Cox, 1958), by Newton's method."""
    beta = np.zeros(x.shape[1])  # sums, not dot products: threads of BLAS cost more here than they save
    for _ in range(_ITERATIONS):
        p = 1 / (1 + np.exp(-(offset + (x * beta).sum(axis=1))))
        curvature = np.einsum("ni,n,nj->ij", x, weight * p * (1 - p), x) + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, (x.T * (weight * (y - p))).sum(axis=1))
        beta += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            break
    inverse = np.linalg.inv(curvature)
    scores = np.einsum("ni,n,ij->jn", x, weight * (y - p), inverse)
    groups = np.unique(units, return_inverse=True)[1]
    sums = np.stack([np.bincount(groups, weights=column) for column in scores])
    return [Mean(float(value), float(np.sqrt((own**2).sum()))) for value, own in zip(beta, sums, strict=True)]


def _gain(outcome: Outcome) -> Difference | None:
    """Return what a cross-fitted sigmoid changes (Platt, 1999); ``None`` where it cannot be fitted or scored."""
    known, metric = outcome.known, outcome.metric
    try:
        post = find_post("platt", metric)
        made = cross_fit(post, known.folds, outcome.prediction, known.y, known.weight)
        return paired_difference(
            metric,
            known.y,
            made,
            outcome.scored,
            weight=known.weight,
            units=known.units,
            further=known.further,
        )
    except KagflowError:
        return None
