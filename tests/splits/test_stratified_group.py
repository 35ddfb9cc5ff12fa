"""Whole groups, and classes as even as whole groups allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import SplitError
from kagflow.splits.group import Group, StratifiedGroup
from kagflow.splits.kfold import Stratified
from tests.splits.tables import assert_partition, counts, is_strict_part, seeds, shares, table

MOST_FOLDS = 5
rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=10, max_size=60).filter(
    lambda pairs: len({group for group, _ in pairs}) >= MOST_FOLDS
)


def shared_groups(groups: list[int], one: np.ndarray, other: np.ndarray) -> set[int]:
    return set(np.array(groups)[one]) & set(np.array(groups)[other])


@given(rows, st.integers(2, MOST_FOLDS), seeds)
def test_folds_are_a_partition_that_splits_no_group(pairs: list[tuple[int, int]], folds: int, seed: int) -> None:
    groups, labels = map(list, zip(*pairs, strict=True))
    made = StratifiedGroup(folds=folds, seed=seed, repeats=2).split(table(groups=groups, classes=labels))
    assert len(made) == 2 * folds
    assert_partition(made, len(pairs))
    assert not any(shared_groups(groups, fold.train, fold.valid) for fold in made)


def test_stratified_alone_would_split_groups() -> None:
    """The control: the property above is not one of any split."""
    groups, labels = [row % 12 for row in range(60)], [row % 2 for row in range(60)]
    made = Stratified().split(table(groups=groups, classes=labels))
    assert any(shared_groups(groups, fold.train, fold.valid) for fold in made)


def unevenness(splitter: Group, labels: list[int], groups: list[int]) -> float:
    made = splitter.split(table(groups=groups, classes=labels))
    return float(np.std(counts(np.array(labels), made)[1]))


@pytest.mark.parametrize("seed", range(5))
def test_classes_are_more_even_than_in_a_group_split(seed: int) -> None:
    """The control is the group split: it puts the patients who have the rare class where it likes."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 60, 600)
    sick = rng.permutation(60)[:10]
    labels = (np.isin(groups, sick) & (rng.random(600) < 0.8)).astype(int).tolist()
    plain, spread = (unevenness(kind(seed=seed), labels, groups.tolist()) for kind in (Group, StratifiedGroup))
    assert spread < plain / 2


def test_pure_groups_of_one_size_are_spread_perfectly() -> None:
    groups, labels = [row // 4 for row in range(80)], [int(row // 4 % 4 == 0) for row in range(80)]
    made = StratifiedGroup(folds=5).split(table(groups=groups, classes=labels))
    assert counts(np.array(labels), made).tolist() == [[12] * 5, [4] * 5]


def test_a_target_of_numbers_is_binned() -> None:
    groups = [row // 2 for row in range(80)]
    y = [float(row // 2) for row in range(80)]
    made = StratifiedGroup(folds=4, bins=2).split(table(groups=groups, numbers=y))
    assert [int(np.sum(np.array(y)[fold.valid] < 20)) for fold in made] == [10] * 4


@given(rows, shares, seeds)
def test_whole_groups_are_carved(pairs: list[tuple[int, int]], share: float, seed: int) -> None:
    groups, labels = map(list, zip(*pairs, strict=True))
    train = np.flatnonzero(np.array(groups) != groups[0])
    stop = StratifiedGroup().carve(table(groups=groups, classes=labels), train, share, seed)
    assert is_strict_part(stop, train)
    assert not shared_groups(groups, stop, np.setdiff1d(train, stop))


def test_stop_rows_have_their_share_of_a_rare_class() -> None:
    groups, labels = [row // 4 for row in range(400)], [int(row // 4 % 10 == 0) for row in range(400)]
    stop = StratifiedGroup().carve(table(groups=groups, classes=labels), np.arange(400), 0.2, 0)
    assert (len(stop), int(np.sum(np.array(labels)[stop]))) == (80, 8)


def test_too_few_groups() -> None:
    with pytest.raises(SplitError, match="5 folds need at least 5 groups; the column has 3") as caught:
        StratifiedGroup().split(table(groups=[1, 2, 3] * 4, classes=[0, 1] * 6))
    assert "splitter.kind=stratified_group" in caught.value.hint
    with pytest.raises(SplitError, match="no stop rows can be carved from one group"):
        StratifiedGroup().carve(table(groups=[1, 1, 2, 2], classes=[0, 1, 0, 1]), np.arange(2), 0.2, 0)
