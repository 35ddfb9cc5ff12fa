"""The levels of a categorical column, as indices into arrays."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import categories


@dataclass(frozen=True)
class Levels:
    """The levels of a column: its vocabulary in order, and null as the last one.

    Attributes
    ----------
    column
        Its name.
    vocabulary
        Its type.
    """

    column: str
    vocabulary: pl.DataType

    @classmethod
    def of(cls, step: object, x: Frame, column: str) -> "Levels":
        """Return the levels of a column.

        Raises
        ------
        FeatureError
            The column is missing, or holds no categories.
        """
        return cls(column, categories(step, x, column).dtype)

    def __len__(self) -> int:
        return len(self._categories()) + 1

    def names(self) -> pl.Series:
        """Return (levels,) names of the levels; null for null."""
        return self._categories().extend_constant(None, 1).alias("category")

    def codes(self, step: object, x: Frame) -> NDArray[np.uint32]:
        """Return (n,) level of each row.

        Raises
        ------
        FeatureError
            The column is missing, or has another vocabulary, in which the codes would mean something else.
        """
        column = categories(step, x, self.column)
        if column.dtype != self.vocabulary:
            raise FeatureError(
                f"{self.column!r} has another vocabulary than the rows learned from",
                hint="cast it to the categories of the training rows",
                where=where_is(step),
            )
        return column.to_physical().cast(pl.UInt32).fill_null(len(self) - 1).to_numpy()

    def counts(self, step: object, x: Frame) -> NDArray[np.int64]:
        """Return (levels,) number of rows of each level; raises as ``codes`` does."""
        return np.bincount(self.codes(step, x), minlength=len(self))

    def _categories(self) -> pl.Series:
        assert isinstance(self.vocabulary, pl.Enum)
        return self.vocabulary.categories
