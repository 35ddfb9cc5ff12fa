import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet, crossfit
from kagflow.features.crossfit import build
from kagflow.features.encoders import Count, Frequency, OneHot, TargetMean, combinations, combine, levels
from kagflow.features.pool import Pool, make_pool
from kagflow.splits import make_splitter

NAMES = ("colour", "shape", "wet")
PAIRS = combinations(NAMES, 2)
MIXED = ("colour", *PAIRS, NAMES)
GRADE = pl.Enum(["high", "low", "mid"])


def keys_of(rows, key):
    names = [key] if isinstance(key, str) else list(key)
    return rows.select(names).rows()


def name_of(key):
    return key if isinstance(key, str) else "_x_".join(key)


# --- names ------------------------------------------------------------------------------------------------------------


def test_every_combination_is_named_once():
    assert combinations(NAMES, 2) == (("colour", "shape"), ("colour", "wet"), ("shape", "wet"))
    assert combinations(NAMES, 3) == (NAMES,)


@pytest.mark.parametrize(
    ("columns", "size", "problem"),
    [
        ("colour", 2, "must be a list of column names, got 'colour'"),
        (["a", "b", "a"], 2, "names 'a' twice"),
        (["a", "b"], 3, "no combinations of 3 out of 2 columns"),
        (["a", "b"], 1, "no combinations of 1 out of 2 columns"),
    ],
)
def test_combinations_that_there_are_not_are_refused(columns, size, problem):
    with pytest.raises(FeatureError, match=problem):
        combinations(columns, size)


def test_an_encoder_knows_the_columns_that_it_reads_and_what_was_written():
    step = TargetMean(["b", ("a", "b"), ("c", "a")])
    assert tuple(name for name in step.columns) == ("b", "a", "c")
    assert step.columns.as_written == ("b", ("a", "b"), ("c", "a"))
    assert repr(step) == "TargetMean(columns=('b', ('a', 'b'), ('c', 'a')), smooth=10.0)"


def test_a_combination_is_not_taken_for_its_columns():
    single, pair = TargetMean(("a", "b")), TargetMean([("a", "b")])
    assert single != pair
    assert pair == replace(pair) == pickle.loads(pickle.dumps(pair)) == TargetMean((("a", "b"),))
    assert hash(pair) == hash(replace(pair))
    assert single.columns == ("a", "b") != pair.columns


@pytest.mark.parametrize("encoder", [TargetMean, Frequency, Count])
@pytest.mark.parametrize("columns", [[("a",)], [("a", "a")], [("a", 1)], [["a", "b"]]])
def test_what_is_no_combination_is_refused_with_an_example(encoder, columns):
    with pytest.raises(FeatureError, match="columns must be a list of column names") as caught:
        encoder(columns)
    assert "[('a', 'b')]" in caught.value.hint


def test_a_combination_is_named_once():
    with pytest.raises(FeatureError, match=r"columns names \('a', 'b'\) twice"):
        Frequency([("a", "b"), "c", ("a", "b")])


def test_a_step_that_takes_no_combinations_names_the_way_out():
    with pytest.raises(FeatureError) as caught:
        OneHot([("a", "b")])
    assert "combine" in caught.value.hint


