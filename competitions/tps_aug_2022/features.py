"""TPS August 2022: does a super-absorbent product fail, by how it was loaded and by 18 measurements in the lab.

Test holds products that train has not. Nothing that tells one product from another can be learned from a few of them,
so every column that does so is left out, and measurements count by how far they are from their own product's mean.
``FEATURES`` is for trees, ``LINEAR`` for models that add things up. The figures behind the choices are in NOTES.md.
"""

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import GroupAggregate

LAB = tuple(f"measurement_{number}" for number in range(3, 17))  # all on one scale, some missing


# --- what each row says -----------------------------------------------------------------------------------------------


def add_missing(x: pl.DataFrame) -> pl.DataFrame:
    """Say whether two measurements were taken, which was not left to chance.

    Failures are more frequent where measurement 5 is missing, and rarer where measurement 3 is.
    """
    return x.with_columns(pl.col("measurement_3", "measurement_5").is_null().name.suffix("__missing"))


def add_lab_mean(x: pl.DataFrame) -> pl.DataFrame:
    """Say how high the measurements of one scale are together: each alone is mostly noise."""
    return x.with_columns(lab__mean=pl.mean_horizontal(LAB))


def name_product(x: pl.DataFrame) -> pl.DataFrame:
    """Make a category of the product, for a step to group by; no model gets it."""
    return x.with_columns(product=pl.col("product_code"))


# --- how far from what is usual for the product -----------------------------------------------------------------------

COUNTED = ("loading", "measurement_2", "measurement_17", "lab__mean")
# Learned from train and test: of a product that is scored nothing else would be known. Its target is never seen.
USUAL = GroupAggregate(COUNTED, by=("product",), statistics=("mean", "std"))


def standardise(x: pl.DataFrame) -> pl.DataFrame:
    """Count in standard deviations from the product's mean: its own level tells the product, and nothing of others."""
    above = {name: pl.col(name) - pl.col(f"{name}__mean_by_product") for name in COUNTED}
    return x.with_columns(
        (above[name] / pl.col(f"{name}__std_by_product")).alias(f"{name}__within") for name in COUNTED
    )


def take_for_usual(x: pl.DataFrame) -> pl.DataFrame:
    """Take what is missing for what is usual for the product; a line needs a number."""
    return x.with_columns(pl.selectors.ends_with("__within").fill_null(0.0))


ROWS = (add_missing, add_lab_mean, name_product)
TELL_THE_PRODUCT = ("product", "attribute_?", "*_by_product", "loading", "lab__mean", "measurement_?", "measurement_??")

FEATURES = FeatureSet(rows=ROWS, pooled=(USUAL,), then=(standardise,), drop=TELL_THE_PRODUCT)
LINEAR = FeatureSet(rows=ROWS, pooled=(USUAL,), then=(standardise, take_for_usual), drop=TELL_THE_PRODUCT)
