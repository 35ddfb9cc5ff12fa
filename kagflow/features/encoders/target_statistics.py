"""More than the mean of what the target was for rows of the same category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.data import Frame, Target
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.combinations import Columns, fix_columns
from kagflow.features.encoders.levels import AnyLevels, Codes, levels_of_rows, take_by_level
from kagflow.features.encoders.moments import MOMENTS, LevelMoments
from kagflow.features.encoders.settings import check_number
from kagflow.features.encoders.statistics import as_numbers, check_statistic, is_count, statistic_of
from kagflow.features.steps import AdditiveStep


@dataclass(frozen=True)
class TargetStatistics(AdditiveStep):
    """Statistics of the target of the row's category, smoothed, as ``<column>__target_<statistic>`` (Float64).

    Each is drawn towards the statistic of all rows, (count * own + m * of all) / (count + m) with m for ``smooth``; for
    the mean that is ``TargetMean``. Counts are as they are. Null is a category of its own; a category that has no such
    statistic (it was not seen, or has one row and no deviation) has that of all rows. Of two classes the target is 1
    for the last one; for more there is a column a class, ``<column>__target_<statistic>_<class>``.

    ``mean``, ``std``, ``var`` and ``count`` follow from sums, which are counted once for all folds: a step of these
    alone is the fastest.

    Parameters
    ----------
    columns
        Categorical or boolean columns; a tuple of several stands for their combination, ``<a>_x_<b>``.
    statistics
        Some of ``mean``, ``std``, ``var`` (of a sample: divided by n - 1), ``skew`` (not corrected for bias),
        ``median``, ``min``, ``max``, ``quantile_<share>``, ``count`` and ``nunique``.
    smooth
        How many rows the statistic of all rows counts for; 0 for none.

    Raises
    ------
    FeatureError
        A column is missing or holds no categories, or there is no such statistic.

    Examples
    --------
    >>> step = TargetStatistics("street", ["median", "std", "quantile_0.9"])
    """

    columns: Columns
    statistics: tuple[str, ...] = ("median", "std")
    smooth: float = 10.0

    def __post_init__(self) -> None:
        fix_columns(self, "columns")
        fix_names(self, "statistics")
        for statistic in self.statistics:
            check_statistic(self, "statistics", statistic)
        check_number(self, "smooth", 0)

    @property
    def adds_up(self) -> bool:
        """Whether all statistics follow from sums."""
        return set(self.statistics) <= set(MOMENTS)

    def fit(self, x: Frame, y: Target) -> "FittedTargetStatistics":
        """Aggregate the target by level, and over all rows."""
        if self.adds_up:
            return self.finish(self.tally(x, y))
        targets = as_numbers(y)
        statistics = [statistic_of(ending, word).alias(name) for name, word, ending in self._made(targets.columns)]
        of_all = targets.select(statistics).row(0, named=True)
        learned = []
        for levels, codes in levels_of_rows(self, x, self.columns):
            by_level = _aggregate(codes, len(levels), targets, statistics)
            learned.append((levels, self._drawn(by_level, targets.columns, of_all)))
        return FittedTargetStatistics(self, tuple(learned))

    def tally(self, x: Frame, y: Target) -> "MomentsTally":
        """Return counts, sums and squared deviations of the target for every level of every column."""
        targets = as_numbers(y)
        keys = levels_of_rows(self, x, self.columns)
        moments = (LevelMoments.of(levels, codes, targets) for levels, codes in keys)
        return MomentsTally(tuple(targets.columns), tuple(moments))

    def finish(self, tally: "MomentsTally") -> "FittedTargetStatistics":
        """Return the smoothed statistics."""
        learned = []
        for moments in tally.moments:
            words = [(name, word, tally.endings.index(ending)) for name, word, ending in self._made(tally.endings)]
            own = {name: moments.statistic(word, k) for name, word, k in words}
            of_all = {name: moments.statistic_of_all(word, k) for name, word, k in words}
            by_level = pl.DataFrame({"rows": moments.sums.counts, **own}).fill_nan(None)
            learned.append((moments.sums.levels, self._drawn(by_level, tally.endings, of_all)))
        return FittedTargetStatistics(self, tuple(learned))

    def _made(self, endings: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return what each statistic is called, its word, and what its numbers' names end in."""
        return [(f"{word}{ending}", word, ending) for word in self.statistics for ending in endings]

    def _drawn(self, by_level: Frame, endings: Sequence[str], of_all: Mapping[str, float | None]) -> Frame:
        """Return the number of rows of each level, and its statistics drawn towards those of all rows."""
        smoothed = (self._smoothed(name, word, of_all[name]) for name, word, _ in self._made(endings))
        return by_level.select(pl.col("rows").fill_null(0).cast(pl.Int64), *smoothed)

    def _smoothed(self, name: str, word: str, of_all: float | None) -> pl.Expr:
        """Return a statistic drawn towards that of all rows, which stands in where there is none."""
        if is_count(word):
            return pl.col(name).fill_null(0)
        usual = pl.lit(of_all, dtype=pl.Float64).fill_nan(None)
        drawn = (pl.col("rows") * pl.col(name) + self.smooth * usual) / (pl.col("rows") + self.smooth)
        return drawn.fill_null(usual).alias(name)


@dataclass(frozen=True)
class MomentsTally:
    """For each key the moments of the target, by what the names of its numbers end in."""

    endings: tuple[str, ...]
    moments: tuple[LevelMoments, ...]

    def __add__(self, other: "MomentsTally") -> "MomentsTally":
        return MomentsTally(self.endings, tuple(a + b for a, b in zip(self.moments, other.moments, strict=True)))


@dataclass(frozen=True)
class FittedTargetStatistics:
    """For each key, (levels,) rows and smoothed statistics."""

    step: TargetStatistics
    learned: tuple[tuple[AnyLevels, Frame], ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each statistic of each key, or one for each class of it."""
        levels = [each for each, _ in self.learned]
        made = [
            table.drop("rows").select(pl.all().name.prefix(f"{each.column}__target_")) for each, table in self.learned
        ]
        return take_by_level(self.step, x, levels, made)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, rows, and the smoothed statistics."""
        return {
            each.column: pl.DataFrame([each.names(), *table]).filter(pl.col("rows") > 0) for each, table in self.learned
        }


def _aggregate(codes: Codes, size: int, targets: Frame, statistics: list[pl.Expr]) -> Frame:
    """Return (size,) the number of rows of every level, and the statistics; null where there are none."""
    rows = targets.with_columns(pl.Series("level", codes, dtype=pl.Int64))
    seen = rows.group_by("level").agg(pl.len().alias("rows"), *statistics)
    levels = pl.DataFrame({"level": np.arange(size, dtype=np.int64)})
    return levels.join(seen, on="level", how="left", maintain_order="left")
