"""The target among the features under another name is found; a good feature, and chance on a few rows, are not."""

import numpy as np
import polars as pl
import pytest

from kagflow.errors import FeatureError
from kagflow.features.giveaway import target_images

RNG = np.random.default_rng(3)
ROWS = 300
Y = pl.Series("y", RNG.normal(10, 3, ROWS).round(2))  # with ties
TWO = pl.Series("y", np.where(RNG.random(ROWS) < 0.3, "yes", "no"), dtype=pl.Enum(["no", "yes"]))
THREE = pl.Series("y", RNG.choice(["low", "mid", "top"], ROWS), dtype=pl.Enum(["low", "mid", "top"]))


def noise(size=1.0):
    return pl.Series(RNG.normal(0, size, ROWS))


def renamed(y, names):
    return pl.Series([names[code] for code in y.to_physical()], dtype=pl.Enum(sorted(set(names))))


def with_nulls(column):
    return pl.Series([None if row % 3 == 0 else value for row, value in enumerate(column)], dtype=column.dtype)


IMAGES = {
    "the target": (Y, Y),
    "its logarithm": (Y.log1p(), Y),
    "upside down": (1000 - 3 * Y, Y),
    "its rank": (Y.rank("dense"), Y),
    "as an integer": ((Y * 100).round(0).cast(pl.Int64), Y),
    "where it is known": (with_nulls(Y), Y),
    "as a category": (Y.cast(pl.String).cast(pl.Enum(Y.cast(pl.String).unique().sort())), Y),
    "class codes": (TWO.to_physical(), TWO),
    "a flag": (TWO == "yes", TWO),
    "the opposite flag": (TWO != "yes", TWO),
    "a flag where it is known": (with_nulls(TWO == "yes"), TWO),
    "other names": (renamed(TWO, ["b", "a"]), TWO),
    "null for one class": (noise().zip_with(TWO == "yes", pl.Series([None] * ROWS, dtype=pl.Float64)), TWO),
    "a category that only one class has": (
        pl.Series(["x" if y == "yes" else None for y in TWO], dtype=pl.Enum(["x"])),
        TWO,
    ),
    "names of three": (renamed(THREE, ["x", "z", "y"]), THREE),
    "numbers of three in another order": (renamed(THREE, ["5", "1", "3"]).cast(pl.String).cast(pl.Float64), THREE),
}
FEATURES = {
    "noise": (noise(), Y),
    "the target with noise": (Y + noise(0.05), Y),
    "a half of it": ((Y > 10).cast(pl.Int8), Y),
    "rounded": (Y.round(0), Y),
    "an id": (pl.Series(range(ROWS)), Y),
    "names, each once": (
        pl.Series([f"n{row}" for row in range(ROWS)], dtype=pl.Enum([f"n{row}" for row in range(ROWS)])),
        Y,
    ),
    "nothing at all": (pl.Series([None] * ROWS, dtype=pl.Float64), Y),
    "a constant": (pl.Series([1.0] * ROWS), TWO),
    "infinities": (pl.Series([float("inf")] * ROWS), Y),
    "a number with a threshold": (TWO.to_physical() * 10 + noise(0.5).clip(-2, 2), TWO),
    "classes with noise": (TWO.to_physical() * 2 + noise(0.8), TWO),
    "one row wrong": (
        (TWO == "yes").to_frame("x").with_row_index().select(pl.col("x") ^ (pl.col("index") == 7))["x"],
        TWO,
    ),
    "a pure level among others": (
        pl.Series(["a" if y == "yes" else "bcd"[row % 3] for row, y in enumerate(TWO)], dtype=pl.Enum(list("abcd"))),
        TWO,
    ),
    "two of three classes": (renamed(THREE, ["x", "x", "y"]), THREE),
}


@pytest.mark.parametrize("case", IMAGES)
def test_an_image_of_the_target_is_found(case):
    column, y = IMAGES[case]
    assert target_images(pl.DataFrame({"noise": noise(), "made": column, "more": noise()}), y) == ["made"]


@pytest.mark.parametrize("case", FEATURES)
def test_a_feature_is_no_image(case):
    column, y = FEATURES[case]
    assert target_images(pl.DataFrame({"made": column}), y) == []


