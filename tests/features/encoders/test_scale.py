import math
import statistics

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import Scale


@given(data=st.data())
def test_it_is_the_number_of_standard_deviations_above_the_mean(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Scale(("width", "rooms")).fit(train).transform(rows)
    for column in ("width", "rooms"):
        known = [value for value in train[column] if value is not None and not math.isnan(value)]
        expected = []
        for value in rows[column]:
            if value is None or math.isnan(value):
                expected.append(None)
            elif len(set(known)) < 2:
                expected.append(0.0)
            else:
                expected.append((value - statistics.fmean(known)) / statistics.pstdev(known))
        assert encoded[f"{column}__scaled"].to_list() == pytest.approx(expected, abs=1e-9)


def test_a_rounding_error_is_no_variation():
    x = pl.DataFrame({"rate": [0.1] * 7})
    assert x["rate"].std(ddof=0) != 0  # what a test for zero would trip over
    assert set(Scale("rate").fit(x).transform(x)["rate__scaled"]) == {0.0}


def test_an_infinite_number_is_refused_where_it_would_spoil_the_mean():
    with pytest.raises(FeatureError, match="the column 'rate' holds infinite numbers"):
        Scale("rate").fit(pl.DataFrame({"rate": [1.0, math.inf]}))


def test_the_table_holds_the_moments():
    table = Scale("size").fit(pl.DataFrame({"size": [1, 3]})).tables()["moments"]
    assert table.to_dicts() == [{"column": "size", "mean": 2.0, "std": 1.0}]
