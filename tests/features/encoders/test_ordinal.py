import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.blame import name_of
from kagflow.features.encoders import ordinal
from kagflow.features.rows import run_row_function

QUALITY = ["Po", "Fa", "TA", "Gd", "Ex"]


@given(values=st.lists(st.none() | st.sampled_from(QUALITY)))
@pytest.mark.parametrize("dtype", [pl.String, pl.Enum(sorted(QUALITY))])
def test_values_become_their_place_in_the_order(dtype, values):
    x = pl.DataFrame({"quality": pl.Series(values, dtype=dtype)})
    encoded = run_row_function(ordinal({"quality": QUALITY}), x)
    expected = [None if value is None else QUALITY.index(value) for value in values]
    assert encoded["quality__ordinal"].to_list() == expected
    assert encoded.schema == {"quality": dtype, "quality__ordinal": pl.Int16}


def test_a_value_that_the_order_lacks_is_named():
    with pytest.raises(FeatureError, match="the order of 'quality' lacks 'Excellent'") as caught:
        ordinal({"quality": QUALITY})(pl.DataFrame({"quality": ["TA", "Excellent"]}))
    assert caught.value.hint == "it has Po, Fa, TA, Gd, Ex; add the value where it belongs"


def test_numbers_are_refused():
    with pytest.raises(FeatureError, match="expected text in 'quality', found Int64"):
        ordinal({"quality": QUALITY})(pl.DataFrame({"quality": [1]}))


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(FeatureError, match="there is no column 'qualty'") as caught:
        ordinal({"qualty": QUALITY})(pl.DataFrame({"quality": ["TA"]}))
    assert "'quality'" in caught.value.hint


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ("TA", "must be a list of text, got 'TA'"),
        ([1, 2], r"must be a list of text, got \[1, 2\]"),
        ([], "is empty"),
        (["TA", "Gd", "TA"], "names a category twice: 'TA'"),
    ],
)
def test_an_order_that_is_none_is_refused(order, problem):
    with pytest.raises(FeatureError, match=f"the order of 'quality' {problem}"):
        ordinal({"quality": order})


def test_no_order_at_all_is_refused():
    with pytest.raises(FeatureError, match="names no column"):
        ordinal({})


def test_it_can_be_named_in_an_error():
    assert name_of(ordinal({"quality": QUALITY})) == "ordinal_codes"
