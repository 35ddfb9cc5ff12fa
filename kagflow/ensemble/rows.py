"""The rows that members are scored on, and what members said of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kagflow.config import Task
from kagflow.errors import ConfigError, KagflowError, SplitError
from kagflow.metrics import Metric

Values = NDArray[np.generic]
Array = NDArray[np.float64]

Shared = TypeVar("Shared")


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that members are scored on, in one repeat of the folds.

    Parameters
    ----------
    metric
        The competition's.
    y
        (n,) values, or class codes; (n, t) of several targets.
    folds
        (n,) number of the fold that scored each row.
    task
        What the target is.
    weight
        (n,) positive weights of the metric; all one when absent.
    units
        (n,) codes of the independent units (groups, blocks of time); every row is its own when absent.
    further
        (n,) columns by name that the metric reads.

    Raises
    ------
    KagflowError
        There are no rows, or the arrays are not of the same rows.
    """

    metric: Metric
    y: Values
    folds: NDArray[np.int64]
    task: Task
    weight: Values | None = None
    units: NDArray[np.int64] | None = None
    further: Mapping[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {"y": self.y, "folds": self.folds, "weight": self.weight, "units": self.units, **self.further}
        lengths = {name: len(column) for name, column in columns.items() if column is not None}
        if len(set(lengths.values())) != 1 or not len(self.y):
            raise KagflowError(
                f"an ensemble needs one number a row in each column; there are {lengths}",
                hint="take all columns from the same run",
                where="ensemble",
            )

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def fold_numbers(self) -> tuple[int, ...]:
        """Numbers of the folds, ascending."""
        return tuple(int(number) for number in np.unique(self.folds))

    def take(self, index: NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        return replace(
            self,
            y=self.y[index],
            folds=self.folds[index],
            weight=None if self.weight is None else self.weight[index],
            units=None if self.units is None else self.units[index],
            further={name: column[index] for name, column in self.further.items()},
        )

    def score(self, prediction: Values) -> float:
        """Return the metric of predictions of all rows."""
        return self.metric.score(self.y, prediction, self.weight, self.further)

    @cached_property
    def mass(self) -> Array:
        """(n,) weights that add up to one."""
        weights = np.ones(len(self)) if self.weight is None else self.weight.astype(np.float64)
        shares: Array = weights / weights.sum()
        return shares


class Level:
    """What members said of rows: level 1, on which methods of level 2 are fitted.

    Members are kept in the order of their names, so that no result hangs on the order in which they came.

    Parameters
    ----------
    rows
        The rows.
    members
        (n,), (n, k) or (n, t) out-of-fold predictions each, read once; what is kept in 32 bits stays so.
    names
        Their names, all different.
    features
        (n,) numbers by name that stand beside the members, for methods that look at more than members.

    Raises
    ------
    KagflowError
        There is no member, or names, shapes or rows do not fit, or a prediction is not finite.
    """

    def __init__(
        self,
        rows: Rows,
        members: Sequence[Values],
        names: Sequence[str],
        features: Mapping[str, Values] | None = None,
    ) -> None:
        if not names or len(set(names)) != len(names) or len(members) != len(names):
            raise KagflowError(
                f"an ensemble needs members with different names; there are {len(members)} members and "
                f"{len(set(names))} different names",
                where="ensemble",
            )
        self.rows = rows
        self.order = sorted(range(len(names)), key=lambda place: names[place])
        self.names = tuple(names[place] for place in self.order)
        self.members = [_usable(np.asarray(members[place]), names[place], rows) for place in self.order]
        if len(shapes := {member.shape[1:] for member in self.members}) > 1:
            raise KagflowError(
                f"members of an ensemble need predictions of one form; these have {sorted(shapes)} columns",
                hint="are they of the same competition, with the same classes?",
                where="ensemble",
            )
        self.features = {name: column.astype(np.float64) for name, column in sorted((features or {}).items())}
        self._shared: dict[Any, Any] = {}
        self._lock = Lock()

    def whole(self) -> "Part":
        """Return all rows."""
        return Part(self, self.rows.fold_numbers)

    def without(self, *folds: int) -> "Part":
        """Return the rows of all folds but these.

        Raises
        ------
        SplitError
            No fold would be left.
        """
        kept = tuple(number for number in self.rows.fold_numbers if number not in folds)
        if not kept:
            raise SplitError(
                f"an ensemble cannot be cross-fitted over {len(self.rows.fold_numbers)} fold(s)",
                hint="score at least two folds",
                where="ensemble",
            )
        return Part(self, kept)

    def of_target(self, target: int) -> "Level":
        """Return the level of one of several targets, scored by the metric of one.

        Raises
        ------
        ConfigError
            The metric does not say what is better for one target.
        """
        rows = self.rows
        if rows.metric.of_column is None:
            raise ConfigError(
                f"each target is blended by itself, and {rows.metric.name} has no metric of one target",
                hint="give METRIC one, as `of_column`",
                where="ensemble",
            )
        own = replace(rows, metric=rows.metric.of_column, y=rows.y[:, target])
        return Level(own, [member[:, target] for member in self.members], self.names, self.features)

    @property
    def classes(self) -> int | None:
        """Number of classes where a prediction is one probability a class."""
        columns = self.members[0].shape[1:]
        return columns[0] if columns and not self.rows.metric.several else None

    @cached_property
    def are_probabilities(self) -> bool:
        """Whether members predicted chances of classes."""
        return self.rows.task != "regression" and all(
            bool(member.min() >= 0 and member.max() <= 1) for member in self.members
        )

    def share(self, key: Any, make: Callable[[], Shared]) -> Shared:
        """Return what several parts need, made once; it must be made fold by fold, so that no fold sees another."""
        with self._lock:
            if key not in self._shared:
                self._shared[key] = make()
        shared: Shared = self._shared[key]
        return shared


def _usable(member: Values, name: str, rows: Rows) -> Values:
    if len(member) != len(rows):
        raise KagflowError(
            f"the member {name} has {len(member)} predictions for {len(rows)} rows",
            hint="members must have scored the same rows in the same folds",
            where="ensemble",
        )
    numbers = member if np.issubdtype(member.dtype, np.floating) else member.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise KagflowError(f"the member {name} has predictions that are not finite", where="ensemble")
    return numbers


class Part:
    """Some folds of a level: what a method is fitted on.

    Attributes
    ----------
    level
        What it is a part of.
    folds
        Numbers of its folds, ascending.
    """

    def __init__(self, level: Level, folds: tuple[int, ...]) -> None:
        self.level, self.folds = level, folds

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, ascending."""
        return self.level.names

    @property
    def is_whole(self) -> bool:
        """Whether it holds all rows."""
        return self.folds == self.level.rows.fold_numbers

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """(n,) ascending positions of its rows."""
        return np.flatnonzero(np.isin(self.level.rows.folds, self.folds))

    @cached_property
    def rows(self) -> Rows:
        """Its rows."""
        return self.level.rows if self.is_whole else self.level.rows.take(self.index)

    def member(self, number: int) -> Values:
        """Return what one member said of the rows."""
        member = self.level.members[number]
        return member if self.is_whole else member[self.index]

    def members(self) -> list[Values]:
        """Return what all members said of the rows."""
        return [self.member(number) for number in range(len(self.names))]

    def by_name(self) -> Mapping[str, Values]:
        """Return members and features of the rows, by name; rows are taken when one is asked for."""
        return _ByName(self)

    def of_target(self, target: int) -> "Part":
        """Return the same rows with one of several targets, scored by the metric of one."""
        return Part(self.level.share(("target", target), lambda: self.level.of_target(target)), self.folds)


class _ByName(Mapping[str, Values]):
    def __init__(self, part: Part) -> None:
        self._part, level = part, part.level
        self._columns = {**level.features, **dict(zip(level.names, level.members, strict=True))}

    def __getitem__(self, name: str) -> Values:
        column = self._columns[name]
        return column if self._part.is_whole else column[self._part.index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)
