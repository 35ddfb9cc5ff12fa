"""Churn: which of 7043 customers of a telephone company left within the month, by contract, services and bills.

``FEATURES`` is for trees, ``LINEAR`` for models that add things up. The figures behind the choices are in NOTES.md.
"""

import polars as pl

from kagflow.features import FeatureSet

# --- what they pay ----------------------------------------------------------------------------------------------------


def bill_newcomers_nothing(x: pl.DataFrame) -> pl.DataFrame:
    """Total charges are empty where tenure is 0: the first bill has not been written, which is no unknown."""
    return x.with_columns(pl.when(pl.col("tenure") == 0).then(0.0).otherwise("total_charges").alias("total_charges"))


# --- what they have ---------------------------------------------------------------------------------------------------

SAFETY = ("online_security", "online_backup", "device_protection", "tech_support")
STREAMING = ("streaming_tv", "streaming_movies")


def add_services(x: pl.DataFrame) -> pl.DataFrame:
    """How much ties them to the company: who would have to replace many services stays."""
    return x.with_columns(
        safety=pl.sum_horizontal(pl.col(name) == "Yes" for name in SAFETY),
        streaming=pl.sum_horizontal(pl.col(name) == "Yes" for name in STREAMING),
    )


# --- how they are bound -----------------------------------------------------------------------------------------------

MONTHS = {"Month-to-month": 1, "One year": 12, "Two year": 24}


def add_contract(x: pl.DataFrame) -> pl.DataFrame:
    """The length of a contract is a number, and a bill that pays itself is not thought about each month."""
    return x.with_columns(
        contract_months=pl.col("contract").replace_strict(MONTHS, default=None, return_dtype=pl.Int64),
        pays_automatically=pl.col("payment_method").str.ends_with("(automatic)"),
    )


ROWS = (bill_newcomers_nothing, add_services, add_contract)

# --- for trees --------------------------------------------------------------------------------------------------------

FEATURES = FeatureSet(rows=ROWS)

# --- for linear models ------------------------------------------------------------------------------------------------


def bend(x: pl.DataFrame) -> pl.DataFrame:
    """A line cannot bend by itself: the first months decide more than the sixth year."""
    any_month = (pl.col("contract_months") == 1).cast(pl.Float64)
    fiber = (pl.col("internet_service") == "Fiber optic").cast(pl.Float64)
    tenure = pl.col("tenure").log1p()
    return x.with_columns(
        tenure_log=tenure,
        # Who may leave any month is another kind of customer, and so is who has the fast line: slopes of their own.
        tenure_any_month=any_month * tenure,
        charges_any_month=any_month * pl.col("monthly_charges"),
        tenure_fiber=fiber * tenure,
        charges_fiber=fiber * pl.col("monthly_charges"),
    )


LINEAR = FeatureSet(rows=(*ROWS, bend))
