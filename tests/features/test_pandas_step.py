from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features import FeatureSet, pandas_step
from kagflow.features.blame import name_of
from kagflow.features.rows import run_row_function

ROWS = pl.DataFrame(
    {
        "year": pl.Series([2001, None, 2003], dtype=pl.Int16),
        "area": [1.5, None, 4.5],
        "zone": ["n", None, "s"],
        "wet": [True, None, False],
        "sold": [date(2024, 1, 2), None, date(2025, 6, 7)],
        "kind": pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b", "c"])),
    }
)


def add_age(df: pd.DataFrame) -> pd.DataFrame:
    df["age"] = 2024 - df["year"]
    df["log_area"] = np.log1p(df["area"])
    df["zone"] = df["zone"].fillna("none")
    return df


def test_a_pandas_function_is_a_row_function():
    made = run_row_function(pandas_step(add_age), ROWS)
    assert made["age"].to_list() == [23, None, 21]
    assert made["log_area"].to_list() == pytest.approx([np.log1p(1.5), None, np.log1p(4.5)])
    assert made["zone"].to_list() == ["n", "none", "s"]
    assert FeatureSet(rows=[pandas_step(add_age)]).rows


def test_the_frame_that_came_is_not_changed():
    before = ROWS.clone()
    pandas_step(add_age)(ROWS)
    polars.testing.assert_frame_equal(ROWS, before)


@given(rows=st.lists(st.sampled_from([0, 1, 2])))
def test_columns_left_alone_come_back_as_they_were_whichever_rows_are_there(rows):
    polars.testing.assert_frame_equal(pandas_step(lambda df: df)(ROWS[rows]), ROWS[rows])


@given(rows=st.lists(st.sampled_from([0, 1, 2])))
def test_types_of_new_columns_do_not_depend_on_which_rows_are_there(rows):
    assert pandas_step(add_age)(ROWS[rows]).schema == pandas_step(add_age)(ROWS).schema


def test_nan_is_null_and_new_categories_are_text():
    def bin_area(df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(ratio=df["area"] / 0 * 0, size=pd.cut(df["area"], [0, 2, 9], labels=["small", "large"]))

    made = pandas_step(bin_area)(ROWS)
    assert made["ratio"].to_list() == [None] * 3
    assert made["size"].to_list() == ["small", None, "large"]
    assert made["size"].dtype == pl.String


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda df: df.dropna(), "was given 3 rows and returned 2"),
        (lambda df: df.sort_values("area", ascending=False), "re-ordered its rows or gave them another index"),
        (lambda df: df.set_index("zone"), "re-ordered its rows or gave them another index"),
        (lambda df: df["area"], "returned Series, expected a pandas DataFrame"),
    ],
)
def test_a_function_that_does_not_keep_its_rows_is_refused(function, problem):
    with pytest.raises(FeatureError, match=problem):
        pandas_step(function)(ROWS)


def test_rows_sorted_under_a_new_index_are_seen_by_running_again():
    @pandas_step
    def sort(df: pd.DataFrame) -> pd.DataFrame:
        return df.sort_values("area", ascending=False).reset_index(drop=True)

    with pytest.raises(FeatureError, match="is not row-wise"):
        run_row_function(sort, ROWS)


def test_an_error_names_the_function_and_its_line():
    @pandas_step
    def divide(df: pd.DataFrame) -> pd.DataFrame:
        raise KeyError("Area")

    assert name_of(divide) == "divide"
    with pytest.raises(FeatureError, match="raised KeyError") as caught:
        run_row_function(divide, ROWS)
    assert "test_pandas_step.py" in caught.value.where
