"""One column a category."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.levels import Levels
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class OneHot(FoldStep):
    """Whether the row has the category, as ``<column>__is_<category>`` (UInt8, 0 or 1), one column a category.

    Null is a category of its own: ``<column>__is_null``. A row with a category that got no column has zeros only.

    Parameters
    ----------
    columns
        Categorical or boolean columns.
    at_least
        A category (or null) with fewer training rows gets no column.

    Raises
    ------
    FeatureError
        A column is missing or holds no categories, or two columns would get one name.
    """

    columns: tuple[str, ...]
    at_least: int = 1

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "at_least", 1)

    def fit(self, x: Frame) -> "FittedOneHot":
        """Find the categories that get a column."""
        levels = tuple(Levels.of(self, x, column) for column in self.columns)
        kept = tuple(self._kept(each, x) for each in levels)
        names = pl.concat([table["column"] for table in kept])
        twice = names.filter(names.is_duplicated())
        if twice.len():
            raise FeatureError(
                f"two categories would both be the column {twice[0]!r}",
                hint="rename a category in `rows` (null is called 'null' here)",
                where=where_is(self),
            )
        return FittedOneHot(self, levels, kept)

    def _kept(self, levels: Levels, x: Frame) -> Frame:
        counts = levels.counts(self, x)
        category = levels.names()
        table = pl.DataFrame([category, pl.Series("count", counts)]).with_row_index("level")
        column = pl.lit(f"{levels.column}__is_") + pl.col("category").fill_null("null")
        return table.with_columns(column=column).filter(pl.col("count") >= self.at_least)


@dataclass(frozen=True)
class FittedOneHot:
    """The levels that got a column, a frame for each source column."""

    step: OneHot
    levels: tuple[Levels, ...]
    kept: tuple[Frame, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each category kept."""
        columns = []
        for levels, kept in zip(self.levels, self.kept, strict=True):
            codes = levels.codes(self.step, x)
            columns += [
                pl.Series(name, (codes == level).astype(np.uint8))
                for name, level in kept.select("column", "level").iter_rows()
            ]
        return pl.DataFrame(height=x.height).with_columns(columns)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that got a column: category, count, column."""
        return {
            levels.column: kept.select("category", "count", "column")
            for levels, kept in zip(self.levels, self.kept, strict=True)
        }
