"""What a feature may know: the kinds of steps, and the set that names them in order.

A step never sees which fold it works for, and is never handed two sets of rows. It is handed training rows, returns
an object that holds what it learned, and that object then makes new columns for any rows, one row at a time. Nothing
here can tell a row that is scored from one that is trained on, so nothing here can mix them up.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol, Self, runtime_checkable

import polars as pl

from kagflow.data import Frame, Rows, Target
from kagflow.errors import FeatureError

RowStep = Callable[[Frame], Frame]
"""One row at a time: a frame in, a frame of the same rows out. Learns nothing."""

Keep = Callable[[Frame, Target], pl.Series]
"""Training rows and their target in, a boolean mask out: False drops a training row (an outlier)."""


@runtime_checkable
class FittedStep(Protocol):
    """What a step has learned."""

    def transform(self, x: Frame) -> Frame:
        """Return new columns only, for the same rows in the same order.

        Names and types are the same for any rows, and a row's values depend on that row alone.
        """

    def tables(self) -> Mapping[str, Frame]:
        """Return what was learned, for the run's folder."""


class FoldStep(ABC):
    """Learns from the features of training rows. Steps are frozen dataclasses."""

    @abstractmethod
    def fit(self, x: Frame) -> FittedStep:
        """Learn from the training rows of a fold."""


class TargetStep(ABC):
    """Learns from training rows and their target. The engine cross-fits it: no row is encoded by its own target."""

    @abstractmethod
    def fit(self, x: Frame, y: Target) -> FittedStep:
        """Learn from training rows; ``y`` is on the original scale."""


class AdditiveStep(TargetStep):
    """A target step whose state is a sum over rows, so that the engine counts every cell of rows only once.

    ``fit`` is ``finish`` of ``tally``; the sum over cells equals the tally of all their rows.

    Attributes
    ----------
    columns
        The columns that ``tally`` reads. Where none of them was made by a fold step, one tally serves all folds.
    """

    columns: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether the state is a sum with the step's settings; where it is not, only ``fit`` is called."""
        return True

    @abstractmethod
    def tally(self, x: Frame, y: Target) -> Any:
        """Return the sums over these rows; ``+`` of two tallies is the tally of both sets of rows."""

    @abstractmethod
    def finish(self, tally: Any) -> FittedStep:
        """Return what follows from the sums."""

    def fit(self, x: Frame, y: Target) -> FittedStep:
        """Learn from training rows."""
        return self.finish(self.tally(x, y))


class HistoryStep(ABC):
    """Knows the past: what happened to the same key at least ``lag`` before a row. Not cross-fitted.

    ``x`` holds the competition's time column, so that ``transform`` knows when a row is.

    Attributes
    ----------
    lag
        How far back the nearest usable row is, in the units of the time column; positive.
    """

    lag: int | timedelta

    @abstractmethod
    def fit(self, x: Frame, y: Target, time: pl.Series) -> FittedStep:
        """Learn from training rows, their target and their times."""


@dataclass(frozen=True, eq=False)
class TableStep:
    """A step that reads a further table: a second base, beside the step's kind.

    Attributes
    ----------
    table
        A frame, or the name of one that `competition.yaml` declares under ``tables``. kagflow puts the table in the
        place of its name before anything is fitted, so that ``fit`` finds it as ``self.frame``.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class CountIn(FoldStep, TableStep):
    ...     column: str
    ...
    ...     def fit(self, x: Frame) -> FittedStep:
    ...         return Counts(self.frame.group_by(self.column).len())
    """

    table: str | Frame = field(repr=False)

    @property
    def frame(self) -> Frame:
        """The table.

        Raises
        ------
        FeatureError
            Only its name is known yet.
        """
        if isinstance(self.table, str):
            raise FeatureError(
                f"the table {self.table!r} has not been handed over yet",
                hint="pass `tables` to make_pool; in a test, use step.with_table(frame)",
                where=type(self).__name__,
            )
        return self.table

    def with_table(self, table: Frame) -> Self:
        """Return the step with the table in the place of its name."""
        return replace(self, table=table)


class Selector(ABC):
    """Chooses among the finished columns by looking at training rows."""

    @abstractmethod
    def fit(self, x: Frame, y: Target) -> Sequence[str]:
        """Return the names of the columns to keep."""


