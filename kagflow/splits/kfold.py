"""K folds of independent rows, plain or stratified by class."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from kagflow.data import Rows, Table
from kagflow.data.table import target_codes
from kagflow.errors import SplitError
from kagflow.splits.folds import Folds, folds_from_cells
from kagflow.splits.splitter import RandomSplitter


@dataclass(frozen=True, kw_only=True)
class KFold(RandomSplitter):
    """Rows at random, all folds of one size (give or take a row)."""

    kind: ClassVar[str] = "kfold"

    def split(self, table: Table) -> Folds:
        """Deal the rows out, whatever they are."""
        _check_enough_rows(table, self.folds)
        return folds_from_cells(table.ids, deal(table.height, self.folds, np.random.default_rng(self.seed)))

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw from all training rows."""
        return draw_share(train, share, np.random.default_rng(seed))


@dataclass(frozen=True, kw_only=True)
class Stratified(RandomSplitter):
    """Rows at random, every class spread evenly over the folds."""

    kind: ClassVar[str] = "stratified"

    def split(self, table: Table) -> Folds:
        """Deal the rows out class by class."""
        _check_enough_rows(table, self.folds)
        rng = np.random.default_rng(self.seed)
        order = np.concatenate([rng.permutation(rows) for rows in _rows_by_class(table, np.arange(table.height))])
        cells = np.empty(table.height, dtype=np.int64)
        cells[order] = np.arange(table.height) % self.folds  # dealt on from class to class, so that sizes stay even
        return folds_from_cells(table.ids, cells)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw from the rows of every class that has more than one."""
        rng = np.random.default_rng(seed)
        drawn = [draw_share(rows, share, rng) for rows in _rows_by_class(table, train) if len(rows) > 1]
        return np.sort(np.concatenate(drawn)) if drawn else draw_share(train, share, rng)


def deal(n: int, folds: int, rng: np.random.Generator) -> Rows:
    """Return (n,) cells, dealt out evenly in random order."""
    cells = np.empty(n, dtype=np.int64)
    cells[rng.permutation(n)] = np.arange(n) % folds
    return cells


def draw_share(rows: Rows, share: float, rng: np.random.Generator) -> Rows:
    """Return a random share of rows, ascending; at least one, and never all."""
    if len(rows) < 2:
        raise SplitError(f"no stop rows can be carved from {len(rows)} training rows", hint="give `rounds` a number")
    count = min(max(round(len(rows) * share), 1), len(rows) - 1)
    return np.sort(rng.choice(rows, size=count, replace=False))


def _rows_by_class(table: Table, rows: Rows) -> list[Rows]:
    if table.y is None or not isinstance(table.y.dtype, pl.Enum):
        raise SplitError(
            "a stratified split needs a target of classes; this one is numbers",
            hint="use `kind: kfold`",
            where="splitter.kind",
        )
    codes = target_codes(table.y)[rows]
    return [rows[codes == code] for code in np.unique(codes)]


def _check_enough_rows(table: Table, folds: int) -> None:
    if table.height < folds:
        raise SplitError(
            f"{folds} folds need at least {folds} rows; there are {table.height}",
            hint="ask for fewer folds",
            where="splitter.folds",
        )
