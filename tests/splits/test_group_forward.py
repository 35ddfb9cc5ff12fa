"""Trained on earlier rows of other groups only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import SplitError
from kagflow.splits import Folds
from kagflow.splits.forward import Forward, GroupForward
from kagflow.splits.group import Group
from tests.splits.tables import is_strict_part, seeds, shares, table, unscored

MOST_FOLDS, MOST_PARTS = 3, 3
rows = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 15)), min_size=20, max_size=60).filter(
    lambda pairs: len({group for group, _ in pairs}) >= MOST_PARTS and len({when for _, when in pairs}) > MOST_FOLDS
)


def faults(folds: Folds, groups: list[int], time: list[int]) -> set[str]:
    """Return what folds do that they must not."""
    found, who, when = set(), np.array(groups), np.array(time)
    for fold in folds:
        if when[fold.train].max() >= when[fold.valid].min():
            found.add("looks ahead")
        if set(who[fold.train]) & set(who[fold.valid]):
            found.add("splits a group")
    return found


@given(rows, st.integers(1, MOST_FOLDS), st.integers(2, MOST_PARTS), seeds)
def test_it_looks_at_the_past_of_other_groups(pairs: list[tuple[int, int]], folds: int, parts: int, seed: int) -> None:
    groups, time = map(list, zip(*pairs, strict=True))
    try:
        made = GroupForward(folds=folds, parts=parts, seed=seed).split(table(groups=groups, time=time))
    except SplitError as error:  # the first block may be all of one part
        assert "0 training rows" in error.problem
        return
    assert not faults(made, groups, time)
    assert made.forward
    scored = np.concatenate([fold.valid for fold in made])
    assert len(scored) == len(set(scored))
    assert unscored(made) == np.flatnonzero(made.cells[0] == 0).tolist()


@pytest.mark.parametrize(("splitter", "fault"), [(Forward(), "splits a group"), (Group(), "looks ahead")])
def test_others_would_do_one_or_the_other(splitter: Forward | Group, fault: str) -> None:
    """The control: the property above is not one of any split."""
    groups, time = [row % 12 for row in range(120)], [row // 4 for row in range(120)]
    assert faults(splitter.split(table(groups=groups, time=time)), groups, time) == {fault}


def test_every_block_is_scored_part_by_part() -> None:
    groups, time = [row % 4 for row in range(40)], [row // 4 for row in range(40)]
    made = GroupForward(dates=(5, 8), gap=2, parts=2).split(table(groups=groups, time=time))
    assert [fold.number for fold in made] == [0, 1, 2, 3]
    assert [len(fold.valid) for fold in made] == [6, 6, 4, 4]
    assert [len(fold.train) for fold in made] == [8, 8, 14, 14]


@given(rows, shares, seeds)
def test_whole_groups_are_carved_those_that_came_last(pairs: list[tuple[int, int]], share: float, seed: int) -> None:
    groups, time = map(np.array, zip(*pairs, strict=True))
    train = np.arange(len(pairs))
    stop = GroupForward().carve(table(groups=groups.tolist(), time=time.tolist()), train, share, seed)
    rest = np.setdiff1d(train, stop)
    assert is_strict_part(stop, train)
    assert not set(groups[stop]) & set(groups[rest])
    began = {group: time[groups == group].min() for group in set(groups)}
    assert min(began[group] for group in groups[stop]) >= max(began[group] for group in groups[rest])


def test_too_few_groups() -> None:
    with pytest.raises(SplitError, match="3 parts need at least 3 groups; the column has 2") as caught:
        GroupForward(parts=3).split(table(groups=[1, 2] * 10, time=list(range(20))))
    assert caught.value.where == "splitter.parts"
    with pytest.raises(SplitError, match="no stop rows can be carved from one group"):
        GroupForward().carve(table(groups=[1] * 9, time=list(range(9))), np.arange(9), 0.2, 0)
    with pytest.raises(SplitError, match="needs a time column"):
        GroupForward().split(table(groups=[1, 2, 3] * 3))
    with pytest.raises(SplitError, match="needs groups"):
        GroupForward().split(table(time=list(range(9))))
