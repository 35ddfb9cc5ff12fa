"""How a row differs from what is usual in its group."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import fix_names, numbers
from kagflow.features.encoders.group_aggregate import FittedGroupAggregate, GroupAggregate
from kagflow.features.encoders.statistics import check_statistic
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class _GroupComparison(FoldStep):
    columns: tuple[str, ...]
    by: tuple[str, ...]
    statistic: str = "mean"

    word: ClassVar[str]

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        fix_names(self, "by")
        check_statistic(self, "statistic", self.statistic)

    def fit(self, x: Frame) -> "FittedGroupComparison":
        """Aggregate the training rows by group, and all of them."""
        return FittedGroupComparison(self, GroupAggregate(self.columns, self.by, (self.statistic,)).fit(x))

    @abstractmethod
    def compare(self, value: pl.Series, usual: pl.Series) -> pl.Series:
        """Return (n,) how values compare with what is usual."""


@dataclass(frozen=True)
class GroupDifference(_GroupComparison):
    """The number less what is usual in its group, as ``<column>__minus_<statistic>_by_<group>`` (Float64).

    What is usual is learned as by ``GroupAggregate``: null is a group of its own, and a group that was not seen has the
    statistic of all training rows. A null stays null.

    Parameters
    ----------
    columns
        Columns of numbers.
    by
        Categorical or boolean columns; several make a group of every combination.
    statistic
        One that ``GroupAggregate`` knows.

    Raises
    ------
    FeatureError
        A column is missing or of another kind, or there is no such statistic.
    """

    word: ClassVar[str] = "minus"

    def compare(self, value: pl.Series, usual: pl.Series) -> pl.Series:
        """Return (n,) differences."""
        return value - usual


@dataclass(frozen=True)
class GroupRatio(_GroupComparison):
    """The number divided by what is usual in its group, as ``<column>__over_<statistic>_by_<group>`` (Float64).

    What is usual is learned as by ``GroupAggregate``: null is a group of its own, and a group that was not seen has the
    statistic of all training rows. A null stays null, and where 0 is usual there is no ratio: null.

    Parameters
    ----------
    columns
        Columns of numbers.
    by
        Categorical or boolean columns; several make a group of every combination.
    statistic
        One that ``GroupAggregate`` knows.

    Raises
    ------
    FeatureError
        A column is missing or of another kind, or there is no such statistic.
    """

    word: ClassVar[str] = "over"

    def compare(self, value: pl.Series, usual: pl.Series) -> pl.Series:
        """Return (n,) ratios."""
        return value / usual.set(usual == 0, None)


@dataclass(frozen=True)
class FittedGroupComparison:
    """What is usual in each group."""

    step: _GroupComparison
    usual: FittedGroupAggregate

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        step, by = self.step, "_".join(self.step.by)
        usual = self.usual.transform(x)
        return pl.DataFrame(
            [
                step.compare(numbers(step, x, column), own).alias(f"{column}__{step.word}_{step.statistic}_by_{by}")
                for column, own in zip(step.columns, usual, strict=True)
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return the statistic by group, and that of all training rows."""
        return self.usual.tables()
