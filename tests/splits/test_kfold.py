"""K folds of rows, plain and stratified."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data.table import target_codes
from kagflow.errors import SplitError
from kagflow.splits.kfold import KFold, Stratified
from tests.splits.tables import assert_partition, counts, is_strict_part, seeds, shares, table

classes = st.lists(st.integers(0, 3), min_size=8, max_size=60).filter(lambda labels: len(set(labels)) > 1)


@given(st.integers(8, 80), st.integers(2, 8), seeds)
def test_kfold_is_a_partition_into_folds_of_one_size(n: int, folds: int, seed: int) -> None:
    made = KFold(folds=folds, seed=seed).split(table(n))
    assert_partition(made, n)
    sizes = [len(fold.valid) for fold in made]
    assert len(sizes) == folds
    assert max(sizes) - min(sizes) <= 1


@given(classes, st.integers(2, 8), seeds)
def test_stratified_is_a_partition_with_even_classes(labels: list[int], folds: int, seed: int) -> None:
    made = Stratified(folds=folds, seed=seed).split(table(classes=labels))
    assert_partition(made, len(labels))
    in_fold = counts(np.array(labels), made)
    assert (np.ptp(in_fold, axis=1) <= 1).all()
    assert np.ptp(in_fold.sum(axis=0)) <= 1


def test_kfold_alone_would_not_spread_a_rare_class() -> None:
    """The control: the same rows without stratifying leave some fold without the rare class."""
    labels = [1] * 5 + [0] * 95
    plain = counts(np.array(labels), KFold(folds=5).split(table(classes=labels)))
    spread = counts(np.array(labels), Stratified(folds=5).split(table(classes=labels)))
    assert plain[1].min() == 0
    assert spread[1].tolist() == [1] * 5


@pytest.mark.parametrize("splitter", [KFold, Stratified])
def test_the_seed_decides(splitter: type[KFold] | type[Stratified]) -> None:
    rows = table(classes=[0, 1] * 50)
    first, again, other = (splitter(seed=seed).split(rows).fingerprint for seed in (1, 1, 2))
    assert first == again != other


def test_the_order_of_rows_is_no_pattern_of_folds() -> None:
    """Files are often sorted; neighbours must not end up side by side in one fold."""
    cells = KFold(folds=2).split(table(1000)).cells[0]
    assert 400 < np.sum(cells[1:] == cells[:-1]) < 600


# --- stop rows -------------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 79), min_size=2).map(sorted), shares, seeds)
def test_kfold_carves_a_share_of_the_training_rows(train: list[int], share: float, seed: int) -> None:
    rows = np.array(train)
    stop = KFold().carve(table(80), rows, share, seed)
    assert is_strict_part(stop, rows)
    assert abs(len(stop) - share * len(rows)) <= 1


@given(classes, shares, seeds)
def test_stratified_carves_a_share_of_every_class(labels: list[int], share: float, seed: int) -> None:
    data = table(classes=labels)
    train = np.arange(len(labels))[::2]
    stop = Stratified().carve(data, train, share, seed)
    assert is_strict_part(stop, train)
    assert data.y is not None
    codes = target_codes(data.y)
    for code, size in zip(*np.unique(codes[train], return_counts=True), strict=True):
        assert np.sum(codes[stop] == code) <= max(share * size + 1, 1)
        if size > 1:
            assert 1 <= np.sum(codes[stop] == code) < size


def test_where_every_class_is_rare_any_rows_are_carved() -> None:
    train = np.arange(4)
    assert is_strict_part(Stratified().carve(table(classes=[0, 1, 2, 3, 0]), train, 0.25, 0), train)


@pytest.mark.parametrize("splitter", [KFold(), Stratified()])
def test_stop_rows_follow_the_seed(splitter: KFold | Stratified) -> None:
    data, train = table(classes=[0, 1] * 50), np.arange(80)
    first, again, other = (splitter.carve(data, train, 0.2, seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("splitter", [KFold(folds=5), Stratified(folds=5)])
def test_fewer_rows_than_folds(splitter: KFold | Stratified) -> None:
    with pytest.raises(SplitError, match="5 folds need at least 5 rows; there are 4") as caught:
        splitter.split(table(classes=[0, 1, 0, 1]))
    assert (caught.value.hint, caught.value.where) == ("ask for fewer folds", "splitter.folds")


def test_numbers_have_no_classes() -> None:
    with pytest.raises(SplitError, match="a stratified split needs a target of classes") as caught:
        Stratified().split(table(10))
    assert caught.value.hint == "use `kind: kfold`"


@pytest.mark.parametrize("rows", [0, 1])
def test_one_row_cannot_be_carved(rows: int) -> None:
    with pytest.raises(SplitError, match=f"no stop rows can be carved from {rows} training rows") as caught:
        KFold().carve(table(10), np.arange(rows), 0.2, 0)
    assert caught.value.hint == "give `rounds` a number"
