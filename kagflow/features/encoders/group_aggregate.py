"""What is usual among the rows of the same group."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import categories, fix_names, numbers
from kagflow.features.encoders.statistics import check_statistic, is_count, statistic_of
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class GroupAggregate(FoldStep):
    """Statistics of numbers over the training rows of a group, as ``<column>__<statistic>_by_<group>`` (Float64).

    Null is a group of its own. Where a group has no such statistic (it was not seen, all its numbers are null, or it
    has one row and no deviation), the statistic over all training rows stands in; counts are 0 there.

    Parameters
    ----------
    columns
        Columns of numbers.
    by
        Categorical or boolean columns; several make a group of every combination.
    statistics
        Some of ``mean``, ``std``, ``var`` (of a sample: divided by n - 1), ``skew`` (not corrected for bias),
        ``median``, ``min``, ``max``, ``quantile_<share>``, ``count`` and ``nunique`` (of numbers that are not null).

    Raises
    ------
    FeatureError
        A column is missing or of another kind, or there is no such statistic.
    """

    columns: tuple[str, ...]
    by: tuple[str, ...]
    statistics: tuple[str, ...] = ("mean", "std")

    def __post_init__(self) -> None:
        for field in ("columns", "by", "statistics"):
            fix_names(self, field)
        for statistic in self.statistics:
            check_statistic(self, "statistics", statistic)

    def fit(self, x: Frame) -> "FittedGroupAggregate":
        """Aggregate the training rows by group, and all of them."""
        rows = self.groups_of(x).hstack([numbers(self, x, column) for column in self.columns])
        aggregates = [statistic_of(column, word).alias(name) for name, (column, word) in self.made().items()]
        return FittedGroupAggregate(self, rows.group_by(self.by).agg(aggregates).sort(self.by), rows.select(aggregates))

    def groups_of(self, x: Frame) -> Frame:
        """Return (n, len(by)) the rows' groups."""
        return pl.DataFrame([categories(self, x, name) for name in self.by])

    def made(self) -> dict[str, tuple[str, str]]:
        """Return the columns that are made, with the column and the statistic that each is of."""
        return {
            f"{column}__{statistic}_by_{'_'.join(self.by)}": (column, statistic)
            for column in self.columns
            for statistic in self.statistics
        }


@dataclass(frozen=True)
class FittedGroupAggregate:
    """One row of statistics for each group, and one for all training rows."""

    step: GroupAggregate
    groups: Frame
    overall: Frame

    def transform(self, x: Frame) -> Frame:
        """Return one column for each statistic of each column."""
        by = list(self.step.by)
        found = self.step.groups_of(x).join(self.groups, on=by, how="left", nulls_equal=True, maintain_order="left")
        return found.select(
            pl.col(name).fill_null(pl.lit(0 if is_count(word) else self.overall[name].item(), dtype=pl.Float64))
            for name, (_, word) in self.step.made().items()
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return the statistics by group, and those of all training rows."""
        return {f"by_{'_'.join(self.step.by)}": self.groups, "overall": self.overall}
