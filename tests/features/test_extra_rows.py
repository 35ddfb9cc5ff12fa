"""Extra rows join training rows, but not where their group is scored or their time is not yet known."""

import numpy as np
import polars as pl
import pytest

from kagflow.data import ExtraRows, Table
from kagflow.data.extra import Repeats
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.crossfit import build
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

N = 40


def table(start: int, groups: list[int] | None = None, time: list[int] | None = None) -> Table:
    height = len(groups or time or range(N))
    return Table(
        ids=pl.Series("id", range(start, start + height)),
        x=pl.DataFrame({"a": np.arange(height, dtype=float)}),
        y=pl.Series("y", np.zeros(height)),
        groups=None if groups is None else pl.Series("g", groups),
        time=None if time is None else pl.Series("t", time),
    )


def extra_rows_used(train: Table, extra: Table, kind: str, *repeats: Repeats) -> list[set[int]]:
    """Return, fold by fold, which extra rows join the training rows."""
    folds = make_splitter(kind, {"folds": 4}).split(train)
    pool = make_pool(FeatureSet(), train, train, folds, extra=ExtraRows.of(extra, *repeats))
    used = []
    for fold in folds:
        rows = build(pool, fold.train, {"valid": fold.valid}).rows
        assert set(fold.train) <= set(rows)
        used.append({int(row) - train.height for row in rows if row >= train.height})
    return used


def test_independent_extra_rows_join_every_fold() -> None:
    assert extra_rows_used(table(0), table(100), "kfold") == [set(range(N))] * 4


def test_an_extra_row_of_a_scored_group_stays_out() -> None:
    train, extra = table(0, groups=[row % 10 for row in range(N)]), table(100, groups=[0, 5, 99])
    folds = make_splitter("group", {"folds": 4}).split(train)
    for fold, used in zip(folds, extra_rows_used(train, extra, "group"), strict=True):
        scored = {row % 10 for row in fold.valid}
        assert used == {row for row, group in enumerate(extra.groups) if group not in scored}


def test_an_extra_row_with_the_id_of_a_scored_row_stays_out() -> None:
    train = table(0)
    folds = make_splitter("kfold", {"folds": 4}).split(train)
    for fold, used in zip(folds, extra_rows_used(train, table(0), "kfold"), strict=True):
        assert used == set(fold.train)


def test_extra_rows_need_groups_where_train_has_them() -> None:
    with pytest.raises(FeatureError, match="extra rows need groups"):
        extra_rows_used(table(0, groups=[row % 10 for row in range(N)]), table(100), "group")


def test_an_extra_row_from_the_future_stays_out() -> None:
    train, extra = table(0, time=list(range(N))), table(100, time=[-5, 10, N + 5])
    assert extra_rows_used(train, extra, "forward") == [{0}, {0, 1}, {0, 1}, {0, 1}]


def test_extra_rows_must_have_the_columns_of_train() -> None:
    extra = Table(ids=pl.Series("id", [1]), x=pl.DataFrame({"b": [1.0]}), y=pl.Series("y", [0.0]))
    with pytest.raises(FeatureError, match="lack the column 'a'"):
        extra_rows_used(table(0), extra, "kfold")
