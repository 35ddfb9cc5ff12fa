import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from kagflow.features.encoders import RareToOther


@given(data=st.data(), at_least=st.integers(1, 6))
def test_categories_with_few_rows_become_other(data, at_least, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    encoded = RareToOther(("colour", "wet"), at_least=at_least).fit(train).transform(rows)
    for column in ("colour", "wet"):
        known, expected = train[column].to_list(), []
        for value in rows[column].to_list():
            if value is None:
                expected.append(None)
            elif known.count(value) >= at_least:
                expected.append(value if column == "colour" else str(value).lower())
            else:
                expected.append("(other)")
        assert encoded[f"{column}__rare"].to_list() == expected


def test_the_new_vocabulary_does_not_depend_on_the_training_rows():
    kind = pl.Enum(["a", "b"])
    few, many = (pl.DataFrame({"kind": pl.Series(["a"] * n, dtype=kind)}) for n in (1, 50))
    types = [RareToOther("kind").fit(train).transform(few).schema["kind__rare"] for train in (few, many)]
    assert types == [pl.Enum(["a", "b", "(other)"])] * 2


def test_other_may_be_a_category_that_is_there():
    kind = pl.Enum(["other", "rare"])
    x = pl.DataFrame({"kind": pl.Series(["other", "rare"], dtype=kind)})
    encoded = RareToOther("kind", at_least=5, other="other").fit(x).transform(x)["kind__rare"]
    assert encoded.dtype == kind
    assert encoded.to_list() == ["other", "other"]


def test_the_table_says_what_each_category_becomes():
    x = pl.DataFrame({"kind": pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"]))})
    table = RareToOther("kind", at_least=2).fit(x).tables()["kind"]
    assert table.rows() == [("a", 0, "(other)"), ("b", 2, "b"), (None, 1, None)]
    assert table.columns == ["category", "count", "becomes"]
