"""Folds written as a table are read back, and their fingerprint follows everything that they hold."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import SplitError
from kagflow.splits import Fold, Folds, make_splitter
from kagflow.splits.folds import check_groups_stay_whole, folds_from_cells
from tests.splits.tables import seeds, table


def rows(*positions: int) -> np.ndarray:
    return np.array(positions, dtype=np.int64)


def example(**changes: object) -> Folds:
    """Return two repeats of two folds over six rows, changed."""
    parts = {
        "ids": pl.Series("id", ["a", "b", "c", "d", "e", "f"]),
        "folds": (
            Fold(0, 0, rows(3, 4, 5), rows(0, 1, 2)),
            Fold(1, 0, rows(0, 1, 2), rows(3, 4, 5)),
            Fold(2, 1, rows(1, 3, 5), rows(0, 2, 4)),
            Fold(3, 1, rows(0, 2, 4), rows(1, 3, 5)),
        ),
        "cells": np.array([[0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]]),
        "forward": False,
    }
    return Folds(**(parts | changes))  # type: ignore[arg-type]


def test_folds_are_counted_over_repeats() -> None:
    folds = example()
    assert (len(folds), folds.repeats) == (4, 2)
    assert [(fold.number, fold.repeat) for fold in folds] == [(0, 0), (1, 0), (2, 1), (3, 1)]


def test_a_fold_needs_rows_on_both_sides() -> None:
    with pytest.raises(SplitError, match="fold 3 has 0 training rows and 2 valid rows"):
        Fold(3, 0, rows(), rows(1, 2))
    with pytest.raises(SplitError, match="fold 3 has 2 training rows and 0 valid rows"):
        Fold(3, 0, rows(1, 2), rows())


def test_a_fold_does_not_train_on_what_it_scores() -> None:
    with pytest.raises(SplitError, match="fold 3 trains on rows that it scores"):
        Fold(3, 0, rows(1, 2, 3), rows(3, 4))


def test_cells_become_folds() -> None:
    folds = folds_from_cells(pl.Series("id", [7, 8, 9]), rows(1, 0, 1))
    assert [(fold.train.tolist(), fold.valid.tolist()) for fold in folds] == [([0, 2], [1]), ([1], [0, 2])]


# --- as a table ------------------------------------------------------------------------------------------------------


def test_a_table_has_one_row_an_id() -> None:
    frame = example().to_frame()
    assert frame.columns == ["id", "cell_0", "cell_1", *(f"repeat_{k // 2}_fold_{k}" for k in range(4))]
    assert frame.row(0) == ("a", 0, 0, 2, 1, 2, 1)


def same(first: Folds, second: Folds) -> bool:
    return (
        first.fingerprint == second.fingerprint
        and first.ids.equals(second.ids)
        and (first.cells == second.cells).all()
        and all(
            (a.number, a.repeat, a.train.tolist(), a.valid.tolist())
            == (b.number, b.repeat, b.train.tolist(), b.valid.tolist())
            for a, b in zip(first, second, strict=True)
        )
    )


@pytest.mark.parametrize("forward", [False, True])
def test_a_table_is_read_back(forward: bool) -> None:
    folds = example(forward=forward)
    assert same(Folds.from_frame(folds.to_frame(), forward=forward), folds)


ANY = {
    **{kind: {"folds": 3, "repeats": 2} for kind in ("kfold", "stratified", "group", "stratified_group")},
    "blocks": {"folds": 3, "unit": 2, "embargo": 1},
    "forward": {"dates": [5, 9], "gap": 2},
    "group_forward": {"folds": 3},
}


@given(st.sampled_from(sorted(ANY)), seeds)
def test_what_any_splitter_makes_is_read_back(kind: str, seed: int) -> None:
    data = table(classes=[0, 1] * 20, groups=[row % 8 for row in range(40)], time=[row // 3 for row in range(40)])
    folds = make_splitter(kind, ANY[kind] if kind == "forward" else {**ANY[kind], "seed": seed}).split(data)
    assert same(Folds.from_frame(folds.to_frame(), forward=folds.forward), folds)


# --- the fingerprint -------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_the_same_every_time_and_everywhere() -> None:
    """Saved runs name it: it may never change for the same folds."""
    assert example().fingerprint == example().fingerprint == "221b6d7c53a20940"


FOLDS = example().folds
OTHERS: dict[str, Callable[[], Folds]] = {
    "an id": lambda: example(ids=pl.Series(["a", "b", "c", "d", "e", "g"])),
    "the type of ids": lambda: example(ids=pl.Series([1, 2, 3, 4, 5, 6])),
    "the type of ids alone": lambda: example(ids=pl.Series(["1", "2", "3", "4", "5", "6"])),
    "the border between ids": lambda: example(ids=pl.Series(["a\nb", "", "c", "d", "e", "f"])),
    "the same border otherwise": lambda: example(ids=pl.Series(["a", "b\n", "c", "d", "e", "f"])),
    "the direction": lambda: example(forward=True),
    "a cell": lambda: example(cells=np.array([[0, 0, 0, 1, 1, 1], [1, 1, 0, 1, 0, 1]])),
    "a repeat": lambda: example(folds=FOLDS[:2], cells=np.array([[0, 0, 0, 1, 1, 1]])),
    "a training row": lambda: example(folds=(Fold(0, 0, rows(4, 5), rows(0, 1, 2)), *FOLDS[1:])),
    "a valid row": lambda: example(folds=(Fold(0, 0, rows(3, 4, 5), rows(0, 1)), *FOLDS[1:])),
    "a row that changes sides": lambda: example(folds=(Fold(0, 0, rows(2, 3, 4, 5), rows(0, 1)), *FOLDS[1:])),
    "the order of folds": lambda: example(folds=(FOLDS[1], FOLDS[0], *FOLDS[2:])),
    "a number": lambda: example(folds=(Fold(9, 0, rows(3, 4, 5), rows(0, 1, 2)), *FOLDS[1:])),
    "a fold's repeat": lambda: example(folds=(Fold(0, 1, rows(3, 4, 5), rows(0, 1, 2)), *FOLDS[1:])),
}


def test_fingerprints_differ_when_anything_differs() -> None:
    found = {name: make().fingerprint for name, make in OTHERS.items()} | {"nothing": example().fingerprint}
    assert len(set(found.values())) == len(found)


def test_the_name_of_the_id_column_is_no_matter() -> None:
    assert example(ids=example().ids.alias("Id")).fingerprint == example().fingerprint


def test_folds_that_cut_through_groups_are_refused() -> None:
    folds = folds_from_cells(pl.Series("id", range(4)), rows(0, 0, 1, 1))
    check_groups_stay_whole(folds, pl.Series("patient", ["a", "a", "b", "b"]))
    check_groups_stay_whole(folds, None)
    with pytest.raises(SplitError, match="fold 0 both trains on and scores rows of 1 groups of 'patient'"):
        check_groups_stay_whole(folds, pl.Series("patient", ["a", "b", "b", "c"]))
