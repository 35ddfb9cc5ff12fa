"""Noise: how far a score could have been off, had other rows been drawn.

Everything here keeps the predictions fixed and draws the *independent units* of the data again with replacement
(Efron, 1979): rows, or whole groups, or whole blocks of time. What another training sample would have changed is
not in it.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kagflow.metrics import AreaUnderCurve, Array, ColumnMean, Confusion, Metric, Redrawn, RowMean

_MOST_DRAWS, _FEWEST_DRAWS = 1000, 100  # the standard error is itself known to about 1 / sqrt(2 draws): 2 % to 7 %
_DRAWN_ROWS = 20_000_000

_Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Difference:
    """One run's score minus another's, on the same rows.

    Attributes
    ----------
    value
        In the metric's units; whether less is better is the metric's to say.
    se
        Standard error of the difference, from paired draws. NaN where it cannot be had.
    """

    value: float
    se: float

    @property
    def is_noise(self) -> bool:
        """Whether the difference is not beyond two of its standard errors, or these are unknown."""
        return not abs(self.value) > 2 * self.se


def with_noise(value: float, se: float | None) -> str:
    """Return a score with its standard error, to two digits of the latter; without one, say so."""
    if se is None:
        return f"{value:.5g} (no standard error: fewer than two independent units)"
    return f"{rounded(value, se)} ± {rounded(se, se)}"


def rounded(value: float, se: float | None) -> str:
    """Return a number with as many digits as two of its standard error take."""
    return f"{value:.{max(1 - math.floor(math.log10(se)), 0)}f}" if se else f"{value:.5g}"


def bootstrap_se(
    metric: Metric,
    y: NDArray[np.generic],
    prediction: NDArray[np.generic],
    *,
    weight: NDArray[np.generic] | None = None,
    units: NDArray[np.int64] | None = None,
    further: _Columns | None = None,
    seed: int = 0,
) -> float:
    """Return the standard error of a score.

    Parameters
    ----------
    metric, y, prediction, weight, further
        As for ``metric.score``.
    units
        (n,) codes of the independent units, with all targets of their rows; every row is its own unit when absent.
    seed
        Of the draws.

    Returns
    -------
    float
        Standard deviation of the score over the draws; NaN with fewer than two units.
    """
    scores = draw_scores(metric, y, [prediction], weight, units, further, seed)
    return _deviation(scores[:, 0])


def paired_difference(
    metric: Metric,
    y: NDArray[np.generic],
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    *,
    weight: NDArray[np.generic] | None = None,
    units: NDArray[np.int64] | None = None,
    further: _Columns | None = None,
    seed: int = 0,
) -> Difference:
    """Return the score of the first predictions minus that of the second, with the noise of the difference.

    Both are scored on the same draws, so that what is hard for both cancels.
    """
    found = paired_differences(metric, y, [first, second], weight=weight, units=units, further=further, seed=seed)
    return found[0, 1]


def paired_differences(
    metric: Metric,
    y: NDArray[np.generic],
    predictions: Sequence[NDArray[np.generic]],
    *,
    weight: NDArray[np.generic] | None = None,
    units: NDArray[np.int64] | None = None,
    further: _Columns | None = None,
    seed: int = 0,
) -> dict[tuple[int, int], Difference]:
    """Return what ``paired_difference`` says of any two predictions, by their places, the earlier first.

    All are scored on the same draws, once each: all pairs of many cost what a pair of each would.
    """
    values = [metric.score(y, prediction, weight, further) for prediction in predictions]
    scores = draw_scores(metric, y, predictions, weight, units, further, seed)
    return {
        (one, other): Difference(values[one] - values[other], _deviation(scores[:, one] - scores[:, other]))
        for one, other in itertools.combinations(range(len(predictions)), 2)
    }


def draw_scores(
    metric: Metric,
    y: NDArray[np.generic],
    predictions: Sequence[NDArray[np.generic]],
    weight: NDArray[np.generic] | None,
    units: NDArray[np.int64] | None,
    further: _Columns | None,
    seed: int,
    draws: int | None = None,
) -> Array:
    """Return (draws, predictions) scores; a draw without a score (one class only) is NaN.

    Parameters
    ----------
    metric, y, weight, units, further, seed
        As for ``bootstrap_se``.
    predictions
        Of the same rows; all are scored on the same draws.
    draws
        How many: as many as the rows let, unless given.
    """
    weights, columns = metric.weights(len(y), weight), metric.pick(further)
    scorers = [redrawn_scorer(metric, y, metric.prepare(prediction), weights, columns) for prediction in predictions]
    draws = draws or max(_FEWEST_DRAWS, min(_MOST_DRAWS, _DRAWN_ROWS // y.size))
    scores = [[scorer(counts) for scorer in scorers] for counts in draw_rows(len(y), units, draws, seed)]
    return np.array(scores, dtype=np.float64).reshape(-1, len(predictions))


def draw_rows(rows: int, units: NDArray[np.int64] | None, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield (rows,) how often each row is drawn, draw by draw; nothing where there are fewer than two units."""
    rng = np.random.default_rng(seed)
    # Codes may have gaps, where only some rows are scored: a unit without rows must not be drawn.
    present, unit_of = (None, None) if units is None else np.unique(units, return_inverse=True)
    n_units = rows if present is None else len(present)
    if n_units < 2:
        return
    for _ in range(draws):
        counts = np.bincount(rng.integers(0, n_units, n_units), minlength=n_units)
        yield counts if unit_of is None else counts[unit_of]


def redrawn_scorer(
    metric: Metric,
    y: NDArray[np.generic],
    prediction: NDArray[np.generic],
    weight: Array,
    further: list[NDArray[np.generic]],
) -> Redrawn:
    """Return the metric over fixed rows (predictions as ``metric.prepare`` returns them), drawn so or so often."""
    if isinstance(metric.function, ColumnMean):
        of = metric.function.of
        columns = [redrawn_scorer(of, *column, weight, further) for column in zip(y.T, prediction.T, strict=True)]
        return lambda counts: float(np.mean([column(counts) for column in columns]))
    if isinstance(metric.function, RowMean | Confusion | AreaUnderCurve):
        return metric.function.redrawn(y, prediction, weight)
    return _repeating_scorer(metric, [y, prediction, weight, *further])


def _repeating_scorer(metric: Metric, columns: list[NDArray[np.generic]]) -> Redrawn:
    """Repeat the drawn rows, so that a metric that does not look at weights is right as well."""
    # Ranked once, drawn rows are sorted already for a metric that ranks them.
    prediction = columns[1]
    order = np.argsort(prediction, kind="stable") if prediction.ndim == 1 else np.arange(len(prediction))
    ranked = [column[order] for column in columns]

    def score(counts: NDArray[np.int64]) -> float:
        times = counts[order]
        return float(metric.function(*(np.repeat(column, times, axis=0) for column in ranked)))

    return score


def _deviation(scores: Array) -> float:
    usable = scores[np.isfinite(scores)]
    return float(np.std(usable, ddof=1)) if len(usable) > 1 else float("nan")
