"""The pool: all rows after row functions and pooled steps, before any fold is cut from it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import ExtraRows, FoldLabels, Frame, Rows, Table, Target
from kagflow.data.extra import Repeats, stack_weights
from kagflow.errors import ConfigError, FeatureError
from kagflow.features.blame import blaming, name_of
from kagflow.features.proof import check_new_columns, moved_columns, prove_row_wise
from kagflow.features.rows import run_row_function
from kagflow.features.steps import FeatureSet, FittedStep, RowStep
from kagflow.features.tables import hand_over
from kagflow.splits import Fold, Folds

_NO_ROWS: Rows = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Pool:
    """All rows of a competition, ready to be cut into folds.

    Attributes
    ----------
    features
        The steps.
    x
        (n + m, columns) features of the n training rows, then of the m extra rows.
    y
        (n + m,) their target, on the original scale.
    time
        (n + m,) their times; ``None`` without.
    weight
        (n + m,) their weights; ``None`` when all weigh the same.
    cells
        (repeats, n + m) cells for cross-fitting.
    tied
        (repeats, m) which extra rows belong to their cell, by id, group or time; the others were dealt out.
    joins
        (m,) which extra rows join the training rows at all.
    repeats
        Which extra rows stay out where a row with the same features is scored; like the folds, by the real rows even
        where an experiment changes them.
    forward
        Whether cells are ordered in time.
    n_train
        n.
    test, test_time
        The same of the test rows.
    hidden
        Columns that steps may use and models do not get: id, group and time.
    after_rows
        Names and types of the columns after the row functions.
    pooled
        What the pooled steps learned, in their order.
    of_fold
        What extra rows are where that is not the same in every fold, by number; by ``None`` in fits on all rows.
    made_by
        The row function or pooled step that made a column; columns of the files have none.
    """

    features: FeatureSet
    x: Frame
    y: Target
    time: pl.Series | None
    weight: pl.Series | None
    cells: NDArray[np.int64]
    tied: NDArray[np.bool_]
    joins: NDArray[np.bool_]
    repeats: tuple[Repeats, ...]
    forward: bool
    n_train: int
    test: Frame
    test_time: pl.Series | None
    hidden: tuple[str, ...]
    after_rows: pl.Schema
    pooled: tuple[FittedStep, ...]
    of_fold: Mapping[int | None, FoldLabels] = field(default_factory=dict, repr=False)
    made_by: Mapping[str, object] = field(default_factory=dict, repr=False)
    _tallies: dict[Any, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def extra_rows(self) -> NDArray[np.int64]:
        """Positions of the extra rows."""
        return np.arange(self.n_train, self.x.height, dtype=np.int64)

    def extra_rows_beside(self, train: Rows, repeat: int, apart: Rows = _NO_ROWS) -> Rows:
        """Return the extra rows that may join some training rows.

        An extra row that is scored under the same id, whose group is scored, or whose time is not yet known, stays
        out; and where it must not repeat a row, so does one with the features of a row that must be kept apart.

        Parameters
        ----------
        train
            Positions of the training rows.
        repeat
            Whose cells to use.
        apart
            Positions of the rows that are scored, and of stop rows.
        """
        extra, cells = self.extra_rows, self.cells[repeat]
        joins = self.joins & (np.isin(cells[extra], cells[train]) | ~self.tied[repeat])
        for each in self.repeats:
            joins[each.of(apart)] = False
        joining: Rows = extra[joins]
        return joining

    def for_fold(self, fold: Fold | None) -> "Pool":
        """Return the pool as a fold may see it: with the extra rows, targets and weights that are the fold's own.

        Raises
        ------
        ConfigError
            They were made for a fold that trains on other rows, and may know targets that this one scores.
        """
        if not self.of_fold:
            return self
        own = self.of_fold.get(None if fold is None else fold.number)
        if own is None or (fold is not None and not np.array_equal(own.train, fold.train)):
            raise ConfigError(
                "the pseudo-labels were made for other folds, and may know the targets that are scored here",
                hint="folds within folds would need a run of their own to be labelled by: leave `pseudo` out here",
                where="extra.pseudo",
            )
        rows = np.arange(self.n_train)
        weight = None if self.weight is None else self.weight[rows]
        return replace(
            self,
            y=pl.concat([self.y[rows], own.y]),
            weight=stack_weights([(weight, len(rows)), (own.weight, len(own.joins))]),
            joins=own.joins,
            _tallies={},
            _lock=threading.Lock(),
        )

    def with_target(self, y: Target) -> "Pool":
        """Return the same rows with another target, which has tallies of its own."""
        return replace(self, y=y, _tallies={}, _lock=threading.Lock())

    def with_rows(self, features: FeatureSet, x: Frame, y: Target, test: Frame) -> "Pool":
        """Return a pool of the same rows with other features and targets, which has tallies of its own.

        Parameters
        ----------
        features
            The same steps, perhaps loaded anew.
        x, y
            (n, ...) features and target of the training rows; the extra rows keep theirs.
        test
            The test rows.
        """
        extra = self.extra_rows
        return replace(
            self,
            features=features,
            x=pl.concat([x, self.x[extra]]),
            y=pl.concat([y, self.y[extra]]),
            test=test,
            _tallies={},
            _lock=threading.Lock(),
        )

    def tally_once(self, key: Any, tally: Callable[[], Any]) -> Any:
        """Return a tally of a whole cell, counted by whoever comes first."""
        with self._lock:
            if key not in self._tallies:
                self._tallies[key] = tally()
            return self._tallies[key]


def make_pool(
    features: FeatureSet,
    train: Table,
    test: Table,
    folds: Folds,
    *,
    extra: ExtraRows | None = None,
    pooled: bool = False,
    hidden: Sequence[str] = (),
    tables: Mapping[str, Frame] | None = None,
) -> Pool:
    """Run the row functions and pooled steps, and fix the vocabulary of every category.

    Parameters
    ----------
    features
        The steps.
    train, test
        Tables with the same feature columns.
    extra
        Rows with these columns that join the training rows of every fold, but where their group is scored or their
        time is not yet known; they are never scored.
    folds
        Of the training table.
    pooled
        Whether the competition allows steps to learn from test features.
    hidden
        Columns that models do not get.
    tables
        The declared tables that steps name, by name.

    Raises
    ------
    FeatureError
        A step raised, dropped rows, or is not row-wise.
    ConfigError
        There are pooled steps, and the competition does not say ``pooled: true``.
    """
    if train.y is None:
        raise ValueError("training rows need a target")
    if features.pooled and not pooled:
        raise ConfigError(
            f"{name_of(features.pooled[0])} would learn from test features, which this competition does not declare",
            hint="write `pooled: true` in competition.yaml if its rules allow that, or move the step to `fold`",
            where="pooled",
            code="KF304",
        )
    features = hand_over(features, tables or {})
    rows = [train, *([_conform(extra.table, train)] if extra is not None else []), test]
    frames, made_by = _run_rows(features.rows, rows)
    frames = _fix_vocabulary(frames, set(hidden))
    after_rows = frames[0].schema
    joins = None if extra is None else extra.joins
    frames, learned = _pool_steps(features, frames, made_by, joins)
    frames = _fix_vocabulary(frames, set(hidden))
    known = rows[:-1]
    cells, tied = _cells(folds, *known)
    return Pool(
        features=features,
        x=pl.concat(frames[:-1]),
        y=pl.concat([table.y for table in known if table.y is not None]),
        time=_stack([table.time for table in known]),
        weight=stack_weights([(table.weight, table.height) for table in known]),
        cells=cells,
        tied=tied,
        joins=np.empty(0, dtype=np.bool_) if extra is None else extra.joins,
        repeats=() if extra is None else extra.repeats,
        of_fold={} if extra is None else extra.of_fold,
        forward=folds.forward,
        n_train=train.height,
        test=frames[-1],
        test_time=test.time,
        hidden=tuple(hidden),
        after_rows=after_rows,
        pooled=tuple(learned),
        made_by=made_by,
    )


def _run_rows(functions: Sequence[RowStep], tables: Sequence[Table]) -> tuple[list[Frame], dict[str, object]]:
    """Return the tables' frames after all row functions, and which function made a column.

    The functions are proved together, on the largest frame.
    """
    made_by: dict[str, object] = {}

    def run(x: Frame, function: RowStep) -> Frame:
        after = run_row_function(function, x, prove=False)
        made_by.update(dict.fromkeys(set(after.columns).difference(x.columns, made_by), function))
        return after

    def together(x: Frame) -> Frame:
        return reduce(run, functions, x)

    frames = [together(table.x) for table in tables]
    before, after = max(zip((table.x for table in tables), frames, strict=True), key=lambda pair: pair[0].height)
    if functions and moved_columns(together, before, after):
        reduce(lambda rows, function: run_row_function(function, rows), functions, before)  # raises at the culprit
    return frames, made_by


def _pool_steps(
    features: FeatureSet, frames: list[Frame], made_by: dict[str, object], joins: NDArray[np.bool_] | None
) -> tuple[list[Frame], list[FittedStep]]:
    """Return the frames with the pooled steps' columns, and what these steps learned; note which made what.

    Extra rows that are test rows again (labelled fold by fold) are learned from once, as test rows.
    """
    learned = []
    for step in features.pooled:
        with blaming(step):
            fitted = step.fit(pl.concat(frames if joins is None else [frames[0], frames[1].filter(joins), frames[2]]))
            made = [fitted.transform(frame) for frame in frames]
        for columns, frame in zip(made, frames, strict=True):
            check_new_columns(step, columns, frame)
        prove_row_wise(step, fitted.transform, frames[0], made[0])
        frames = [frame.with_columns(columns) for frame, columns in zip(frames, made, strict=True)]
        made_by.update(dict.fromkeys(made[0].columns, step))
        learned.append(fitted)
    return frames, learned


def _fix_vocabulary(frames: list[Frame], hidden: set[str]) -> list[Frame]:
    """Turn text into categories with one fixed vocabulary for all rows; sorted, so that it has no other content."""
    for other in frames[1:]:
        if other.schema != frames[0].schema:
            differing = sorted(set(frames[0].schema.items()) ^ set(other.schema.items()), key=str)
            raise FeatureError(
                f"the row functions make other columns or types of train than of test: {differing[0][0]}",
                hint="cast explicitly, so that the type does not depend on the values",
                where=differing[0][0],
            )
    text = [name for name, dtype in frames[0].schema.items() if dtype == pl.String and name not in hidden]
    values = pl.concat([frame.select(text) for frame in frames])
    # Distinct ones by position: five times as fast as polars' own on much text.
    distinct = (pl.col(name).gather(pl.col(name).arg_unique()).drop_nulls().sort().implode() for name in text)
    vocabularies = values.select(distinct)
    kinds = [pl.col(name).cast(pl.Enum(vocabularies[name][0])) for name in text]
    return [frame.with_columns(kinds) for frame in frames]


def _conform(extra: Table, train: Table) -> Table:
    """Return the extra rows with train's columns in train's types."""
    known = set(extra.x.columns)
    missing = [name for name in train.x.columns if name not in known]
    if missing:
        raise FeatureError(
            f"extra rows lack the column {missing[0]!r}", hint="give them train's columns", where="extra rows"
        )
    if extra.y is None or train.y is None:
        raise FeatureError("extra rows need a target", hint="label them", where="extra rows")
    for role in ("groups", "time"):
        if getattr(train, role) is not None and getattr(extra, role) is None:
            raise FeatureError(f"extra rows need {role}, as train has them", hint="add them", where="extra rows")
    return Table(
        ids=extra.ids,
        x=extra.x.select(pl.col(name).cast(dtype) for name, dtype in train.x.schema.items()),
        y=extra.y.cast(train.y.dtype),
        groups=None if extra.groups is None or train.groups is None else extra.groups.cast(train.groups.dtype),
        time=extra.time,
        weight=extra.weight,
    )


def _stack(columns: list[pl.Series | None]) -> pl.Series | None:
    present = [column for column in columns if column is not None]
    return pl.concat(present) if present else None


def _cells(folds: Folds, train: Table, extra: Table | None = None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the cells of train's rows and of the extra rows, and which extra rows are tied to theirs."""
    placed = [_place(folds, repeat, train, extra) for repeat in range(folds.repeats)]
    cells = np.array([np.concatenate([folds.cells[repeat], own]) for repeat, (own, _) in enumerate(placed)])
    return cells, np.array([tied for _, tied in placed])


