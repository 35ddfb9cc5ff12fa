"""Statistics of numbers, by the words that settings name them with."""

import re

import polars as pl

from kagflow.data import Frame, Target
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.settings import check_word

_STATISTICS = ("mean", "std", "var", "skew", "median", "min", "max", "count", "nunique")
_COUNTS = ("count", "nunique")
_QUANTILE = re.compile(r"quantile_(\d*\.?\d+)")


def check_statistic(step: object, field: str, word: str) -> None:
    """Raise a FeatureError unless a word names a statistic: a name, or ``quantile_<share>``."""
    quantile = _QUANTILE.fullmatch(word)
    if quantile and float(quantile[1]) > 1:
        raise FeatureError(
            f"{field} cannot be {word!r}", hint="a quantile is of a share: quantile_0.9", where=where_is(step)
        )
    if not quantile:
        check_word(step, field, word, _STATISTICS)


def is_count(word: str) -> bool:
    """Whether a statistic counts, so that it is 0 where there is nothing."""
    return word in _COUNTS


def statistic_of(column: str, word: str) -> pl.Expr:
    """Return a statistic of the numbers in a column that are there (Float64); null where they have none.

    ``std`` and ``var`` are of a sample (divided by n - 1), ``skew`` is not corrected for bias, quantiles are linear
    between two numbers.
    """
    numbers = pl.col(column)
    quantile = _QUANTILE.fullmatch(word)
    if quantile:
        return numbers.quantile(float(quantile[1]), interpolation="linear")
    result: pl.Expr = numbers.drop_nulls().n_unique() if word == "nunique" else getattr(numbers, word)()
    return result.cast(pl.Float64).fill_nan(None)  # the skewness of numbers that do not vary is no number


def as_numbers(y: Target) -> Frame:
    """Return (n, k) the numbers of a target of which statistics are taken, by what their names end in.

    Of two classes the number is 1 for the last one; of more there is a column a class, ``_<class>``.
    """
    if not isinstance(y.dtype, pl.Enum):
        return pl.DataFrame({"": y.cast(pl.Float64)})
    classes = y.dtype.categories.to_list()
    wanted = {f"_{name}": name for name in classes} if len(classes) > 2 else {"": classes[-1]}
    return pl.DataFrame({ending: (y == name).cast(pl.Float64) for ending, name in wanted.items()})
