"""Nested target means: kagflow's engine against a loop over scikit-learn's TargetEncoder.

Five outer folds; in each the training rows are encoded over its four inner folds, the valid rows by a fit on all
training rows. Columns of 10, 1,000 and 100,000 categories. kagflow is timed from integers (making categories of them
is part of it) and from categories that are there already; scikit-learn gets what it is fastest with, 32-bit integers
column by column.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
from _measure import Worker, alternate, machine, peak_memory, print_row, verdict
from numpy.typing import NDArray

COLUMNS = {"few": 10, "some": 1_000, "many": 100_000}
FOLDS, SMOOTH, TEST_ROWS = 5, 10.0, 1_000
LEAST_SPEEDUP, LARGEST_DIFFERENCE = 10, 1e-9


def make_data(rows: int) -> tuple[dict[str, NDArray[Any]], NDArray[Any], NDArray[Any]]:
    """Return integer columns, a target that depends on them, and the fold that scores each row."""
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, size, rows, dtype=np.int32) for name, size in COLUMNS.items()}
    effects = [rng.normal(size=size)[columns[name]] for name, size in COLUMNS.items()]
    return columns, np.sum(effects, axis=0) + rng.normal(size=rows), rng.permutation(rows) % FOLDS


# --- kagflow ----------------------------------------------------------------------------------------------------------


def from_integers(rows: int) -> Callable[[], None]:
    """Return the whole way: integers to categories, and the encodings of all folds."""
    tables = _tables(rows)
    return lambda: _exhaust(_encode(_pool(*tables), tables[2]))


def from_categories(rows: int) -> Callable[[], None]:
    """Return the encodings alone; the pool is a new one each time, in which nothing was counted before."""
    from dataclasses import replace

    tables = _tables(rows)
    pool = _pool(*tables)
    return lambda: _exhaust(_encode(replace(pool, _tallies={}), tables[2]))


def as_text(x: Any) -> Any:
    """Return integers as text, which kagflow makes categories of; columns named `categorical` are read like that."""
    import polars as pl

    return x.cast(pl.String)


def _tables(rows: int) -> Any:
    import polars as pl

    from kagflow.data import Table
    from kagflow.splits.folds import folds_from_cells

    columns, y, cells = make_data(rows)
    ids = pl.Series("id", np.arange(rows))
    train = Table(ids=ids, x=pl.DataFrame(columns), y=pl.Series("y", y))
    test = Table(ids=ids[:TEST_ROWS], x=train.x[:TEST_ROWS])
    return train, test, folds_from_cells(ids, cells)


def _pool(train: Any, test: Any, folds: Any) -> Any:
    from kagflow.features import FeatureSet
    from kagflow.features.encoders import TargetMean
    from kagflow.features.pool import make_pool

    features = FeatureSet(rows=(as_text,), target=(TargetMean(tuple(COLUMNS), smooth=SMOOTH),))
    return make_pool(features, train, test, folds)


def _encode(pool: Any, folds: Any) -> Iterator[Any]:
    """Yield the encodings of each fold's training and valid rows, two frames."""
    from kagflow.features.crossfit import build

    made = [f"{name}__target_mean" for name in COLUMNS]
    for fold in folds:
        built = build(pool, fold.train, {"valid": fold.valid})
        yield built.x.select(made), built.frames["valid"].select(made)


# --- by hand ----------------------------------------------------------------------------------------------------------


def scikit_learn(rows: int) -> Callable[[], None]:
    """Return the loop over TargetEncoder."""
    arrays = _arrays(rows)
    return lambda: _exhaust(_encode_by_hand(*arrays))


def _arrays(rows: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    columns, y, cells = make_data(rows)
    return np.asfortranarray(np.stack(list(columns.values()), axis=1)), y, cells


def _encode_by_hand(x: NDArray[Any], y: NDArray[Any], cells: NDArray[Any]) -> Iterator[Any]:
    """Yield the encodings of each fold's training and valid rows, two arrays."""
    from sklearn.preprocessing import TargetEncoder

    def fitted(rows: NDArray[Any]) -> Any:
        return TargetEncoder(smooth=SMOOTH, target_type="continuous").fit(x[rows], y[rows])

    for fold in range(FOLDS):
        encoded = np.empty(x.shape)
        for cell in range(FOLDS):
            if cell != fold:
                own = cells == cell
                encoded[own] = fitted((cells != fold) & ~own).transform(x[own])
        yield encoded[cells != fold], fitted(cells != fold).transform(x[cells == fold])


# --- both -------------------------------------------------------------------------------------------------------------


def _exhaust(folds: Iterator[Any]) -> None:
    """Encode one fold after the other, keeping none, as training does."""
    for _ in folds:
        pass


def largest_difference(rows: int) -> float:
    """Return the largest absolute difference between the encodings of both, over all folds and rows."""
    tables = _tables(rows)
    both = zip(_encode(_pool(*tables), tables[2]), _encode_by_hand(*_arrays(rows)), strict=True)
    pairs = ((frame.to_numpy(), array) for ours, theirs in both for frame, array in zip(ours, theirs, strict=True))
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


SCIKIT_LEARN = "scikit-learn, from integers"
WAYS = {
    "kagflow, from integers": from_integers,
    "kagflow, from categories": from_categories,
    SCIKIT_LEARN: scikit_learn,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean nothing")
    options = parser.parse_args()
    rows, repeats = (20_000, 1) if options.quick else (options.rows, options.repeats)
    print(f"nested target means, {rows:,} rows, {FOLDS} folds ({machine()})", flush=True)
    with ExitStack() as running:
        workers = {name: running.enter_context(Worker(way, rows)) for name, way in WAYS.items()}
        seconds = alternate(workers, repeats)
    memory = {name: peak_memory(way, rows) for name, way in WAYS.items()}
    print_row("what", "s", "times faster", "at least", "peak MiB")
    for name in WAYS:
        speedup = seconds[SCIKIT_LEARN] / seconds[name]
        ours = () if name == SCIKIT_LEARN else (verdict(speedup >= LEAST_SPEEDUP),)
        print_row(name, seconds[name], speedup, LEAST_SPEEDUP if ours else "", round(memory[name]), *ours)
    difference = largest_difference(rows)
    print(f"largest difference {difference:.1e} {verdict(difference < LARGEST_DIFFERENCE)}".rstrip())


if __name__ == "__main__":
    main()
