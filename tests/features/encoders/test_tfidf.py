import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.encoders import TfidfComponents

WORDS = st.sampled_from(["red", "green", "blue", "house", "garden"])
TEXTS = st.none() | st.lists(WORDS, max_size=4).map(" ".join)
STORY = ["red house", "green garden", "red red garden", None, "blue", "green house garden"]


def frame(texts):
    """Return texts as the pool holds them: categories, of which some occur in other rows only."""
    known = sorted({text for text in texts if text is not None} | {"elsewhere"})
    return pl.DataFrame({"about": pl.Series(texts, dtype=pl.Enum(known))})


def weights(texts, known):
    """TF-IDF as scikit-learn documents it: a count times ln((1 + n) / (1 + rows with it)) + 1, of length 1."""
    terms = sorted({word for text in known for word in (text or "").split()})
    rarity = [
        math.log((1 + len(known)) / (1 + sum(term in (text or "").split() for text in known))) + 1 for term in terms
    ]
    rows = [[(text or "").split().count(term) for term in terms] for text in texts]
    plain = np.array(rows, dtype=float).reshape(len(texts), len(terms)) * rarity
    return plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-300)


def test_all_components_keep_every_distance():
    """With as many components as there are directions, nothing is lost but the axes' names."""
    made = TfidfComponents("about", n=5).fit(frame(STORY)).transform(frame(STORY)).to_numpy()
    expected = weights(STORY, STORY)
    assert made @ made.T == pytest.approx(expected @ expected.T, abs=1e-9)


def test_fewer_components_are_those_of_the_largest_singular_values():
    made = TfidfComponents("about", n=2).fit(frame(STORY)).transform(frame(STORY)).to_numpy()
    u, sizes, _ = np.linalg.svd(weights(STORY, STORY))
    assert np.abs(made) == pytest.approx(np.abs(u[:, :2] * sizes[:2]), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(train=st.lists(TEXTS, min_size=1, max_size=8), rows=st.lists(TEXTS, max_size=6))
def test_names_types_and_values_of_a_row_do_not_depend_on_the_other_rows(train, rows):
    fitted = TfidfComponents("about", n=3).fit(frame(train))
    made = fitted.transform(frame(rows))
    assert made.schema == {f"about__tfidf_{i}": pl.Float64 for i in range(3)}
    assert made.height == len(rows)
    assert all(not changed_columns(made[i], fitted.transform(frame(rows)[i])) for i in range(len(rows)))
    assert fitted.tables()["terms"].columns == ["term", "idf", "0", "1", "2"]


def test_null_empty_and_unknown_texts_are_zeros():
    fitted = TfidfComponents("about", n=2).fit(frame(STORY))
    assert set(fitted.transform(frame([None, "", "never seen"])).to_numpy().ravel()) == {0.0}


@pytest.mark.parametrize("texts", [[None, None], ["", None], ["a", "b"]])
def test_where_no_term_is_known_all_are_zeros(texts):
    """A single letter is no word."""
    fitted = TfidfComponents("about", n=2).fit(frame(texts))
    assert fitted.transform(frame(STORY)).to_numpy().tolist() == [[0.0, 0.0]] * len(STORY)
    assert fitted.tables()["terms"].is_empty()


def test_columns_without_a_term_to_fill_them_are_zeros():
    made = TfidfComponents("about", n=3).fit(frame(["red", "green"])).transform(frame(["red", "green"]))
    assert made["about__tfidf_2"].to_list() == [0.0, 0.0]
    assert np.linalg.norm(made.to_numpy(), axis=1) == pytest.approx([1, 1])


def test_terms_may_be_pairs_or_parts_of_words_and_rare_ones_left_out():
    def terms(**settings):
        return TfidfComponents("about", n=1, **settings).fit(frame(STORY)).tables()["terms"]["term"].to_list()

    assert terms() == ["blue", "garden", "green", "house", "red"]
    assert "red house" in terms(longest=2)
    assert "ou" in terms(analyzer="char_wb", longest=2)
    assert terms(at_least=2) == ["garden", "green", "house", "red"]
    assert terms(most_terms=1) == ["garden"]


def test_the_same_texts_give_the_same_bits_on_any_number_of_threads():
    x = frame([f"{word} {number % 7}0 {number % 11}1" for number in range(100) for word in ("red", "blue")])
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(TfidfComponents("about", n=4).fit(x).transform(x))
    assert results[0].equals(results[1])


def test_what_makes_no_sense_is_refused():
    assert FeatureSet(fold=[TfidfComponents("about")]).fold
    with pytest.raises(FeatureError, match="takes one column"):
        TfidfComponents(["about", "title"])
    with pytest.raises(FeatureError, match="analyzer cannot be 'words'"):
        TfidfComponents("about", analyzer="words")
    with pytest.raises(FeatureError, match="expected text in 'size', found Int64"):
        TfidfComponents("size").fit(pl.DataFrame({"size": [1]}))
