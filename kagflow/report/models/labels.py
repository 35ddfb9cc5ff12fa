"""Predicted labels: which class is taken for which, and where the cut between two of them belongs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.metrics import Confusion as Counting
from kagflow.report.models.binned import Array
from kagflow.report.models.outcome import Outcome, Values
from kagflow.stats import Difference, draw_rows, paired_difference
from kagflow.training.postprocess import cross_fit, find_post

_CUTS = 200
_MOST_DRAWS, _FEWEST_DRAWS, _DRAWN_ROWS = 200, 30, 20_000_000
_OFTEN = 0.2  # share of a class that is taken for one other class


@dataclass(frozen=True, eq=False)
class Confusions:
    """How often which label was said for which.

    Attributes
    ----------
    classes
        Labels in class order.
    counts
        (k, k) rows, truth by said label.
    said_by
        How labels came about.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    said_by: str

    @property
    def shares(self) -> Array:
        """(k, k) shares of each true class."""
        share: Array = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        return share

    @property
    def worst(self) -> tuple[str, str, float]:
        """The class of which most is taken for one other class, the latter, and the share."""
        wrong = self.shares - np.diag(np.diag(self.shares))
        truth, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
        return self.classes[truth], self.classes[said], float(wrong[truth, said])

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        truth, said, share = self.worst
        if share < _OFTEN:
            return f"No class is taken for another often: at worst {truth} for {said}, {share:.0%} of its rows."
        return (
            f"{share:.0%} of {truth} is taken for {said}: look for a feature that tells these two apart, or weigh "
            f"{truth} more (`class_weights`) where the metric counts classes alike."
        )


def confusions(outcome: Outcome) -> Confusions | None:
    """Return how often which label was said for which; ``None`` for values, and for ranked labels."""
    said = _said(outcome)
    if said is None:
        return None
    labels, by = said
    k = len(outcome.classes)
    cells = np.bincount(outcome.known.y.astype(np.int64) * k + labels, minlength=k * k)
    return Confusions(outcome.classes, cells.reshape(k, k), by)


def _said(outcome: Outcome) -> tuple[NDArray[np.int64], str] | None:
    """Return (n,) labels as codes, and how they came about."""
    k = len(outcome.classes)
    if not k:
        return None
    if outcome.metric.wants == "label":
        labels = np.asarray(outcome.metric.prepare(outcome.scored)).astype(np.int64)
        by = "the labels that are scored"
    elif outcome.chances is not None:
        labels, by = outcome.chances.argmax(axis=1), "the most probable class"
    else:
        return None
    return np.clip(labels, 0, k - 1), by


@dataclass(frozen=True, eq=False)
class Threshold:
    """The score at each cut of P(positive), and where the best one lies.

    Attributes
    ----------
    metric
        Its name.
    cuts, scores
        Ascending cuts, and the score when rows above are positive.
    best
        The best of them.
    low, high
        Between which the best cut lies in nine of ten redrawn samples.
    in_use
        The cut that the scored labels came from: 0.5 without post-processing; ``None`` where it is another a fold.
    gain
        Score with a cut fitted on the other folds, less the score as it is.
    better
        Whether that is a gain beyond noise.
    """

    metric: str
    cuts: Array
    scores: Array
    best: float
    low: float
    high: float
    in_use: float | None
    gain: Difference | None
    better: bool

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        where = f"The best cut is {self.best:.3g} (90 % of redrawn samples: {self.low:.3g} to {self.high:.3g})"
        if self.in_use is None:
            return f"{where}; the run fits its cut on the other folds already: leave it."
        if self.gain is None:
            return f"{where}; it cannot be fitted fold by fold here, so do not trust its gain."
        gain = f"{self.gain.value:+.2g} ± {self.gain.se:.1g}"
        if self.better:
            return f"{where}; fitted on the other folds it changes {self.metric} by {gain}: `postprocess: threshold`."
        return f"{where}; fitted on the other folds it changes {self.metric} by {gain}, no sure gain: stay at 0.5."


def threshold(outcome: Outcome) -> Threshold | None:
    """Return the score at each cut; ``None`` unless labels of two classes are scored and probabilities are known."""
    metric, p = outcome.metric, outcome.prediction
    if outcome.task != "binary" or metric.wants != "label" or outcome.chances is None:
        return None
    if not isinstance(metric.function, Counting):
        return None
    cuts = np.unique(np.append(np.quantile(p, np.linspace(0, 1, _CUTS)), 0.5))
    bins = np.searchsorted(cuts, p, "left")  # how many cuts lie below
    finish = metric.function.finish
    scores = _scores(finish, bins, outcome, len(cuts), outcome.weight)
    sign = 1 if metric.direction == "maximize" else -1
    draws = max(_FEWEST_DRAWS, min(_MOST_DRAWS, _DRAWN_ROWS // outcome.n))
    redrawn = [
        cuts[np.nanargmax(sign * again)]
        for counts in draw_rows(outcome.n, outcome.units, draws, seed=0)
        if np.isfinite(again := _scores(finish, bins, outcome, len(cuts), outcome.weight * counts)).any()
    ]
    low, high = np.quantile(redrawn, [0.05, 0.95]) if redrawn else (np.nan, np.nan)
    processed = outcome.scored is not outcome.prediction
    gain = None if processed else _gain(outcome)
    return Threshold(
        metric.name,
        cuts,
        scores,
        float(cuts[np.nanargmax(sign * scores)]),
        float(low),
        float(high),
        None if processed else 0.5,
        gain,
        gain is not None and not gain.is_noise and metric.better(gain.value, 0.0),
    )


def _scores(
    finish: Callable[[Array], Array], bins: NDArray[np.int64], outcome: Outcome, cuts: int, weight: Values
) -> Array:
    """Return (cuts,) scores of saying positive above each cut."""
    true = outcome.known.y == 1
    masses = [np.bincount(bins[side], weights=weight[side], minlength=cuts + 1) for side in (~true, true)]
    below = [np.cumsum(mass)[:cuts] for mass in masses]
    cells = [below[0], masses[0].sum() - below[0], below[1], masses[1].sum() - below[1]]
    return finish(np.stack(cells, axis=-1).reshape(-1, 2, 2))


def _gain(outcome: Outcome) -> Difference | None:
    """Return what a cut fitted on the other folds changes; ``None`` where they do not allow a fit."""
    known, metric = outcome.known, outcome.metric
    try:
        made = cross_fit(find_post("threshold", metric), known.folds, outcome.prediction, known.y, known.weight)
        return paired_difference(
            metric, known.y, made, outcome.scored, weight=known.weight, units=known.units, further=known.further
        )
    except KagflowError:
        return None
