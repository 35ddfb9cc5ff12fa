"""How much a category speaks for one of two classes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.data import Frame, Target
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.combinations import Columns, fix_columns
from kagflow.features.encoders.levels import Array, take_by_level
from kagflow.features.encoders.settings import check_number
from kagflow.features.encoders.target_mean import TargetTally, table_of_seen
from kagflow.features.steps import AdditiveStep


@dataclass(frozen=True)
class WeightOfEvidence(AdditiveStep):
    """The log-odds of the last of two classes given the row's category, less those of all rows.

    As ``<column>__weight_of_evidence`` (Float64): ln(P(category | last) / P(category | first)) after Good (1985), with
    the shares smoothed as in ``TargetMean``. On this scale evidence adds up, which is what a linear model of two
    classes does. Null is a category of its own; a category unseen in the fit weighs 0.

    Parameters
    ----------
    columns
        Categorical or boolean columns; a tuple of several stands for their combination, ``<a>_x_<b>``.
    smooth
        For how many rows of the usual classes a category counts before its first; above 0, so that no weight is
        infinite.

    Raises
    ------
    FeatureError
        A column is missing or holds no categories, or the target is not one of two classes.
    """

    columns: Columns
    smooth: float = 10.0

    def __post_init__(self) -> None:
        fix_columns(self, "columns")
        check_number(self, "smooth", 1e-6)

    def tally(self, x: Frame, y: Target) -> TargetTally:
        """Return counts of rows and of the last class for every level of every column."""
        if not isinstance(y.dtype, pl.Enum) or len(y.dtype.categories) != 2:
            raise FeatureError(
                "weights of evidence are for a target of two classes", hint="use TargetMean", where=where_is(self)
            )
        return TargetTally.of(self, x, y)

    def finish(self, tally: TargetTally) -> "FittedWeightOfEvidence":
        """Return the weights."""
        weights = []
        for sums, means in zip(tally.sums, tally.smoothed_means(self.smooth), strict=True):
            prior = sums.values[1].sum() / sums.counts.sum()
            one_class = prior in (0, 1)  # nothing speaks for or against the only class there is
            weights.append(np.zeros(len(sums.levels)) if one_class else _log_odds(means[0]) - _log_odds(prior))
        return FittedWeightOfEvidence(self, tally, tuple(weights))


@dataclass(frozen=True)
class FittedWeightOfEvidence:
    """For each key, (levels,) weights."""

    step: WeightOfEvidence
    tally: TargetTally
    weights: tuple[Array, ...]

    def transform(self, x: Frame) -> Frame:
        """Return one column for each key."""
        levels = self.tally.levels
        made = [
            pl.DataFrame({f"{each.column}__weight_of_evidence": own})
            for each, own in zip(levels, self.weights, strict=True)
        ]
        return take_by_level(self.step, x, levels, made)

    def tables(self) -> Mapping[str, Frame]:
        """Return, by column, the categories that were seen: category, count, share of the last class, weight."""
        return {
            sums.levels.column: table_of_seen(sums, [pl.Series("share", sums.means[0]), pl.Series("weight", weights)])
            for sums, weights in zip(self.tally.sums, self.weights, strict=True)
        }


def _log_odds(share: Array) -> Array:
    odds: Array = np.log(share) - np.log1p(-share)
    return odds
