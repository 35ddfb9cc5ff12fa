import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.features.encoders import TargetMean

COLUMNS = ("colour", "wet")
PASSED = pl.Enum(["no", "yes"])
GRADE = pl.Enum(["high", "low", "mid"])


def smoothed_mean(value, category, known, target, smooth):
    """The mean target of the rows of a category, of which `smooth` more have the mean of all."""
    prior = sum(target) / len(target)
    own = [y for other, y in zip(known, target, strict=True) if other == category]
    return (sum(own) + smooth * prior) / (len(own) + smooth) if own else prior


def expected_means(train, rows, column, target, smooth):
    known = train[column].to_list()
    return [smoothed_mean(rows, category, known, target, smooth) for category in rows[column].to_list()]


def draw_target(data, dtype, height, numbers):
    values = numbers if dtype == pl.Float64 else st.sampled_from(dtype.categories.to_list())
    return pl.Series("y", data.draw(st.lists(values, min_size=height, max_size=height)), dtype=dtype)


@given(data=st.data(), smooth=st.sampled_from([0, 0.5, 10.0]))
def test_a_number_as_target(data, smooth, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, pl.Float64, train.height, numbers)
    encoded = TargetMean(COLUMNS, smooth=smooth).fit(train, y).transform(rows)
    assert encoded.columns == ["colour__target_mean", "wet__target_mean"]
    for column in COLUMNS:
        expected = expected_means(train, rows, column, y.to_list(), smooth)
        assert encoded[f"{column}__target_mean"].to_list() == pytest.approx(expected)


@given(data=st.data())
def test_of_two_classes_the_share_of_the_last(data, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, PASSED, train.height, numbers)
    encoded = TargetMean(COLUMNS).fit(train, y).transform(rows)
    for column in COLUMNS:
        expected = expected_means(train, rows, column, [value == "yes" for value in y], 10)
        assert encoded[f"{column}__target_mean"].to_list() == pytest.approx(expected)


@given(data=st.data())
def test_of_more_classes_the_share_of_each(data, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, GRADE, train.height, numbers)
    encoded = TargetMean(COLUMNS).fit(train, y).transform(rows)
    assert encoded.columns == [f"{column}__target_mean_{grade}" for column in COLUMNS for grade in GRADE.categories]
    for column in COLUMNS:
        for grade in GRADE.categories:
            expected = expected_means(train, rows, column, [value == grade for value in y], 10)
            assert encoded[f"{column}__target_mean_{grade}"].to_list() == pytest.approx(expected)


@given(data=st.data())
@pytest.mark.parametrize("dtype", [pl.Float64, PASSED, GRADE])
def test_tallies_of_parts_add_up_to_the_tally_of_all(dtype, data, train_rows, numbers):
    train = data.draw(train_rows)
    y = draw_target(data, dtype, train.height, numbers)
    step = TargetMean(COLUMNS)
    part = np.array(data.draw(st.lists(st.integers(0, 2), min_size=train.height, max_size=train.height)))
    tallies = [step.tally(train.filter(part == p), y.filter(part == p)) for p in range(3)]
    added = step.finish(tallies[0] + tallies[1] + tallies[2]).transform(train)
    at_once = step.fit(train, y).transform(train)
    assert added.schema == at_once.schema
    assert np.abs(added.to_numpy() - at_once.to_numpy()).max() <= 1e-12


@pytest.mark.parametrize("size", [255, 256, 257])
def test_null_has_a_level_of_its_own_where_the_vocabulary_fills_a_byte(size):
    names = [f"{i:03}" for i in range(size)]
    x = pl.DataFrame({"kind": pl.Series([*names, None], dtype=pl.Enum(names))})
    y = pl.Series([float(i) for i in range(size + 1)])
    assert TargetMean("kind", smooth=0).fit(x, y).transform(x)["kind__target_mean"].to_list() == y.to_list()


def test_the_table_lists_the_categories_that_were_seen():
    x = pl.DataFrame({"kind": pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"]))})
    table = TargetMean("kind", smooth=1).fit(x, pl.Series([1.0, 6.0, 2.0])).tables()["kind"]
    assert table.to_dicts() == [
        {"category": "b", "count": 2, "mean": 1.5, "smoothed": 2.0},
        {"category": None, "count": 1, "mean": 6.0, "smoothed": 4.5},
    ]


def test_the_table_has_a_column_for_each_of_more_than_two_classes():
    x = pl.DataFrame({"wet": [True, True]})
    table = TargetMean("wet").fit(x, pl.Series(["low", "mid"], dtype=GRADE)).tables()["wet"]
    assert table.select("category", "count", "mean_high", "mean_low", "mean_mid").rows() == [("true", 2, 0.0, 0.5, 0.5)]
    assert table.columns[-3:] == ["smoothed_high", "smoothed_low", "smoothed_mid"]
