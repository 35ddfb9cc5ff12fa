"""Choosing columns by what a small model makes of them on training rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.features.encoders.settings import check_number
from kagflow.features.small_model import SEED, Array, losses_of, matrix_of, problem_of, small_model
from kagflow.features.steps import Selector

_HELD_OUT = 0.25


@dataclass(frozen=True)
class SelectByImportance(Selector):
    """The columns that help a small LightGBM more than columns of noise do (as in Stoppiglia et al., 2003).

    Shuffled copies of some columns join the training rows; a column is kept if its gain is greater than the best gain
    of theirs. Where none is, the one with the greatest gain is kept, so that there is something to train on.

    Parameters
    ----------
    shuffled
        Number of shuffled copies, of columns drawn at random; more of them keep fewer columns.
    rounds
        Number of trees.
    """

    shuffled: int = 10
    rounds: int = 100

    def __post_init__(self) -> None:
        for setting in ("shuffled", "rounds"):
            check_number(self, setting, 1)

    def fit(self, x: Frame, y: Target) -> Sequence[str]:
        """Return the names of the columns that beat the shuffled ones, in their order."""
        rng = np.random.default_rng(SEED)
        copied = rng.choice(x.width, self.shuffled, replace=self.shuffled > x.width)
        copies = [
            x.to_series(place)[rng.permutation(x.height)].alias(f"{i}__shuffled") for i, place in enumerate(copied)
        ]
        objective, truth = problem_of(y)
        booster = small_model(pl.concat([x, pl.DataFrame(copies)], how="horizontal"), truth, objective, self.rounds)
        gains = booster.feature_importance("gain")
        beats = gains[: x.width] > gains[x.width :].max()
        return _names(x, beats, gains[: x.width])


@dataclass(frozen=True)
class SelectByPermutation(Selector):
    """The columns without which a small LightGBM errs more on rows that it was not fitted on (Breiman, 2001).

    The model is fitted on three quarters of the training rows, drawn at random. On the others, one column at a time is
    shuffled; it is kept if the loss (squared error, or log loss) rises by more than two standard errors of the rise
    over rows. Where none does that, the one that raises it the most is kept. Of columns that say the same, each may
    look as if it could be spared.

    Parameters
    ----------
    repeats
        How often each column is shuffled; the rises are averaged.
    rounds
        Number of trees.
    """

    repeats: int = 5
    rounds: int = 100

    def __post_init__(self) -> None:
        for setting in ("repeats", "rounds"):
            check_number(self, setting, 1)

    def fit(self, x: Frame, y: Target) -> Sequence[str]:
        """Return the names of the columns that the loss needs, in their order."""
        rng = np.random.default_rng(SEED)
        order = rng.permutation(x.height)
        held_out = np.sort(order[: max(round(_HELD_OUT * x.height), 1)])
        fitted_on = np.setdiff1d(order, held_out)
        objective, truth = problem_of(y)
        booster = small_model(x[fitted_on], truth[fitted_on], objective, self.rounds)
        rows, truth = matrix_of(x[held_out]), truth[held_out]
        before = losses_of(booster.predict(rows), truth, objective)
        rises, errors = np.zeros(x.width), np.zeros(x.width)
        for place in np.flatnonzero(booster.feature_importance("split")).tolist():
            after = [
                losses_of(booster.predict(_shuffled(rows, place, rng)), truth, objective) for _ in range(self.repeats)
            ]
            rise = np.mean(after, axis=0) - before
            rises[place], errors[place] = rise.mean(), rise.std() / np.sqrt(len(rise))
        return _names(x, rises > 2 * errors, rises)


def _shuffled(rows: Array, place: int, rng: np.random.Generator) -> Array:
    """Return the rows with one column shuffled."""
    others = rows.copy()
    others[:, place] = rng.permutation(others[:, place])
    return others


def _names(x: Frame, chosen: NDArray[np.bool_], size: Array) -> list[str]:
    """Return the names of the chosen columns; of none, that of the largest."""
    places = np.flatnonzero(chosen) if chosen.any() else [int(np.argmax(size))]
    return [x.columns[place] for place in places]
