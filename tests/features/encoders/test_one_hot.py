import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import OneHot


@given(data=st.data(), at_least=st.integers(1, 4))
def test_a_column_for_each_category_seen_often_enough(data, at_least, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = OneHot(("colour",), at_least=at_least).fit(train).transform(rows)
    known, expected = train["colour"].to_list(), {}
    for category in ["blue", "green", "red", "white", None]:
        if known.count(category) >= at_least:
            name = f"colour__is_{'null' if category is None else category}"
            expected[name] = [int(value == category) for value in rows["colour"].to_list()]
    assert encoded.to_dict(as_series=False) == expected
    assert set(encoded.dtypes) <= {pl.UInt8}


def test_rows_are_kept_where_no_category_is_frequent_enough():
    x = pl.DataFrame({"wet": [True, False]})
    assert OneHot(("wet",), at_least=9).fit(x).transform(x).shape == (2, 0)


def test_a_category_that_is_called_null_is_not_mixed_up_with_null():
    x = pl.DataFrame({"kind": pl.Series(["null", None], dtype=pl.Enum(["null"]))})
    with pytest.raises(FeatureError, match="two categories would both be the column 'kind__is_null'"):
        OneHot("kind").fit(x)


def test_the_table_lists_the_new_columns():
    x = pl.DataFrame({"kind": pl.Series(["Wd Sdng", None, "Wd Sdng"], dtype=pl.Enum(["Brk Cmn", "Wd Sdng"]))})
    assert OneHot("kind").fit(x).tables()["kind"].rows() == [
        ("Wd Sdng", 2, "kind__is_Wd Sdng"),
        (None, 1, "kind__is_null"),
    ]
