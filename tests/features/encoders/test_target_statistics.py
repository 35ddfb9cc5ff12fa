import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.errors import FeatureError
from kagflow.features.encoders import TargetMean, TargetStatistics
from tests.features.encoders.oracles import COUNTS, ORACLES, agree, statistic

MIXED = ("colour", ("colour", "wet"))
GRADE = pl.Enum(["high", "low", "mid"])
SUMS = ("mean", "std", "var", "count")
PASSED = pl.Enum(["no", "yes"])


def expected_statistics(train, rows, key, target, name, smooth):
    """The statistic of the rows of a category, of which `smooth` more have the statistic of all."""
    columns = [key] if isinstance(key, str) else list(key)
    known, of_all = train.select(columns).rows(), statistic(name, target)
    expected = []
    for row in rows.select(columns).rows():
        values = [value for value, category in zip(target, known, strict=True) if category == row]
        own = statistic(name, values)
        if name in COUNTS:
            expected.append(own)
        elif own is None or not values:
            expected.append(of_all)
        elif of_all is None:
            expected.append(None)
        else:
            expected.append((len(values) * own + smooth * of_all) / (len(values) + smooth))
    return expected


def draw_target(data, values, height, dtype):
    return pl.Series("y", data.draw(st.lists(values, min_size=height, max_size=height)), dtype=dtype)


def check(encoded, train, rows, targets, names, smooth):
    for key in MIXED:
        for name in names:
            for ending, target in targets.items():
                made = encoded["_x_".join([key] if isinstance(key, str) else key) + f"__target_{name}{ending}"]
                expected = expected_statistics(train, rows, key, target, name, smooth)
                assert made.dtype == pl.Float64
                assert agree(made.to_list(), expected)


@settings(max_examples=25)
@given(data=st.data(), smooth=st.sampled_from([0, 2.5]))
def test_statistics_of_a_number(data, smooth, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, numbers, train.height, pl.Float64)
    encoded = TargetStatistics(MIXED, tuple(ORACLES), smooth=smooth).fit(train, y).transform(rows)
    check(encoded, train, rows, {"": y.to_list()}, tuple(ORACLES), smooth)


@settings(max_examples=25)
@given(data=st.data(), smooth=st.sampled_from([0, 2.5]))
def test_statistics_that_are_sums(data, smooth, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, numbers, train.height, pl.Float64)
    step = TargetStatistics(MIXED, SUMS, smooth=smooth)
    assert step.adds_up
    check(step.fit(train, y).transform(rows), train, rows, {"": y.to_list()}, SUMS, smooth)
    cut = data.draw(st.integers(0, train.height))
    parts = step.tally(train[:cut], y[:cut]) + step.tally(train[cut:], y[cut:])
    check(step.finish(parts).transform(rows), train, rows, {"": y.to_list()}, SUMS, smooth)


def test_a_large_mean_costs_no_digits_of_the_deviation():
    x = pl.DataFrame({"kind": pl.Series(["a"] * 6, dtype=pl.Enum(["a"]))})
    y = pl.Series([1e9 + value for value in (1.0, 2, 3, 4, 5, 6)])
    step = TargetStatistics("kind", "var", smooth=0)
    parts = [step.tally(x[i : i + 2], y[i : i + 2]) for i in (0, 2, 4)]
    assert step.finish(parts[0] + parts[1] + parts[2]).transform(x)["kind__target_var"][0] == pytest.approx(3.5, 1e-12)


def test_what_needs_all_rows_at_once_is_no_sum():
    assert not TargetStatistics(MIXED, ["mean", "median"]).adds_up


@settings(max_examples=15)
@given(data=st.data())
@pytest.mark.parametrize("dtype", [PASSED, GRADE])
def test_statistics_of_classes(dtype, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, st.sampled_from(dtype.categories.to_list()), train.height, dtype)
    wanted = {"": "yes"} if dtype == PASSED else {f"_{name}": name for name in dtype.categories}
    targets = {ending: [float(value == name) for value in y] for ending, name in wanted.items()}
    encoded = TargetStatistics(MIXED, ("mean", "var", "count"), smooth=3).fit(train, y).transform(rows)
    check(encoded, train, rows, targets, ("mean", "var", "count"), 3)


@settings(max_examples=15)
@given(data=st.data())
def test_the_mean_is_that_of_target_mean(data, train_rows, any_rows, numbers):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    y = draw_target(data, numbers, train.height, pl.Float64)
    ours, theirs = (step.fit(train, y).transform(rows) for step in (TargetStatistics(MIXED, "mean"), TargetMean(MIXED)))
    assert ours.columns == theirs.columns
    assert ours.rows() == [pytest.approx(row) for row in theirs.rows()]


def test_the_table_lists_the_categories_that_were_seen():
    x = pl.DataFrame({"kind": pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"]))})
    step = TargetStatistics("kind", ["median", "count"], smooth=1)
    table = step.fit(x, pl.Series([1.0, 6.0, 2.0])).tables()["kind"]
    assert table.columns == ["category", "rows", "median", "count"]
    assert table.rows() == [("b", 2, pytest.approx(5 / 3), 2.0), (None, 1, 4.0, 1.0)]


@pytest.mark.parametrize(
    ("word", "hint"), [("medain", "did you mean 'median' or 'mean'?"), ("quantile_9", "quantile_0.9")]
)
def test_a_statistic_that_there_is_not_is_refused(word, hint):
    with pytest.raises(FeatureError, match=f"statistics cannot be '{word}'") as caught:
        TargetStatistics("kind", [word])
    assert hint in caught.value.hint
