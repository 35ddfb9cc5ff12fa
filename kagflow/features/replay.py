"""Features of rows that come later, by steps that have learned already: nothing is fitted here."""

import pickle
from dataclasses import dataclass, field
from typing import Any, Self

import cloudpickle
import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.crossfit import Built
from kagflow.features.pool import Pool
from kagflow.features.rows import run_row_function
from kagflow.features.steps import FeatureSet, FittedStep


@dataclass(frozen=True)
class LearnedPool:
    """What was fixed before folds were cut.

    Attributes
    ----------
    after_rows, final
        Names and types of the columns after the row functions, and after the pooled steps.
    pooled
        What the pooled steps learned, in their order.
    """

    after_rows: pl.Schema
    pooled: tuple[FittedStep, ...]
    final: pl.Schema

    @classmethod
    def of(cls, pool: Pool) -> Self:
        """Return what a pool holds of it."""
        return cls(pool.after_rows, pool.pooled, pool.x.schema)

    def apply(self, features: FeatureSet, x: Frame) -> Frame:
        """Return raw rows as steps see them; a category outside the vocabulary is null."""
        for function in features.rows:
            x = run_row_function(function, x, prove=False)
        x = _conform(x, self.after_rows)
        for fitted in self.pooled:
            x = x.with_columns(fitted.transform(x))
        return _conform(x, self.final)


@dataclass(frozen=True)
class LearnedFeatures:
    """What the steps learned from the training rows of one fit.

    Attributes
    ----------
    in_turn
        The fold steps, of which each sees the columns of those before it.
    side_by_side
        The history and target steps.
    columns
        Names of the columns that the model gets.
    pickled
        All steps as they were pickled the first time. What has been read from a pickle and is pickled again need not
        have the same bytes, and a run has the same ones whether its features were built or read.
    """

    in_turn: tuple[FittedStep, ...]
    side_by_side: tuple[FittedStep, ...]
    columns: tuple[str, ...]
    pickled: bytes = field(repr=False)

    @classmethod
    def of(cls, features: FeatureSet, built: Built) -> Self:
        """Return what was learned while features were built."""
        pickled = pickle_learned(built) if built.pickled is None else built.pickled
        return cls._split(tuple(built.learned.values()), len(features.fold), tuple(built.x.columns), pickled)

    @classmethod
    def _split(cls, learned: tuple[FittedStep, ...], n_fold: int, columns: tuple[str, ...], pickled: bytes) -> Self:
        return cls(learned[:n_fold], learned[n_fold:], columns, pickled)

    @classmethod
    def _unpickle(cls, pickled: bytes, n_fold: int, columns: tuple[str, ...]) -> Self:
        return cls._split(pickle.loads(pickled), n_fold, columns, pickled)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._unpickle, (self.pickled, len(self.in_turn), self.columns)

    def apply(self, features: FeatureSet, x: Frame) -> Frame:
        """Return the model's columns for rows of the pool."""
        for fitted in self.in_turn:
            x = x.hstack(fitted.transform(x))
        x = pl.concat([x, *(fitted.transform(x) for fitted in self.side_by_side)], how="horizontal")
        for function in features.then:
            x = run_row_function(function, x, prove=False)
        return x.select(self.columns)


def pickle_learned(built: Built) -> bytes:
    """Return the tuple of what every step learned, pickled."""
    pickled: bytes = cloudpickle.dumps(tuple(built.learned.values()))
    return pickled


def _conform(x: Frame, schema: pl.Schema) -> Frame:
    """Return the columns of a schema in its order and types; what a vocabulary lacks is null."""
    known = set(x.columns)
    missing = [name for name in schema if name not in known]
    if missing:
        raise FeatureError(f"the column {missing[0]!r} is missing", hint="the file must have the columns of test")
    for name, dtype in schema.items():
        if not isinstance(dtype, pl.Enum) and x[name].dtype not in (dtype, pl.Null):
            raise FeatureError(
                f"the column {name!r} is {x[name].dtype}, and was {dtype} when the model was fitted",
                hint="row functions must make the same types of any rows",
                where=name,
            )
    return x.select(pl.col(name).cast(dtype, strict=not isinstance(dtype, pl.Enum)) for name, dtype in schema.items())
