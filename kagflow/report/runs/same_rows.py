"""Runs on the same rows: their scored OOF predictions, and what one buys over another."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.metrics import Metric
from kagflow.runs import Run
from kagflow.runs.record import known_columns, prediction_columns
from kagflow.runs.scores import Known
from kagflow.selection import account
from kagflow.stats import Difference, paired_differences

_MOST, _FEWEST = 30, 4  # runs among which choosing is accounted for
_NUMBERS = 4_000_000  # of predictions that are held for that at once
_DRAWN = 200_000_000  # predictions that are scored in all draws together
_MOST_DRAWS, _FEWEST_DRAWS = 200, 60


class SameRows:
    """The rows of one run, on which others are compared with each other.

    Parameters
    ----------
    reference
        The run that says which rows, targets, weights and groups there are.
    metric
        The competition's.
    """

    def __init__(self, reference: Run, metric: Metric) -> None:
        self._metric = metric
        self._known = reference.oof()
        self._sources = reference.facts["fingerprints"]["sources"]
        self._known = self._known.select(known_columns(self._known.columns))

    @property
    def most(self) -> int:
        """How many runs are compared at once, at most."""
        return max(_FEWEST, min(_MOST, _NUMBERS // self._known.height))

    def oof(self, run: Run) -> NDArray[Any] | None:
        """Return what is scored of a run, (n,) or (n, k); ``None`` where its rows are not these."""
        frame = run.oof()
        # With the same files of the competition on the same data, what is known of the rows is the same.
        same = run.facts["fingerprints"]["sources"] == self._sources
        if not same and not frame.select(known_columns(frame.columns)).equals(self._known):
            return None
        return prediction_columns(frame)

    def gain(self, before: NDArray[Any], tried: Sequence[NDArray[Any]]) -> tuple[Difference, Difference]:
        """Return what the first of some predictions buys over others.

        Parameters
        ----------
        before
            What there was.
        tried
            Predictions of all runs that could have been chosen; the first is the one that was, by its score.

        Returns
        -------
        Difference
            Its score minus that of ``before``, the mean over repeats.
        Difference
            The same without the bias of choosing it (Tsamardinos et al., 2018; see ``kagflow.selection``).
        """
        draws = max(_FEWEST_DRAWS, min(_MOST_DRAWS, _DRAWN // (self._known.height * len(tried))))
        found = [
            account(
                self._metric,
                known.y,
                before[rows],
                [each[rows] for each in tried],
                weight=known.weight,
                units=known.units,
                further=known.further,
                draws=draws,
            )
            for rows, known in self._repeats
        ]
        return _mean([each.difference for each in found]), _mean([each.gain for each in found])

    def differences(self, predictions: Sequence[NDArray[Any]]) -> dict[tuple[int, int], Difference]:
        """Return the score of one minus that of another, of any two predictions by their places; a mean over repeats.

        These are what ``kagflow.runs.compare`` says of each two runs, without the drawing again for each.
        """
        found = [
            paired_differences(
                self._metric,
                known.y,
                [each[rows] for each in predictions],
                weight=known.weight,
                units=known.units,
                further=known.further,
            )
            for rows, known in self._repeats
        ]
        return {places: _mean([repeat[places] for repeat in found]) for places in found[0]}

    @cached_property
    def _repeats(self) -> list[tuple[NDArray[np.int64], Known]]:
        """Positions of the rows of each repeat, and what is known of them."""
        numbers = self._known["repeat"].to_numpy()
        places = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
        return [(rows, Known.of(self._known[rows])) for rows in places]


def _mean(differences: Sequence[Difference]) -> Difference:
    """Return the mean over repeats, which share their rows: so is their noise."""
    return Difference(
        float(np.mean([each.value for each in differences])), float(np.mean([each.se for each in differences]))
    )
