"""K folds of rows, plain and stratified."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data.table import target_codes
from kagflow.errors import SplitError
from kagflow.splits.kfold import KFold, Stratified
from kagflow.splits.strata import quantile_bins
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


# --- a target of numbers ---------------------------------------------------------------------------------------------

numbers = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0, 9.0, 30.0]), min_size=8, max_size=60)


@given(numbers, st.integers(2, 8), st.integers(2, 12), seeds)
def test_bins_of_the_target_are_spread_evenly(y: list[float], folds: int, bins: int, seed: int) -> None:
    made = Stratified(folds=folds, seed=seed, bins=bins).split(table(numbers=y))
    assert_partition(made, len(y))
    in_fold = counts(quantile_bins(pl.Series(y), bins), made)
    assert (np.ptp(in_fold, axis=1) <= 1).all()


@given(numbers, st.integers(2, 12))
def test_bins_are_in_order_and_keep_ties_together(y: list[float], bins: int) -> None:
    codes, values = quantile_bins(pl.Series(y), bins), np.array(y)
    assert set(codes) == set(range(codes.max() + 1))
    assert codes.max() < min(bins, len(set(y)))
    assert all(values[codes == code].max() < values[codes == code + 1].min() for code in range(codes.max()))


def test_bins_hold_about_as_many_rows() -> None:
    assert np.bincount(quantile_bins(pl.Series(np.arange(100)), 7)).tolist() == [15, 14, 14, 15, 14, 14, 14]
    assert quantile_bins(pl.Series([1] * 8 + [2, 3]), 5).tolist() == [0] * 8 + [1, 1]


def test_kfold_alone_would_not_spread_large_values() -> None:
    """The control: means of folds differ far more without bins."""
    y = np.random.default_rng(0).lognormal(0, 2, 200).tolist()

    def spread(splitter: KFold | Stratified) -> float:
        return float(np.std([np.sum(np.log(y)[fold.valid]) for fold in splitter.split(table(numbers=y))]))

    assert spread(Stratified()) < spread(KFold()) / 3


def test_stop_rows_do_not_hang_on_other_rows_targets() -> None:
    """Bins for carving are those of the training rows alone."""
    y, train = [float(row % 17) for row in range(60)], np.arange(40)
    poisoned = y[:40] + [1e9 + row for row in range(20)]
    first, second = (Stratified(bins=4).carve(table(numbers=values), train, 0.2, 0) for values in (y, poisoned))
    assert is_strict_part(first, train)
    assert first.tolist() == second.tolist()


# --- repeats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("splitter", [KFold, Stratified])
def test_repeats_deal_the_rows_out_anew(splitter: type[KFold] | type[Stratified]) -> None:
    rows = table(classes=[0, 1] * 30)
    made = splitter(folds=3, repeats=4).split(rows)
    assert (made.repeats, len(made)) == (4, 12)
    assert [fold.repeat for fold in made] == [number // 3 for number in range(12)]
    assert_partition(made, 60)
    assert len({cells.tobytes() for cells in made.cells}) == 4


def test_the_first_repeat_is_the_split_without_repeats() -> None:
    once, twice = KFold().split(table(50)), KFold(repeats=2).split(table(50))
    assert twice.cells[0].tolist() == once.cells[0].tolist()


def test_no_repeat_is_a_repeat_of_the_next_seed() -> None:
    """Two runs on neighbouring seeds share no draw."""
    cells = [KFold(seed=seed, repeats=3).split(table(50)).cells for seed in (1, 2, 3)]
    assert len({own.tobytes() for repeats in cells for own in repeats}) == 9


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


def test_without_a_target_there_are_no_strata() -> None:
    with pytest.raises(SplitError, match="a stratified split needs a target") as caught:
        Stratified().split(replace(table(10), y=None))
    assert caught.value.hint == "use `kind: kfold`"


@pytest.mark.parametrize("rows", [0, 1])
def test_one_row_cannot_be_carved(rows: int) -> None:
    with pytest.raises(SplitError, match=f"no stop rows can be carved from {rows} training rows") as caught:
        KFold().carve(table(10), np.arange(rows), 0.2, 0)
    assert caught.value.hint == "give `rounds` a number"
