"""No fold is trained on what came after the rows that it scores."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits import make_splitter
from kagflow.splits.forward import Forward
from kagflow.splits.kfold import KFold
from tests.splits.tables import is_strict_part, shares, table, unscored

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
    assert sorted([*scored, *unscored(made)]) == list(range(len(time)))
    assert unscored(made) == made.folds[0].train.tolist()


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
    assert len(unscored(made)) == 60


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


# --- dates, gap and window -------------------------------------------------------------------------------------------

starts = st.lists(st.integers(-19, 20), min_size=1, max_size=4, unique=True).map(sorted)


def holds_rows(when: np.ndarray, cuts: list[int]) -> bool:
    edges = [-99, *cuts, 99]
    return all(((when >= low) & (when < high)).any() for low, high in pairwise(edges))


@given(times, starts, st.integers(0, 6), st.sampled_from(["expanding", 1, 2]))
def test_dates_gap_and_window_hold(time: list[int], cuts: list[int], gap: int, window: str | int) -> None:
    when = np.array(time)
    splitter = Forward(dates=tuple(cuts), gap=gap, window=window)
    assert splitter.folds == len(cuts)
    if not holds_rows(when, cuts):
        with pytest.raises(SplitError, match="no row lies"):
            splitter.split(table(time=time))
        return
    edges = [-99, *cuts, 99]
    try:
        made = splitter.split(table(time=time))
    except SplitError as error:
        assert "takes all that its window holds" in error.problem
        return
    for fold in made:
        scored = (when >= edges[fold.number + 1]) & (when < edges[fold.number + 2])
        assert fold.valid.tolist() == np.flatnonzero(scored).tolist()
        oldest = -99 if window == "expanding" else edges[max(fold.number + 1 - int(window), 0)]
        seen = (when >= oldest) & (when < edges[fold.number + 1]) & (when[scored].min() - when >= gap)
        assert fold.train.tolist() == np.flatnonzero(seen).tolist()


def test_without_a_gap_neighbours_would_be_trained_on() -> None:
    """The control: it is the setting that keeps them apart."""

    def distance(gap: int) -> int:
        made = Forward(gap=gap).split(table(time=list(range(30))))
        return min(fold.valid.min() - fold.train.max() for fold in made)

    assert (distance(0), distance(3)) == (1, 3)


def test_a_sliding_window_forgets() -> None:
    made = Forward(folds=3, window=1).split(table(time=list(range(8))))
    assert [fold.train.tolist() for fold in made] == [[0, 1], [2, 3], [4, 5]]


def days(*texts: str) -> Table:
    ids = pl.Series("id", range(len(texts)))
    return Table(ids=ids, x=ids.to_frame(), time=pl.Series(texts).str.to_date())


def test_gaps_and_dates_of_the_calendar() -> None:
    data = days("2023-12-01", "2024-01-01", "2024-01-08", "2024-01-31", "2024-02-01", "2024-02-28")
    made = Forward(dates=("2024-01-31", "2024-02-02"), gap="4w").split(data)
    assert [fold.valid.tolist() for fold in made] == [[3, 4], [5]]
    assert [fold.train.tolist() for fold in made] == [[0, 1], [0, 1, 2, 3]]


def test_moments_with_a_time_zone() -> None:
    data = days("2024-01-01", "2024-01-02", "2024-01-03")
    zoned = replace(data, time=data.time.cast(pl.Datetime("ms")).dt.replace_time_zone("Asia/Tokyo"))
    made = Forward(dates=("2024-01-02 00:00:00",), gap="12h").split(zoned)
    assert [fold.valid.tolist() for fold in made] == [[1, 2]]


@pytest.mark.parametrize("kind", ["forward", "group_forward"])
@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("gap", -1, "expected a length of time, got -1"),
        ("gap", "28 days", "expected a length of time, got '28 days'"),
        ("gap", True, "expected a length of time, got True"),
        ("window", "sliding", "expected `expanding` or a number of blocks, got 'sliding'"),
        ("window", 0, "expected `expanding` or a number of blocks, got 0"),
        ("dates", "2024-01-01", "expected a list of dates, got '2024-01-01'"),
    ],
)
def test_settings_are_checked(kind: str, setting: str, value: object, problem: str) -> None:
    with pytest.raises(SplitError) as caught:
        make_splitter(kind, {setting: value})
    assert (caught.value.problem, caught.value.where) == (problem, f"splitter.{setting}")


def test_dates_are_their_own_number_of_folds() -> None:
    assert make_splitter("forward", {"dates": [1, 2], "folds": 2}) == Forward(dates=(1, 2))
    with pytest.raises(SplitError, match="2 dates make 2 folds, not 3"):
        Forward(dates=(1, 2), folds=3)


NUMBERS, DATES = table(time=list(range(9))), days(*(f"2024-01-0{day}" for day in range(1, 10)))


@pytest.mark.parametrize(
    ("splitter", "data", "problem"),
    [
        (Forward(gap="2d"), NUMBERS, "'2d' is no length of time where times are Int64"),
        (Forward(gap=2), DATES, "2 is no length of time where times are Date"),
        (Forward(dates=("2024-01-03",)), NUMBERS, "'2024-01-03' is no moment where times are Int64"),
        (Forward(dates=(3,)), DATES, "3 is no moment where times are Date"),
        (Forward(dates=("January",)), DATES, "'January' is no moment where times are Date"),
        (Forward(dates=(5, 3)), NUMBERS, "the dates must ascend"),
        (Forward(dates=(0,)), NUMBERS, "no row lies before 0"),
        (Forward(dates=(5, 99)), NUMBERS, "no row lies in the block from 99"),
        (Forward(folds=2, gap=4), NUMBERS, "fold 0 has no training rows: the gap of 4 takes all that its window holds"),
    ],
)
def test_what_does_not_suit_the_times_is_refused(splitter: Forward, data: Table, problem: str) -> None:
    with pytest.raises(SplitError) as caught:
        splitter.split(data)
    assert caught.value.problem == problem
    assert caught.value.hint


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
    assert caught.value.hint.startswith("add `time: <column>` to competition.yaml, or TIME")
