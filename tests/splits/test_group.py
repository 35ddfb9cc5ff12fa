"""Whole groups stay together."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits.group import Group
from kagflow.splits.kfold import KFold
from tests.splits.tables import assert_partition, counts, is_strict_part, seeds, shares, table

MOST_FOLDS = 6
some_groups = st.lists(st.integers(-9, 9), min_size=8, max_size=60).filter(lambda codes: len(set(codes)) >= MOST_FOLDS)


@given(some_groups, st.integers(2, MOST_FOLDS), seeds)
def test_folds_are_a_partition_that_splits_no_group(groups: list[int], folds: int, seed: int) -> None:
    made = Group(folds=folds, seed=seed).split(table(groups=groups))
    assert len(made) == folds
    assert_partition(made, len(groups))
    for fold in made:
        assert not set(np.array(groups)[fold.train]) & set(np.array(groups)[fold.valid])


@given(some_groups, st.integers(2, MOST_FOLDS), seeds)
def test_folds_differ_by_no_more_than_the_largest_group(groups: list[int], folds: int, seed: int) -> None:
    sizes = [len(fold.valid) for fold in Group(folds=folds, seed=seed).split(table(groups=groups))]
    assert max(sizes) - min(sizes) <= max(np.unique(groups, return_counts=True)[1])


def test_kfold_would_split_groups() -> None:
    """The control: the property above is not one of any split."""
    groups = np.repeat(np.arange(10), 4)
    in_fold = counts(groups, KFold(folds=5).split(table(groups=groups.tolist())))
    assert ((in_fold > 0).sum(axis=1) > 1).any()


def test_groups_of_one_size_fill_the_folds_evenly() -> None:
    made = Group(folds=5).split(table(groups=[row % 20 for row in range(200)]))
    assert [len(fold.valid) for fold in made] == [40] * 5


def test_groups_may_be_words() -> None:
    ids = pl.Series("id", range(6))
    words = Table(ids=ids, x=ids.to_frame(), groups=pl.Series(["b", "a", "b", "c", "a", "c"]))
    made = Group(folds=3).split(words)
    assert sorted(fold.valid.tolist() for fold in made) == [[0, 2], [1, 4], [3, 5]]


def test_the_seed_decides() -> None:
    rows = table(groups=[row % 20 for row in range(200)])
    first, again, other = (Group(seed=seed).split(rows).fingerprint for seed in (1, 1, 2))
    assert first == again != other


# --- stop rows -------------------------------------------------------------------------------------------------------


@given(some_groups, shares, seeds)
def test_whole_groups_are_carved(groups: list[int], share: float, seed: int) -> None:
    codes, train = np.array(groups), np.arange(len(groups))[codes_of_most(groups)]
    stop = Group().carve(table(groups=groups), train, share, seed)
    assert is_strict_part(stop, train)
    assert not set(codes[stop]) & set(codes[np.setdiff1d(train, stop)])


def codes_of_most(groups: list[int]) -> list[bool]:
    """Choose all groups but one, as a fold's training rows do."""
    return [group != groups[0] for group in groups]


@given(some_groups, shares, seeds)
def test_the_share_is_met_as_well_as_groups_allow(groups: list[int], share: float, seed: int) -> None:
    """It is off by no more than the largest group: a huge one is not drawn where small ones do."""
    stop = Group().carve(table(groups=groups), np.arange(len(groups)), share, seed)
    assert abs(len(stop) - share * len(groups)) <= max(np.unique(groups, return_counts=True)[1])


@pytest.mark.parametrize("seed", range(10))
def test_a_huge_group_is_not_carved_beside_a_small_one(seed: int) -> None:
    groups = [1] * 90 + [2] * 10
    assert Group().carve(table(groups=groups), np.arange(100), 0.15, seed).tolist() == list(range(90, 100))


@pytest.mark.parametrize("seed", range(5))
def test_where_all_groups_are_too_large_the_smallest_is_carved(seed: int) -> None:
    groups = [1] * 40 + [2] * 30 + [3] * 30
    stop = Group().carve(table(groups=groups), np.arange(100), 0.1, seed)
    assert len(stop) == 30


def test_stop_rows_follow_the_seed() -> None:
    data, train = table(groups=[row % 20 for row in range(200)]), np.arange(160)
    first, again, other = (Group().carve(data, train, 0.2, seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


# --- errors ----------------------------------------------------------------------------------------------------------


def test_fewer_groups_than_folds() -> None:
    with pytest.raises(SplitError, match="5 folds need at least 5 groups; the column has 3") as caught:
        Group(folds=5).split(table(groups=[1, 2, 3] * 4))
    assert "--set splitter.folds=3" in caught.value.hint
    assert caught.value.where == "splitter.folds"


def test_one_group_is_a_wrong_column() -> None:
    with pytest.raises(SplitError, match="the column has 1") as caught:
        Group().split(table(groups=[1] * 10))
    assert caught.value.hint == "check `group` in competition.yaml"


def test_one_group_cannot_be_carved() -> None:
    with pytest.raises(SplitError, match="no stop rows can be carved from one group") as caught:
        Group().carve(table(groups=[1] * 5 + [2] * 5), np.arange(5), 0.2, 0)
    assert caught.value.hint == "give `rounds` a number"


def test_no_groups_are_named() -> None:
    for ask in (lambda: Group().split(table(10)), lambda: Group().carve(table(10), np.arange(5), 0.2, 0)):
        with pytest.raises(SplitError, match="a group split needs groups") as caught:
            ask()
        assert caught.value.hint.startswith("add `group: <column>` to competition.yaml, or GROUP")