@dataclass(frozen=True, eq=False)
class Training:
    """The training rows of a fold, as one sees them who proposes steps. No row that is scored or stops is among them.

    Attributes
    ----------
    x
        (n, columns) what the fold steps left.
    y
        (n,) target, on the original scale.
    cells
        (n,) which rows encode one another in cross-fitting; whole groups or blocks of time, where the folds are.
    forward
        Whether cells are ordered in time.
    hidden
        Columns that models do not get: id, group and time.
    taken
        Names of all columns that are there or will be; no proposed step may make another of that name.
    features
        The set of which the proposed steps become a part.
    """

    x: Frame
    y: Target
    cells: Rows
    forward: bool
    hidden: tuple[str, ...]
    taken: frozenset[str]
    features: "FeatureSet"


@dataclass(frozen=True)
class Proposal:
    """Steps that were chosen on the training rows of a fold; the engine then fits them as it does all others.

    Attributes
    ----------
    fold, target
        The steps. They see what the fold steps of the set left, and not each other's columns.
    drop
        Names of columns that the model does not get.
    learned
        What was looked at and what came out, for the run's folder.
    """

    fold: tuple[FoldStep, ...] = ()
    target: tuple[TargetStep, ...] = ()
    drop: tuple[str, ...] = ()
    learned: Mapping[str, Frame] = field(default_factory=dict)

    def transform(self, x: Frame) -> Frame:
        """Return no column: those of the steps are made by what these learn."""
        return pl.DataFrame()

    def tables(self) -> Mapping[str, Frame]:
        """Return what was looked at and what came out."""
        return self.learned


class Proposer(ABC):
    """Chooses steps by looking at the training rows of a fold, and at no others."""

    @abstractmethod
    def propose(self, training: Training) -> Proposal:
        """Return steps for this fold."""


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The steps that make the features of a model, in this order.

    Attributes
    ----------
    rows
        Row functions, once over all rows.
    pooled
        Fold steps that learn from the features of train *and* test, once; the competition must say ``pooled: true``.
    keep
        Which training rows to keep. Never asked about rows that score or stop.
    fold
        Fold steps, one after the other.
    history, target
        Side by side on the result of ``fold``; they do not see each other's columns.
    propose
        Chooses further steps on training rows; they run beside ``history`` and ``target``.
    then
        Row functions that may use encodings.
    select
        Chooses columns on training rows.
    drop
        Patterns (as in file names) of columns to leave out in the end.
    """

    rows: tuple[RowStep, ...] = ()
    pooled: tuple[FoldStep, ...] = ()
    keep: Keep | None = None
    fold: tuple[FoldStep, ...] = ()
    history: tuple[HistoryStep, ...] = ()
    target: tuple[TargetStep, ...] = ()
    propose: Proposer | None = None
    then: tuple[RowStep, ...] = ()
    select: Selector | None = None
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rows", "pooled", "fold", "history", "target", "then", "drop"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a list is as good
        for name, kind in STEP_KINDS.items():
            for step in getattr(self, name):
                _check_step(name, step, kind)
        for name, kind in {"propose": Proposer, "select": Selector}.items():
            if getattr(self, name) is not None:
                _check_step(name, getattr(self, name), kind)
        for name in ("rows", "then"):
            for function in getattr(self, name):
                if isinstance(function, type) or not callable(function):
                    raise FeatureError(f"FeatureSet({name}=...) expects functions of a frame, got {function!r}")

    @property
    def uses_target(self) -> bool:
        """Whether any of it is handed a target, so that the features hang on which one."""
        return bool(self.keep or self.history or self.target or self.propose or self.select)


STEP_KINDS: dict[str, type] = {"pooled": FoldStep, "fold": FoldStep, "history": HistoryStep, "target": TargetStep}


def _check_step(name: str, step: object, kind: type) -> None:
    """Refuse a step in the wrong place, and one that could change while it is used."""
    if not isinstance(step, kind):
        places = [place for place, its_kind in STEP_KINDS.items() if isinstance(step, its_kind)]
        hint = f"put it under {' or '.join(places)}" if places else f"a {kind.__name__} is wanted there"
        raise FeatureError(f"FeatureSet({name}=...) expects a {kind.__name__}, got {step!r}", hint=hint)
    decorated = vars(type(step)).get("__dataclass_params__")  # its own, not its parent's
    if decorated is None or not decorated.frozen:
        raise FeatureError(
            f"{type(step).__name__} is not a frozen dataclass",
            hint="decorate it with @dataclass(frozen=True): what a step learns is the object that fit returns",
        )
