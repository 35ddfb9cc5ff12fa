"""Bike Sharing Demand: how many bicycles are rented in an hour, in Washington, D.C., in 2011 and 2012.

Days 1 to 19 of each month are train, the others test: what an hour is like must come from other days. ``FEATURES`` is
for trees, ``LINEAR`` for models that add things up. The figures behind the choices are in NOTES.md.
"""

from datetime import date

import polars as pl

from kagflow.features import FeatureSet

MOMENT = pl.col("datetime").str.to_datetime("%Y-%m-%d %H:%M:%S")
TIME = MOMENT

# --- when -------------------------------------------------------------------------------------------------------------

FIRST_DAY = date(2011, 1, 1)
# Days that the file calls working days and on which many stay at home. All of them fall on test days.
BRIDGES = (date(2011, 11, 25), date(2012, 11, 23), date(2012, 12, 24), date(2012, 12, 26), date(2012, 12, 31))


def add_calendar(x: pl.DataFrame) -> pl.DataFrame:
    """Take the moment apart: the hour and the kind of day say most, then the time of the year, then growth."""
    return x.with_columns(
        hour=MOMENT.dt.hour(),
        weekday=MOMENT.dt.weekday(),  # 1: Monday
        month=MOMENT.dt.month(),
        year=MOMENT.dt.year(),
        # Days since the service began to grow; a straight line to follow where test days lie between training days.
        day_number=(MOMENT.dt.date() - FIRST_DAY).dt.total_days(),
        day_of_year=MOMENT.dt.ordinal_day(),
    )


def add_days_off(x: pl.DataFrame) -> pl.DataFrame:
    """Say whether people go to work: commuters are most of the rentals, and their peaks vanish on days off."""
    is_bridge = MOMENT.dt.date().is_in(BRIDGES)
    return x.with_columns(
        workingday=pl.col("workingday").cast(pl.Boolean) & ~is_bridge,
        holiday=pl.col("holiday").cast(pl.Boolean) | is_bridge,
    )


def add_rush(x: pl.DataFrame) -> pl.DataFrame:
    """Say when it is crowded: commuters morning and evening, leisure in the afternoon of a day off."""
    hour, works = pl.col("hour"), pl.col("workingday")
    return x.with_columns(
        is_rush=pl.when(works).then(hour.is_in([7, 8, 9, 16, 17, 18, 19])).otherwise(hour.is_between(10, 19)),
        is_night=hour.is_between(0, 5),
        # Friday night is long: hours since Monday 0:00 say at once what hour and weekday only say together.
        hour_of_week=(pl.col("weekday").cast(pl.Int32) - 1) * 24 + hour,
    )


# --- weather ----------------------------------------------------------------------------------------------------------


def add_weather(x: pl.DataFrame) -> pl.DataFrame:
    """Tell what was not measured. The weather is this hour's only: the hours around it are other rows."""
    return x.with_columns(
        # Exactly 0 stands for calm and for not measured; nothing between 0 and 6 was ever written.
        windspeed=pl.when(pl.col("windspeed") > 0).then("windspeed"),
        # One day without a humidity sensor.
        humidity=pl.when(pl.col("humidity") > 0).then("humidity"),
    )


ROWS = (add_calendar, add_days_off, add_rush, add_weather)
FEATURES = FeatureSet(rows=ROWS)

# --- for linear models ------------------------------------------------------------------------------------------------


def name_levels(x: pl.DataFrame) -> pl.DataFrame:
    """Make categories of what has no straight line: every hour of the week, and every month, has a level of its own."""
    hour, works = pl.col("hour"), pl.col("workingday")
    return x.with_columns(
        pl.col("hour_of_week").cast(pl.String),
        pl.col("weather").clip(1, 3).cast(pl.String),  # a thunderstorm, seen thrice, is as bad as rain
        # All 24 months are in train and in test: growth and season in one.
        month_number=pl.concat_str("year", "month", separator="-"),
        # Nights and peaks change with the seasons.
        hour_season=pl.concat_str(hour, works, "season", separator="-"),
    )


def bend(x: pl.DataFrame) -> pl.DataFrame:
    """Let the heat be too much, and the weather count more where nobody must ride."""
    leisure = (~pl.col("workingday")).cast(pl.Float64)
    warmth = (pl.col("temp") - 20) / 10
    dampness = (pl.col("humidity") - 60) / 20
    return x.with_columns(
        warmth_squared=warmth**2,
        dampness_squared=dampness**2,
        warmth_leisure=warmth * leisure,
        dampness_leisure=dampness * leisure,
        dampness_warmth=dampness * warmth,
    )


# What is a category now, or a straight line through what is none.
BENT = ("hour", "weekday", "month", "year", "season", "day_of_year", "day_number")

LINEAR = FeatureSet(rows=(*ROWS, name_levels, bend), drop=BENT)
