"""What is usual among the rows of the same group."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import categories, fix_names, numbers
from kagflow.features.encoders.settings import check_word
from kagflow.features.steps import FoldStep

_STATISTICS = ("mean", "std", "median", "min", "max")


@dataclass(frozen=True)
class GroupAggregate(FoldStep):
    """Statistics of numbers over the training rows of a group, as ``<column>__<statistic>_by_<group>`` (Float64).

    Null is a group of its own. Where a group has no such statistic (it was not seen, all its numbers are null, or it
    has one row and no deviation), the statistic over all training rows stands in.

    Parameters
    ----------
    columns
        Columns of numbers.
    by
        Categorical or boolean columns; several make a group of every combination.
    statistics
        Some of ``mean``, ``std`` (of a sample: divided by n - 1), ``median``, ``min`` and ``max``.

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
            check_word(self, "statistics", statistic, _STATISTICS)

    def fit(self, x: Frame) -> "FittedGroupAggregate":
        """Aggregate the training rows by group, and all of them."""
        rows = self.groups_of(x).hstack([numbers(self, x, column) for column in self.columns])
        aggregates = [
            getattr(pl.col(column), statistic)().alias(f"{column}__{statistic}_by_{'_'.join(self.by)}")
            for column in self.columns
            for statistic in self.statistics
        ]
        return FittedGroupAggregate(self, rows.group_by(self.by).agg(aggregates).sort(self.by), rows.select(aggregates))

    def groups_of(self, x: Frame) -> Frame:
        """Return (n, len(by)) the rows' groups."""
        return pl.DataFrame([categories(self, x, name) for name in self.by])


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
            pl.col(name).fill_null(pl.lit(self.overall[name].item(), dtype=pl.Float64)) for name in self.overall.columns
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return the statistics by group, and those of all training rows."""
        return {f"by_{'_'.join(self.step.by)}": self.groups, "overall": self.overall}
