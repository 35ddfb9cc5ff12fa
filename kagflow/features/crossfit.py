"""The engine: which rows a step learns from, and which rows it encodes.

This is the only file that picks rows of feature frames for steps, and the place to read when asking whether
something leaks. For one fold it is told which rows to train on and which to encode; then

- a fold step learns from the training rows, and makes columns for all;
- a target step learns from the training rows and makes columns for the rows that score, stop or are test. The
  training rows themselves it encodes cell by cell: a row in cell i by a fit on the training rows outside cell i
  (forward in time: before cell i). Cells are the other folds, so whatever the folds respect, this respects;
- what a step learned from a cell of rows as a sum is counted once, and summed over the cells that may be seen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Any, cast

import numpy as np
import polars as pl

from kagflow.data import Frame, Rows, Target
from kagflow.errors import FeatureError
from kagflow.features.blame import blaming, name_of, where_is
from kagflow.features.columns import final_columns
from kagflow.features.lag import check_lag
from kagflow.features.pool import Pool
from kagflow.features.proof import check_new_columns, prove_history, prove_row_wise
from kagflow.features.rows import run_row_function
from kagflow.features.steps import (
    AdditiveStep,
    FittedStep,
    FoldStep,
    HistoryStep,
    Proposer,
    RowStep,
    TargetStep,
    Training,
)

Frames = dict[str, Frame]
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Built:
    """The features of one fold.

    Attributes
    ----------
    x
        (rows, columns) features of the training rows that were kept.
    y
        (rows,) their target, on the original scale.
    rows
        (rows,) their positions in the pool.
    frames
        The features of the other rows, by the names that were asked for.
    learned
        What every step learned, by a name that tells the step.
    made_by
        The step or row function that made a column; columns of the files have none. Empty where read from disk.
    pickled
        What was learned as it was pickled, where it was read from disk; ``None`` where it was built.
    """

    x: Frame
    y: Target
    rows: Rows
    frames: Frames
    learned: dict[str, FittedStep]
    made_by: Mapping[str, object] = field(default_factory=dict, repr=False)
    pickled: bytes | None = field(default=None, repr=False)


def build(
    pool: Pool,
    train: Rows,
    apply: Mapping[str, Rows],
    *,
    scored: Rows | None = None,
    test: bool = False,
    repeat: int = 0,
    only: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    prove: bool = False,
) -> Built:
    """Build the features of a fold.

    Parameters
    ----------
    pool
        All rows.
    train
        Positions of the rows to learn from; extra rows join them.
    apply
        Positions of further rows to encode, by name; none of them may be a training row.
    scored
        Positions of the rows that the fold scores, where they are not among ``apply``; no extra row may repeat them.
    test
        Whether to encode the test rows too, as ``"test"``.
    repeat
        Whose cells to use.
    only, drop
        Patterns of final columns to keep, to leave out.
    prove
        Whether to run every transform again on a few rows, to see that it is row-wise.

    Raises
    ------
    FeatureError
        A step raised or broke its promise; the error names it.
    """
    features = pool.features
    work = _Build(pool, train, apply, scored, test=test, repeat=repeat, prove=prove)
    for step in features.fold:
        work.append([work.fold_step(step)])
    made = [*map(work.history_step, features.history), *map(work.target_step, features.target)]
    if features.propose is not None:
        made += work.proposed_steps(features.propose, made)
    work.append(made)
    for function in features.then:
        work.run(function)
    return work.finish(only, (*features.drop, *drop))


class _Build:
    """The frames of one fold while they grow, and what was learned on the way."""

    def __init__(
        self,
        pool: Pool,
        train: Rows,
        apply: Mapping[str, Rows],
        scored: Rows | None,
        *,
        test: bool,
        repeat: int,
        prove: bool,
    ) -> None:
        for name, others in apply.items():
            if np.isin(others, train).any():
                raise ValueError(f"rows to learn from and {name} rows overlap")
        self._pool, self._repeat, self._prove = pool, repeat, prove
        apart = np.concatenate([train[:0], *apply.values(), *([] if scored is None else [scored])])
        self._rows = _kept(pool, np.concatenate([train, pool.extra_rows_beside(train, repeat, apart)]))
        self._y = pool.y[self._rows]
        self._cells = pool.cells[repeat][self._rows]
        self._frames: Frames = {TRAIN: pool.x[self._rows]} | {name: pool.x[others] for name, others in apply.items()}
        self._times = {} if pool.time is None else {name: pool.time[others] for name, others in apply.items()}
        if test:
            self._frames[TEST] = pool.test
            if pool.test_time is not None:
                self._times[TEST] = pool.test_time
        self._learned: dict[str, FittedStep] = {}
        self._made_by = dict(pool.made_by)
        self._dropped: tuple[str, ...] = ()

    def fold_step(self, step: FoldStep) -> Frames:
        """Learn from the training rows, and return new columns for all."""
        with blaming(step):
            fitted = step.fit(self._frames[TRAIN])
        return self._transform(step, fitted, self._frames)

    def history_step(self, step: HistoryStep) -> Frames:
        """Learn from the training rows and their past, and return new columns for all."""
        if self._pool.time is None:
            raise FeatureError(
                "a history step needs to know when rows happened",
                hint="add `time: <column>` to competition.yaml",
                where=where_is(step),
            )
        time = self._pool.time[self._rows]
        # Without an order of folds only test lies ahead; forward in time every other row does.
        ahead = self._times if self._pool.forward else {name: t for name, t in self._times.items() if name == TEST}
        check_lag(step, time, ahead)
        x = self._frames[TRAIN]
        with blaming(step):
            fitted = step.fit(x, self._y, time)
        # In every fold: forward in time the first one is often shorter than the lag, and would prove nothing.
        prove_history(step, fitted, x, self._y, time)
        return self._transform(step, fitted, self._frames)

    def target_step(self, step: TargetStep, *, lasting: bool = True) -> Frames:
        """Cross-fit the training rows, and return new columns for all.

        ``lasting`` says that other folds have the same step, so that they need not tally a cell again.
        """
        x = self._frames[TRAIN]
        if isinstance(step, AdditiveStep) and step.adds_up and set(step.columns) <= set(self._pool.x.columns):
            fit_cells = _Sums(step, self._pool, self._rows, self._repeat, lasting).fit
        else:
            fit_cells = partial(_fit_cells, step, x, self._y, self._cells)
        final, encoded = _cross_fit(step, x, self._cells, self._pool.forward, fit_cells)
        others = {name: frame for name, frame in self._frames.items() if name != TRAIN}
        self._made_by.update(dict.fromkeys(encoded.columns, step))
        return {TRAIN: encoded} | self._transform(step, final, others)

    def proposed_steps(self, proposer: Proposer, made: list[Frames]) -> list[Frames]:
        """Let steps be chosen on the training rows alone, fit them, and return new columns for all.

        Parameters
        ----------
        proposer
            Chooses.
        made
            The columns that stand beside theirs already.
        """
        x = self._frames[TRAIN]
        training = Training(
            x=x,
            y=self._y,
            cells=self._cells,
            forward=self._pool.forward,
            hidden=self._pool.hidden,
            taken=frozenset(x.columns).union(*(frames[TRAIN].columns for frames in made)),
            features=self._pool.features,
        )
        with blaming(proposer):
            proposal = proposer.propose(training)
        self._learned[f"{len(self._learned)}_{name_of(proposer)}"] = proposal
        self._dropped = proposal.drop
        return [
            *map(self.fold_step, proposal.fold),
            *(self.target_step(step, lasting=False) for step in proposal.target),
        ]

    def append(self, columns: list[Frames]) -> None:
        """Put new columns beside those that are there."""
        self._frames = _append(self._frames, columns)

    def run(self, function: RowStep) -> None:
        """Run a row function over every frame."""
        before = set(self._frames[TRAIN].columns)
        self._frames = {name: run_row_function(function, frame) for name, frame in self._frames.items()}
        self._made_by.update((name, function) for name in self._frames[TRAIN].columns if name not in before)

    def finish(self, only: tuple[str, ...], drop: tuple[str, ...]) -> Built:
        """Return the columns that models get."""
        x = self._frames[TRAIN].drop(self._dropped, strict=False)
        names = final_columns(self._pool, x, self._y, only, drop)
        frames = {name: frame.select(names) for name, frame in self._frames.items()}
        return Built(frames.pop(TRAIN), self._y, self._rows, frames, self._learned, self._made_by)

    def _transform(self, step: object, fitted: FittedStep, frames: Frames) -> Frames:
        self._learned[f"{len(self._learned)}_{name_of(step)}"] = fitted
        made = _transform_all(step, fitted, frames, self._prove)
        for frame in made.values():
            self._made_by.update(dict.fromkeys(frame.columns, step))
        return made


def _kept(pool: Pool, rows: Rows) -> Rows:
    """Return the training rows that ``keep`` keeps."""
    keep = pool.features.keep
    if keep is None:
        return rows
    with blaming(keep):
        mask = keep(pool.x[rows], pool.y[rows])
    # A competition's own code is not type-checked.
    is_series = isinstance(cast(object, mask), pl.Series)
    if not is_series or mask.dtype != pl.Boolean or mask.len() != len(rows) or mask.null_count():
        raise FeatureError(
            f"keep must return one True or False a row ({len(rows)} of them, no nulls)",
            hint="return a boolean polars Series; fill nulls with True",
            where=where_is(keep),
        )
    if not mask.any():
        raise FeatureError("keep drops every training row", hint="look at its condition", where=where_is(keep))
    kept: Rows = rows[mask.to_numpy()]
    return kept


def _cross_fit(
    step: TargetStep, x: Frame, cells: Rows, forward: bool, fit_cells: Callable[[Rows], FittedStep]
) -> tuple[FittedStep, Frame]:
    """Return the step fitted on all training rows, and the training rows encoded without their own cell.

    ``fit_cells`` fits the step on the training rows of the cells that it is given.
    """
    present = np.flatnonzero(np.bincount(cells))
    if len(present) == 1 and not forward:
        raise FeatureError(
            "training rows of one cell only: there is nothing to encode them by",
            hint="use at least three folds with target steps",
            where=where_is(step),
        )
    with blaming(step):
        final = fit_cells(present)
        members = [np.flatnonzero(cells == cell) for cell in present]
        pieces = []
        for cell, own in zip(present, members, strict=True):
            seen = present[present < cell] if forward else present[present != cell]
            nothing = len(seen) == 0  # the first block of time: its columns are there, and null
            piece = (final if nothing else fit_cells(seen)).transform(x[own])
            pieces.append(piece.clear(piece.height) if nothing else piece)
        encoded = pl.concat(pieces)[_inverse(np.concatenate(members))]
    check_new_columns(step, encoded, x)
    return final, encoded


def _inverse(order: Rows) -> Rows:
    """Return the permutation that undoes another one."""
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    return inverse


def _fit_cells(step: TargetStep, x: Frame, y: Target, cells: Rows, seen: Rows) -> FittedStep:
    """Return the step fitted on the rows of some cells."""
    rows = np.flatnonzero(np.isin(cells, seen))
    return step.fit(x[rows], y[rows])


class _Sums:
    """The tallies of an additive step, cell by cell.

    A cell whose rows are all trained on is tallied once for all folds that have the step; one that lost rows (to
    ``keep``, or as stop rows) is tallied for this fold. Cells are added in ascending order; nothing is ever subtracted,
    so that rows left out leave no trace, not even in the last bit.
    """

    def __init__(self, step: AdditiveStep, pool: Pool, rows: Rows, repeat: int, lasting: bool) -> None:
        self._step, self._pool = step, pool
        cells = pool.cells[repeat]
        own_cells = cells[rows]
        sizes, own_sizes = np.bincount(cells), np.bincount(own_cells)
        self._tallies: dict[int, Any] = {}
        for cell in np.flatnonzero(own_sizes).tolist():
            if lasting and own_sizes[cell] == sizes[cell]:
                count = partial(self._tally_cell, cells, cell)
                self._tallies[cell] = pool.tally_once((id(step), repeat, cell), count)
            else:
                self._tallies[cell] = self._tally(rows[own_cells == cell])

    def fit(self, cells: Rows) -> FittedStep:
        """Return the step fitted on the rows of these cells."""
        return self._step.finish(reduce(add, (self._tallies[cell] for cell in cells)))

    def _tally_cell(self, cells: Rows, cell: int) -> Any:
        return self._tally(np.flatnonzero(cells == cell))

    def _tally(self, rows: Rows) -> Any:
        with blaming(self._step):
            return self._step.tally(self._pool.x.select(self._step.columns)[rows], self._pool.y[rows])


def _transform_all(step: object, fitted: FittedStep, frames: Frames, prove: bool) -> Frames:
    """Return a step's new columns for every frame."""
    with blaming(step):
        made = {name: fitted.transform(frame) for name, frame in frames.items()}
    schemas = [frame.schema for frame in made.values()]
    for name, frame in made.items():
        check_new_columns(step, frame, frames[name])
        if frame.schema != schemas[0]:
            raise FeatureError(
                "makes other columns or types for some rows than for others",
                hint="cast explicitly in transform, so that names and types do not depend on the values",
                where=where_is(step),
            )
    if prove:
        name = max(frames, key=lambda name: frames[name].height)
        prove_row_wise(step, fitted.transform, frames[name], made[name])
    return made


def _append(frames: Frames, columns: list[Frames]) -> Frames:
    """Return the frames with the new columns of every step beside theirs."""
    try:
        return {name: pl.concat([x, *(made[name] for made in columns)], how="horizontal") for name, x in frames.items()}
    except pl.exceptions.DuplicateError as error:
        raise FeatureError(
            f"two steps make a column of the same name: {str(error).splitlines()[0]}",
            hint="give one of them a suffix, or remove it",
            where="features",
        ) from None
