"""Features of a fold are built once for all of its seeds, and then forgotten."""

import numpy as np

from kagflow.training.shared import SharedFeatures

ROWS = np.arange(3)


def built(shared: SharedFeatures, fold: int, made: list[int]) -> int:
    def make() -> int:
        made.append(fold)
        return len(made)

    return shared.get(fold, ROWS, make)


def test_the_seeds_of_a_fold_share_its_features():
    shared, made = SharedFeatures(), []
    shared.expect({0: 3, 1: 3})
    assert [built(shared, 0, made) for _ in range(3)] == [1, 1, 1]
    assert built(shared, 1, made) == 2
    assert made == [0, 1]


def test_the_last_seed_lets_go_of_them():
    shared, made = SharedFeatures(), []
    shared.expect({0: 2})
    built(shared, 0, made)
    assert shared._built
    built(shared, 0, made)
    assert not shared._built


def test_too_small_a_count_builds_again_and_never_hands_out_what_is_gone():
    shared, made = SharedFeatures(), []
    shared.expect({0: 1})
    assert [built(shared, 0, made) for _ in range(2)] == [1, 2]


def test_other_rows_of_the_same_fold_are_other_features():
    shared = SharedFeatures()
    shared.expect({0: 4})
    assert shared.get(0, ROWS, lambda: "fit rows") == "fit rows"
    assert shared.get(0, ROWS + 1, lambda: "all rows") == "all rows"
