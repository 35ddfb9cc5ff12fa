"""Automatic features: candidates of several groups, of which each fold takes those that help on its training rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from kagflow.features.automatic.bench import FEWEST_ROWS, Bench, State, Trial
from kagflow.features.automatic.groups import GROUPS, Step, View, replaced
from kagflow.features.steps import FeatureSet, FoldStep, Proposal, Proposer, TargetStep, Training

AUTO = "auto"
_MOST = {"pairs": 20}
_MOST_OF_OTHERS = 12
_CERTAIN = 1.5  # standard errors


@dataclass(frozen=True)
class AutomaticFeatures(Proposer):
    """Makes columns of the columns that are there, and keeps what helps.

    Group after group, a small LightGBM is fitted on inner folds of the training rows, with the candidates and with
    shuffled copies of some (as in Kursa and Rudnicki, 2010): those that say more than all copies are good candidates.
    Then it is fitted with the good ones and without; the group is taken where that saves more than one and a half
    standard errors of what it saves. Neither sees weights. How many rows, columns and fits that takes at most is fixed,
    so that the choice is quick and hangs on no clock.

    Parameters
    ----------
    dates
        Year, month, day, weekday, day of the year, days since 1970, hour; days between two dates.
    missing
        How many columns of a row are null, and which.
    text
        Lengths, and what a text is about (TF-IDF), in the place of text and of names that no two rows share.
    encodings
        Frequency and mean target of categories of many kinds, in their place.
    pairs
        Mean target and frequency of two categories together.
    aggregates
        Mean and deviation of a number by category, and the number less the mean.
    arithmetic
        Ratios of two numbers, and sums and differences of those of one scale.
    """

    dates: bool = True
    missing: bool = True
    text: bool = True
    encodings: bool = True
    pairs: bool = True
    aggregates: bool = True
    arithmetic: bool = True

    @property
    def groups(self) -> list[str]:
        """The groups that are switched on, in the order in which they are tried."""
        return [group for group in GROUPS if getattr(self, group)]

    def propose(self, training: Training) -> Proposal:
        """Return the steps that help."""
        unfit = [name for name, dtype in training.x.schema.items() if _is_unfit(dtype) and name not in training.hidden]
        if training.x.height < FEWEST_ROWS:
            return Proposal(drop=tuple(unfit))
        bench = Bench(training, unfit)
        choice = _Choice(bench, training)
        for group in self.groups:
            choice.look_at(group)
        return choice.proposal(unfit)


def automatic(base: FeatureSet, **groups: bool) -> FeatureSet:
    """Return a feature set with automatic features beside its own.

    Parameters
    ----------
    base
        The features that are there anyhow; nothing of a fold's automatic ones may be named in its ``then``.
    **groups
        ``pairs=False`` leaves a group of `AutomaticFeatures` out.

    Examples
    --------
    >>> AUTO = automatic(FeatureSet(), text=False)
    """
    return replace(base, propose=AutomaticFeatures(**groups))


class _Choice:
    """What has been chosen so far."""

    def __init__(self, bench: Bench, training: Training) -> None:
        self._bench, self._taken = bench, training.taken
        for_models = frozenset(bench.start.frames[0].train.columns)
        self._view = View(bench.x, bench.says, for_models)
        self._state: State = bench.start
        self._steps: list[Step] = []
        self._drop: list[str] = []
        self._groups: list[tuple[str, int, int, float, float]] = []
        self._columns: list[tuple[str, str, float, bool]] = []

    def look_at(self, group: str) -> None:
        """Take what a group has to offer, if that helps."""
        steps = self._candidates(group)
        if not steps:
            return
        without = replaced(group, self._view)
        trial = self._bench.attempt(steps, self._state, without, _MOST.get(group, _MOST_OF_OTHERS))
        is_taken = bool(trial.chosen) and trial.gain > _CERTAIN * trial.se
        if is_taken:
            self._state = trial.state
            chosen = [steps[place] for place in trial.chosen]
            self._steps += chosen
            self._taken = self._taken.union(*map(self._bench.names_of, chosen))
            self._drop += without
        self._note(group, steps, trial, is_taken)

    def proposal(self, unfit: Sequence[str]) -> Proposal:
        """Return all that was chosen."""
        groups = pl.DataFrame(
            self._groups,
            schema={
                "group": pl.String,
                "candidates": pl.Int64,
                "chosen": pl.Int64,
                "gain": pl.Float64,
                "se": pl.Float64,
            },
            orient="row",
        )
        columns = pl.DataFrame(
            self._columns,
            schema={"column": pl.String, "group": pl.String, "says": pl.Float64, "chosen": pl.Boolean},
            orient="row",
        )
        return Proposal(
            fold=tuple(step for step in self._steps if isinstance(step, FoldStep)),
            target=tuple(step for step in self._steps if isinstance(step, TargetStep)),
            drop=(*unfit, *self._drop),
            learned={"groups": groups, "columns": columns},
        )

    def _candidates(self, group: str) -> list[Step]:
        """Return the steps of a group whose columns have names of their own."""
        taken, steps = set(self._taken), []
        for step in GROUPS[group](self._view):
            names = self._bench.names_of(step)
            if taken.isdisjoint(names):
                taken.update(names)
                steps.append(step)
        return steps

    def _note(self, group: str, steps: Sequence[Step], trial: Trial, is_taken: bool) -> None:
        chosen = set(trial.chosen) if is_taken else set()
        self._groups.append((group, len(steps), len(chosen), trial.gain, trial.se))
        self._columns += [
            (name, group, float(trial.says[place]), place in chosen)
            for place, step in enumerate(steps)
            for name in self._bench.names_of(step)
        ]


def _is_unfit(dtype: pl.DataType) -> bool:
    return not (dtype.is_numeric() or dtype == pl.Boolean or isinstance(dtype, pl.Enum))
