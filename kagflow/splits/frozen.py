"""Folds on disk: made once for a data set and a splitter, then only read."""

import dataclasses
import hashlib
import json
import uuid
from pathlib import Path

import numpy as np
import polars as pl

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.splitter import Splitter
from kagflow.splits.when import clock


def frozen_folds(splitter: Splitter, table: Table, data_fingerprint: str, folder: Path) -> Folds:
    """Return the folds of a table, from disk if they were made before.

    Parameters
    ----------
    splitter, table
        How to split, and what.
    data_fingerprint
        Names the data set.
    folder
        ``data/<name>/folds``; the file is ``<hash of data, splitter, and what it looks at>.parquet``, one row an id.

    Raises
    ------
    SplitError
        The rows cannot be split so, or the file no longer holds what was written.
    """
    path = folder / f"{_key(splitter, table, data_fingerprint)}.parquet"
    if path.exists():
        return _read(path, table)
    folds = split_by_id(splitter, table)
    _write(folds, path)
    return folds


def split_by_id(splitter: Splitter, table: Table) -> Folds:
    """Return folds that depend on the ids and what is known of their rows, not on the order of the file."""
    order = table.ids.arg_sort().to_numpy().astype(np.int64)
    folds = splitter.split(_reorder(table, order))
    cells = np.empty_like(folds.cells)
    cells[:, order] = folds.cells
    moved = tuple(
        Fold(fold.number, fold.repeat, np.sort(order[fold.train]), np.sort(order[fold.valid])) for fold in folds
    )
    return Folds(table.ids, moved, cells, folds.forward)


def _reorder(table: Table, order: Rows) -> Table:
    """Return the rows in that order, with all that a splitter may look at; features are not among it."""

    def move(column: pl.Series | None) -> pl.Series | None:
        return None if column is None else column[order]

    ids = table.ids[order]
    return Table(
        ids=ids,
        x=ids.to_frame(),
        y=move(table.y),
        groups=move(table.groups),
        time=move(table.time),
        weight=move(table.weight),
        fold=None if table.fold is None else table.fold[order],
    )


def _key(splitter: Splitter, table: Table, data_fingerprint: str) -> str:
    """Return a hash of all that decides on the folds.

    The data set alone is not enough: its group column may be another one today.
    """
    settings = json.dumps({"kind": splitter.kind, **dataclasses.asdict(splitter)}, sort_keys=True, default=str)
    digest = hashlib.sha256(f"{data_fingerprint} {settings}".encode())
    given = [] if table.fold is None else [(f"fold {repeat}", column) for repeat, column in enumerate(table.fold)]
    for name, column in (("y", table.y), ("groups", table.groups), *given):
        if column is not None:
            digest.update(name.encode() + dense_codes(column).astype("<i8").tobytes())
    if table.time is not None:  # not its ranks: blocks and gaps hang on how much time lies between
        digest.update(f"time {table.time.dtype}".encode() + clock(table.time).tobytes())
    return digest.hexdigest()[:16]


def _write(folds: Folds, path: Path) -> None:
    """Write all or nothing; of several writers (processes, threads) the last one wins, with the same folds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.partial")
    try:
        folds.to_frame().write_parquet(
            partial, metadata={"fingerprint": folds.fingerprint, "forward": str(folds.forward).lower()}
        )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _read(path: Path, table: Table) -> Folds:
    try:
        metadata = pl.read_parquet_metadata(path)
        folds = Folds.from_frame(pl.read_parquet(path), forward=metadata.get("forward") == "true")
    except (pl.exceptions.PolarsError, SplitError) as error:
        raise _not_as_written(f"cannot be read: {str(error).splitlines()[0]}", path) from None
    if folds.fingerprint != metadata.get("fingerprint"):
        raise _not_as_written("are not what was written", path)
    if not folds.ids.equals(table.ids, check_names=False):
        raise _not_as_written("belong to other rows", path)
    return folds


def _not_as_written(what: str, path: Path) -> SplitError:
    return SplitError(
        f"the frozen folds {what}",
        hint="restore the file; removing it makes new folds, which do not compare with runs on the old ones",
        where=str(path),
    )
