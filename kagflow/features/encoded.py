"""A feature set made of another one: categories of many levels as numbers, for models that are lost among levels."""

from dataclasses import dataclass, replace

import polars as pl

from kagflow.data import Frame, Target
from kagflow.errors import FeatureError
from kagflow.features.encoders.combinations import Columns
from kagflow.features.encoders.frequency import Frequency
from kagflow.features.encoders.target_mean import TargetMean
from kagflow.features.steps import FeatureSet, FittedStep, FoldStep, TargetStep

ENCODED = "encoded"
MANY = 12
"""A category with more levels than this is one of many."""


def encoded(base: FeatureSet) -> FeatureSet:
    """Return the set with frequency and mean target in the place of categories of many levels."""
    return replace(
        base,
        fold=(*base.fold, FrequenciesOfMany()),
        target=(*base.target, TargetMeansOfMany()),
        then=(*base.then, drop_many),
    )


def of_many(x: Frame) -> list[str]:
    """Return the names of the categories of many levels."""
    return [name for name, dtype in x.schema.items() if isinstance(dtype, pl.Enum) and len(dtype.categories) > MANY]


def drop_many(x: Frame) -> Frame:
    """Return the frame without categories of many levels."""
    return x.drop(of_many(x))


@dataclass(frozen=True)
class FrequenciesOfMany(FoldStep):
    """``Frequency`` of every category of many levels."""

    def fit(self, x: Frame) -> FittedStep:
        """Count the training rows of each level."""
        return Frequency(_found(x)).fit(x)


@dataclass(frozen=True)
class TargetMeansOfMany(TargetStep):
    """``TargetMean`` of every category of many levels."""

    def fit(self, x: Frame, y: Target) -> FittedStep:
        """Learn the mean target of each level."""
        return TargetMean(_found(x)).fit(x, y)


def _found(x: Frame) -> Columns:
    names = of_many(x)
    if not names:
        raise FeatureError(
            f"no category has more than {MANY} levels", hint="use the default features", where=f"features: {ENCODED}"
        )
    return Columns((name,) for name in names)
