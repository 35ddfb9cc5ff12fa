"""Folds that somebody else decided on are taken as they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits import frozen_folds
from kagflow.splits.column import Column
from kagflow.splits.frozen import split_by_id
from tests.splits.tables import assert_partition, is_strict_part, seeds, shares, table

column = st.lists(st.integers(-1, 4), min_size=24, max_size=24).filter(lambda values: len(set(values)) > 2)


def given_folds(*columns: list[int] | list[str]) -> Table:
    fold = pl.DataFrame({f"fold_{repeat}": values for repeat, values in enumerate(columns)})
    return replace(table(fold.height), fold=fold)


@given(column, column)
def test_a_column_is_a_repeat_and_a_value_a_fold(first: list[int], second: list[int]) -> None:
    made = Column().split(given_folds(first, second))
    assert_partition(made, 24)
    wanted = [
        np.flatnonzero(np.array(values) == value).tolist()
        for values in (first, second)
        for value in sorted(set(values))
    ]
    assert [fold.valid.tolist() for fold in made] == wanted


def test_values_may_be_words() -> None:
    made = Column().split(given_folds(["b", "a", "b", "c"]))
    assert [fold.valid.tolist() for fold in made] == [[1], [0, 2], [3]]


def test_they_do_not_depend_on_the_order_of_the_file() -> None:
    data = given_folds([0, 1, 2, 0, 1, 2])
    order = [3, 1, 5, 0, 2, 4]
    moved = replace(data, ids=data.ids[order], x=data.x[order], y=None, fold=data.fold[order])
    made = split_by_id(Column(), moved)
    assert [sorted(moved.ids[fold.valid]) for fold in made] == [[0, 3], [1, 4], [2, 5]]


def test_another_column_makes_other_folds(tmp_path: Path) -> None:
    first, second = (
        frozen_folds(Column(), given_folds(values), "data", tmp_path) for values in ([0, 0, 1, 1], [0, 1, 0, 1])
    )
    assert first.fingerprint != second.fingerprint
    assert len(list(tmp_path.iterdir())) == 2


@given(column, column, shares, seeds)
def test_whole_folds_are_carved(first: list[int], second: list[int], share: float, seed: int) -> None:
    data, values = given_folds(first, second), np.array(first)
    train = np.flatnonzero(values != first[0])
    stop = Column().carve(data, train, share, seed)
    assert is_strict_part(stop, train)
    assert not set(values[stop]) & set(values[np.setdiff1d(train, stop)])


def test_one_fold_is_none() -> None:
    with pytest.raises(SplitError, match="the column 'fold_0' puts all rows in one fold"):
        Column().split(given_folds([3, 3, 3]))
    with pytest.raises(SplitError, match="no stop rows can be carved from one fold"):
        Column().carve(given_folds([0, 1, 1]), np.array([1, 2]), 0.2, 0)


def test_no_column_is_named() -> None:
    with pytest.raises(SplitError, match="needs a column of folds") as caught:
        Column().split(table(10))
    assert caught.value.hint == "add `fold: <column>` to competition.yaml, or `fold_file: <file>` with one row an id"
