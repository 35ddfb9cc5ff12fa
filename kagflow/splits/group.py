"""Whole groups: no group is both trained on and scored."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError
from kagflow.splits.splitter import RandomSplitter
from kagflow.splits.strata import check_bins, strata
from kagflow.splits.whole import deal_whole, draw_whole, take_part


@dataclass(frozen=True, kw_only=True)
class Group(RandomSplitter):
    """Whole groups at random, folds of about one size: the largest group goes to the smallest fold first."""

    kind: ClassVar[str] = "group"

    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Deal the groups out."""
        codes = group_codes(table)
        check_enough_groups(codes, self.folds, self.kind)
        return deal_whole(codes, self.folds, rng)

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Draw groups, passing over those that would take the stop rows further from their share."""
        return draw_whole(group_codes(table)[train], train, share, seed, "group")


@dataclass(frozen=True, kw_only=True)
class StratifiedGroup(RandomSplitter):
    """Whole groups, with classes (or bins of a target of numbers) as even over the folds as greedy dealing makes them.

    Groups are dealt in descending order of size, those of one size at random. Each goes to the fold that holds least
    of what the group brings: least is the sum over all classes (and the rows as one more) of the share that the fold
    holds, times the share that the group has. This is the choice that adds least to the sum of squared shares, which
    is smallest where all folds are alike.

    Parameters
    ----------
    bins
        Quantile bins of a target of numbers; at least two. Of no meaning to classes.
    """

    kind: ClassVar[str] = "stratified_group"
    bins: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bins(self.bins)

    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Deal the groups out, looking at the target."""
        codes = group_codes(table)
        check_enough_groups(codes, self.folds, self.kind)
        return deal_whole(codes, self.folds, rng, strata(table, np.arange(table.height), self.bins))

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Deal the training rows' groups out to as many parts as the share says, and take the one nearest to it."""
        rng = np.random.default_rng(seed)
        return take_part(group_codes(table)[train], train, share, rng, strata(table, train, self.bins), "group")


def group_codes(table: Table) -> Rows:
    """Return (n,) codes of the groups.

    Raises
    ------
    SplitError
        The table has no groups.
    """
    groups: pl.Series | None = table.groups
    if groups is None:
        raise SplitError(
            "a group split needs groups, and the competition names none",
            hint="add `group: <column>` to competition.yaml, or GROUP = <expression> to features.py",
            where="splitter.kind",
        )
    return dense_codes(groups)


def check_enough_groups(codes: Rows, count: int, kind: str, setting: str = "folds") -> None:
    """Raise a SplitError unless every fold (or part) can have a group of its own."""
    groups = int(codes.max()) + 1
    if groups < count:
        raise SplitError(
            f"{count} {setting} need at least {count} groups; the column has {groups}",
            hint=f"ask for {groups} {setting}: --set splitter.kind={kind} --set splitter.{setting}={groups}"
            if groups > 1
            else "check `group` in competition.yaml",
            where=f"splitter.{setting}",
        )
