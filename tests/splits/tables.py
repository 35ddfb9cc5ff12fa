"""Tables to be split, and the properties that every split must have."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import strategies as st
from numpy.typing import NDArray

from kagflow.data import Rows, Table
from kagflow.splits import Folds


def table(
    n: int | None = None,
    *,
    classes: list[int] | None = None,
    groups: list[int] | None = None,
    time: Sequence[object] | None = None,
    ids: list[int] | None = None,
    numbers: list[float] | None = None,
) -> Table:
    """Return a table of n rows, or of as many as there are classes, groups, times or target numbers."""
    height = n or len(next(filter(None, (classes, groups, time, ids, numbers))))
    id_column = pl.Series("id", ids or range(height))
    y = pl.Series("y", numbers or np.arange(height), dtype=pl.Float64)
    if classes:
        names = [str(name) for name in sorted(set(classes))]
        y = pl.Series("y", [str(name) for name in classes], dtype=pl.Enum(names))
    return Table(
        ids=id_column,
        x=id_column.to_frame(),
        y=y,
        groups=pl.Series("group", groups) if groups else None,
        time=pl.Series("time", time) if time else None,
    )


def permuted(original: Table, order: list[int]) -> Table:
    """Return the same rows in another order of the file."""

    def move(column: pl.Series | None) -> pl.Series | None:
        return None if column is None else column[order]

    ids = original.ids[order]
    return Table(ids=ids, x=ids.to_frame(), y=move(original.y), groups=move(original.groups), time=move(original.time))


def is_strict_part(stop: Rows, train: Rows) -> bool:
    """Say whether stop rows are some of the training rows, ascending, and not all."""
    return 0 < len(stop) < len(train) and bool((np.diff(stop) > 0).all()) and bool(np.isin(stop, train).all())


def unscored(folds: Folds) -> list[int]:
    """Return the rows that no fold scores."""
    return sorted(set(range(len(folds.ids))) - set(np.concatenate([fold.valid for fold in folds]).tolist()))


def assert_partition(folds: Folds, n: int) -> None:
    """In every repeat, every row is scored once, by a model of all other rows."""
    assert folds.cells.shape == (folds.repeats, n)
    assert [fold.number for fold in folds] == list(range(len(folds)))
    for repeat, cells in enumerate(folds.cells):
        own = [fold for fold in folds if fold.repeat == repeat]
        assert sorted(np.concatenate([fold.valid for fold in own])) == list(range(n))
        for cell, fold in enumerate(own):
            assert sorted([*fold.train, *fold.valid]) == list(range(n))
            assert set(cells[fold.valid]) == {cell}


def counts(labels: NDArray[np.generic], folds: Folds) -> NDArray[np.int64]:
    """Return how often each label occurs in each fold, (labels, folds)."""
    return np.array([[np.sum(labels[fold.valid] == label) for fold in folds] for label in np.unique(labels)])


seeds = st.integers(0, 2**32)
shares = st.floats(0.05, 0.5)
