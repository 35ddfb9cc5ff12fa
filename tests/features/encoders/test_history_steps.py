import math
import statistics
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.crossfit import build
from kagflow.features.encoders import Lag, Rolling, TargetLag, TargetRolling, past
from kagflow.features.pool import make_pool
from kagflow.features.proof import prove_history
from kagflow.splits import make_splitter

SHOPS = pl.Enum(["a", "b", "c"])
GRADE = pl.Enum(["high", "low", "mid"])
ORACLES = {
    "mean": statistics.fmean,
    "std": lambda values: statistics.stdev(values) if len(values) > 1 else None,
    "median": statistics.median,
    "min": min,
    "max": max,
    "sum": math.fsum,
    "count": len,
}
PRICES = st.none() | st.just(math.nan) | st.integers(-40, 40).map(lambda number: number / 4)
ROWS = st.tuples(
    st.none() | st.sampled_from(["a", "b"]), st.none() | st.booleans(), st.integers(0, 12), PRICES, st.integers(0, 9)
)
ASKED = st.tuples(st.none() | st.sampled_from(["a", "c"]), st.none() | st.booleans(), st.integers(0, 30))
START = date(2024, 2, 20)


def train_frame(rows):
    schema = {"shop": SHOPS, "open": pl.Boolean, "day": pl.Int16, "price": pl.Float64, "y": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row", strict=False)


def asked_frame(rows):
    return pl.DataFrame(rows, schema={"shop": SHOPS, "open": pl.Boolean, "day": pl.Int16}, orient="row")


def fit(step, train):
    return step.fit(train.drop("y"), train["y"], train["day"])


def of_window(train, key, asked, source, window, lag):
    """The numbers of the same key that happened in the window that ends a lag before, and when."""
    found = []
    for row in train.iter_rows(named=True):
        age = asked["day"] - row["day"]
        same = all(row[name] == asked[name] for name in key)
        known = row[source] is not None and not math.isnan(row[source])
        if same and known and lag <= age < lag + window:
            found.append((row["day"], row[source]))
    return found


@given(train=st.lists(ROWS, max_size=25), asked=st.lists(ASKED, max_size=8), lag=st.integers(1, 6))
@pytest.mark.parametrize("key", [["shop"], ["shop", "open"]], ids=len)
def test_a_lag_is_the_latest_known_number_of_the_key_that_is_old_enough(key, train, asked, lag):
    train, asked = train_frame(train), asked_frame(asked)
    names = {"price": f"price__lag_{lag}_by_{'_'.join(key)}", "y": f"{'_'.join(key)}__target_lag_{lag}"}
    for source, step in (("price", Lag("price", key, lag)), ("y", TargetLag(key, lag))):
        expected = []
        for row in asked.iter_rows(named=True):
            old = of_window(train, key, row, source, math.inf, lag)
            latest = max((day for day, _ in old), default=None)
            expected.append(statistics.fmean(value for day, value in old if day == latest) if old else None)
        made = fit(step, train).transform(asked)
        assert made.schema == {names[source]: pl.Float64}
        assert made.to_series().to_list() == pytest.approx(expected)


@given(train=st.lists(ROWS, max_size=25), asked=st.lists(ASKED, max_size=8), spans=st.tuples(*[st.integers(1, 6)] * 2))
@pytest.mark.parametrize("at_a_time", [3, 2**22])
def test_statistics_of_a_window_that_ends_a_lag_ago(at_a_time, train, asked, spans):
    window, lag = spans
    train, asked = train_frame(train), asked_frame(asked)
    steps = {
        "price": Rolling(["price"], "shop", window, lag, list(ORACLES)),
        "y": TargetRolling("shop", window, lag, list(ORACLES)),
    }
    stems = {"price": ("price__", "_by_shop"), "y": ("shop__target_", "")}
    for source, step in steps.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(past, "_MOST_NUMBERS", at_a_time)
            made = fit(step, train).transform(asked)
        for name, oracle in ORACLES.items():
            expected = []
            for row in asked.iter_rows(named=True):
                values = [value for _, value in of_window(train, ["shop"], row, source, window, lag)]
                expected.append(oracle(values) if values or name == "count" else None)
            column = made[f"{stems[source][0]}{name}_{window}_lag_{lag}{stems[source][1]}"]
            assert column.to_list() == pytest.approx(expected, abs=1e-9)
        assert set(made.dtypes) == {pl.Float64}


STEPS = [
    Lag("price", "shop", 2),
    TargetLag(["shop", "open"], 2),
    Rolling("price", "shop", 3, 2, ["mean", "std"]),
    TargetRolling("shop", 3, 2, ["median", "count"]),
]
EVERY_STEP = pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)


