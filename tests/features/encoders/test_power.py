import math
import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import PowerTransformer

from kagflow.errors import FeatureError
from kagflow.features.encoders import Power


def yeo_johnson(value, power):
    """The definition of Yeo and Johnson (2000), equation 2.1."""
    if value >= 0:
        return math.log(value + 1) if power == 0 else ((value + 1) ** power - 1) / power
    return -math.log(1 - value) if power == 2 else -((1 - value) ** (2 - power) - 1) / (2 - power)


@given(data=st.data())
def test_numbers_are_transformed_one_by_one_and_standardised(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    fitted = Power(("width", "rooms")).fit(train)
    encoded = fitted.transform(rows)
    for column, power, _, _ in fitted.tables()["powers"].iter_rows():
        known = [yeo_johnson(value, power) for value in train[column] if value is not None and not math.isnan(value)]
        expected = []
        for value in rows[column]:
            if value is None or math.isnan(value):
                expected.append(math.nan)
            elif len(set(known)) < 2:
                expected.append(0.0)
            else:
                moved = yeo_johnson(value, power) - statistics.fmean(known)
                expected.append(moved / statistics.pstdev(known))
        assert encoded[f"{column}__power"].to_numpy() == pytest.approx(expected, rel=1e-6, abs=1e-6, nan_ok=True)
        assert not encoded[f"{column}__power"].is_nan().any()


@pytest.mark.parametrize("skewed", [np.exp, lambda normal: -np.exp(normal), lambda normal: normal])
def test_it_agrees_with_scikit_learn(skewed):
    values = skewed(np.random.default_rng(5).normal(size=200))
    x = pl.DataFrame({"price": values})
    reference = PowerTransformer().fit_transform(values[:, np.newaxis])[:, 0]
    assert Power("price").fit(x).transform(x)["price__power"].to_numpy() == pytest.approx(reference, abs=1e-4)


@pytest.mark.parametrize("values", [[7.0, 7.0, None], [7.0], [None, None], [0.0, 0.0]])
def test_a_column_that_does_not_vary_becomes_zero(values):
    x = pl.DataFrame({"rate": values}, schema={"rate": pl.Float64})
    fitted = Power("rate").fit(x)
    assert fitted.transform(x)["rate__power"].to_list() == [None if value is None else 0.0 for value in values]
    assert fitted.transform(pl.DataFrame({"rate": [-3.0, 3.0]}))["rate__power"].to_list() == [0.0, 0.0]


def test_numbers_too_close_for_a_transform_are_scaled_only():
    x = pl.DataFrame({"time": [1e6, 1e6 + 1, 1e6 + 2]})
    fitted = Power("time").fit(x)
    assert fitted.tables()["powers"]["lambda"].to_list() == [1.0]
    assert fitted.transform(x)["time__power"].to_list() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])


def test_an_infinite_number_is_refused():
    with pytest.raises(FeatureError, match="the column 'rate' holds infinite numbers"):
        Power("rate").fit(pl.DataFrame({"rate": [1.0, -math.inf]}))
