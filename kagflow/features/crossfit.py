"""The engine: which rows a step learns from, and which rows it encodes.

This is the only file that picks rows of feature frames for steps, and the place to read when asking whether
something leaks. For one fold it is told which rows to train on and which to encode; then

- a fold step learns from the training rows, and makes columns for all;
- a target step learns from the training rows and makes columns for the rows that score, stop or are test. The
  training rows themselves it encodes cell by cell: a row in cell i by a fit on the training rows outside cell i
  (forward in time: before cell i). Cells are the other folds, so whatever the folds respect, this respects;
- what a step learned from a cell of rows as a sum is counted once, and summed over the cells that may be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.errors import FeatureError
from kagflow.features.blame import blaming, name_of, where_is
from kagflow.features.pool import Pool, run_row_function
from kagflow.features.proof import prove_history, prove_row_wise
from kagflow.features.steps import AdditiveStep, FittedStep, HistoryStep, TargetStep

Rows = NDArray[np.int64]
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
    """

    x: Frame
    y: Target
    rows: Rows
    frames: Frames
    learned: dict[str, FittedStep]


def build(
    pool: Pool,
    train: Rows,
    apply: Mapping[str, Rows],
    *,
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
    for name, others in apply.items():
        if np.isin(others, train).any():
            raise ValueError(f"rows to learn from and {name} rows overlap")
    features = pool.features
    rows = _kept(pool, np.concatenate([train, pool.extra_rows]))
    y, cells = pool.y[rows], pool.cells[repeat][rows]
    frames: Frames = {TRAIN: pool.x[rows]} | {name: pool.x[others] for name, others in apply.items()}
    if test:
        frames[TEST] = pool.test
    learned: dict[str, FittedStep] = {}

    for step in features.fold:
        with blaming(step):
            fitted = step.fit(frames[TRAIN])
        frames = _append(frames, [_transform_all(step, fitted, frames, prove)])
        learned[f"{len(learned)}_{name_of(step)}"] = fitted

    columns: list[Frames] = []
    for history in features.history:
        time = _times(history, pool, rows)
        _check_lag(history, time, pool, apply, test)
        with blaming(history):
            fitted = history.fit(frames[TRAIN], y, time)
        if prove:
            prove_history(history, fitted, frames[TRAIN], y, time)
        columns.append(_transform_all(history, fitted, frames, prove))
        learned[f"{len(learned)}_{name_of(history)}"] = fitted
    for number, target in enumerate(features.target):
        sums = _Sums(target, number, pool, rows, repeat) if _is_additive(target, pool) else None
        fitted, encoded = _cross_fit(target, frames[TRAIN], y, cells, pool.forward, sums)
        others = {name: frame for name, frame in frames.items() if name != TRAIN}
        columns.append({TRAIN: encoded} | _transform_all(target, fitted, others, prove))
        learned[f"{len(learned)}_{name_of(target)}"] = fitted
    frames = _append(frames, columns)

    for function in features.then:
        frames = {name: run_row_function(function, frame) for name, frame in frames.items()}
    names = _final_columns(pool, frames[TRAIN], y, only, (*features.drop, *drop))
    frames = {name: frame.select(names) for name, frame in frames.items()}
    return Built(frames.pop(TRAIN), y, rows, frames, learned)


def _kept(pool: Pool, rows: Rows) -> Rows:
    """Return the training rows that ``keep`` keeps."""
    keep = pool.features.keep
    if keep is None:
        return rows
    with blaming(keep):
        mask = keep(pool.x[rows], pool.y[rows])
    if not isinstance(mask, pl.Series) or mask.dtype != pl.Boolean or mask.len() != len(rows) or mask.null_count():
        raise FeatureError(
            f"keep must return one True or False a row ({len(rows)} of them, no nulls)",
            hint="return a boolean polars Series; fill nulls with True",
            where=where_is(keep),
        )
    if not mask.any():
        raise FeatureError("keep drops every training row", hint="look at its condition", where=where_is(keep))
    return rows[mask.to_numpy()]


def _cross_fit(
    step: TargetStep, x: Frame, y: Target, cells: Rows, forward: bool, sums: "_Sums | None"
) -> tuple[FittedStep, Frame]:
    """Return the step fitted on all training rows, and the training rows encoded without their own cell."""
    present = np.unique(cells)
    if len(present) == 1 and not forward:
        raise FeatureError(
            "training rows of one cell only: there is nothing to encode them by",
            hint="use at least three folds with target steps",
            where=where_is(step),
        )
    with blaming(step):
        final = sums.fit(present) if sums else step.fit(x, y)
        pieces = []
        for cell in present:
            own = x[np.flatnonzero(cells == cell)]
            seen = present[present < cell] if forward else present[present != cell]
            if len(seen) == 0:
                pieces.append(_nulls_like(final.transform(own)))
                continue
            inner = np.flatnonzero(np.isin(cells, seen))
            fitted = sums.fit(seen) if sums else step.fit(x[inner], y[inner])
            pieces.append(fitted.transform(own))
        order = np.concatenate([np.flatnonzero(cells == cell) for cell in present])
        encoded = pl.concat(pieces)[np.argsort(order, kind="stable")]
    _check_columns(step, encoded, x)
    return final, encoded


class _Sums:
    """The tallies of an additive step, cell by cell.

    A cell whose rows are all trained on is tallied once for all folds; one that lost rows (to ``keep``, or as stop
    rows) is tallied for this fold. Cells are added in ascending order; nothing is ever subtracted, so rows left out
    leave no trace, not even in the last bit.
    """

    def __init__(self, step: TargetStep, number: int, pool: Pool, rows: Rows, repeat: int) -> None:
        assert isinstance(step, AdditiveStep)
        self._step = step
        cells = pool.cells[repeat]
        x = pool.x.select(step.columns)
        self._tallies: dict[int, Any] = {}
        for cell in np.unique(cells[rows]):
            whole, own = np.flatnonzero(cells == cell), rows[cells[rows] == cell]
            if len(own) == len(whole):
                self._tallies[cell] = pool.tally_once(
                    (number, repeat, cell), lambda whole=whole: step.tally(x[whole], pool.y[whole])
                )
            else:
                self._tallies[cell] = step.tally(x[own], pool.y[own])

    def fit(self, cells: Rows) -> FittedStep:
        """Return the step fitted on the rows of these cells."""
        return self._step.finish(reduce(add, (self._tallies[cell] for cell in cells)))


def _is_additive(step: TargetStep, pool: Pool) -> bool:
    """Say whether cells can be tallied from the pool: what a fold step made is another column in every fold."""
    return isinstance(step, AdditiveStep) and set(step.columns) <= set(pool.x.columns)


def _transform_all(step: object, fitted: FittedStep, frames: Frames, prove: bool) -> Frames:
    """Return a step's new columns for every frame."""
    with blaming(step):
        made = {name: fitted.transform(frame) for name, frame in frames.items()}
    schemas = [frame.schema for frame in made.values()]
    for name, frame in made.items():
        _check_columns(step, frame, frames[name])
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


def _check_columns(step: object, made: Frame, x: Frame) -> None:
    if not isinstance(made, pl.DataFrame):
        raise FeatureError(
            f"transform returned {type(made).__name__}", hint="return a polars DataFrame", where=where_is(step)
        )
    if made.height != x.height:
        raise FeatureError(
            f"transform was given {x.height} rows and returned {made.height}",
            hint="one row for each, in the same order",
            where=where_is(step),
        )
    for name in made.columns:
        if name in x.columns:
            raise FeatureError(
                f"transform returned a column {name!r} that is there already",
                hint="return new columns only, named <source>__<what>",
                where=where_is(step),
            )


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


def _nulls_like(frame: Frame) -> Frame:
    """Return a frame of the same shape and types that holds nothing."""
    return frame.clear(frame.height)


def _times(step: HistoryStep, pool: Pool, rows: Rows) -> pl.Series:
    if pool.time is None:
        raise FeatureError(
            "a history step needs to know when rows happened",
            hint="add `time: <column>` to competition.yaml",
            where=where_is(step),
        )
    return pool.time[rows]


def _check_lag(step: HistoryStep, time: pl.Series, pool: Pool, apply: Mapping[str, Rows], test: bool) -> None:
    """Refuse a lag that the rows to encode outrun: their nearest history would be missing where it counts."""
    assert pool.time is not None
    zero = time[0] - time[0]
    if not step.lag > zero:
        raise FeatureError(f"the lag must be positive, got {step.lag}", where=where_is(step))
    ahead = {name: pool.time[others] for name, others in apply.items()} if pool.forward else {}
    if test and pool.test_time is not None:
        ahead[TEST] = pool.test_time
    for name, times in ahead.items():
        horizon = times.max() - time.max()  # type: ignore[operator]
        if horizon > step.lag:
            raise FeatureError(
                f"its lag of {step.lag} is shorter than the horizon: {name} rows reach {horizon} beyond the training rows",
                hint=f"use a lag of at least {horizon}",
                where=where_is(step),
            )


def _final_columns(pool: Pool, x: Frame, y: Target, only: tuple[str, ...], drop: tuple[str, ...]) -> list[str]:
    """Return the names of the columns that the model gets."""
    names = [name for name in x.columns if name not in pool.hidden and not _matches(name, drop)]
    names = [name for name in names if not only or _matches(name, only)]
    for name in names:
        dtype = x[name].dtype
        if not (dtype.is_numeric() or dtype == pl.Boolean or isinstance(dtype, pl.Enum)):
            raise FeatureError(
                f"the column {name!r} has type {dtype}, which models cannot take",
                hint="make numbers or categories (pl.Enum) of it in `rows`, or name it under `drop`",
                where=name,
            )
    select = pool.features.select
    if select is not None and names:
        with blaming(select):
            chosen = set(select.fit(x.select(names), y))
        unknown = chosen - set(names)
        if unknown:
            raise FeatureError(f"select returned unknown columns: {sorted(unknown)[0]}", where=where_is(select))
        names = [name for name in names if name in chosen]
    if not names:
        raise FeatureError("no column is left for the model", hint="look at `only`, `drop` and `select`")
    return names


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
