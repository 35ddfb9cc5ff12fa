"""Rare categories become one."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.levels import Levels
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class RareToOther(FoldStep):
    """Categories with few training rows, and unseen ones, become one category; null stays null.

    The new column ``<column>__rare`` is an Enum of the column's whole vocabulary and ``other``, whatever was rare, so
    that its type is the same in every fold.

    Parameters
    ----------
    columns
        Categorical or boolean columns.
    at_least
        A category with fewer training rows is rare.
    other
        What rare categories become; it may be a category already.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.
    """

    columns: tuple[str, ...]
    at_least: int = 10
    other: str = "(other)"

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "at_least", 1)

    def fit(self, x: Frame) -> "FittedRareToOther":
        """Count the categories of the training rows."""
        levels = tuple(Levels.of(self, x, column) for column in self.columns)
        return FittedRareToOther(self, levels, tuple(self._replacements(each, x) for each in levels))

    def _replacements(self, levels: Levels, x: Frame) -> Frame:
        """Return (levels,) each category with its count and what it becomes."""
        names = levels.names()
        vocabulary = pl.Enum([*names.drop_nulls(), *([] if self.other in names else [self.other])])
        is_common = (pl.col("count") >= self.at_least) | pl.col("category").is_null()
        return pl.DataFrame([names, pl.Series("count", levels.counts(self, x))]).with_columns(
            becomes=pl.when(is_common).then("category").otherwise(pl.lit(self.other)).cast(vocabulary)
        )


@dataclass(frozen=True)
class FittedRareToOther:
    """What each level becomes, a frame for each column."""

    step: RareToOther
    levels: tuple[Levels, ...]
    replacements: tuple[Frame, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                table["becomes"].gather(levels.codes(self.step, x)).alias(f"{levels.column}__rare")
                for levels, table in zip(self.levels, self.replacements, strict=True)
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, all categories: category, count, becomes."""
        return {levels.column: table for levels, table in zip(self.levels, self.replacements, strict=True)}
