"""Mean 0 and standard deviation 1."""

import polars as pl


def moments(values: pl.Series) -> tuple[float | None, float]:
    """Return mean and standard deviation (divided by n) of (n,) numbers; exactly 0 where they do not vary.

    Sums of equal numbers carry rounding errors, so that what varies is seen by minimum and maximum.
    """
    mean, deviation = values.mean(), values.std(ddof=0)
    varies = values.min() != values.max()
    return mean, deviation if varies else 0.0  # type: ignore[return-value]  # polars: of any type


def standardise(values: pl.Series, mean: float | None, deviation: float) -> pl.Series:
    """Return (n,) standardised numbers: 0 where the numbers learned from did not vary; null stays null."""
    return (values - mean) / deviation if deviation else values.set(values.is_not_null(), 0.0)
