import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import text_lengths
from kagflow.features.pool import run_row_function

TEXTS = st.lists(st.none() | st.text("aZß Éé1٣.-\t\nÀ日"))


def of_kind(text, kind):
    return sum(unicodedata.category(character) == kind for character in text)


ORACLES = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "digits": lambda text: of_kind(text, "Nd"),
    "capitals": lambda text: of_kind(text, "Lu"),
}


@given(texts=TEXTS)
@pytest.mark.parametrize("categorical", [False, True])
def test_what_a_text_is_made_of(categorical, texts):
    x = pl.DataFrame({"title": pl.Series(texts, dtype=pl.String)})
    if categorical:
        x = x.cast(pl.Enum(x["title"].unique().drop_nulls()))
    made = run_row_function(text_lengths("title"), x)
    for name, oracle in ORACLES.items():
        assert made[f"title__{name}"].to_list() == [None if text is None else oracle(text) for text in texts]
    assert set(made.drop("title").dtypes) == {pl.UInt32}


def test_numbers_are_refused():
    with pytest.raises(FeatureError, match="expected text in 'size', found Int64"):
        text_lengths(["size"])(pl.DataFrame({"size": [1]}))


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(FeatureError, match="no column 'titel'") as caught:
        text_lengths("titel")(pl.DataFrame({"title": ["a"]}))
    assert caught.value.hint == "did you mean 'title'?"
