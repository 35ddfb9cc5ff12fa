"""What a plan hangs on: how many rows and columns there are, and how often they will be fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import polars as pl

from kagflow.config import RoundsConfig
from kagflow.errors import SplitError
from kagflow.features import FeatureSet
from kagflow.features.encoded import ENCODED, MANY
from kagflow.models.base import categorical_columns
from kagflow.runs.plan import Plan
from kagflow.training import Setup
from kagflow.training.target import Identity

_MOST_ONE_HOT = 1000


def _made(features: FeatureSet) -> int:
    """Return about how many columns the steps of a fold make: one for each that they read."""
    return sum(
        len(getattr(step, "columns", ("one",))) for step in (*features.fold, *features.history, *features.target)
    )


def _can_stop(setup: Setup) -> bool:
    """Say whether every fold can spare stop rows; one that trains on a single group cannot."""
    try:
        for fold in setup.folds:
            setup.splitter.carve(setup.table, fold.train, RoundsConfig().stop, 0)
    except SplitError:
        return False
    return True


@dataclass(frozen=True)
class Shape:
    """The size of a competition.

    Attributes
    ----------
    task
        ``regression``, ``binary`` or ``multiclass``.
    rows, test_rows
        Number of training and test rows.
    numbers
        Number of columns of numbers of the default features; those that steps make are counted roughly.
    levels
        Number of levels of each category.
    classes
        Number of classes; 0 for values.
    folds
        Number of folds, repeats included.
    targets
        Number of targets, each with models of its own.
    weighted
        Whether rows have weights, which not every estimator takes.
    own_scale
        Whether values are learned on the target's own scale, whatever its units.
    stops
        Whether stop rows can be carved out of every fold's training rows.
    small_folds
        Whether the models of a fold learn from so few of the rows that test is predicted by models of all rows.
    sets
        The shape with other sets of features than the default, by name.
    """

    task: str
    rows: int
    test_rows: int = 1000
    numbers: int = 10
    levels: tuple[int, ...] = ()
    classes: int = 0
    folds: int = 5
    targets: int = 1
    weighted: bool = False
    own_scale: bool = False
    stops: bool = True
    small_folds: bool = False
    sets: "Mapping[str, Shape]" = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> "Shape":
        """Return the shape of a plan's data."""
        setup = plan.setup
        shape = cls(
            task=setup.problem.task,
            rows=setup.table.height,
            test_rows=plan.data.test.height,
            classes=len(setup.problem.classes),
            folds=len(setup.folds.folds),
            targets=len(plan.setups),
            weighted=setup.table.weight is not None,
            own_scale=setup.problem.task == "regression" and isinstance(setup.transform, Identity),
            stops=_can_stop(setup),
            small_folds=setup.refit is not None,
        )._with(plan, setup.pool.features)
        others = plan.competition.feature_sets.items()
        return replace(shape, sets={name: shape._with(plan, features) for name, features in others})

    def _with(self, plan: Plan, features: FeatureSet) -> "Shape":
        """Return the shape with a set of features; as if all sets began with the same row functions."""
        pool = plan.setup.pool
        left_out = (*pool.hidden, *features.drop)
        x = pool.x.drop(name for name in pool.x.columns if any(fnmatchcase(name, pattern) for pattern in left_out))
        levels = [dtype.categories.len() for dtype in x.dtypes if isinstance(dtype, pl.Enum)]
        numbers = x.width - len(categorical_columns(x)) + _made(features)
        return replace(self, numbers=numbers, levels=tuple(levels))

    def on(self, name: str) -> "Shape":
        """Return the shape with the set of features of that name."""
        return self.encoded() if name == ENCODED and name not in self.sets else self.sets.get(name, self)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return max(self.numbers + len(self.levels), 1)

    @property
    def width(self) -> int:
        """Number of columns of a matrix with one-hot codes."""
        return max(self.numbers + sum(self.levels), 1)

    @property
    def outputs(self) -> int:
        """How many sums of trees a boosted model is: one, or one a class."""
        return self.classes if self.task == "multiclass" else 1

    def encoded(self) -> "Shape":
        """Return the shape with frequency and mean target in the place of categories of many levels."""
        many = sum(levels > MANY for levels in self.levels)
        few = tuple(levels for levels in self.levels if levels <= MANY)
        return replace(self, numbers=self.numbers + many * (1 + max(self.outputs, 1)), levels=few)

    @property
    def one_hot_fits(self) -> bool:
        """Whether one-hot codes make a matrix of a reasonable size."""
        return self.width <= _MOST_ONE_HOT and self.rows * self.width <= 100_000_000
