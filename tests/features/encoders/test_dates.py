import math
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.encoders import cyclic, dates, days_to
from kagflow.features.pool import run_row_function

ORACLES = {
    "year": lambda moment: moment.year,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "month": lambda moment: moment.month,
    "week": lambda moment: moment.isocalendar().week,
    "day": lambda moment: moment.day,
    "day_of_year": lambda moment: moment.timetuple().tm_yday,
    "weekday": lambda moment: moment.isoweekday(),
    "weekend": lambda moment: moment.isoweekday() in (6, 7),
    "month_start": lambda moment: moment.day == 1,
    "month_end": lambda moment: (moment + timedelta(1)).day == 1,
    "days": lambda moment: moment.toordinal() - date(1970, 1, 1).toordinal(),
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
}
DAYS = st.dates(date(1960, 1, 1), date(2040, 12, 31))
MOMENTS = st.datetimes(datetime(1960, 1, 1), datetime(2040, 12, 31))
CHRISTMAS = [date(2023, 12, 25), date(2024, 12, 25)]


def day_frame(days) -> pl.DataFrame:
    return pl.DataFrame({"sold": pl.Series(days, dtype=pl.Date)})


@given(moments=st.lists(st.none() | MOMENTS))
def test_parts_of_moments(moments):
    x = pl.DataFrame({"sold": pl.Series(moments, dtype=pl.Datetime("us"))})
    made = run_row_function(dates("sold", list(ORACLES)), x)
    for part, oracle in ORACLES.items():
        assert made[f"sold__{part}"].to_list() == [None if moment is None else oracle(moment) for moment in moments]
    assert set(made.drop("sold").dtypes) == {pl.Int32}


@given(days=st.lists(st.none() | DAYS))
def test_parts_of_days(days):
    parts = [part for part in ORACLES if part not in ("hour", "minute", "second")]
    made = run_row_function(dates(["sold"], parts), day_frame(days))
    for part in parts:
        assert made[f"sold__{part}"].to_list() == [None if day is None else ORACLES[part](day) for day in days]


def test_a_moment_counts_where_its_clock_is():
    x = pl.DataFrame({"sold": [datetime(2024, 12, 31, 23, 30, tzinfo=UTC)]})
    x = x.with_columns(pl.col("sold").dt.convert_time_zone("Europe/Berlin"))
    made = days_to("sold", [date(2025, 1, 1)], "new_year")(dates("sold", ["year", "days", "hour"])(x))
    days = (date(2025, 1, 1) - date(1970, 1, 1)).days
    assert made.row(0)[1:] == (2025, days, 0, 0, 0, 1)


def test_the_usual_parts_suit_days():
    made = dates("sold")(day_frame([date(2024, 2, 29)]))
    parts = ("year", "month", "day", "weekday", "week", "day_of_year")
    assert made.columns == ["sold", *(f"sold__{part}" for part in parts)]


def test_what_a_day_does_not_have_is_refused():
    with pytest.raises(FeatureError, match="the dates in 'sold' have no hour") as caught:
        dates("sold", ["month", "hour"])(day_frame([None]))
    assert caught.value.hint == "leave 'hour' out of parts for this column"


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(FeatureError, match="parts cannot be 'weekdya'") as caught:
        dates("sold", ["weekdya"])
    assert "'weekday'" in caught.value.hint


@pytest.mark.parametrize("step", [dates("sold"), days_to("sold", CHRISTMAS)], ids=["dates", "days_to"])
def test_text_is_refused_with_a_way_to_read_it(step):
    with pytest.raises(FeatureError, match="expected dates in 'sold', found String") as caught:
        step(pl.DataFrame({"sold": ["31.1.2024"]}))
    assert "str.to_date" in caught.value.hint


@given(days=st.lists(st.none() | DAYS), holidays=st.lists(DAYS, min_size=1, max_size=5))
def test_days_to_the_next_and_since_the_last(days, holidays):
    made = run_row_function(days_to("sold", holidays, name="holiday"), day_frame(days))
    ahead, behind, flags = [], [], []
    for day in days:
        distances = [] if day is None else [(holiday - day).days for holiday in holidays]
        ahead.append(min((distance for distance in distances if distance >= 0), default=None))
        behind.append(min((-distance for distance in distances if distance <= 0), default=None))
        flags.append(None if day is None else int(0 in distances))
    assert made["sold__days_to_holiday"].to_list() == ahead
    assert made["sold__days_since_holiday"].to_list() == behind
    assert made["sold__is_holiday"].to_list() == flags
    assert made.dtypes == [pl.Date, pl.Int32, pl.Int32, pl.UInt8]


@pytest.mark.parametrize("given_dates", [[], ["2024-12-25"], [20241225]])
def test_what_are_no_dates_is_refused(given_dates):
    with pytest.raises(FeatureError, match="dates must be a list of dates"):
        days_to("sold", given_dates)


@given(values=st.lists(st.none() | st.just(math.nan) | st.integers(-100, 100)))
def test_a_number_on_a_circle(values):
    x = pl.DataFrame({"month": pl.Series(values, dtype=pl.Float64, strict=False)})
    made = run_row_function(cyclic("month", 12), x)
    for name in ("sin", "cos"):
        for value, result in zip(values, made[f"month__{name}_12"], strict=True):
            if value is None or math.isnan(value):
                assert result is None
            else:
                assert result == pytest.approx(getattr(math, name)(math.tau * value / 12), abs=1e-12)


def test_a_period_of_nothing_is_refused():
    with pytest.raises(FeatureError, match="period must be a number"):
        cyclic("month", 0)


def test_they_take_their_place_among_row_functions():
    steps = [dates("sold"), cyclic(["sold__month"], 12), days_to("sold", CHRISTMAS, "christmas")]
    x = day_frame([date(2024, 12, 24)])
    for step in FeatureSet(rows=steps).rows:
        x = run_row_function(step, x)
    assert x["sold__days_to_christmas"].to_list() == [1]
    assert x["sold__month__cos_12"].to_list() == [1]


def test_an_error_names_the_row_function():
    with pytest.raises(FeatureError, match="no column 'sld'") as caught:
        run_row_function(dates("sld"), day_frame([None]))
    assert caught.value.where.startswith("DateParts(sld) at ")
