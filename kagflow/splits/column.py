"""Folds that somebody else decided on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from kagflow.data import Frame, Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError
from kagflow.splits.folds import Folds, folds_from_cells
from kagflow.splits.splitter import Splitter
from kagflow.splits.whole import draw_whole


@dataclass(frozen=True, kw_only=True)
class Column(Splitter):
    """Folds as a column of train says, or a file of the competition's folder: one row an id, one column a repeat.

    Each value is a fold, in ascending order. What these folds respect is not known, so stop rows are whole folds too
    (of the first repeat). With fewer than four folds, target steps then have nothing left to cross-fit: give `rounds`
    a number.
    """

    kind: ClassVar[str] = "column"

    def split(self, table: Table) -> Folds:
        """Take the folds as they are."""
        return folds_from_cells(table.ids, np.array([_codes(column) for column in _given(table)]))

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw folds, passing over those that would take the stop rows further from their share."""
        return draw_whole(dense_codes(_given(table).to_series())[train], train, share, seed, "fold")


def _given(table: Table) -> Frame:
    if table.fold is None:
        raise SplitError(
            "a split by column needs a column of folds, and the competition names none",
            hint="add `fold: <column>` to competition.yaml, or `fold_file: <file>` with one row an id",
            where="splitter.kind",
        )
    return table.fold


def _codes(column: pl.Series) -> Rows:
    codes = dense_codes(column)
    if codes.max() == 0:
        raise SplitError(
            f"the column {column.name!r} puts all rows in one fold", hint="name another column", where="splitter.kind"
        )
    return codes
