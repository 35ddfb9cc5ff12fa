"""Forward in time: trained on the past, scored on what came next."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.splitter import Splitter, check_at_least


@dataclass(frozen=True, kw_only=True)
class Forward(Splitter):
    """Time is cut into ``folds + 1`` blocks of about as many rows; a fold trains on all blocks before its own.

    The first block is never scored. Rows of one moment stay together.
    """

    kind: ClassVar[str] = "forward"
    folds: int = 5

    def __post_init__(self) -> None:
        check_at_least("folds", self.folds, 1)

    def split(self, table: Table) -> Folds:
        """Train on blocks 0 to k, score block k + 1."""
        blocks = self._blocks(_moments(table))
        folds = tuple(
            Fold(k, 0, np.flatnonzero(blocks <= k), np.flatnonzero(blocks == k + 1)) for k in range(self.folds)
        )
        return Folds(table.ids, folds, blocks[np.newaxis, :], forward=True)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Take the latest moments."""
        moments = _moments(table)[train]
        ordered = np.sort(moments)
        if ordered[0] == ordered[-1]:
            raise SplitError("no stop rows can be carved from one moment", hint="give `rounds` a number")
        cut = ordered[len(ordered) - max(round(len(ordered) * share), 1)]
        stop: Rows = train[moments >= max(cut, ordered[0] + 1)]
        return stop

    def _blocks(self, moments: Rows) -> Rows:
        """Return (n,) blocks 0 to ``folds``, each of at least one moment."""
        counts = np.bincount(moments)
        if len(counts) < self.folds + 1:
            raise SplitError(
                f"{self.folds} folds forward in time need {self.folds + 1} distinct moments; there are {len(counts)}",
                hint="ask for fewer folds",
                where="splitter.folds",
            )
        rows_before = np.cumsum(counts) - counts
        steps = np.arange(self.folds)
        # A block starts with the first moment at or after its even share of rows ...
        starts = np.searchsorted(rows_before * (self.folds + 1), (steps + 1) * len(moments))
        # ... but at least one moment after the block before, and early enough for the blocks to come.
        starts = np.maximum.accumulate(starts - steps) + steps
        starts = np.minimum(starts, len(counts) - self.folds + steps)
        blocks: Rows = np.searchsorted(starts, moments, side="right")
        return blocks


def _moments(table: Table) -> Rows:
    """Return (n,) ranks of the rows' times, from 0."""
    if table.time is None:
        raise SplitError(
            "a split forward in time needs a time column, and the competition names none",
            hint="add `time: <column>` to competition.yaml",
            where="splitter.kind",
        )
    return dense_codes(table.time)
