"""What candidates are worth: a small model with them and without, on folds within a fold's training rows.

The same engine builds their columns as builds those of the fold, so that target steps are cross-fitted here too. How
much is done hangs on the numbers of rows and columns, never on a clock: the same rows give the same choice anywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Rows, Table, Target
from kagflow.features.automatic.groups import Step
from kagflow.features.crossfit import build
from kagflow.features.pool import make_pool
from kagflow.features.small_model import SEED, Array, losses_of, matrix_of, problem_of, small_model
from kagflow.features.sources import sums_by_source
from kagflow.features.steps import FeatureSet, FoldStep, TargetStep, Training
from kagflow.splits import Fold, Folds

FEWEST_ROWS = 100
_MOST_ROWS, _MOST_CELLS = 30_000, 3_000_000
_MOST_COLUMNS = 60  # of those that are there already: the ones that say the most
_MOST_SOURCES = 200  # columns of which others are made: likewise
_CELLS_FOR_ALL_FOLDS = 200_000
_UNITS = 4
_SHADOWS = 10
_ROUNDS = 80
_FEWEST_ROUNDS = 20
_PARAMS = {
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
    "min_data_per_group": 50,
}
_SKEWED = 1.0
_VALID = "valid"


@dataclass(frozen=True)
class Pair:
    """Some columns of the rows that an inner fold trains on, and of those that it scores."""

    train: Frame
    valid: Frame

    def beside(self, other: "Pair") -> "Pair":
        """Return the columns of both."""
        return Pair(self.train.hstack(other.train), self.valid.hstack(other.valid))

    def select(self, names: Sequence[str]) -> "Pair":
        """Return some columns."""
        return Pair(self.train.select(names), self.valid.select(names))

    def drop(self, names: Sequence[str]) -> "Pair":
        """Return the other columns."""
        return Pair(self.train.drop(names, strict=False), self.valid.drop(names, strict=False))


@dataclass(frozen=True)
class State:
    """The columns that models get so far, and what a small model loses with them, for each inner fold."""

    frames: tuple[Pair, ...]
    losses: tuple[Array, ...]


@dataclass(frozen=True)
class Trial:
    """What came of some candidates.

    Attributes
    ----------
    gain, se
        The share of the loss that they save, and its standard error over rows.
    chosen
        Which of them a fold may have: those that helped in at least half of the inner folds, the best first.
    says
        (candidates,) how much more each of them says than the best of the shuffled columns, on average.
    state
        With those that each inner fold chose.
    """

    gain: float
    se: float
    chosen: tuple[int, ...]
    says: Array
    state: State


class Bench:
    """Inner folds of some training rows of a fold.

    Parameters
    ----------
    training
        All of them; at least `FEWEST_ROWS`.
    unfit
        Columns that no model can take.
    """

    def __init__(self, training: Training, unfit: Sequence[str]) -> None:
        rng = np.random.default_rng(SEED)
        rows = _sample(training, rng)
        self._training, self._unfit = training, unfit
        self._y = tamed(training.y[rows])
        self._objective, self._truth = problem_of(self._y)
        x = training.x[rows]
        ids = pl.Series("id", np.arange(x.height))
        self._table = Table(ids=ids, x=x, y=training.y[rows])
        self.folds = _inner_folds(ids, training.cells[rows], training.forward, rng)
        is_small = x.height * x.width <= _CELLS_FOR_ALL_FOLDS
        self._looked_at = self.folds.folds if is_small else self.folds.folds[:2]
        classes = self._objective.get("num_class", 1)
        self._rounds = max(round(_ROUNDS / classes**0.5), _FEWEST_ROUNDS)
        self.start, self.says = self._begin()
        sources = sorted(self.says, key=lambda name: -self.says[name])[:_MOST_SOURCES]
        self._table = replace(self._table, x=x.select(name for name in x.columns if name in sources))

    @property
    def x(self) -> Frame:
        """The rows that are looked at, without the columns that are hidden from models."""
        return self._table.x.drop(self._training.hidden, strict=False)

    def names_of(self, step: Step) -> list[str]:
        """Return the names of the columns that a step makes."""
        few = self._table.x.head(_SHADOWS)
        fitted = step.fit(few) if isinstance(step, FoldStep) else step.fit(few, self._training.y.head(few.height))
        return fitted.transform(few).columns

    def attempt(self, steps: Sequence[Step], state: State, without: Sequence[str], most: int) -> Trial:
        """Return what becomes of a state with the best of some steps, and without some columns.

        Parameters
        ----------
        steps
            Candidates.
        state
            What is there already.
        without
            Columns that leave when the candidates come.
        most
            How many of them a fold may have at most.
        """
        made, makers = self._made(steps)
        says = np.zeros((len(state.frames), len(steps)))
        frames, losses = [], []
        for number, (old, new) in enumerate(zip(state.frames, made, strict=True)):
            left = old.drop(without)
            says[number] = self._what_they_say(number, left, new, makers, len(steps))
            best = _best(says[number], most)
            names = [name for name in new.train.columns if makers[name] in best]
            frames.append(left.beside(new.select(names)) if names else old)
            losses.append(self._losses(number, frames[-1]) if names else state.losses[number])
        saved = np.concatenate(state.losses) - np.concatenate(losses)
        scale = max(float(np.concatenate(state.losses).mean()), 1e-12)
        often = (says > 1).mean(axis=0) >= 0.5
        chosen = [place for place in _best(says.mean(axis=0), most) if often[place]]
        return Trial(
            gain=float(saved.mean()) / scale,
            se=float(saved.std(ddof=1) / np.sqrt(len(saved))) / scale,
            chosen=tuple(chosen),
            says=says.mean(axis=0),
            state=State(tuple(frames), tuple(losses)),
        )

    def _begin(self) -> tuple[State, dict[str, float]]:
        """Return the state without any candidate, and how much each column says."""
        features = self._training.features
        base = FeatureSet(target=features.target, drop=features.drop)
        frames = [pair for pair, _ in self._build(base, (*self._training.hidden, *self._unfit))]
        gains = [self._gains(number, pair.train) for number, pair in enumerate(frames)]
        says = {name: float(np.mean([gain[name] for gain in gains])) for name in gains[0]}
        if len(says) > _MOST_COLUMNS:
            names = sorted(says, key=lambda name: -says[name])[:_MOST_COLUMNS]
            frames = [pair.select(names) for pair in frames]
        losses = [self._losses(number, pair) for number, pair in enumerate(frames)]
        return State(tuple(frames), tuple(losses)), sums_by_source(says, self._table.x.columns)

    def _made(self, steps: Sequence[Step]) -> tuple[list[Pair], dict[str, int]]:
        """Return the columns of some steps for each inner fold, and which of them made each."""
        fold = tuple(step for step in steps if isinstance(step, FoldStep))
        target = tuple(step for step in steps if isinstance(step, TargetStep))
        built = list(self._build(FeatureSet(fold=fold, target=target), self._table.x.columns))
        place = {id(step): number for number, step in enumerate(steps)}
        makers = {name: place[id(step)] for name, step in built[0][1].items() if id(step) in place}
        return [pair for pair, _ in built], makers

    def _build(self, features: FeatureSet, hidden: Sequence[str]) -> Iterator[tuple[Pair, Mapping[str, object]]]:
        few = replace(self._table, ids=self._table.ids.head(1), x=self._table.x.head(1), y=None)
        pool = make_pool(features, self._table, few, self.folds, hidden=hidden)
        left = [name for name in pool.x.columns if name not in hidden and not _matches(name, features.drop)]
        for fold in self._looked_at:
            if not left and not features.fold and not features.target:  # nothing is there yet
                yield Pair(_nothing(fold.train), _nothing(fold.valid)), {}
                continue
            built = build(pool, fold.train, {_VALID: fold.valid})
            yield Pair(built.x, built.frames[_VALID]), built.made_by

    def _what_they_say(
        self, number: int, old: Pair, new: Pair, makers: Mapping[str, int], candidates: int
    ) -> NDArray[np.float64]:
        """Return (candidates,) the gain of the best column of each over that of the best shuffled one."""
        rng = np.random.default_rng(SEED + number)
        copied = rng.choice(new.train.width, _SHADOWS, replace=new.train.width < _SHADOWS)
        order = rng.permutation(new.train.height)
        shadows = [new.train.to_series(int(place))[order].alias(f"{i} shuffled") for i, place in enumerate(copied)]
        gains = self._gains(number, old.train.hstack(new.train).hstack(shadows))
        best = max(gains[shadow.name] for shadow in shadows)
        says = np.zeros(candidates)
        for name in new.train.columns:
            says[makers[name]] = max(says[makers[name]], gains[name])
        return says / max(best, 1e-9)

    def _gains(self, number: int, x: Frame) -> dict[str, float]:
        truth = self._truth[self._looked_at[number].train]
        booster = small_model(x, truth, self._objective, self._rounds, **_PARAMS)
        return dict(zip(x.columns, booster.feature_importance("gain").tolist(), strict=True))

    def _losses(self, number: int, frames: Pair) -> Array:
        fold = self._looked_at[number]
        booster = small_model(frames.train, self._truth[fold.train], self._objective, self._rounds, **_PARAMS)
        predicted = booster.predict(matrix_of(frames.valid))
        return losses_of(predicted, self._truth[fold.valid], self._objective)


def tamed(y: Target) -> Target:
    """Return a target of which squares are no matter of a few rows: logarithms of what is skewed."""
    if isinstance(y.dtype, pl.Enum):
        return y
    lowest, skew = y.min(), y.skew()
    is_skewed = isinstance(lowest, float) and lowest >= 0 and skew is not None and skew > _SKEWED
    return y.log1p() if is_skewed else y


def _sample(training: Training, rng: np.random.Generator) -> Rows:
    """Return positions of as many rows as the columns allow."""
    height, width = training.x.shape
    most = max(min(_MOST_ROWS, _MOST_CELLS // max(width, 1)), FEWEST_ROWS)
    return np.sort(rng.choice(height, most, replace=False)) if height > most else np.arange(height)


def _inner_folds(ids: pl.Series, cells: Rows, forward: bool, rng: np.random.Generator) -> Folds:
    """Return folds within training rows that cut where their own folds do."""
    found, ranks = np.unique(cells, return_inverse=True)
    units = ranks * min(len(found), _UNITS) // len(found)
    if len(found) == 1:
        units, forward = rng.permutation(len(cells)) % _UNITS, False
    count = int(units.max()) + 1
    sides = range(1, count) if forward else range(count)
    folds = tuple(
        Fold(number, 0, np.flatnonzero(units < side if forward else units != side), np.flatnonzero(units == side))
        for number, side in enumerate(sides)
    )
    if forward:
        folds = folds[::-1]  # the latest ones train on the most rows
    if count == 2:  # else there would be nothing to encode training rows by
        return Folds(ids, folds, np.array([2 * units + rng.permutation(len(units)) % 2]))
    return Folds(ids, folds, np.array([units]), forward)


def _best(says: NDArray[np.float64], most: int) -> list[int]:
    """Return the places of those that say more than noise does, the best first."""
    return [int(place) for place in np.argsort(-says, kind="stable")[:most] if says[place] > 1]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _nothing(rows: Rows) -> Frame:
    return pl.DataFrame({"nothing": np.zeros(len(rows))})
