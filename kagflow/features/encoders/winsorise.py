"""Numbers far out are drawn in."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, numbers
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class Winsorise(FoldStep):
    """Numbers drawn in to quantiles of the training rows, as ``<column>__winsorised`` (Float64); null stays null.

    After Tukey (1962), who named it for C. P. Winsor. A line goes on for ever: a number far beyond those of the
    training rows would be given a fairy-tale prediction by a linear model.

    Parameters
    ----------
    columns
        Columns of numbers.
    share
        Of the training rows beyond either limit; below 0.5. A limit is a number of the training rows.

    Raises
    ------
    FeatureError
        A column is missing, or holds something else.
    """

    columns: tuple[str, ...]
    share: float = 0.005

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "share", 0)
        if self.share >= 0.5:
            raise FeatureError(
                f"share must be below 0.5, got {self.share}", hint="0.005 is usual", where=where_is(self)
            )

    def fit(self, x: Frame) -> "FittedWinsorise":
        """Learn the quantiles; of nothing but nulls there are none."""
        limits = []
        for column in self.columns:
            values = numbers(self, x, column)
            limits.append((column, values.quantile(self.share), values.quantile(1 - self.share)))
        schema = {"column": pl.String, "low": pl.Float64, "high": pl.Float64}
        return FittedWinsorise(self, pl.DataFrame(limits, schema=schema, orient="row"))


@dataclass(frozen=True)
class FittedWinsorise:
    """A lower and an upper limit for each column."""

    step: Winsorise
    limits: Frame

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                numbers(self.step, x, column).clip(low, high).alias(f"{column}__winsorised")
                for column, low, high in self.limits.iter_rows()
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return column, low, high."""
        return {"limits": self.limits}
