import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import Winsorise


def known(values):
    return [value for value in values if value is not None and not math.isnan(value)]


def drawn_in(value, limits):
    if value is None or math.isnan(value) or not limits:
        return None if value is None or math.isnan(value) else value
    return min(max(value, limits[0]), limits[1])


@settings(max_examples=25)
@given(data=st.data(), share=st.sampled_from([0, 0.13, 0.3]))
def test_no_number_is_beyond_the_quantiles_of_the_training_rows(data, share, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = Winsorise(("width", "rooms"), share=share).fit(train).transform(rows)
    for column in ("width", "rooms"):
        ordered = sorted(known(train[column]))
        limits = [pl.Series(ordered).quantile(at) for at in (share, 1 - share)] if ordered else []
        assert set(limits) <= set(ordered)
        expected = [drawn_in(value, limits) for value in rows[column]]
        assert encoded[f"{column}__winsorised"].to_list() == expected


def test_by_hand():
    train = pl.DataFrame({"size": range(1001)})
    fitted = Winsorise("size").fit(train)
    far = pl.DataFrame({"size": [-(10**6), None, 500, 10**6]})
    assert fitted.transform(far).to_series().to_list() == [5, None, 500, 995]
    assert fitted.tables()["limits"].rows() == [("size", 5.0, 995.0)]


@pytest.mark.parametrize("share", [0.5, 1, -0.1, float("nan")])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(FeatureError, match="share must be"):
        Winsorise("size", share=share)
