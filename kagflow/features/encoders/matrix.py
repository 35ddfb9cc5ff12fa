"""Columns of numbers as one matrix without gaps, and arithmetic that gives the same bits on any machine's threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import finite_numbers

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Medians:
    """What to put in for null.

    Attributes
    ----------
    usual
        One row: the median of the training rows by column; 0 where they hold nothing.
    """

    usual: Frame

    @classmethod
    def of(cls, step: object, x: Frame, columns: tuple[str, ...]) -> "Medians":
        """Learn the medians of some columns of numbers.

        Raises
        ------
        FeatureError
            There are no rows; a column is missing, holds something else, or holds infinite numbers.
        """
        if x.is_empty():
            raise FeatureError("there are no rows to learn from", hint="look at `keep`", where=where_is(step))
        values = pl.DataFrame([finite_numbers(step, x, column) for column in columns])
        return cls(values.median().fill_null(0.0))

    def matrix(self, step: object, x: Frame) -> Matrix:
        """Return (n, columns) numbers with the medians in place of null; raises as ``of`` does."""
        filled = [finite_numbers(step, x, usual.name).fill_null(usual.item()) for usual in self.usual]
        return np.column_stack([column.to_numpy() for column in filled])


def numbered(name: str, matrix: NDArray[np.generic], width: int) -> Frame:
    """Return (n, width) numbers as columns ``<name>__0``, ``<name>__1`` and so on (Float64, null for NaN)."""
    values = matrix.astype(np.float64) if len(matrix) else np.empty((0, width))
    return pl.DataFrame([pl.Series(f"{name}__{i}", values[:, i], nan_to_null=True) for i in range(width)])


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: sums of floats that are split among threads depend on their number in the last bit."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
