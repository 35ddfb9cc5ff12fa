"""No fold is trained on what came after the rows that it scores."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits.forward import Forward
from kagflow.splits.kfold import KFold
from tests.splits.tables import is_strict_part, shares, table

MOST_FOLDS = 5
times = st.lists(st.integers(-20, 20), min_size=8, max_size=60).filter(lambda values: len(set(values)) > MOST_FOLDS)
folds = st.integers(1, MOST_FOLDS)


@given(times, folds)
def test_no_fold_looks_ahead(time: list[int], folds: int) -> None:
    made, when = Forward(folds=folds).split(table(time=time)), np.array(time)
    assert len(made) == folds
    for fold in made:
        assert when[fold.train].max() < when[fold.valid].min()


def test_kfold_would_look_ahead() -> None:
    """The control: the property above is not one of any split."""
    when = np.arange(50)
    assert any(when[fold.train].max() > when[fold.valid].min() for fold in KFold().split(table(time=when.tolist())))


@given(times, folds)
def test_every_row_but_the_first_block_is_scored_once(time: list[int], folds: int) -> None:
    made = Forward(folds=folds).split(table(time=time))
    scored = np.concatenate([fold.valid for fold in made])
    assert len(scored) == len(set(scored))
    assert sorted([*scored, *made.unscored()]) == list(range(len(time)))
    assert made.unscored().tolist() == made.folds[0].train.tolist()


@given(times, folds)
def test_a_fold_trains_on_all_blocks_before_its_own(time: list[int], folds: int) -> None:
    made = Forward(folds=folds).split(table(time=time))
    assert made.forward
    cells = made.cells[0]
    for fold in made:
        assert fold.train.tolist() == np.flatnonzero(cells <= fold.number).tolist()
        assert fold.valid.tolist() == np.flatnonzero(cells == fold.number + 1).tolist()


@given(times, folds)
def test_a_moment_is_in_one_block_and_blocks_are_in_order(time: list[int], folds: int) -> None:
    cells, when = Forward(folds=folds).split(table(time=time)).cells[0], np.array(time)
    blocks = [when[cells == block] for block in range(folds + 1)]
    assert all(earlier.max() < later.min() for earlier, later in pairwise(blocks))


def test_blocks_hold_about_as_many_rows() -> None:
    made = Forward(folds=4).split(table(time=[row // 3 for row in range(300)]))
    assert [len(fold.valid) for fold in made] == [60] * 4
    assert len(made.unscored()) == 60


@pytest.mark.parametrize("crowded", range(6))
def test_a_crowded_moment_leaves_the_others_their_blocks(crowded: int) -> None:
    """Six moments are enough for five folds, even if nearly all rows are of one of them."""
    time = [*range(6), *[crowded] * 100]
    cells = Forward(folds=5).split(table(time=time)).cells[0]
    assert cells[:6].tolist() == list(range(6))


def test_times_may_be_dates() -> None:
    ids = pl.Series("id", range(6))
    days = pl.Series([date(2024, 1, 1) + timedelta(days=30 * row) for row in range(6)])
    made = Forward(folds=2).split(Table(ids=ids, x=ids.to_frame(), time=days))
    assert [fold.valid.tolist() for fold in made] == [[2, 3], [4, 5]]


# --- stop rows -------------------------------------------------------------------------------------------------------


@given(times, shares)
def test_the_latest_moments_are_carved(time: list[int], share: float) -> None:
    when = np.array(time)
    train = np.flatnonzero(when <= np.median(when))
    if len(np.unique(when[train])) < 2:
        return
    stop = Forward().carve(table(time=time), train, share, seed=0)
    assert is_strict_part(stop, train)
    assert when[np.setdiff1d(train, stop)].max() < when[stop].min()


def test_a_share_of_the_rows_is_carved() -> None:
    stop = Forward().carve(table(time=list(range(100))), np.arange(80), 0.25, seed=0)
    assert stop.tolist() == list(range(60, 80))


def test_a_crowded_last_moment_is_carved_whole() -> None:
    assert Forward().carve(table(time=[1, 2, 3, 3, 3, 3]), np.arange(6), 0.2, seed=0).tolist() == [2, 3, 4, 5]


def test_a_crowded_first_moment_is_left_to_train_on() -> None:
    assert Forward().carve(table(time=[1, 1, 1, 1, 1, 2]), np.arange(6), 0.5, seed=0).tolist() == [5]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_fewer_moments_than_blocks() -> None:
    with pytest.raises(SplitError, match="5 folds forward in time need 6 distinct moments; there are 5") as caught:
        Forward(folds=5).split(table(time=[1, 2, 3, 4, 5] * 10))
    assert (caught.value.hint, caught.value.where) == ("ask for fewer folds", "splitter.folds")


def test_one_moment_cannot_be_carved() -> None:
    with pytest.raises(SplitError, match="no stop rows can be carved from one moment") as caught:
        Forward().carve(table(time=[1, 1, 2, 2]), np.arange(2), 0.2, seed=0)
    assert caught.value.hint == "give `rounds` a number"


def test_no_time_is_named() -> None:
    with pytest.raises(SplitError, match="needs a time column") as caught:
        Forward().split(table(10))
    assert caught.value.hint == "add `time: <column>` to competition.yaml"
