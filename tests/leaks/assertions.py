"""What must hold of every pipeline. Each of these is run on clean pipelines, which pass, and on planted leaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from kagflow.data import Frame
from kagflow.data.table import target_codes
from kagflow.features.crossfit import Built
from kagflow.splits import Folds
from tests.leaks.data import Data, poisons, with_features, with_targets
from tests.leaks.pipelines import Pipeline

Outcome = Mapping[str, Frame]
Encode = Callable[[Data], Built]
Look = Callable[[Data, Folds, int], Outcome]
"""What there is to see of a fold: its frames, or its predictions."""


def assert_same_bytes(before: Outcome, after: Outcome) -> None:
    """Two sets of frames hold the same columns, types, nulls and bits."""
    assert list(before) == list(after)
    for name in before:
        assert before[name].schema == after[name].schema, f"{name} has other columns"
        moved = [column for column in before[name].columns if not _same(before[name][column], after[name][column])]
        assert not moved, f"{name} moved in {', '.join(moved)}"


def _same(first: pl.Series, second: pl.Series) -> bool:
    return first.len() == second.len() and _bytes(first) == _bytes(second)


def _bytes(column: pl.Series) -> tuple[bytes, bytes | list[object]]:
    nulls = column.is_null().to_numpy().tobytes()
    if column.dtype == pl.String:
        return nulls, column.to_list()
    return nulls, column.to_physical().fill_null(0).to_numpy().tobytes()


def assert_valid_targets_do_not_matter(look: Look, data: Data, folds: Folds, *, each: bool = False) -> None:
    """Replacing the targets of one fold's valid rows changes nothing of that fold. The folds are frozen before.

    ``each`` tries every poison on every fold; else every fold gets one of them.
    """
    ways = list(poisons(data.train.y).items())
    for fold in folds:
        clean = look(data, folds, fold.number)
        for name, poison in ways if each else [ways[fold.number % len(ways)]]:
            poisoned = with_targets(data, fold.valid, poison)
            try:
                after = look(poisoned, folds, fold.number)
            except Exception as error:
                raise AssertionError(f"fold {fold.number} read a poisoned target ({name}): {error}") from error
            assert_same_bytes(clean, after)


def assert_own_target_does_not_matter(encode: Encode, data: Data, folds: Folds, rows: Sequence[int]) -> None:
    """Moving one training row's target far away changes other rows' features, and none of its own nor of its cell."""
    before = encode(data)
    for row in rows:
        after = encode(with_targets(data, np.array([row]), _far))
        assert (before.rows == after.rows).all()
        own = before.rows == row
        assert_same_bytes({"own": before.x.filter(own)}, {"own": after.x.filter(own)})
        others = {"others": before.x.filter(~own)}, {"others": after.x.filter(~own)}
        assert _differ(*others), "no row is encoded by this one, so that the test says nothing"


def _far(y: pl.Series) -> pl.Series:
    return y + 1e6 if y.dtype == pl.Float64 else next(iter(poisons(y).values()))(y)


def _differ(before: Outcome, after: Outcome) -> bool:
    try:
        assert_same_bytes(before, after)
    except AssertionError:
        return True
    return False


def assert_rows_are_predicted_apart(pipeline: Pipeline, data: Data, folds: Folds, rng: np.random.Generator) -> None:
    """Other features of some valid rows change no prediction of the others; of test rows, none at all."""
    for fold in folds:
        clean = pipeline.predictions(data, folds, fold.number)["oof"]
        moved = np.sort(rng.choice(fold.valid, len(fold.valid) // 2, replace=False))
        still = ~np.isin(fold.valid, moved)
        others = replace(data, train=with_features(data.train, moved, rng))
        after = pipeline.predictions(others, folds, fold.number)["oof"]
        assert_same_bytes({"oof": clean.filter(still)}, {"oof": after.filter(still)})
        assert _differ({"oof": clean.filter(~still)}, {"oof": after.filter(~still)}), "nothing was moved"

        others = replace(data, test=with_features(data.test, np.arange(data.test.height), rng))
        assert_same_bytes({"oof": clean}, {"oof": pipeline.predictions(others, folds, fold.number)["oof"]})


def assert_what_comes_later_does_not_matter(look: Look, data: Data, folds: Folds, rng: np.random.Generator) -> None:
    """Nothing that happens from a fold's first valid row on reaches its training rows; nor, after them, its valid rows.

    Of the valid rows themselves only the targets can be poisoned; then only the past is compared.
    """
    time = data.train.time.to_numpy()
    poison = next(iter(poisons(data.train.y).values()))
    for fold in folds:
        clean = look(data, folds, fold.number)
        first, last = time[fold.valid].min(), time[fold.valid].max()
        from_now_on, afterwards = np.flatnonzero(time >= first), np.flatnonzero(time > last)
        poisoned = with_targets(data, from_now_on, poison)
        if len(afterwards):
            poisoned = replace(poisoned, train=with_features(poisoned.train, afterwards, rng))
        assert_same_bytes(clean, look(poisoned, folds, fold.number))

        others = replace(poisoned, train=with_features(poisoned.train, from_now_on, rng))
        after = look(others, folds, fold.number)
        past = [name for name in clean if not name.startswith("valid")]
        assert_same_bytes({name: clean[name] for name in past}, {name: after[name] for name in past})


def assert_later_cells_do_not_matter(encode: Encode, data: Data, folds: Folds) -> None:
    """Among training rows forward in time, targets of a block and of what follows do not reach the block's features."""
    before = encode(data)
    poison = next(iter(poisons(data.train.y).values()))
    blocks = np.concatenate([folds.cells[0], np.zeros(data.extra.height)])  # extra rows count as known from the start
    for block in np.unique(blocks[before.rows]):
        late = np.flatnonzero(folds.cells[0] >= block)
        after = encode(with_targets(data, late, poison))
        early = blocks[before.rows] <= block
        assert_same_bytes({"early": before.x.filter(early)}, {"early": after.x.filter(early)})


def chance_distance(y: np.ndarray, prediction: np.ndarray) -> float:
    """Return how far predictions are from chance, in standard errors: of a rank correlation, which AUC is a form of."""
    ranks = [np.argsort(np.argsort(values + 0.0, kind="stable")) for values in (y, prediction)]
    return float(np.corrcoef(*ranks)[0, 1] * np.sqrt(len(y) - 1))


def assert_coin_flips_are_not_predicted(pipeline: Pipeline, data: Data, folds: Folds) -> None:
    """Where the target is noise, predictions of scored rows go with it no more than chance has it."""
    y = target_codes(data.train.y).astype(float)
    results = [pipeline.trained(data, folds, fold.number) for fold in folds]
    rows = np.concatenate([result.valid for result in results])
    distance = chance_distance(y[rows], np.concatenate([result.oof for result in results]))
    # Below chance is no leak: the mean of the other folds is low where this one's is high.
    assert distance < 4, f"noise is predicted {distance:.1f} standard errors better than chance"
