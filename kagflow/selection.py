"""What choosing does to a score: the best of many looks better than it is, because noise helped to choose it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from kagflow.metrics import Array, Confusion, Direction, Metric, RowMean
from kagflow.stats import Difference, draw_rows, paired_difference, redrawn_scorer

_DRAWS = 200  # the standard error is itself known to about 1 / sqrt(2 draws): 5 %
_BLOCK = 4_000_000  # counts of rows held at once

_Values = NDArray[np.generic]
_Columns = Mapping[str, _Values]


@dataclass(frozen=True, eq=False)
class BiasCorrected:
    """The score of the best of several trials, as rows see it that had no say in the choice.

    Attributes
    ----------
    score
        In the metric's units. NaN where there are fewer than two independent units.
    se
        Its standard error, the choice included.
    chosen
        (trials,) number of draws in which each was the best.
    """

    score: float
    se: float
    chosen: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Account:
    """What choosing among trials brought.

    Attributes
    ----------
    direction
        Whether less or more is better.
    before
        Score of what there was before.
    tuned
        Score of the best trial, on the rows that chose it.
    corrected
        The same without what the choice alone made of it.
    difference
        ``tuned`` minus ``before``, on the same rows.
    gain
        ``corrected.score`` minus ``before``, with the noise of that difference.
    """

    direction: Direction
    before: float
    tuned: float
    corrected: BiasCorrected
    difference: Difference
    gain: Difference

    @property
    def better(self) -> bool:
        """Whether the gain is for the better."""
        return self.gain.value < 0 if self.direction == "minimize" else self.gain.value > 0

    @property
    def worth_it(self) -> bool:
        """Whether the gain is for the better, and beyond two standard errors of the paired difference.

        With the bias of choosing taken out, the gain is that of any other pair of runs, and gets by the same rule out
        of the noise. Where 50 trials were as good as what there was before, this called 2 of 100 choices worth it; two
        standard errors of the naive difference 33, one of the corrected gain 14.
        """
        return self.better and not self.gain.is_noise

    @property
    def sentence(self) -> str:
        """The whole account in a line."""
        verdict = "inside the noise" if self.gain.is_noise else "worth it" if self.better else "worse than before"
        return (
            f"before {self.before:.5f}, tuned {self.tuned:.5f}, without the bias of choosing "
            f"{self.corrected.score:.5f} ± {self.corrected.se:.5f}; "
            f"a gain of {self.gain.value:+.5f} ± {self.gain.se:.5f}: {verdict}"
        )


def bias_corrected(
    metric: Metric,
    y: _Values,
    predictions: Sequence[_Values] | _Values,
    *,
    weight: _Values | None = None,
    units: NDArray[np.int64] | None = None,
    further: _Columns | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> BiasCorrected:
    """Return the score of the best trial with the bias of choosing it taken out (Tsamardinos et al., 2018).

    Bootstrap bias corrected cross-validation: units are drawn with replacement, the trial that is best on the rows
    drawn is scored on the rows that were not, and the scores of all draws are averaged.

    Parameters
    ----------
    metric, y, weight, further
        As for ``metric.score``.
    predictions
        (trials, n) or (trials, n, k) out-of-fold predictions of all trials that could have been chosen.
    units
        (n,) codes of the independent units; every row is its own unit when absent.
    draws, seed
        How many, and where their randomness starts.

    Notes
    -----
    The average is taken of differences from the trial that is best on all rows, and added to that trial's score: the
    same in expectation, without the noise of the draws where they agree with the choice.

    The standard error is the delete-d jackknife's (Shao and Wu, 1989): what a draw leaves out is a random part of the
    units, r of n, and the variance of its score over the draws times r / (n - r) is that of the score of all n. The
    trial is chosen anew in each draw, so that the choice is in it.
    """
    drawn = _draw(metric, y, predictions, weight, units, further, draws, seed)
    return _correct(metric, metric.score(y, predictions[drawn.winner], weight, further), drawn)


def account(
    metric: Metric,
    y: _Values,
    before: _Values,
    predictions: Sequence[_Values] | _Values,
    *,
    weight: _Values | None = None,
    units: NDArray[np.int64] | None = None,
    further: _Columns | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Account:
    """Return what choosing the best of the trials brought over what there was before.

    Parameters
    ----------
    before
        (n,) or (n, k) out-of-fold predictions of what there was, on the same rows.
    metric, y, predictions, weight, units, further, draws, seed
        As for ``bias_corrected``.
    """
    drawn = _draw(metric, y, predictions, weight, units, further, draws, seed)
    winner = predictions[drawn.winner]
    was, tuned = metric.score(y, before, weight, further), metric.score(y, winner, weight, further)
    corrected = _correct(metric, tuned, drawn)
    difference = paired_difference(metric, y, winner, before, weight=weight, units=units, further=further, seed=seed)
    gain = Difference(corrected.score - was, difference.se)
    return Account(metric.direction, was, tuned, corrected, difference, gain)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What came of the draws; scores are those of the rows that a draw left out.

    Attributes
    ----------
    winner
        The trial that is best on all rows.
    chosen
        (trials,) number of draws in which each was best on the rows drawn.
    of_chosen, of_winner
        (draws,) scores of the trial chosen in the draw, and of the winner.
    n_units
        Number of independent units.
    """

    winner: int
    chosen: NDArray[np.int64]
    of_chosen: Array
    of_winner: Array
    n_units: int


