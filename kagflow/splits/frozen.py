"""Folds on disk: made once for a data set and a splitter, then only read."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import polars as pl

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.splitter import Splitter


def frozen_folds(splitter: Splitter, table: Table, data_fingerprint: str, folder: Path) -> Folds:
    """Return the folds of a table, from disk if they were made before.

    Parameters
    ----------
    splitter, table
        How to split, and what.
    data_fingerprint
        Names the data set.
    folder
        ``data/<name>/folds``; the file is ``<hash of data and splitter>.parquet``, one row an id.

    Raises
    ------
    SplitError
        The rows cannot be split so, or the file no longer holds what was written.
    """
    path = folder / f"{_key(splitter, data_fingerprint)}.parquet"
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


def _reorder(table: Table, order: np.ndarray) -> Table:
    columns = {
        name: None if column is None else column[order]
        for name in ("y", "groups", "time", "weight")
        for column in [getattr(table, name)]
    }
    return Table(ids=table.ids[order], x=pl.DataFrame({"id": table.ids[order]}), **columns)


def _key(splitter: Splitter, data_fingerprint: str) -> str:
    settings = json.dumps({"kind": splitter.kind, **dataclasses.asdict(splitter)}, sort_keys=True, default=str)
    return hashlib.sha256(f"{data_fingerprint} {settings}".encode()).hexdigest()[:16]


def _write(folds: Folds, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".partial.{os.getpid()}")
    folds.to_frame().write_parquet(
        partial, metadata={"fingerprint": folds.fingerprint, "forward": str(folds.forward).lower()}
    )
    partial.replace(path)


def _read(path: Path, table: Table) -> Folds:
    metadata = pl.read_parquet_metadata(path)
    folds = Folds.from_frame(pl.read_parquet(path), forward=metadata.get("forward") == "true")
    if folds.fingerprint != metadata.get("fingerprint") or not folds.ids.equals(table.ids, check_names=False):
        raise SplitError(
            "the frozen folds are not what was written, or belong to other rows",
            hint="restore the file; removing it makes new folds, which do not compare with runs on the old ones",
            where=str(path),
        )
    return folds