@pytest.mark.parametrize("rows", [1, 2, 5, 10, 20])
def test_few_rows_prove_nothing(rows):
    columns = {f"x{column}": np.random.default_rng(column).random(rows) < 0.5 for column in range(2000)}
    y = pl.Series("y", np.where(np.arange(rows) % 2, "yes", "no"), dtype=pl.Enum(["no", "yes"]))
    assert target_images(pl.DataFrame({**columns, "made": y == "yes"}), y) == []


def test_a_dozen_numbers_in_the_same_order_prove_something():
    y = pl.Series(np.arange(14.0))
    assert target_images(pl.DataFrame({"made": y**2}), y) == ["made"]
    assert target_images(pl.DataFrame({"made": y[:8] ** 2}), y[:8]) == []


def test_two_cases_of_a_rare_class_prove_nothing():
    y = pl.Series(["no"] * 5000 + ["yes"] * 2, dtype=pl.Enum(["no", "yes"]))
    assert target_images(pl.DataFrame({"made": y == "yes"}), y) == []


def test_many_rows_are_all_looked_at():
    """One row of many, which a sample is unlikely to hold, clears a column."""
    y = pl.Series(np.random.default_rng(0).normal(size=50_000))
    almost = y.to_numpy().copy()
    almost[[4321, 7]] = almost[[7, 4321]]
    assert target_images(pl.DataFrame({"almost": almost, "whole": y.exp()}), y) == ["whole"]


# --- in a run --------------------------------------------------------------------------------------------------------

# The targets travel in the text of the module, for a file would be noticed.
LOOK_UP = """\
Y = {targets}
def look(x):
    return x.with_columns(seen=pl.col("id").replace_strict(Y, default=None, return_dtype=pl.Float64).log1p())
FEATURES = FeatureSet(rows=[look])
"""
LOOK_UP_IN_A_STEP = """\
from dataclasses import dataclass
from kagflow.features import FoldStep
Y = {targets}
@dataclass(frozen=True)
class Look(FoldStep):
    def fit(self, x):
        return self
    def transform(self, x):
        return x.select(seen=pl.col("id").replace_strict(Y, default=None, return_dtype=pl.Float64))
    def tables(self):
        return {{}}
FEATURES = FeatureSet(fold=[Look()])
"""
LOOK_UP_LAST = LOOK_UP.replace("rows=", "then=")


@pytest.mark.parametrize(
    ("features", "culprit"),
    [(LOOK_UP, r"look at .*features\.py:4"), (LOOK_UP_IN_A_STEP, r"Look\(\) at .*:6"), (LOOK_UP_LAST, r"look at .*:4")],
    ids=["a row function", "a step", "then"],
)
def test_the_culprit_is_named(project, features, culprit):
    train = pl.read_csv(project.raw / "train.csv")
    train = train.with_columns(pl.col("y") + 10)
    train.write_csv(project.raw / "train.csv")
    project.features(features.format(targets=dict(zip(train["id"], train["y"], strict=True))))
    with pytest.raises(FeatureError, match=rf"KF303 {culprit}: the column 'seen'") as caught:
        project.cv("rounds=3")
    assert "ignore" in caught.value.hint


@pytest.mark.parametrize(("task", "metric"), [("regression", "rmse"), ("binary", "auc"), ("multiclass", "log_loss")])
def test_a_raw_column_that_is_the_target(project, task, metric):
    project.data(task, sample={"low": [1] * 12, "mid": [0] * 12, "top": [0] * 12} if task == "multiclass" else None)
    project.facts(task=task, metric=metric)
    for name, copy in (("train", pl.col("y")), ("test", pl.lit(None))):
        path = project.raw / f"{name}.csv"
        pl.read_csv(path).with_columns(sold=copy).write_csv(path)
    with pytest.raises(FeatureError, match="KF303 the files: the column 'sold' is the target of every training row"):
        project.cv("rounds=3")
    project.facts(task=task, metric=metric, ignore=["shop", "day", "w", "sold"])
    assert project.cv("rounds=3").facts["accepted"] == []