# --- values -----------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(data=st.data(), smooth=st.sampled_from([0, 3.0]))
def test_the_mean_target_of_a_combination(data, smooth, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = data.draw(st.lists(numbers, min_size=train.height, max_size=train.height))
    encoded = TargetMean(MIXED, smooth=smooth).fit(train, pl.Series(y, dtype=pl.Float64)).transform(rows)
    assert encoded.columns == [f"{name_of(key)}__target_mean" for key in MIXED]
    prior = sum(y) / len(y)
    for key in MIXED:
        expected = []
        for row in keys_of(rows, key):
            own = [value for value, known in zip(y, keys_of(train, key), strict=True) if known == row]
            expected.append((sum(own) + smooth * prior) / (len(own) + smooth) if own else prior)
        assert encoded[f"{name_of(key)}__target_mean"].to_list() == pytest.approx(expected)


@settings(max_examples=25)
@given(data=st.data())
def test_how_common_a_combination_is(data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    frequencies, counts = Frequency(MIXED).fit(train).transform(rows), Count(MIXED).fit(train).transform(rows)
    for key in MIXED:
        expected = [keys_of(train, key).count(row) for row in keys_of(rows, key)]
        assert counts[f"{name_of(key)}__count"].to_list() == expected
        shares = [count / train.height for count in expected]
        assert frequencies[f"{name_of(key)}__frequency"].to_list() == pytest.approx(shares)


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("dtype", [pl.Float64, GRADE])
def test_tallies_of_parts_add_up_to_the_tally_of_all(dtype, data, train_rows, numbers):
    train = data.draw(train_rows)
    values = numbers if dtype == pl.Float64 else st.sampled_from(dtype.categories.to_list())
    y = pl.Series(data.draw(st.lists(values, min_size=train.height, max_size=train.height)), dtype=dtype)
    part = np.array(data.draw(st.lists(st.integers(0, 2), min_size=train.height, max_size=train.height)))
    step = TargetMean(MIXED)
    tallies = [step.tally(train.filter(part == p), y.filter(part == p)) for p in range(3)]
    added = step.finish(tallies[0] + tallies[1] + tallies[2]).transform(train)
    polars.testing.assert_frame_equal(added, step.fit(train, y).transform(train), rel_tol=1e-12, abs_tol=1e-12)


def test_the_table_lists_the_combinations_that_were_seen():
    x = pl.DataFrame({"a": pl.Series(["p", None, "p"], dtype=pl.Enum(["p", "q"])), "b": [True, False, True]})
    table = TargetMean([("a", "b")], smooth=0).fit(x, pl.Series([1.0, 6.0, 2.0])).tables()["a_x_b"]
    assert table.select("category", "count", "mean").rows() == [("p & true", 2, 1.5), ("null & false", 1, 6.0)]


def test_large_vocabularies_need_no_large_arrays():
    """All combinations of the three columns would be 8e12."""
    many = pl.Enum([str(i) for i in range(20_000)])
    x = pl.DataFrame({name: pl.Series([str(i * 7) for i in range(50)], dtype=many) for name in "abc"})
    step = TargetMean([("a", "b", "c")], smooth=0)
    y = pl.Series([float(i) for i in range(50)])
    assert step.fit(x, y).transform(x).to_series().to_list() == y.to_list()


def test_more_combinations_than_there_are_whole_numbers_are_refused():
    many = pl.Enum([str(i) for i in range(20_000)])
    x = pl.DataFrame({name: pl.Series(["1"], dtype=many) for name in "abcde"})
    with pytest.raises(FeatureError, match="'a_x_b_x_c_x_d_x_e' has too many possible categories"):
        Frequency([tuple("abcde")]).fit(x)


# --- in the engine ----------------------------------------------------------------------------------------------------


def table(rows, seed):
    rng = np.random.default_rng(seed)
    x = {name: [[*"abcdefgh", None][code] for code in rng.integers(0, 9, rows)] for name in ("street", "zone")}
    return Table(ids=pl.Series(np.arange(rows)), x=pl.DataFrame(x), y=pl.Series("y", rng.normal(size=rows)))


def all_folds(step, train, folds):
    pool = make_pool(FeatureSet(target=[step]), train, table(9, 2), folds)
    return [build(pool, fold.train, {"valid": fold.valid}, test=True, prove=True) for fold in folds]


def test_the_engine_counts_each_cell_once_and_gives_what_fitting_again_gives(monkeypatch):
    train = table(120, 1)
    folds = make_splitter("kfold", {"folds": 4}).split(train)
    step = TargetMean(["zone", ("street", "zone")], smooth=1)
    counted = []
    once = Pool.tally_once

    def counting(pool, key, tally):
        return once(pool, key, lambda: counted.append(key) or tally())

    monkeypatch.setattr(Pool, "tally_once", counting)
    fast = all_folds(step, train, folds)
    assert len(counted) == 4
    monkeypatch.setattr(crossfit, "AdditiveStep", type("Nothing", (), {}))
    slow = all_folds(step, train, folds)
    assert len(counted) == 4
    for ours, reference in zip(fast, slow, strict=True):
        polars.testing.assert_frame_equal(ours.x, reference.x, rel_tol=1e-12, abs_tol=1e-15)
        polars.testing.assert_frame_equal(ours.frames["valid"], reference.frames["valid"], rel_tol=1e-12, abs_tol=1e-15)


def group_number(parts, codes):
    """Return which of the combinations that these rows have a row has."""
    return np.unique(np.stack(codes), axis=1, return_inverse=True)[1]


def test_a_combination_has_the_same_number_in_all_rows_and_one_that_has_not_is_seen(monkeypatch):
    """Numbers that count what a part of the rows has, as group numbers do, mix up categories when parts are added."""
    train = table(60, 3)
    x = make_pool(FeatureSet(), train, table(9, 2), make_splitter("kfold", {"folds": 3}).split(train)).x
    step = TargetMean([("street", "zone")], smooth=1)

    def moved():
        added = step.finish(step.tally(x[:30], train.y[:30]) + step.tally(x[30:], train.y[30:]))
        return not np.allclose(added.transform(x).to_numpy(), step.fit(x, train.y).transform(x).to_numpy())

    assert not moved()
    monkeypatch.setattr(levels, "number_of", group_number)
    assert moved()


# --- categories for models --------------------------------------------------------------------------------------------


def test_combine_makes_categories():
    x = pl.DataFrame({"a": ["p", None, "q"], "b": [True, False, None], "c": [1, 2, 3]})
    made = combine([("a", "b"), ("b", "c")])(x)
    assert made.columns == ["a", "b", "c", "a_x_b", "b_x_c"]
    assert made["a_x_b"].to_list() == ["p & true", "null & false", "q & null"]
    assert made["b_x_c"].to_list() == ["true & 1", "false & 2", "null & 3"]


def test_combined_categories_get_a_vocabulary_and_serve_encoders():
    train = table(40, 1)
    folds = make_splitter("kfold", {"folds": 4}).split(train)
    features = FeatureSet(rows=[combine(combinations(["street", "zone"]))], fold=[Frequency("street_x_zone")])
    pool = make_pool(features, train, table(9, 2), folds)
    built = build(pool, folds.folds[0].train, {"valid": folds.folds[0].valid}, prove=True)
    assert isinstance(built.x["street_x_zone"].dtype, pl.Enum)
    same = Frequency([("street", "zone")]).fit(built.x).transform(built.frames["valid"])
    assert built.frames["valid"]["street_x_zone__frequency"].to_list() == same.to_series().to_list()


@pytest.mark.parametrize("given", [("a", "b"), "ab", [("a",)], [("a", "a")], 7])
def test_combine_wants_combinations(given):
    with pytest.raises(FeatureError, match="expected a list of combinations") as caught:
        combine(given)
    assert "combine([('a', 'b')])" in caught.value.hint


@pytest.mark.parametrize(
    ("x", "problem"),
    [({"a": ["p"], "c": ["q"]}, "there is no column 'b'"), ({"a": ["p"], "b": [0.5]}, "found Float64")],
)
def test_combine_wants_categories(x, problem):
    with pytest.raises(FeatureError, match=problem):
        combine([("a", "b")])(pl.DataFrame(x))
