"""Skewed numbers made more like a normal distribution."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import finite_numbers, fix_names, numbers
from kagflow.features.encoders.standardise import moments, standardise
from kagflow.features.steps import FoldStep

_LEAST_SPREAD = 1e-8  # of the standard deviation beside the mean: half of a float's sixteen digits


@dataclass(frozen=True)
class Power(FoldStep):
    """The Yeo-Johnson transform (Yeo and Johnson, 2000), standardised, as ``<column>__power`` (Float64).

    Its exponent lambda has the maximum likelihood for a normal distribution of the training rows. It is 1, which
    changes no number, where the likeliest one squeezes the numbers until what is left of their differences is rounding
    errors (numbers that differ in their last digits only). A column that does not vary in the training rows becomes 0;
    null stays null.

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

    def fit(self, x: Frame) -> "FittedPower":
        """Learn exponents, and the moments of what they make."""
        rows = []
        for column in self.columns:
            values = finite_numbers(self, x, column)
            rows.append((column, *_learn(values)))
        schema = {"column": pl.String, "lambda": pl.Float64, "mean": pl.Float64, "std": pl.Float64}
        return FittedPower(self, pl.DataFrame(rows, schema=schema, orient="row"))


@dataclass(frozen=True)
class FittedPower:
    """An exponent, mean and standard deviation for each column."""

    step: Power
    powers: Frame

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                standardise(_yeo_johnson(numbers(self.step, x, column), power), mean, deviation).alias(
                    f"{column}__power"
                )
                for column, power, mean, deviation in self.powers.iter_rows()
            ]
        )

    def tables(self) -> Mapping[str, Frame]:
        """Return column, lambda, and mean and std after the transform."""
        return {"powers": self.powers}


def _learn(values: pl.Series) -> tuple[float, float | None, float]:
    """Return the exponent, and mean and standard deviation of what it makes."""
    power = _most_likely_power(values)
    mean, deviation = moments(_yeo_johnson(values, power))
    if mean is not None and abs(mean) * _LEAST_SPREAD < deviation < math.inf:
        return power, mean, deviation
    return 1.0, *moments(values)


def _most_likely_power(values: pl.Series) -> float:
    from scipy.stats import yeojohnson_normmax

    known = values.drop_nulls()
    if known.n_unique() < 2:
        return 1.0
    return float(yeojohnson_normmax(known.to_numpy()))


def _yeo_johnson(values: pl.Series, power: float) -> pl.Series:
    """Return (n,) transformed numbers, each by itself; null stays null."""
    from scipy.stats import yeojohnson

    if power == 1:
        return values  # by definition; the way through logarithms would cost the last digits
    return pl.Series(values.name, yeojohnson(values.to_numpy(), lmbda=power)).fill_nan(None)
