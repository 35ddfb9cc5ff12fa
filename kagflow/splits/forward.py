"""Forward in time: trained on the past, scored on what came next."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.data import Rows, Table
from kagflow.errors import SplitError
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.group import check_enough_groups, group_codes
from kagflow.splits.splitter import Splitter, check_at_least
from kagflow.splits.when import Span, check_span, clock, length, moment, moments_of, times_of
from kagflow.splits.whole import at_least_two, deal_whole

_DEFAULT_FOLDS = 5
EXPANDING = "expanding"


@dataclass(frozen=True, kw_only=True)
class Forward(Splitter):
    """Time is cut into ``folds + 1`` blocks; a fold trains on blocks before its own. The first is never scored.

    Parameters
    ----------
    folds
        Their number. Blocks have about as many rows; rows of one moment stay together.
    dates
        Where each block that is scored begins, ascending; the last one ends with the data. They replace ``folds``.
    gap
        A length of time: the least there is between a row that is trained on and the first moment that is scored.
    window
        ``expanding``: all blocks before are trained on; a number: so many of the latest.

    Notes
    -----
    Rows that are encoded by one another in training (by earlier blocks), and stop rows (the latest moments), have no
    gap between them.
    """

    kind: ClassVar[str] = "forward"
    folds: int = _DEFAULT_FOLDS
    dates: tuple[str | float, ...] = ()
    gap: Span = 0
    window: str | int = EXPANDING

    def __post_init__(self) -> None:
        check_at_least("folds", self.folds, 1)
        check_span("gap", self.gap)
        if self.window != EXPANDING:
            _check_window(self.window)
        if not isinstance(self.dates, list | tuple):
            raise SplitError(f"expected a list of dates, got {self.dates!r}", where="splitter.dates")
        object.__setattr__(self, "dates", tuple(self.dates))
        if self.dates:
            if self.folds not in (_DEFAULT_FOLDS, len(self.dates)):
                raise SplitError(
                    f"{len(self.dates)} dates make {len(self.dates)} folds, not {self.folds}",
                    hint="remove `folds`",
                    where="splitter.folds",
                )
            object.__setattr__(self, "folds", len(self.dates))

    def split(self, table: Table) -> Folds:
        """Train on blocks up to k, score block k + 1."""
        blocks = self._blocks(table)
        folds = tuple(
            Fold(k, 0, self._past(table, blocks, k), np.flatnonzero(blocks == k + 1)) for k in range(self.folds)
        )
        return Folds(table.ids, folds, blocks[np.newaxis, :], forward=True)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Take the latest moments."""
        moments = moments_of(table)[train]
        ordered = np.sort(moments)
        if ordered[0] == ordered[-1]:
            raise SplitError("no stop rows can be carved from one moment", hint="give `rounds` a number")
        cut = ordered[len(ordered) - max(round(len(ordered) * share), 1)]
        stop: Rows = train[moments >= max(cut, ordered[0] + 1)]
        return stop

    def units(self, table: Table) -> tuple[str, Rows | None]:
        """Return groups where the table has them, else moments."""
        return ("moments", moments_of(table)) if table.groups is None else super().units(table)

    def _past(self, table: Table, blocks: Rows, fold: int) -> Rows:
        """Return the rows that a fold may train on, as far as time is concerned."""
        first = 0 if isinstance(self.window, str) else fold + 1 - self.window
        past = (blocks <= fold) & (blocks >= first)
        gap = length("gap", self.gap, times_of(table))
        if gap:
            times = clock(times_of(table))
            past &= times <= times[blocks == fold + 1].min() - gap
        if not past.any():
            raise SplitError(
                f"fold {fold} has no training rows: the gap of {self.gap} takes all that its window holds",
                hint="shorten the gap, or ask for longer blocks (fewer `folds`, later `dates`) or a larger `window`",
                where="splitter.gap",
            )
        return np.flatnonzero(past)

    def _blocks(self, table: Table) -> Rows:
        """Return (n,) blocks 0 to ``folds``, each of at least one moment."""
        return self._between_dates(table) if self.dates else self._of_equal_rows(moments_of(table))

    def _between_dates(self, table: Table) -> Rows:
        time = times_of(table)
        starts = np.array([moment("dates", value, time) for value in self.dates])
        if (np.diff(starts) <= 0).any():
            raise SplitError("the dates must ascend", hint="sort them, earliest first", where="splitter.dates")
        blocks: Rows = np.searchsorted(starts, clock(time), side="right").astype(np.int64)
        empty = np.flatnonzero(np.bincount(blocks, minlength=len(starts) + 1) == 0)
        if len(empty):
            k = int(empty[0])
            raise SplitError(
                f"no row lies {'before' if k == 0 else 'in the block from'} {self.dates[max(k - 1, 0)]}",
                hint=f"the rows' times are {time.min()!s} to {time.max()!s}",
                where="splitter.dates",
            )
        return blocks

    def _of_equal_rows(self, moments: Rows) -> Rows:
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


@dataclass(frozen=True, kw_only=True)
class GroupForward(Forward):
    """Forward in time and on other groups: a fold trains on earlier rows of groups that it does not score.

    Groups are dealt out to parts; every block of time after the first is scored part by part, each by a model of the
    earlier rows of the other parts. There are ``folds`` times ``parts`` folds, and every row after the first block is
    scored once (but where a block has no row of a part).

    Parameters
    ----------
    parts
        Parts of the groups; at least two.
    seed
        Of their draw.

    Notes
    -----
    Cells are blocks of time: a training row is encoded by earlier ones, those of its own group included. Rows that
    are scored have no such company; encode by group with care.
    """

    kind: ClassVar[str] = "group_forward"
    parts: int = 2
    seed: int = 42

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("parts", self.parts, 2)
        check_at_least("seed", self.seed, 0)

    def split(self, table: Table) -> Folds:
        """Train on blocks up to k of the other parts, score block k + 1 of one part."""
        codes, blocks = group_codes(table), self._blocks(table)
        check_enough_groups(codes, self.parts, self.kind, setting="parts")
        part_of = deal_whole(codes, self.parts, np.random.default_rng(self.seed))
        folds: list[Fold] = []
        for k in range(self.folds):
            past = self._past(table, blocks, k)
            for part in range(self.parts):
                valid = np.flatnonzero((blocks == k + 1) & (part_of == part))
                if len(valid):
                    folds.append(Fold(len(folds), 0, past[part_of[past] != part], valid))
        return Folds(table.ids, tuple(folds), blocks[np.newaxis, :], forward=True)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Take the groups that came last, whole; the first group that passes the share is taken too."""
        codes, moments = group_codes(table)[train], moments_of(table)[train]
        groups = at_least_two(codes, "group")
        began = np.full(int(codes.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(began, codes, moments)
        latest = groups[np.argsort(-began[groups], kind="stable")]
        taken = np.cumsum(np.bincount(codes)[latest])
        count = min(int(np.searchsorted(taken, share * len(train))) + 1, len(groups) - 1)
        stop: Rows = train[np.isin(codes, latest[:count])]
        return stop


def _check_window(window: object) -> None:
    if not isinstance(window, int) or isinstance(window, bool) or window < 1:
        raise SplitError(
            f"expected `{EXPANDING}` or a number of blocks, got {window!r}",
            hint="a window that slides is the number of blocks that are trained on",
            where="splitter.window",
        )
