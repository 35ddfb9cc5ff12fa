"""K folds of independent rows, plain or stratified by target."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Rows, Table
from kagflow.errors import SplitError
from kagflow.splits.splitter import RandomSplitter
from kagflow.splits.strata import check_bins, strata


@dataclass(frozen=True, kw_only=True)
class KFold(RandomSplitter):
    """Rows at random, all folds of one size (give or take a row)."""

    kind: ClassVar[str] = "kfold"

    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Deal the rows out, whatever they are."""
        _check_enough_rows(table, self.folds)
        return _deal_in_order(rng.permutation(table.height), self.folds)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw from all training rows."""
        return draw_share(train, share, np.random.default_rng(seed))


@dataclass(frozen=True, kw_only=True)
class Stratified(RandomSplitter):
    """Rows at random, every class (or bin of a target of numbers) spread evenly over the folds.

    Parameters
    ----------
    bins
        Quantile bins of a target of numbers; at least two. Of no meaning to classes.
    """

    kind: ClassVar[str] = "stratified"
    bins: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bins(self.bins)

    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Deal the rows out class by class; on from class to class, so that sizes stay even."""
        _check_enough_rows(table, self.folds)
        members = self._rows_by_stratum(table, np.arange(table.height))
        return _deal_in_order(np.concatenate([rng.permutation(rows) for rows in members]), self.folds)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw from the rows of every class that has more than one."""
        rng = np.random.default_rng(seed)
        drawn = [draw_share(rows, share, rng) for rows in self._rows_by_stratum(table, train) if len(rows) > 1]
        return np.sort(np.concatenate(drawn)) if drawn else draw_share(train, share, rng)

    def _rows_by_stratum(self, table: Table, rows: Rows) -> list[Rows]:
        codes = strata(table, rows, self.bins)
        return [rows[codes == code] for code in np.unique(codes)]


def draw_share(rows: Rows, share: float, rng: np.random.Generator) -> Rows:
    """Return a random share of rows, ascending; at least one, and never all."""
    if len(rows) < 2:
        raise SplitError(f"no stop rows can be carved from {len(rows)} training rows", hint="give `rounds` a number")
    count = min(max(round(len(rows) * share), 1), len(rows) - 1)
    return np.sort(rng.choice(rows, size=count, replace=False))


def _deal_in_order(order: Rows, folds: int) -> Rows:
    """Return (n,) cells: the rows in that order go to one fold after the other."""
    cells = np.empty(len(order), dtype=np.int64)
    cells[order] = np.arange(len(order)) % folds
    return cells


def _check_enough_rows(table: Table, folds: int) -> None:
    if table.height < folds:
        raise SplitError(
            f"{folds} folds need at least {folds} rows; there are {table.height}",
            hint="ask for fewer folds",
            where="splitter.folds",
        )