@EVERY_STEP
@settings(max_examples=20)
@given(train=st.lists(ROWS, max_size=25), asked=st.lists(ASKED, max_size=8))
def test_names_types_and_values_of_a_row_do_not_depend_on_the_other_rows(step, train, asked):
    train, asked = train_frame(train), asked_frame(asked)
    fitted = fit(step, train)
    made = fitted.transform(asked)
    assert made.height == asked.height
    assert made.schema == fitted.transform(asked.clear()).schema
    assert all(not changed_columns(made[i], fitted.transform(asked[i])) for i in range(asked.height))


@EVERY_STEP
@settings(max_examples=30)
@given(train=st.lists(ROWS, min_size=1, max_size=25))
def test_nothing_nearer_than_the_lag_is_looked_at(step, train):
    train = train_frame(train)
    prove_history(step, fit(step, train), train.drop("y"), train["y"], train["day"])


@EVERY_STEP
def test_a_fit_that_cheats_on_its_lag_is_seen(step):
    """The same step, asked as if the rows were later than they are."""
    train = train_frame([("a", True, day, float(day), day * day) for day in range(12)])

    class Cheat:
        def __init__(self, fitted):
            self.fitted = fitted

        def transform(self, x):
            return self.fitted.transform(x.with_columns(pl.col("day") + 2))

    class Cheating:
        lag = step.lag

        def fit(self, x, y, time):
            return Cheat(step.fit(x, y, time))

    with pytest.raises(FeatureError, match="looks at rows nearer than its lag of 2"):
        prove_history(Cheating(), Cheating().fit(train, train["y"], train["day"]), train, train["y"], train["day"])


def test_bits_of_a_window_do_not_depend_on_what_is_outside():
    """A running sum would carry the large number on."""
    rows = [("a", True, day, 0.1 * day, 0) for day in range(1, 12)]
    step = Rolling("price", "shop", 3, 1, list(ORACLES))
    asked = asked_frame([("a", None, 9)])
    far = ("a", True, 0, 1e18, 0)
    assert fit(step, train_frame([far, *rows])).transform(asked).equals(fit(step, train_frame(rows)).transform(asked))


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Duration("ms")])
def test_dates_and_timedeltas(dtype):
    zero = {pl.Date: START, pl.Duration: timedelta(0)}.get(dtype.base_type(), datetime(2024, 2, 20))
    if getattr(dtype, "time_zone", None):
        zero = zero.replace(tzinfo=UTC)
    times = pl.Series("when", [zero + timedelta(days=day) for day in (0, 3, 10, 38)], dtype=dtype)
    x = pl.DataFrame({"shop": pl.Series(["a"] * 4, dtype=SHOPS), "when": times})
    y = pl.Series([1.0, 3.0, 5.0, 7.0])
    lag = TargetLag("shop", timedelta(days=28)).fit(x, y, times).transform(x)
    assert lag.columns == ["shop__target_lag_28d"]
    assert lag.to_series().to_list() == [None, None, None, 5.0]
    rolling = TargetRolling("shop", timedelta(days=7, hours=1), timedelta(hours=72)).fit(x, y, times).transform(x)
    assert rolling.columns == ["shop__target_mean_169h_lag_3d"]
    assert rolling.to_series().to_list() == [None, 1.0, 2.0, None]


def test_of_two_classes_the_share_of_the_last_and_of_more_each():
    x = pl.DataFrame({"shop": pl.Series(["a", "a", "a"], dtype=SHOPS), "day": [1, 1, 5]})
    two = pl.Series(["no", "yes", "no"], dtype=pl.Enum(["no", "yes"]))
    assert TargetLag("shop", 4).fit(x, two, x["day"]).transform(x)[2].to_dicts() == [{"shop__target_lag_4": 0.5}]
    more = pl.Series(["mid", "low", "low"], dtype=GRADE)
    made = TargetRolling("shop", 2, 4).fit(x, more, x["day"]).transform(x)
    assert made.row(2, named=True) == {
        "shop__target_mean_2_lag_4_high": 0.0,
        "shop__target_mean_2_lag_4_low": 0.5,
        "shop__target_mean_2_lag_4_mid": 0.5,
    }


def test_the_tables_hold_what_is_looked_back_on():
    train = train_frame([("b", True, 3, 1.0, 5), ("a", True, 9, None, 6), ("a", True, 2, 4.0, 7)])
    assert fit(Lag("price", "shop", 1), train).tables()["price__known"].rows() == [("a", 2, 4.0), ("b", 3, 1.0)]
    assert fit(TargetLag("shop", 1), train).tables()["target__known"].columns == ["shop", "day", "target__known"]


