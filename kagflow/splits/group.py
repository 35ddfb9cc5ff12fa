"""Whole groups: no group is both trained on and scored."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError
from kagflow.splits.folds import Folds, folds_from_cells
from kagflow.splits.splitter import RandomSplitter


@dataclass(frozen=True, kw_only=True)
class Group(RandomSplitter):
    """Whole groups at random, folds of about one size: the largest group goes to the smallest fold first."""

    kind: ClassVar[str] = "group"

    def split(self, table: Table) -> Folds:
        """Deal the groups out."""
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
        """Draw groups, passing over those that would take the stop rows further from their share."""
        codes = group_codes(table)[train]
        groups = np.random.default_rng(seed).permutation(np.unique(codes))
        if len(groups) < 2:
            raise SplitError("no stop rows can be carved from one group", hint="give `rounds` a number")
        sizes = np.bincount(codes)[groups]
        missing, chosen = share * len(train), []
        for group, size in zip(groups, sizes, strict=True):
            if abs(missing - size) < missing:
                chosen.append(group)
                missing -= size
            if missing <= 0:
                break
        return train[np.isin(codes, chosen or groups[np.argmin(sizes)])]

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
    return dense_codes(table.groups)
