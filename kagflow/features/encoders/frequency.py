"""How common a category is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.features.encoders.combinations import Columns, fix_columns
from kagflow.features.encoders.levels import AnyLevels, levels_of_rows, take_by_level
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class Frequency(FoldStep):
    """The share of training rows with the row's category, as ``<column>__frequency`` (Float64).

    Null is a category of its own; a category unseen in the training rows has 0.

    Parameters
    ----------
    columns
        Categorical or boolean columns; a tuple of several stands for their combination, ``<a>_x_<b>``.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.
    """

    columns: Columns

    def __post_init__(self) -> None:
        fix_columns(self, "columns")

    def fit(self, x: Frame) -> "FittedCounts":
        """Count the categories of the training rows."""
        return FittedCounts(self, "frequency", _count(self, x))


@dataclass(frozen=True)
class Count(FoldStep):
    """The number of training rows with the row's category, as ``<column>__count`` (Int64).

    Null is a category of its own; a category unseen in the training rows has 0. A fold has fewer rows to count than
    a refit on all of them, so that ``Frequency`` is the safer one of the two.

    Parameters
    ----------
    columns
        Categorical or boolean columns; a tuple of several stands for their combination, ``<a>_x_<b>``.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.
    """

    columns: Columns

    def __post_init__(self) -> None:
        fix_columns(self, "columns")

    def fit(self, x: Frame) -> "FittedCounts":
        """Count the categories of the training rows."""
        return FittedCounts(self, "count", _count(self, x))


@dataclass(frozen=True)
class FittedCounts:
    """The training rows of each level, for each key: count and frequency."""

    step: Frequency | Count
    what: str
    counted: tuple[tuple[AnyLevels, Frame], ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each key."""
        levels = [each for each, _ in self.counted]
        made = [table.select(pl.col(self.what).alias(f"{each.column}__{self.what}")) for each, table in self.counted]
        return take_by_level(self.step, x, levels, made)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, count, frequency."""
        return {
            each.column: pl.DataFrame([each.names(), *table]).filter(pl.col("count") > 0)
            for each, table in self.counted
        }


def _count(step: Frequency | Count, x: Frame) -> tuple[tuple[AnyLevels, Frame], ...]:
    return tuple(
        (levels, _table(np.bincount(codes, minlength=len(levels))))
        for levels, codes in levels_of_rows(step, x, step.columns)
    )


def _table(counts: NDArray[np.int64]) -> Frame:
    return pl.DataFrame({"count": counts, "frequency": counts / max(counts.sum(), 1)})
