import math
import statistics

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import Impute

ORACLES = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "most_frequent": lambda values: min(statistics.multimode(values)),
}


def is_missing(value):
    return value is None or math.isnan(value)


@given(data=st.data())
@pytest.mark.parametrize("statistic", ORACLES)
def test_missing_numbers_get_the_statistic(statistic, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Impute(("width", "rooms"), statistic=statistic).fit(train).transform(rows)
    for column in ("width", "rooms"):
        known = [value for value in train[column] if not is_missing(value)]
        usual = ORACLES[statistic](known) if known else None
        values = [usual if is_missing(value) else value for value in rows[column]]
        assert encoded[f"{column}__imputed"].to_list() == pytest.approx(values)
        assert encoded[f"{column}__missing"].to_list() == [int(is_missing(value)) for value in rows[column]]
    assert encoded.dtypes == [pl.Float64, pl.UInt8] * 2


@given(data=st.data())
def test_missing_categories_get_the_most_frequent_one(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Impute(("colour",), statistic="most_frequent").fit(train).transform(rows)
    known = train["colour"].drop_nulls().to_list()
    usual = ORACLES["most_frequent"](known) if known else None  # the vocabulary is sorted: first is smallest
    assert encoded["colour__imputed"].to_list() == [usual if value is None else value for value in rows["colour"]]
    assert encoded["colour__imputed"].dtype == rows["colour"].dtype


def test_the_indicator_may_be_left_out():
    x = pl.DataFrame({"size": [1.0, math.nan, 2.0, None]})
    assert Impute("size", indicator=False).fit(x).transform(x).rows() == [(1.0,), (1.5,), (2.0,), (1.5,)]


def test_categories_have_no_median():
    x = pl.DataFrame({"kind": pl.Series(["a"], dtype=pl.Enum(["a"]))})
    with pytest.raises(FeatureError, match="expected numbers in 'kind', found categories") as caught:
        Impute("kind").fit(x)
    assert caught.value.hint == "categories need Impute(statistic='most_frequent')"


def test_a_statistic_that_there_is_not_is_refused():
    with pytest.raises(FeatureError, match="statistic cannot be 'mode'"):
        Impute("size", statistic="mode")


def test_the_table_holds_what_is_put_in():
    x = pl.DataFrame({"size": [1, 3], "age": [None, 5.0]})
    assert Impute(("size", "age")).fit(x).tables()["imputed"].to_dicts() == [{"size": 2.0, "age": 5.0}]
