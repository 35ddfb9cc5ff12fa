"""Numbers on one scale, for models that need it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import finite_numbers, fix_names, numbers
from kagflow.features.encoders.standardise import moments, standardise
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class Scale(FoldStep):
    """The number of standard deviations above the mean of the training rows, as ``<column>__scaled`` (Float64).

    The standard deviation divides by n. A column that does not vary in the training rows becomes 0; null stays null.

    Parameters
    ----------
    columns
        Columns of numbers.

    Raises
    ------
    FeatureError
        A column is missing, holds something else, or holds infinite numbers in the training rows.
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def fit(self, x: Frame) -> "FittedScale":
        """Learn means and standard deviations."""
        rows = [(column, *moments(finite_numbers(self, x, column))) for column in self.columns]
        schema = {"column": pl.String, "mean": pl.Float64, "std": pl.Float64}
        return FittedScale(self, pl.DataFrame(rows, schema=schema, orient="row"))


@dataclass(frozen=True)
class FittedScale:
    """A mean and standard deviation for each column."""

    step: Scale
    moments: Frame

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                standardise(numbers(self.step, x, column), mean, deviation).alias(f"{column}__scaled")
                for column, mean, deviation in self.moments.iter_rows()
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return column, mean, std."""
        return {"moments": self.moments}
