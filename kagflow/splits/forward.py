"""Forward in time: trained on the past, scored on what came next."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.splitter import Rows, Splitter, check_at_least


@dataclass(frozen=True, kw_only=True)
class Forward(Splitter):
    """The span of time is cut into ``folds + 1`` blocks of about as many rows; a fold trains on all blocks before its own.

    The first block is never scored. Rows of one moment stay together.
    """

    kind: ClassVar[str] = "forward"
    folds: int = 5

    def __post_init__(self) -> None:
        check_at_least("folds", self.folds, 1)

    def split(self, table: Table) -> Folds:
        blocks = self._blocks(_moments(table))
        folds = tuple(
            Fold(k, 0, np.flatnonzero(blocks <= k), np.flatnonzero(blocks == k + 1)) for k in range(self.folds)
        )
        return Folds(table.ids, folds, blocks[np.newaxis, :], forward=True)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        moments = _moments(table)[train]
        ordered = np.sort(moments)
        if ordered[0] == ordered[-1]:
            raise SplitError("no stop rows can be carved from one moment", hint="give `rounds` a number")
        cut = ordered[len(ordered) - max(round(len(ordered) * share), 1)]
        return train[moments >= max(cut, ordered[0] + 1)]

    def _blocks(self, moments: Rows) -> Rows:
        """Return (n,) blocks 0 to ``folds``; a moment belongs to the block in which its first row falls."""
        counts = np.bincount(moments)
        before = np.cumsum(counts) - counts
        block_of = before * (self.folds + 1) // len(moments)
        found = np.unique(block_of)
        if len(found) < self.folds + 1:
            raise SplitError(
                f"{self.folds} folds forward in time need {self.folds + 1} blocks; "
                f"{len(counts)} distinct moments make only {len(found)}",
                hint="ask for fewer folds",
                where="splitter.folds",
            )
        blocks: Rows = block_of[moments]
        return blocks


def _moments(table: Table) -> Rows:
    """Return (n,) ranks of the rows' times, from 0."""
    if table.time is None:
        raise SplitError(
            "a split forward in time needs a time column, and the competition names none",
            hint="add `time: <column>` to competition.yaml",
            where="splitter.kind",
        )
    return (table.time.rank("dense").to_numpy() - 1).astype(np.int64)
