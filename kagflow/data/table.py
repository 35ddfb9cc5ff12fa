"""A table: rows with ids, features, and what else is known of them."""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

Frame = pl.DataFrame
Target = pl.Series
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one kind (train, test, or extra), features apart from the target.

    Attributes
    ----------
    ids
        (n,) unique ids.
    x
        (n, columns) features; the target is not among them, nor is any column that test lacks.
    y
        (n,) the target of a fit: Float64 on the original scale, or an Enum in class order. ``None`` for test.
    groups
        (n,) rows of one group belong together; ``None`` without groups.
    time
        (n,) when a row happened; ``None`` without time.
    weight
        (n,) positive weights of the rows in metric and fit; ``None`` when all weigh the same.
    further
        (n, columns) what the metric looks at beside target and weight; never a feature by that.
    fold
        (n, repeats) which fold scores a row, where the competition's files say so; ``None`` without.
    """

    ids: pl.Series
    x: Frame
    y: Target | None = None
    groups: pl.Series | None = None
    time: pl.Series | None = None
    weight: pl.Series | None = None
    fold: Frame | None = None
    further: Frame | None = None

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.x.height

    def take(self, rows: Rows) -> "Table":
        """Return the rows at some positions."""
        known = {part.name: getattr(self, part.name) for part in fields(self)}
        return replace(self, **{name: column[rows] for name, column in known.items() if column is not None})


def target_codes(y: Target) -> NDArray[np.generic]:
    """Return a target as an array: values for Float64, class codes for an Enum."""
    return y.to_physical().to_numpy().astype(np.int64) if isinstance(y.dtype, pl.Enum) else y.to_numpy()


def targets_array(targets: Frame) -> NDArray[np.generic]:
    """Return (n,) values or class codes of one target, or (n, t) of several, from a frame of a column a target."""
    columns = [target_codes(y) for y in targets]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def dense_codes(values: pl.Series) -> Rows:
    """Return (n,) codes of values in ascending order, from 0 and without gaps; there are no nulls."""
    ranks: Rows = values.rank("dense").to_numpy().astype(np.int64)
    return ranks - 1
