import bisect
import math
import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.encoders import Bins, Frequency, QuantileTransform, Rank

COLUMNS = ["width", "rooms", "wet"]


def known(values):
    return sorted(float(value) for value in values if value is not None and not math.isnan(value))


def share(value, values):
    """The share below and half of that of equals; None of null, or where nothing is known."""
    if not values or value is None or math.isnan(value):
        return None
    below, equal = sum(other < value for other in values), values.count(value)
    if equal:
        return (below + equal / 2) / len(values)
    if below in (0, len(values)):
        return share(values[0 if below == 0 else -1], values)
    left, right = values[below - 1], values[below]
    weight = (value - left) / (right - left)
    return share(left, values) * (1 - weight) + share(right, values) * weight


def check_each(encoded, train, rows, what, oracle):
    for column in COLUMNS:
        values = known(train[column])
        expected = [oracle(value, values) for value in rows[column]]
        assert encoded[f"{column}__{what}"].to_list() == pytest.approx(expected, abs=1e-9)


@given(data=st.data())
def test_the_rank_is_the_share_below(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)

    def oracle(value, values):
        unknown = not values or value is None or math.isnan(value)
        return None if unknown else sum(other < value for other in values) / len(values)

    check_each(Rank(COLUMNS).fit(train).transform(rows), train, rows, "rank", oracle)


@given(data=st.data())
def test_quantiles_are_shares_on_a_line_between_known_numbers(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    check_each(QuantileTransform(COLUMNS, "uniform").fit(train).transform(rows), train, rows, "quantile", share)


@given(data=st.data())
def test_normal_quantiles_are_those_of_the_shares(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)

    def oracle(value, values):
        uniform = share(value, values)
        return None if uniform is None else statistics.NormalDist().inv_cdf(uniform)

    check_each(QuantileTransform(COLUMNS).fit(train).transform(rows), train, rows, "quantile", oracle)


def test_many_distinct_numbers_are_carried_by_some_of_them():
    values = np.random.default_rng(4).lognormal(size=5000)
    x = pl.DataFrame({"count": values})
    fitted = QuantileTransform("count", "uniform").fit(x)
    assert fitted.tables()["count"].height == 1000
    reference = QuantileTransformer(n_quantiles=1000).fit_transform(values[:, np.newaxis])[:, 0]
    assert fitted.transform(x)["count__quantile"].to_numpy() == pytest.approx(reference, abs=2e-3)


@pytest.mark.parametrize(("output", "middle"), [("uniform", 0.5), ("normal", 0.0)])
def test_a_column_that_does_not_vary_becomes_the_middle(output, middle):
    fitted = QuantileTransform("rate", output).fit(pl.DataFrame({"rate": [7.0, 7.0]}))
    assert fitted.transform(pl.DataFrame({"rate": [7.0, 1.0, 9.0]}))["rate__quantile"].to_list() == [middle] * 3


@given(data=st.data(), n=st.integers(2, 6))
def test_a_bin_counts_the_edges_up_to_a_number(data, n, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)

    def oracle(value, values):
        if not values or value is None or math.isnan(value):
            return None
        return bisect.bisect_right(np.quantile(values, [i / n for i in range(1, n)]).tolist(), value)

    codes = Bins(COLUMNS, n, categorical=False).fit(train).transform(rows)
    check_each(codes, train, rows, "bin", oracle)
    names = Bins(COLUMNS, n).fit(train).transform(rows)
    assert names.cast(pl.String).cast(pl.Int32).equals(codes)
    assert set(names.dtypes) == {pl.Enum([str(i) for i in range(n)])}


def test_bins_hold_about_as_many_rows_each_and_serve_other_encoders():
    x = pl.DataFrame({"size": range(100)})
    binned = Bins("size", 4).fit(x).transform(x)
    assert Frequency("size__bin").fit(binned).transform(binned)["size__bin__frequency"].to_list() == [0.25] * 100
    assert Bins("size", 4).fit(x).tables()["size"].rows() == [(0, None), (1, 24.75), (2, 49.5), (3, 74.25)]


@pytest.mark.parametrize(
    "step", [Rank("rate"), QuantileTransform("rate"), Bins("rate")], ids=lambda s: type(s).__name__
)
def test_numbers_must_be_finite_to_learn_from_them(step):
    assert FeatureSet(fold=[step]).fold == (step,)
    with pytest.raises(FeatureError, match="the column 'rate' holds infinite numbers"):
        step.fit(pl.DataFrame({"rate": [1.0, math.inf]}))
    fitted = step.fit(pl.DataFrame({"rate": [1.0, 2.0, 3.0]}))
    far = pl.DataFrame({"rate": [math.inf, 99.0, -math.inf, -99.0]})
    above, large, below, small = fitted.transform(far).to_series()
    assert (above, below) == (large, small)


@pytest.mark.parametrize("n", [1, 0, "4", True])
def test_one_bin_makes_no_sense(n):
    with pytest.raises(FeatureError, match="n must be a number of at least 2"):
        Bins("rate", n)


def test_another_distribution_is_refused():
    with pytest.raises(FeatureError, match="output cannot be 'gauss'"):
        QuantileTransform("rate", output="gauss")