def _place(folds: Folds, repeat: int, train: Table, extra: Table | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the cells of the extra rows in one repeat, and which of them id, group or time tie to it."""
    cells = folds.cells[repeat]
    if extra is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    dealt = np.arange(extra.height) % (int(cells.max()) + 1)
    if folds.forward and train.time is not None and extra.time is not None:
        blocks = (
            pl.DataFrame({"time": train.time, "cell": cells}).group_by("cell").agg(pl.col("time").min()).sort("cell")
        )
        later = [(extra.time >= start).to_numpy() for start in blocks["time"][1:]]
        return np.sum(later, axis=0, dtype=np.int64), np.ones(extra.height, dtype=np.bool_)
    by_id = _cell_of(extra.ids.cast(pl.String), train.ids.cast(pl.String), cells)
    by_group = None if extra.groups is None or train.groups is None else _cell_of(extra.groups, train.groups, cells)
    found = by_id if by_group is None else by_group.zip_with(by_group.is_not_null(), by_id)
    tied = found.is_not_null().to_numpy()
    return np.where(tied, found.fill_null(0).to_numpy(), dealt), tied


def _cell_of(wanted: pl.Series, known: pl.Series, cells: NDArray[np.int64]) -> pl.Series:
    """Return the cell of each wanted id or group; null where train lacks it, or where the folds cut through it."""
    whole = pl.DataFrame({"key": known, "cell": cells}).unique().filter(~pl.col("key").is_duplicated())
    return pl.DataFrame({"key": wanted}).join(whole, on="key", how="left", maintain_order="left")["cell"]
