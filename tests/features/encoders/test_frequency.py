import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.features.encoders import Count, Frequency


@given(data=st.data())
def test_it_is_the_share_of_training_rows_with_the_same_category(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Frequency(("colour", "wet")).fit(train).transform(rows)
    for column in ("colour", "wet"):
        known = train[column].to_list()
        shares = [known.count(value) / len(known) for value in rows[column].to_list()]
        assert encoded[f"{column}__frequency"].to_list() == pytest.approx(shares)


def test_the_table_lists_the_categories_that_were_seen():
    kind = pl.Enum(["a", "b", "c"])
    table = Frequency("kind").fit(pl.DataFrame({"kind": pl.Series(["b", None, "b", "c"], dtype=kind)})).tables()["kind"]
    assert table.rows() == [("b", 2, 0.5), ("c", 1, 0.25), (None, 1, 0.25)]
    assert table.columns == ["category", "count", "frequency"]


@given(data=st.data())
def test_the_count_is_that_of_training_rows_with_the_same_category(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Count(("colour", "wet")).fit(train).transform(rows)
    for column in ("colour", "wet"):
        expected = [train[column].to_list().count(value) for value in rows[column].to_list()]
        assert encoded[f"{column}__count"].to_list() == expected
    assert encoded.dtypes == [pl.Int64, pl.Int64]
