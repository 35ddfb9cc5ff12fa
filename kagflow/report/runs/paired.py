"""Paired differences of any two of the runs that matter: the best ones, the newest, and those that were sent."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from kagflow.errors import KagflowError
from kagflow.report.runs.same_rows import SameRows
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.runs.record import prediction_columns
from kagflow.stats import Difference

_MOST, _FEWEST = 12, 4
_NUMBERS = 5_000_000  # predictions of all of them together: scoring each draw of the bootstrap is what takes time
_NEWEST, _SENT = 3, 3

_VERDICTS = {True: "better", False: "worse", None: "inside the noise"}


@dataclass(frozen=True)
class Paired:
    """A run's score minus that of another, over the same rows.

    Attributes
    ----------
    run, other
        The runs.
    difference, se
        In the metric's units; ``se`` is ``None`` where it cannot be had.
    better
        Whether the run is better than the other; ``None`` inside the noise.
    """

    run: Run
    other: Run
    difference: float
    se: float | None
    better: bool | None

    @property
    def verdict(self) -> str:
        """What the difference says of the run."""
        return _VERDICTS[self.better]

    def turned(self) -> "Paired":
        """Return the difference the other way round."""
        better = None if self.better is None else not self.better
        return Paired(self.other, self.run, -self.difference, self.se, better)


@dataclass(frozen=True)
class PairedRuns:
    """All pairs of some runs.

    Attributes
    ----------
    runs
        Which; the best one first, then the newest.
    pairs
        Any two of them, the one that comes earlier minus the one that comes later.
    strangers
        Runs that were to be among them, and whose rows have another target, other groups or weights.
    problem
        Why there are no pairs, where their scores could not be had.
    """

    runs: tuple[Run, ...] = ()
    pairs: tuple[Paired, ...] = ()
    strangers: tuple[Run, ...] = ()
    problem: str = ""
    _by_names: dict[tuple[str, str], Paired] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for pair in self.pairs:
            self._by_names[pair.run.name, pair.other.name] = pair
            self._by_names[pair.other.name, pair.run.name] = pair.turned()

    def of(self, run: Run, other: Run) -> Paired | None:
        """Return the difference of two runs; ``None`` where it is not known, or they are the same."""
        return self._by_names.get((run.name, other.name))


@lru_cache(maxsize=1)
def paired_runs(state: State) -> PairedRuns:
    """Return the paired differences of the runs that matter, as many as can be had in a second or two."""
    if state.best is None:
        return PairedRuns()
    rows = SameRows(state.best, state.competition.metric)
    alike, oofs, strangers = [state.best], [prediction_columns(state.best.oof())], []
    for run in _others(state)[: max(_FEWEST, min(_MOST, _NUMBERS // max(oofs[0].size, 1))) - 1]:
        oof = rows.oof(run)
        if oof is None:
            strangers.append(run)
        else:
            alike.append(run)
            oofs.append(oof)
    try:
        found = rows.differences(oofs)
    except KagflowError as error:  # a metric of the competition's own, say, that was changed since
        return PairedRuns(problem=str(error))
    pairs = tuple(_pair(state, alike[one], alike[other], made) for (one, other), made in found.items())
    return PairedRuns(tuple(alike), pairs, tuple(strangers))


def paired_with_best(state: State) -> tuple[Paired, ...]:
    """Return the differences of the other runs that matter from the best one, the newest first."""
    paired = paired_runs(state)
    found = (paired.of(run, paired.runs[0]) for run in paired.runs[1:])
    return tuple(pair for pair in found if pair is not None)


def _pair(state: State, run: Run, other: Run, made: Difference) -> Paired:
    better = None if made.is_noise else state.competition.metric.better(made.value, 0.0)
    return Paired(run, other, made.value, made.se if np.isfinite(made.se) else None, better)


def _others(state: State) -> list[Run]:
    """Return the runs that compare with the best one: the newest, those sent last, and then by their scores."""
    others = [run for run in state.alike if run is not state.best]
    sign = 1 if state.minimize else -1
    sent = [run for run in others if run.name in state.sent_runs()]
    by_score = sorted(others, key=lambda run: sign * run.scores["cv"])
    return list({run.name: run for run in [*others[: -_NEWEST - 1 : -1], *sent[-_SENT:], *by_score]}.values())