@pytest.mark.parametrize(
    ("step", "time", "problem"),
    [
        (TargetLag("shop", timedelta(days=1)), pl.Series("day", [1]), "cannot be datetime.timedelta"),
        (TargetLag("shop", 1), pl.Series("day", [START]), "of type Date, and a span of them cannot be 1"),
        (TargetRolling("shop", 7, timedelta(1)), pl.Series("day", [START]), "of type Date, and a span of them cannot"),
        (TargetLag("shop", 1), pl.Series("dya", [1]), "there is no time column 'dya'"),
        (TargetLag("shpo", 1), pl.Series("day", [1]), "there is no column 'shpo'"),
    ],
)
def test_what_does_not_fit_the_rows_is_refused_with_a_hint(step, time, problem):
    x = pl.DataFrame({"shop": ["a"], "day": [1]})
    with pytest.raises(FeatureError, match=problem) as caught:
        step.fit(x, pl.Series([1.0]), time)
    assert caught.value.hint
    assert "(sh" in caught.value.where


@pytest.mark.parametrize("lag", [0, -3, True, "28d", timedelta(0)])
def test_a_lag_of_nothing_is_refused(lag):
    with pytest.raises(FeatureError, match="lag must be a positive number or timedelta"):
        Lag("price", "shop", lag)
    with pytest.raises(FeatureError, match="window must be a positive number or timedelta"):
        TargetRolling("shop", lag, 1)


def test_a_statistic_that_there_is_not_is_refused():
    with pytest.raises(FeatureError, match="statistics cannot be 'maen'"):
        TargetRolling("shop", 7, 28, ["maen"])


# --- a panel: every shop every day, of which the last 28 are scored --------------------------------------------------

HORIZON = 28


@pytest.fixture
def panel():
    days, shops = 28 * 6, 3
    x = pl.DataFrame(
        {
            "day": [START + timedelta(days=day) for day in range(days) for _ in range(shops)],
            "shop": ["a", "b", "c"] * days,
            "price": np.random.default_rng(1).normal(size=days * shops),
        }
    )
    train, test = x[: 140 * shops], x[140 * shops :]
    y = pl.Series("y", np.arange(train.height, dtype=float))
    return (
        Table(ids=pl.Series("id", range(train.height)), x=train, y=y, time=train["day"]),
        Table(ids=pl.Series("id", range(1000, 1000 + test.height)), x=test, time=test["day"]),
    )


def built(panel, *steps):
    train, test = panel
    folds = make_splitter("forward", {"folds": 4}).split(train)  # five blocks of 28 days
    pool = make_pool(FeatureSet(history=steps), train, test, folds, hidden=["day"])
    fold = folds.folds[-1]
    return build(pool, fold.train, {"valid": fold.valid}, prove=True), fold


def test_the_target_of_28_days_ago_serves_a_horizon_of_28_days(panel):
    step = TargetLag("shop", timedelta(days=HORIZON))
    result, fold = built(panel, step, Lag("price", "shop", timedelta(days=HORIZON)))
    ago = HORIZON * 3  # rows
    y, price = panel[0].y, panel[0].x["price"]
    assert result.frames["valid"]["shop__target_lag_28d"].to_list() == y[fold.valid - ago].to_list()
    assert result.frames["valid"]["price__lag_28d_by_shop"].to_list() == price[fold.valid - ago].to_list()
    assert result.x["shop__target_lag_28d"].to_list() == [None] * ago + y[: result.x.height - ago].to_list()


@pytest.mark.parametrize(
    "step",
    [
        TargetLag("shop", timedelta(days=7)),
        TargetRolling("shop", timedelta(days=28), timedelta(days=7)),
        Lag("price", "shop", timedelta(days=7)),
        Rolling("price", "shop", timedelta(days=28), timedelta(days=27)),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_shorter_lag_is_refused_with_the_one_that_would_do(step, panel):
    with pytest.raises(FeatureError, match="is shorter than the horizon: valid rows reach 28 days") as caught:
        built(panel, step)
    assert caught.value.hint.startswith("use a lag of at least 28 days")
    assert caught.value.where.startswith(f"{type(step).__name__}(")


@pytest.mark.parametrize(
    ("lag", "time"), [(28, None), (timedelta(days=28), pl.Series("day", range(140 * 3)))], ids=["dates", "numbers"]
)
def test_a_lag_that_is_no_span_of_the_time_column_is_refused(lag, time, panel):
    train, test = panel
    if time is not None:
        later = pl.Series("day", range(1000, 1000 + test.height))
        panel = (
            replace(train, x=train.x.with_columns(time), time=time),
            replace(test, x=test.x.with_columns(later), time=later),
        )
    with pytest.raises(FeatureError, match="no span of the time column") as caught:
        built(panel, TargetLag("shop", lag))
    assert "timedelta for dates" in caught.value.hint
