"""Whole groups: no group is both trained on and scored."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits.folds import Folds, folds_from_cells
from kagflow.splits.splitter import Rows, Splitter, check_at_least


@dataclass(frozen=True, kw_only=True)
class Group(Splitter):
    """Whole groups at random, folds of about one size: the largest group goes to the smallest fold first."""

    kind: ClassVar[str] = "group"
    folds: int = 5
    seed: int = 42

    def __post_init__(self) -> None:
        check_at_least("folds", self.folds, 2)

    def split(self, table: Table) -> Folds:
        codes = group_codes(table)
        sizes = np.bincount(codes)
        if len(sizes) < self.folds:
            raise SplitError(
                f"{self.folds} folds need at least {self.folds} groups; the column has {len(sizes)}",
                hint=f"ask for {len(sizes)} folds: --set splitter.kind=group --set splitter.folds={len(sizes)}"
                if len(sizes) > 1
                else "check `group` in competition.yaml",
                where="splitter.folds",
            )
        return folds_from_cells(table.ids, self._balance(sizes)[codes])

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        codes = group_codes(table)[train]
        groups = np.random.default_rng(seed).permutation(np.unique(codes))
        if len(groups) < 2:
            raise SplitError("no stop rows can be carved from one group", hint="give `rounds` a number")
        sizes = np.bincount(codes)[groups]
        enough = int(np.searchsorted(np.cumsum(sizes), share * len(train))) + 1
        chosen = groups[: min(enough, len(groups) - 1)]
        return train[np.isin(codes, chosen)]

    def _balance(self, sizes: Rows) -> Rows:
        """Return the fold of each group."""
        order = np.random.default_rng(self.seed).permutation(len(sizes))
        order = order[np.argsort(-sizes[order], kind="stable")]
        filled = np.zeros(self.folds, dtype=np.int64)
        fold_of = np.empty(len(sizes), dtype=np.int64)
        for group in order:
            fold_of[group] = np.argmin(filled)
            filled[fold_of[group]] += sizes[group]
        return fold_of


def group_codes(table: Table) -> Rows:
    """Return (n,) codes of the groups.

    Raises
    ------
    SplitError
        The table has no groups.
    """
    if table.groups is None:
        raise SplitError(
            "a group split needs groups, and the competition names none",
            hint="add `group: <column>` to competition.yaml",
            where="splitter.kind",
        )
    return (table.groups.rank("dense").to_numpy() - 1).astype(np.int64)
