import math

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import WeightOfEvidence

MIXED = ("colour", "wet", ("colour", "wet"))
PASSED = pl.Enum(["no", "yes"])


def log_odds(share):
    return math.log(share / (1 - share))


def expected_weights(train, rows, columns, passed, smooth):
    known, prior = train.select(columns).rows(), sum(passed) / len(passed)
    weights = []
    for row in rows.select(columns).rows():
        own = [value for value, category in zip(passed, known, strict=True) if category == row]
        share = (sum(own) + smooth * prior) / (len(own) + smooth)
        weights.append(0 if prior in (0, 1) or not own else log_odds(share) - log_odds(prior))
    return weights


def draw_target(data, height):
    return pl.Series("y", data.draw(st.lists(st.sampled_from(["no", "yes"]), min_size=height, max_size=height)), PASSED)


@settings(max_examples=25)
@given(data=st.data(), smooth=st.sampled_from([0.5, 10.0]))
def test_it_is_by_how_much_the_category_moves_the_log_odds(data, smooth, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, train.height)
    encoded = WeightOfEvidence(MIXED, smooth=smooth).fit(train, y).transform(rows)
    assert encoded.columns == [f"{name}__weight_of_evidence" for name in ("colour", "wet", "colour_x_wet")]
    for made, key in zip(encoded, MIXED, strict=True):
        columns = [key] if isinstance(key, str) else list(key)
        expected = expected_weights(train, rows, columns, [value == "yes" for value in y], smooth)
        assert made.to_list() == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25)
@given(data=st.data())
def test_tallies_of_parts_add_up_to_the_tally_of_all(data, train_rows):
    train = data.draw(train_rows)
    y, step = draw_target(data, train.height), WeightOfEvidence(MIXED)
    part = np.array(data.draw(st.lists(st.integers(0, 1), min_size=train.height, max_size=train.height)))
    tallies = [step.tally(train.filter(part == p), y.filter(part == p)) for p in range(2)]
    added = step.finish(tallies[0] + tallies[1]).transform(train)
    polars.testing.assert_frame_equal(added, step.fit(train, y).transform(train), rel_tol=1e-12, abs_tol=1e-12)


def test_without_smoothing_to_speak_of_it_is_the_ratio_of_shares():
    """Of 4 that passed 3 are red, of 6 that failed 1 is."""
    x = pl.DataFrame({"red": [True] * 3 + [False] + [True] + [False] * 5})
    y = pl.Series(["yes"] * 4 + ["no"] * 6, dtype=PASSED)
    weights = WeightOfEvidence("red", smooth=1e-6).fit(x, y).transform(x).to_series()
    assert weights[0] == pytest.approx(math.log((3 / 4) / (1 / 6)), rel=1e-5)
    assert weights[3] == pytest.approx(math.log((1 / 4) / (5 / 6)), rel=1e-5)


def test_the_table_lists_the_categories_that_were_seen():
    x = pl.DataFrame({"kind": pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"]))})
    table = WeightOfEvidence("kind").fit(x, pl.Series(["no", "no", "yes"], dtype=PASSED)).tables()["kind"]
    assert table.columns == ["category", "count", "share", "weight"]
    assert table.select("category", "count", "share").rows() == [("b", 2, 0.5), (None, 1, 0.0)]


@pytest.mark.parametrize("dtype", [pl.Enum(["high", "low", "mid"]), pl.Enum(["low"])])
def test_other_targets_are_sent_to_target_mean(dtype):
    x = pl.DataFrame({"red": [True, False]})
    for y in (pl.Series(["low", "low"], dtype=dtype), pl.Series([0.0, 1.0])):
        with pytest.raises(FeatureError, match="for a target of two classes") as caught:
            WeightOfEvidence("red").fit(x, y)
        assert caught.value.hint == "use TargetMean"


def test_a_weight_is_never_infinite():
    with pytest.raises(FeatureError, match="smooth must be a number of at least"):
        WeightOfEvidence("red", smooth=0)
