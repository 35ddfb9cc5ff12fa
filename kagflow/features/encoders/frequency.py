"""How common a category is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.levels import Levels
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class Frequency(FoldStep):
    """The share of training rows with the row's category, as ``<column>__frequency`` (Float64).

    Null is a category of its own; a category unseen in the training rows has 0.

    Parameters
    ----------
    columns
        Categorical or boolean columns.

    Raises
    ------
    FeatureError
        A column is missing, or holds no categories.
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def fit(self, x: Frame) -> "FittedFrequency":
        """Count the categories of the training rows."""
        levels = tuple(Levels.of(self, x, column) for column in self.columns)
        return FittedFrequency(self, levels, tuple(each.counts(self, x) for each in levels))


@dataclass(frozen=True)
class FittedFrequency:
    """(levels,) counts of the training rows, a column each."""

    step: Frequency
    levels: tuple[Levels, ...]
    counts: tuple[NDArray[np.int64], ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                pl.Series(f"{levels.column}__frequency", np.take(_shares(counts), levels.codes(self.step, x)))
                for levels, counts in zip(self.levels, self.counts, strict=True)
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, count, frequency."""
        return {
            levels.column: pl.DataFrame(
                [levels.names(), pl.Series("count", counts), pl.Series("frequency", _shares(counts))]
            ).filter(pl.col("count") > 0)
            for levels, counts in zip(self.levels, self.counts, strict=True)
        }


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares
