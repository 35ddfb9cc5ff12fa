"""Selectors keep what tells something of the target, and leave noise out."""

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from kagflow.data import Table
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet, SelectByImportance, SelectByPermutation
from kagflow.features.crossfit import build
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

ROWS = 600
SELECTORS = [SelectByImportance(shuffled=10, rounds=20), SelectByPermutation(repeats=2, rounds=20)]
EVERY_SELECTOR = pytest.mark.parametrize("selector", SELECTORS, ids=lambda selector: type(selector).__name__)
CLASSES = {2: pl.Enum(["no", "yes"]), 3: pl.Enum(["high", "low", "mid", "never"])}


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other make so small a model slow."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def x():
    """Three columns that tell of the target, one that never varies, and noise of every kind."""
    rng = np.random.default_rng(3)
    missing = rng.random(ROWS) < 0.1
    colours = pl.Series(rng.choice(["red", "green", "blue"], ROWS), dtype=pl.Enum(["blue", "green", "red", "white"]))
    return pl.DataFrame(
        {
            "width": pl.Series(rng.normal(size=ROWS)).set(pl.Series(missing), None),
            "colour": colours,
            "wet": rng.random(ROWS) < 0.5,
            "constant": np.ones(ROWS),
            **{f"noise{i}": rng.normal(size=ROWS) for i in range(4)},
            "coin": rng.random(ROWS) < 0.5,
            "letter": pl.Series(rng.choice(list("abcdefgh"), ROWS), dtype=pl.Enum(list("abcdefgh"))),
            "nothing": pl.Series([None] * ROWS, dtype=pl.Float64),
        }
    )


def latent(x):
    width, red = x["width"].fill_null(0).to_numpy(), (x["colour"] == "red").to_numpy()
    return 3 * width + 4 * red + 4 * x["wet"].to_numpy()


def target(x, classes):
    values = latent(x) + np.random.default_rng(4).normal(size=x.height) / 2
    if classes == 0:
        return pl.Series("y", values)
    codes = np.argsort(np.argsort(values)) * classes // len(values)
    return pl.Series("y", [CLASSES[classes].categories[int(code)] for code in codes], dtype=CLASSES[classes])


@EVERY_SELECTOR
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_what_tells_of_the_target_is_kept_and_most_noise_is_not(selector, classes, x):
    chosen = selector.fit(x, target(x, classes))
    assert chosen[:3] == ["width", "colour", "wet"]
    assert len(chosen) <= 5
    assert not {"constant", "nothing"} & set(chosen)


@EVERY_SELECTOR
def test_of_noise_little_is_left_and_never_nothing(selector, x):
    coins = pl.Series("y", np.random.default_rng(5).normal(size=ROWS))
    assert 1 <= len(selector.fit(x, coins)) <= 4


@EVERY_SELECTOR
def test_columns_that_tell_nothing_at_all_leave_one(selector, x):
    assert selector.fit(x.select("constant", "nothing"), target(x, 0)) == ["constant"]


@EVERY_SELECTOR
def test_the_choice_does_not_depend_on_the_number_of_threads(selector, x):
    chosen = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            chosen.append(selector.fit(x, target(x, 0)))
    assert chosen[0] == chosen[1]


def test_more_shuffled_columns_than_there_are_columns(x):
    assert SelectByImportance(shuffled=30, rounds=5).fit(x.select("width", "noise0"), target(x, 0)) == ["width"]


def test_a_copy_of_the_target_is_seen_among_shuffled_ones(x):
    """The control: shuffled it says nothing, as it is it says all."""
    y = target(x, 0)
    told, shuffled = y.alias("told"), y.shuffle(seed=1).alias("told")
    noise = x.select("noise0", "noise1")
    for selector in SELECTORS:
        assert selector.fit(noise.hstack([told]), y) == ["told"]
        assert "told" not in selector.fit(x.select("width", "wet").hstack([shuffled]), y)


@EVERY_SELECTOR
def test_a_fold_chooses_by_its_own_training_rows(selector, x):
    y = target(x, 0)
    tables = [Table(ids=pl.Series("id", range(ROWS)), x=x, y=y), Table(ids=pl.Series("id", range(ROWS, 2 * ROWS)), x=x)]
    folds = make_splitter("kfold", {"folds": 2}).split(tables[0])
    fold = folds.folds[0]
    built = build(make_pool(FeatureSet(select=selector), *tables, folds), fold.train, {"valid": fold.valid})
    assert built.x.columns == list(selector.fit(x[fold.train], y[fold.train]))
    assert built.frames["valid"].columns == built.x.columns


@pytest.mark.parametrize(
    ("selector", "setting"),
    [(SelectByImportance, "shuffled"), (SelectByImportance, "rounds"), (SelectByPermutation, "repeats")],
)
def test_a_setting_that_makes_no_sense_is_refused(selector, setting):
    with pytest.raises(FeatureError, match=f"{setting} must be a number of at least 1"):
        selector(**{setting: 0})
