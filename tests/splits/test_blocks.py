"""Whole blocks of time, and nothing learned from what lies next to them."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits import make_splitter
from kagflow.splits.blocks import Blocks
from kagflow.splits.kfold import KFold
from tests.splits.tables import assert_partition, is_strict_part, seeds, shares, table

SIZE, MOST_FOLDS = 4, 4
times = st.lists(st.integers(-20, 40), min_size=10, max_size=60).filter(
    lambda values: len({value // SIZE for value in values}) >= MOST_FOLDS
)
folds = st.integers(2, MOST_FOLDS)


def moments(*values: date | datetime) -> Table:
    ids = pl.Series("id", range(len(values)))
    return Table(ids=ids, x=ids.to_frame(), time=pl.Series(values))


def cut_blocks(time: list[int], one: np.ndarray, other: np.ndarray) -> set[int]:
    """Return the blocks that have rows on both sides."""
    blocks = np.array(time) // SIZE
    return set(blocks[one]) & set(blocks[other])


@given(times, folds, seeds, st.sampled_from(["random", "turn"]))
def test_folds_are_a_partition_that_cuts_through_no_block(time: list[int], folds: int, seed: int, order: str) -> None:
    made = make_splitter("blocks", {"unit": 2, "size": 2, "folds": folds, "seed": seed, "order": order}).split(
        table(time=time)
    )
    assert len(made) == folds
    assert not made.forward
    assert_partition(made, len(time))
    assert not any(cut_blocks(time, fold.train, fold.valid) for fold in made)


def test_kfold_would_cut_through_blocks() -> None:
    """The control: the property above is not one of any split."""
    time = [row // 2 for row in range(40)]
    assert any(cut_blocks(time, fold.train, fold.valid) for fold in KFold().split(table(time=time)))


@given(times, folds, st.integers(0, 5), seeds)
def test_the_embargo_holds_and_takes_no_more(time: list[int], folds: int, embargo: int, seed: int) -> None:
    splitter = Blocks(unit=SIZE, folds=folds, seed=seed, repeats=2, embargo=embargo)
    when = np.array(time)
    try:
        made = splitter.split(table(time=time))
    except SplitError as error:
        assert "0 training rows" in error.problem
        return
    assert (
        made.cells.tolist()
        == Blocks(unit=SIZE, folds=folds, seed=seed, repeats=2).split(table(time=time)).cells.tolist()
    )
    for fold in made:
        others = np.flatnonzero(made.cells[fold.repeat] != fold.number % folds)
        distance = np.abs(when[others][:, np.newaxis] - when[fold.valid]).min(axis=1)
        assert fold.train.tolist() == (others[distance > embargo] if embargo else others).tolist()


def nearest(embargo: int) -> int:
    made = Blocks(unit=10, embargo=embargo).split(table(time=list(range(200))))
    return min(int(np.abs(fold.train[:, np.newaxis] - fold.valid).min()) for fold in made)


def test_without_an_embargo_neighbours_would_be_trained_on() -> None:
    """The control: it is the setting that keeps them apart."""
    assert (nearest(0), nearest(3)) == (1, 4)


@pytest.mark.parametrize(
    ("unit", "size", "apart"),
    [
        ("hour", 6, [datetime(2024, 1, 1, 5, 59), datetime(2024, 1, 1, 6)]),
        ("day", 1, [datetime(2024, 1, 1, 23), datetime(2024, 1, 2)]),
        ("week", 1, [date(2024, 1, 7), date(2024, 1, 8)]),
        ("month", 1, [date(2024, 1, 31), date(2024, 2, 1)]),
        ("month", 3, [date(2024, 3, 31), date(2024, 4, 1)]),
        ("year", 1, [date(2023, 12, 31), date(2024, 1, 1)]),
    ],
)
def test_blocks_of_the_calendar(unit: str, size: int, apart: list[Any]) -> None:
    before, after = apart
    data = moments(before, before + timedelta(0), after, after + timedelta(minutes=0))
    made = Blocks(unit=unit, size=size, folds=2, order="turn").split(data)
    assert made.cells.tolist() == [[0, 0, 1, 1]]


def test_an_embargo_of_days() -> None:
    data = moments(*(date(2024, 1, 1) + timedelta(days=day) for day in range(28)))
    made = Blocks(unit="week", folds=4, order="turn", embargo="2d").split(data)
    assert made.folds[1].valid.tolist() == list(range(7, 14))
    assert made.folds[1].train.tolist() == [0, 1, 2, 3, 4, *range(16, 28)]


def test_folds_hold_about_as_many_rows() -> None:
    made = Blocks(unit=5, folds=4).split(table(time=list(range(200))))
    assert [len(fold.valid) for fold in made] == [50] * 4


def test_repeats_and_seeds_deal_anew() -> None:
    data = table(time=list(range(100)))
    made = Blocks(unit=2, repeats=3).split(data)
    assert_partition(made, 100)
    assert len({cells.tobytes() for cells in made.cells}) == 3
    assert Blocks(unit=2, seed=1).split(data).fingerprint != Blocks(unit=2, seed=2).split(data).fingerprint


# --- stop rows -------------------------------------------------------------------------------------------------------


@given(times, shares, seeds)
def test_whole_blocks_are_carved(time: list[int], share: float, seed: int) -> None:
    train = np.flatnonzero(np.array(time) // SIZE != time[0] // SIZE)
    stop = Blocks(unit=SIZE).carve(table(time=time), train, share, seed)
    assert is_strict_part(stop, train)
    assert not cut_blocks(time, stop, np.setdiff1d(train, stop))


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem", "where"),
    [
        ({"unit": "fortnight"}, "no unit of time is called 'fortnight'", "unit"),
        ({"unit": 0}, "expected a unit of time or a positive number, got 0", "unit"),
        ({"unit": True}, "expected a unit of time or a positive number, got True", "unit"),
        ({"size": 0}, "expected a whole number of at least 1, got 0", "size"),
        ({"order": "turns"}, "no order is called 'turns'", "order"),
        ({"embargo": "-1d"}, "expected a length of time, got '-1d'", "embargo"),
        ({"order": "turn", "repeats": 2}, "blocks dealt in turn are the same every time", "repeats"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], problem: str, where: str) -> None:
    with pytest.raises(SplitError) as caught:
        make_splitter("blocks", settings)
    assert (caught.value.problem, caught.value.where) == (problem, f"splitter.{where}")


def test_units_suit_the_times() -> None:
    with pytest.raises(SplitError, match="'day' is no unit where times are Int64"):
        Blocks().split(table(time=list(range(9))))
    with pytest.raises(SplitError, match="7 is no unit where times are Date"):
        Blocks(unit=7).split(moments(date(2024, 1, 1), date(2024, 1, 2)))


def test_fewer_blocks_than_folds() -> None:
    with pytest.raises(SplitError, match="5 folds need at least 5 blocks of time; there are 3") as caught:
        Blocks(unit=10).split(table(time=list(range(30))))
    assert caught.value.hint == "ask for fewer folds, or for shorter blocks (`unit`, `size`)"
    with pytest.raises(SplitError, match="no stop rows can be carved from one block of time"):
        Blocks(unit=10).carve(table(time=list(range(30))), np.arange(10), 0.2, 0)


def test_no_time_is_named() -> None:
    with pytest.raises(SplitError, match="needs a time column"):
        Blocks().split(table(10))