def _correct(metric: Metric, tuned: float, drawn: _Drawn) -> BiasCorrected:
    draws = len(drawn.of_chosen)
    if draws < 2:
        return BiasCorrected(float("nan"), float("nan"), drawn.chosen)
    shifted = tuned + float(np.mean(drawn.of_chosen - drawn.of_winner))
    left_out = (1 - 1 / drawn.n_units) ** drawn.n_units  # the share of units that a draw misses
    se = float(np.std(drawn.of_chosen, ddof=1) * np.sqrt(left_out / (1 - left_out)))
    # Choosing flatters: where draws are so few that it seems not to, that is their noise.
    return BiasCorrected(tuned if metric.better(shifted, tuned) else shifted, se, drawn.chosen)


def _draw(
    metric: Metric,
    y: _Values,
    trials: Sequence[_Values] | _Values,
    weight: _Values | None,
    units: NDArray[np.int64] | None,
    further: _Columns | None,
    draws: int,
    seed: int,
) -> _Drawn:
    """Choose among the trials on the rows of each draw; draws without a score (one class only) are left out."""
    sign = 1.0 if metric.direction == "minimize" else -1.0
    winner = int(np.argmin([sign * metric.score(y, trial, weight, further) for trial in trials]))
    prepared = [metric.prepare(prediction) for prediction in trials]
    score = _scorer(metric, y, prepared, metric.weights(len(y), weight), metric.pick(further))
    candidates = list(range(len(trials)))
    chosen, left_out = [], []
    for counts in _blocks(draw_rows(len(y), units, draws, seed), max(1, _BLOCK // len(y))):
        signed = sign * score(counts, candidates)
        best = np.argmin(np.where(np.isfinite(signed), signed, np.inf), axis=1)
        for missed, trial in zip(counts == 0, best, strict=True):
            if missed.any():
                chosen.append(trial)
                left_out.append(score(missed[np.newaxis].astype(np.int64), [int(trial), winner])[0])
    scores = np.array(left_out).reshape(-1, 2)
    usable = np.isfinite(scores).all(axis=1)
    scores = scores[usable]
    return _Drawn(
        winner=winner,
        chosen=np.bincount(np.array(chosen, dtype=np.int64)[usable], minlength=len(trials)),
        of_chosen=scores[:, 0],
        of_winner=scores[:, 1],
        n_units=len(y) if units is None else len(np.unique(units)),
    )


def _blocks(draws: Iterator[NDArray[np.int64]], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield (size or fewer, rows) draws at a time."""
    while block := list(islice(draws, size)):
        yield np.stack(block)


# --- many draws of many predictions at once ---------------------------------------------------------------------------

_Scorer = Callable[[NDArray[np.int64], list[int]], Array]
"""From (draws, rows) how often each row is drawn, and numbers of predictions, to their (draws, numbers) scores."""


def _scorer(metric: Metric, y: _Values, predictions: list[_Values], weight: Array, further: list[_Values]) -> _Scorer:
    if isinstance(metric.function, RowMean):
        return _scorer_of_means(metric.function, y, predictions, weight)
    if isinstance(metric.function, Confusion):
        return _scorer_of_tables(metric.function, y, predictions, weight)
    redrawn = [redrawn_scorer(metric, y, prediction, weight, further) for prediction in predictions]
    return lambda counts, numbers: np.array([[redrawn[k](each) for k in numbers] for each in counts])


def _scorer_of_means(function: RowMean, y: _Values, predictions: list[_Values], weight: Array) -> _Scorer:
    """Add up the losses of all draws by one matrix product."""
    # (predictions, n), or (predictions, m, n) of a metric with m statistics of each row
    losses = np.stack([function.loss(y, prediction) * weight for prediction in predictions])

    def score(counts: NDArray[np.int64], numbers: list[int]) -> Array:
        drawn = counts.astype(np.float64)
        asked = losses if len(numbers) == len(losses) else losses[numbers]
        sums = np.tensordot(drawn, asked, axes=([1], [losses.ndim - 1]))
        means = (sums.T / (drawn @ weight)).T
        return np.array([[function.finish(mean) for mean in of_draw] for of_draw in means])

    return score


def _scorer_of_tables(function: Confusion, y: _Values, predictions: list[_Values], weight: Array) -> _Scorer:
    """Count the rows of each class that are said to be of each, in all draws, by a matrix product for either."""
    said = np.stack(predictions)
    k = max(2, int(y.max()) + 1, int(said.max()) + 1)
    rows = [np.flatnonzero(y == true) for true in range(k)]

    def score(counts: NDArray[np.int64], numbers: list[int]) -> Array:
        drawn, asked = counts * weight, said[numbers]
        tables = np.empty((len(counts), len(numbers), k, k))
        for true, label in product(range(k), repeat=2):
            tables[:, :, true, label] = drawn[:, rows[true]] @ (asked[:, rows[true]] == label).T.astype(np.float64)
        return function.finish(tables)

    return score
