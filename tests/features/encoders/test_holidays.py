import os
import subprocess
import sys
from datetime import date, timedelta

import holidays as library
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import holidays
from kagflow.features.rows import run_row_function

DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))
NAMES = {"Germany": "DE", "United Kingdom": "GB", "singapore": "SG", "USA": "US"}


def frame(days, countries=None) -> pl.DataFrame:
    x = pl.DataFrame({"sold": pl.Series(days, dtype=pl.Date)})
    return x if countries is None else x.with_columns(country=pl.Series(countries, dtype=pl.String))


def expected(day, calendar, within=30):
    """Day by day, forwards and backwards, until one is a holiday."""
    if day is None or calendar is None:
        return (None, None, None)
    ahead, behind = (
        next((n for n in range(within) if day + sign * timedelta(n) in calendar), within) for sign in (1, -1)
    )
    return day in calendar, ahead, behind


@settings(max_examples=30)
@given(days=st.lists(st.none() | DAYS, max_size=8))
@pytest.mark.parametrize("part", [None, "BY"])
def test_holidays_of_a_country(days, part):
    made = run_row_function(holidays("sold", "Germany", part), frame(days))
    calendar = library.country_holidays("DE", subdiv=part)
    assert made.drop("sold").rows() == [expected(day, calendar) for day in days]
    assert made.schema == {
        "sold": pl.Date,
        "sold__holiday": pl.Boolean,
        "sold__days_to_holiday": pl.Int32,
        "sold__days_since_holiday": pl.Int32,
    }


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(st.none() | DAYS, st.none() | st.sampled_from(list(NAMES))), max_size=8))
def test_holidays_of_the_row_s_country(rows):
    calendars = {country: library.country_holidays(code) for country, code in NAMES.items()} | {None: None}
    x = frame([day for day, _ in rows], [country for _, country in rows])
    made = run_row_function(holidays("sold", country_column="country", within=9), x)
    assert made.drop("sold", "country").rows() == [expected(day, calendars[country], 9) for day, country in rows]


def test_moments_count_by_their_day_and_categories_as_countries():
    x = frame([date(2024, 12, 25)], ["Germany"]).cast({"sold": pl.Datetime("us"), "country": pl.Enum(["Germany"])})
    assert holidays("sold", country_column="country")(x)["sold__holiday"].to_list() == [True]


def test_the_name_of_the_day():
    made = holidays("sold", "DE", names=True, name="feast")(frame([date(2024, 12, 25), date(2024, 12, 24)]))
    assert made["sold__feast_name"].to_list() == ["Christmas Day", None]
    assert made["sold__days_to_feast"].to_list() == [0, 1]


def test_names_do_not_depend_on_the_language_of_the_machine():
    code = (
        "from datetime import date; import polars as pl; from kagflow.features.encoders import holidays; "
        "x = pl.DataFrame({'sold': [date(2024, 12, 25)]}); print(holidays('sold', 'DE', names=True)(x).item(0, 4))"
    )
    env = os.environ | {"LANGUAGE": "de", "LANG": "de_DE.UTF-8"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "Christmas Day"


@pytest.mark.parametrize("country", ["Germany", "germany", "DE", "deu", "United Kingdom", "UnitedStates", "uk"])
def test_a_country_by_any_of_its_names(country):
    assert holidays("sold", country)(frame([date(2024, 12, 25)]))["sold__holiday"].item()


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        ({"country": "Germny"}, "holidays of 'Germny' are not known", "did you mean 'Germany'"),
        ({"country": "Germany", "subdivision": "Bayren"}, "no subdivision 'Bayren'", "did you mean 'Bayern'"),
        ({}, "of one country, or of that in a column", "country_column="),
        ({"country": "Germany", "country_column": "country"}, "of one country, or of that in a column", ""),
        ({"country_column": "country", "subdivision": "BY"}, "a subdivision belongs to one country", ""),
        ({"country": "Germany", "within": 400}, "within must be at most 180", ""),
        ({"country": "Germany", "within": 0}, "within must be a number of at least 1", ""),
    ],
)
def test_settings_that_cannot_be(arguments, said, hint):
    with pytest.raises(FeatureError, match=said) as caught:
        holidays("sold", **arguments)
    assert hint in caught.value.hint


def test_a_country_in_the_rows_that_is_not_known():
    with pytest.raises(FeatureError, match="holidays of 'Keyna' are not known") as caught:
        holidays("sold", country_column="country")(frame([date(2024, 1, 1)], ["Keyna"]))
    assert caught.value.hint == "did you mean 'Kenya'?"


def test_a_column_of_dates_is_wanted():
    with pytest.raises(FeatureError, match="expected dates in 'sold', found String"):
        holidays("sold", "Germany")(pl.DataFrame({"sold": ["25.12.2024"]}))
