"""Obesity risk (Playground S4E2): seven levels of weight, from what people weigh, eat and do.

The levels are ranges of the body mass index: what is hard is near their limits, where the answers on eating and moving
say on which side somebody is. ``FEATURES`` is for trees, ``LINEAR`` for models that add things up. The figures behind
the choices are in NOTES.md.
"""

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import ordinal

# --- words that have an order -------------------------------------------------------------------------------------

OFTEN = ("no", "Sometimes", "Frequently", "Always")
ORDERS = {"CAEC": OFTEN, "CALC": OFTEN}  # food between meals; alcohol
number_words = ordinal(ORDERS)

# --- for trees ----------------------------------------------------------------------------------------------------

# No index: trees do better with height and weight as they are (NOTES.md).
FEATURES = FeatureSet(rows=(number_words,), drop=tuple(ORDERS))

# --- for linear models --------------------------------------------------------------------------------------------

# The upper limits of the levels, as the World Health Organization draws them; overweight is halved at 27.5.
LIMITS = (18.5, 25, 27.5, 30, 35, 40)


def add_body(x: pl.DataFrame) -> pl.DataFrame:
    """The body mass index, weight (kg) by height (m) squared; a line may bend at each limit, for each sex."""
    bmi = pl.col("Weight") / pl.col("Height") ** 2
    above = {f"BMI__above_{limit}": (bmi - limit).clip(0) for limit in LIMITS}
    is_man = pl.col("Gender") == "Male"
    return x.with_columns(
        BMI=bmi,
        **above,
        **{f"{name}__of_men": pl.when(is_man).then(value).otherwise(0.0) for name, value in above.items()},
    )


def add_products(x: pl.DataFrame) -> pl.DataFrame:
    """What the habits of a heavy person say is not what they say of a light one; age counts by tenths."""
    bmi = pl.col("BMI") - 25
    return x.with_columns(
        pl.col("Age").log(),
        *((bmi * pl.col(name)).alias(f"{name}__by_BMI") for name in ("Age", "FCVC", "NCP", "CH2O", "FAF", "TUE")),
    )


# On a scale of a few steps, or by the year and the kilogram.
ANSWERS = ("Age", "Weight", "FCVC", "NCP", "CH2O", "FAF", "TUE")


def mark_whole_numbers(x: pl.DataFrame) -> pl.DataFrame:
    """People answer in whole numbers; between them lie rows that a generator mixed of several answers."""
    return x.with_columns((pl.col(name) == pl.col(name).round()).alias(f"{name}__is_whole") for name in ANSWERS)


LINEAR = FeatureSet(rows=(number_words, mark_whole_numbers, add_body, add_products))
