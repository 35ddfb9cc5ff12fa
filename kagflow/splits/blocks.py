"""Blocks of time: what happened together is scored together."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import polars as pl

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError, did_you_mean
from kagflow.splits.folds import Fold, Folds
from kagflow.splits.splitter import RandomSplitter, check_at_least
from kagflow.splits.when import Clock, Span, check_span, clock, length, times_of
from kagflow.splits.whole import deal_whole, draw_whole

Order = Literal["random", "turn"]
_CALENDAR = {"hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"}


@dataclass(frozen=True, kw_only=True)
class Blocks(RandomSplitter):
    """Time is cut into blocks of consecutive time, and whole blocks are dealt out to the folds.

    For rows that resemble their neighbours in time, where not the future is scored but gaps in the past.

    Parameters
    ----------
    unit
        Where times are dates: ``hour``, ``day``, ``week`` (from Monday), ``month`` or ``year``. Where they are numbers:
        a number, and blocks begin at its multiples.
    size
        Units a block.
    order
        ``random``: by the seed, such that folds have about as many rows; ``turn``: one block to each fold in turn.
    embargo
        A length of time: rows within it (it included) before or after a row that is scored are not trained on. Rows
        that are encoded by one another in training, and stop rows, have no such distance from each other.
    """

    kind: ClassVar[str] = "blocks"
    unit: str | float = "day"
    size: int = 1
    order: Order = "random"
    embargo: Span = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("size", self.size, 1)
        _check_unit(self.unit)
        check_span("embargo", self.embargo)
        if self.order not in get_args(Order):
            raise SplitError(
                f"no order is called {self.order!r}",
                hint=did_you_mean(str(self.order), get_args(Order)),
                where="splitter.order",
            )
        if self.order == "turn" and self.repeats > 1:
            raise SplitError("blocks dealt in turn are the same every time", "use `order: random`", "splitter.repeats")

    def split(self, table: Table) -> Folds:
        """Deal the blocks out, and leave rows near to scored ones out of training."""
        folds = super().split(table)
        time = times_of(table)
        embargo = length("embargo", self.embargo, time)
        if not embargo:
            return folds
        times = clock(time)
        kept = tuple(Fold(f.number, f.repeat, _beyond(embargo, times, f.train, f.valid), f.valid) for f in folds)
        return Folds(folds.ids, kept, folds.cells)

    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Deal the blocks out."""
        codes = self._blocks(table)
        blocks = int(codes.max()) + 1
        if blocks < self.folds:
            raise SplitError(
                f"{self.folds} folds need at least {self.folds} blocks of time; there are {blocks}",
                hint="ask for fewer folds, or for shorter blocks (`unit`, `size`)",
                where="splitter.folds",
            )
        return codes % self.folds if self.order == "turn" else deal_whole(codes, self.folds, rng)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw blocks, passing over those that would take the stop rows further from their share."""
        return draw_whole(self._blocks(table)[train], train, share, seed, "block of time")

    def units(self, table: Table) -> tuple[str, Rows | None]:
        """Return the blocks; groups, where there are any, lie within them."""
        return "blocks", self._blocks(table)

    def _blocks(self, table: Table) -> Rows:
        """Return (n,) codes of the blocks that hold rows, in their order."""
        time = times_of(table)
        if isinstance(self.unit, str) != time.dtype.is_temporal():
            raise SplitError(
                f"{self.unit!r} is no unit where times are {time.dtype}",
                hint=f"write a number where times are numbers, or one of {', '.join(_CALENDAR)} where they are dates",
                where="splitter.unit",
            )
        if isinstance(self.unit, str):
            return dense_codes(time.dt.truncate(f"{self.size}{_CALENDAR[self.unit]}"))
        return dense_codes(pl.Series(np.floor(clock(time) / (self.unit * self.size))))


def _beyond(embargo: float, times: Clock, train: Rows, valid: Rows) -> Rows:
    """Return the training rows that are further than the embargo from every valid row."""
    scored = np.sort(times[valid])
    next_one = np.searchsorted(scored, times[train])
    after = scored[np.minimum(next_one, len(scored) - 1)]
    before = scored[np.maximum(next_one - 1, 0)]
    distance = np.minimum(np.abs(after - times[train]), np.abs(times[train] - before))
    beyond: Rows = train[distance > embargo]
    return beyond


def _check_unit(unit: object) -> None:
    if isinstance(unit, str):
        if unit not in _CALENDAR:
            raise SplitError(
                f"no unit of time is called {unit!r}", hint=did_you_mean(unit, _CALENDAR), where="splitter.unit"
            )
    elif not isinstance(unit, int | float) or isinstance(unit, bool) or not 0 < unit < float("inf"):
        raise SplitError(f"expected a unit of time or a positive number, got {unit!r}", where="splitter.unit")
