"""Target and predictions: how they are distributed in train, out of fold and in test, and whether test drifts away."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import kolmogorov

from kagflow.report.models.binned import Array, even_edges, shares
from kagflow.report.models.outcome import Outcome
from kagflow.runs.directory import target_of
from kagflow.runs.record import raw_columns

_BARS = 40
_CHANCE, _WORTH, _WORTH_OF_MEAN = 1e-4, 0.03, 0.1  # false alarms; sizes of a distance that are worth a word


@dataclass(frozen=True)
class Drift:
    """How far the predictions of test rows lie from those of valid rows.

    Attributes
    ----------
    distance
        The largest difference between both shares of rows below any value (Kolmogorov's), 0 to 1.
    chance
        How often chance alone makes it as large.
    shift
        Mean of test less mean of valid, in standard deviations of the latter.
    per_fold
        Whether each fold's models were held against themselves. Otherwise test predictions are means over models,
        which lie nearer to each other than those of valid rows do, whatever the rows.
    """

    distance: float
    chance: float
    shift: float
    per_fold: bool

    @property
    def found(self) -> bool:
        """Whether it is beyond chance, and large enough to matter."""
        return self.chance < _CHANCE and self.distance > (_WORTH if self.per_fold else _WORTH_OF_MEAN)


@dataclass(frozen=True, eq=False)
class Distribution:
    """Of a target, or of one of its classes.

    Attributes
    ----------
    name
        Of the class; empty for values.
    edges
        Of the bins that all three share.
    train, oof, test
        (bins,) shares of rows: true values, OOF and test predictions. ``train`` is empty for the probability of a
        class, whose true values are yes and no.
    means
        Of the three: true values (or the share of the class), OOF and test predictions.
    drift
        Between OOF and test.
    """

    name: str
    edges: Array
    train: Array
    oof: Array
    test: Array
    means: tuple[float, float, float]
    drift: Drift


@dataclass(frozen=True)
class Distributions:
    """All of a target's.

    Attributes
    ----------
    target
        Its name.
    parts
        One of values; of two classes the positive one's, of more each one's.
    in_time
        Whether valid rows are earlier than test rows, so that a drift may be the time's.
    """

    target: str
    parts: tuple[Distribution, ...]
    in_time: bool

    @property
    def worst(self) -> Distribution:
        """The one that drifts most."""
        return max(self.parts, key=lambda part: (part.drift.found, part.drift.distance))

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        worst = self.worst
        name = f" for {worst.name}" if len(self.parts) > 1 else ""
        if not worst.drift.found:
            return "Test rows are predicted as valid rows are, within noise: CV and the board look at like rows."
        way = "higher" if worst.drift.shift > 0 else "lower"
        told = f"Test rows are predicted {abs(worst.drift.shift):.2f} standard deviations {way}{name} than valid rows"
        if abs(worst.drift.shift) < 0.05:
            told = f"Predictions{name} are spread otherwise in test than in valid (distance {worst.drift.distance:.2f})"
        if self.in_time:
            return f"{told}: test is later, so ask whether the trend is real, and whether trees can follow it."
        return f"{told}: look under Data for columns that drift, and do not expect the board's score to equal CV."


def distributions(outcome: Outcome, test: pl.DataFrame, number: int, *, in_time: bool) -> Distributions:
    """Return the distributions of a target.

    Parameters
    ----------
    outcome
        OOF of a run.
    test
        The run's test predictions.
    number
        Of the target, where there are several.
    in_time
        Whether folds go forward in time.
    """
    mean = _mean_of_test(test, outcome)
    if outcome.prediction.ndim == 1:
        parts = [_part(outcome, test, mean, number, None)]
    else:
        parts = [_part(outcome, test, mean, number, k) for k in range(outcome.prediction.shape[1])]
    return Distributions(outcome.target, tuple(parts), in_time)


def _mean_of_test(test: pl.DataFrame, outcome: Outcome) -> Array:
    names = raw_columns(test.columns)
    own = [name for name in names if name == f"prediction__{outcome.target}"]
    values: Array = test.select(own or names).to_numpy(order="c").astype(np.float64)
    return values[:, 0] if outcome.prediction.ndim == 1 else values


def _part(outcome: Outcome, test: pl.DataFrame, mean: Array, number: int, place: int | None) -> Distribution:
    oof = outcome.prediction if place is None else outcome.prediction[:, place]
    made = mean if place is None else mean[:, place]
    y = outcome.known.y
    as_values = outcome.task == "regression" or (outcome.task == "multiclass" and place is None)  # grades
    if as_values:
        truth, name = y.astype(np.float64), ""
        edges = even_edges(np.concatenate([truth, oof, made]), _BARS)
    else:
        hit = 1 if place is None else place
        classes = outcome.classes or ("0", "1")
        truth, name = (y == hit).astype(np.float64), classes[hit]
        edges = np.linspace(0, 1, _BARS + 1) if outcome.chances is not None else even_edges(np.r_[oof, made], _BARS)
    return Distribution(
        name,
        edges,
        shares(truth, edges) if as_values else np.empty(0),
        shares(oof, edges),
        shares(made, edges),
        (float(np.average(truth, weights=outcome.weight)), float(oof.mean()), float(made.mean())),
        _drift(outcome, oof, test, made, number, place),
    )


def _drift(outcome: Outcome, oof: Array, test: pl.DataFrame, mean: Array, number: int, place: int | None) -> Drift:
    """Hold the OOF of each fold against the test predictions of the same models; else all OOF against their mean."""
    folds = [int(fold) for fold in np.unique(outcome.known.folds)]
    by_fold = [_of_fold(test, fold, number, place) for fold in folds]
    pairs = [(outcome.known.folds == fold, own) for fold, own in zip(folds, by_fold, strict=True) if own is not None]
    per_fold = len(pairs) == len(folds)
    if not per_fold:
        pairs = [(np.ones(outcome.n, dtype=bool), mean)]
    found = []
    for rows, made in pairs:
        units = len(np.unique(outcome.units[rows]))
        as_many = units / np.count_nonzero(rows)  # test rows come in such units as well
        distance = kolmogorov_distance(oof[rows], made)
        found.append((distance, chance_of(distance, units, as_many * len(made)), made.mean() - oof[rows].mean()))
    distances, chances, shifts = (np.array(each) for each in zip(*found, strict=True))
    spread = float(oof.std()) or 1.0
    # The median over folds: their test rows are the same, so that they say the same thing several times.
    return Drift(float(np.median(distances)), float(np.median(chances)), float(shifts.mean()) / spread, per_fold)


def _of_fold(test: pl.DataFrame, fold: int, number: int, place: int | None) -> Array | None:
    """Return the test predictions of a fold's models, the mean over its seeds; ``None`` where the file has none."""
    ending = "" if place is None else f"_{place}"  # of several classes each has a column
    names = [
        name
        for name in test.columns
        if name.startswith(f"{fold}-seed") and target_of(name) == number and name.endswith(ending)
    ]
    if not names:
        return None
    mean: Array = test.select(names).to_numpy().astype(np.float64).mean(axis=1)
    return mean


def kolmogorov_distance(one: Array, other: Array) -> float:
    """Return the largest difference between the shares of two samples that lie below any value, 0 to 1."""
    one, other = np.sort(one), np.sort(other)
    both = np.concatenate([one, other])
    below = [np.searchsorted(each, both, "right") / len(each) for each in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def chance_of(distance: float, n: float, m: float) -> float:
    """Return how often two samples of n and m independent rows of one law are as far apart (Smirnov, 1939)."""
    return float(kolmogorov(distance * np.sqrt(n * m / (n + m))))
