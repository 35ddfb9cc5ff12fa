"""Functions of a row that look at other rows are refused, by name, file and line."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kagflow.errors import FeatureError
from kagflow.features import FeatureSet, FoldStep, TargetStep, pandas_step
from kagflow.features.encoders import TargetMean
from kagflow.features.rows import run_row_function
from tests.leaks.data import KINDS
from tests.leaks.pipelines import Learned, Pipeline, per_room

REGRESSION = KINDS[0]


def rank(x):
    return x.with_columns(made=pl.col("income").rank())


def mean(x):
    return x.with_columns(made=pl.col("income") - pl.col("income").mean())


def shift(x):
    return x.with_columns(made=pl.col("income").shift(1))


def cumulative_sum(x):
    return x.with_columns(made=pl.col("income").cum_sum())


def largest(x):
    return x.with_columns(made=pl.col("income") / pl.col("income").max())


def between_extremes(x):
    low, high = pl.col("income").min(), pl.col("income").max()
    return x.with_columns(made=(pl.col("income") - low) / (high - low))


def filled_with_mean(x):
    return x.with_columns(made=pl.col("area").fill_null(strategy="mean"))


def filled_forward(x):
    return x.with_columns(made=pl.col("area").fill_null(strategy="forward").fill_null(0))


def mean_of_group(x):
    return x.with_columns(made=pl.col("income").mean().over("colour"))


def count_of_group(x):
    return x.with_columns(made=pl.len().over("shop"))


def number_of_row(x):
    return x.with_row_index("made")


def the_top_tenth(x):
    return x.with_columns(made=pl.col("income") > pl.col("income").quantile(0.9))


def random_number(x):
    return x.with_columns(made=pl.Series(np.random.default_rng().normal(size=x.height)))


@pandas_step
def pandas_mean(frame):
    return frame.assign(made=frame["income"] - frame["income"].mean())


@pandas_step
def pandas_group(frame):
    return frame.assign(made=frame.groupby("colour")["income"].transform("mean"))


NOT_ROW_WISE = [
    *(rank, mean, shift, cumulative_sum, largest, between_extremes, filled_with_mean, filled_forward),
    *(mean_of_group, count_of_group, number_of_row, the_top_tenth, random_number, pandas_mean, pandas_group),
]
EVERY_CULPRIT = pytest.mark.parametrize("function", NOT_ROW_WISE, ids=lambda function: function.__name__)


def assert_blamed(error, name):
    """The error names the function, and the line of this file where it is defined."""
    found = re.fullmatch(rf"{name}(?:\(\))? at (tests/leaks/\w+\.py):(\d+)", error.where)
    assert found, error.where
    assert name in " ".join(Path(found[1]).read_text().splitlines()[int(found[2]) - 1 : int(found[2]) + 1])


@EVERY_CULPRIT
@pytest.mark.parametrize("seed", [1, 2])
def test_under_rows(function, seed):
    data = REGRESSION.make(seed)
    with pytest.raises(FeatureError, match="is not row-wise") as caught:
        Pipeline(lambda data: FeatureSet(rows=[per_room, function])).pool(data, REGRESSION.folds(data))
    assert_blamed(caught.value, function.__name__)


@EVERY_CULPRIT
def test_under_then(function):
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(target=[TargetMean(["shop"])], then=[function]))
    with pytest.raises(FeatureError, match="is not row-wise") as caught:
        pipeline.built(data, REGRESSION.folds(data), 0)
    assert_blamed(caught.value, function.__name__)


@pytest.mark.parametrize("rows", [2, 3, 10, 1_500, 5_000])
@pytest.mark.parametrize("function", [largest, between_extremes, mean], ids=lambda function: function.__name__)
def test_whatever_the_number_of_rows(function, rows):
    x = pl.DataFrame({"income": np.random.default_rng(rows).normal(10, 1, rows)})
    with pytest.raises(FeatureError, match="is not row-wise"):
        run_row_function(function, x)


@dataclass(frozen=True)
class StandardiseBatch(FoldStep):
    """Standardises each set of rows by itself, so that valid rows tell of one another."""

    def fit(self, x):
        income = pl.col("income")
        return Learned(lambda x: x.select(made=(income - income.mean()) / income.std()))


@dataclass(frozen=True)
class TargetRankInBatch(TargetStep):
    """A target mean, as a rank among the rows that are encoded together."""

    def fit(self, x, y):
        fitted = TargetMean(["shop"]).fit(x, y)
        return Learned(lambda x: fitted.transform(x).select(made=pl.col("shop__target_mean").rank()))


@pytest.mark.parametrize(
    ("place", "step"),
    [("fold", StandardiseBatch()), ("target", TargetRankInBatch()), ("pooled", StandardiseBatch())],
)
def test_a_transform_that_looks_at_its_batch_is_refused(place, step):
    data = REGRESSION.make()
    with pytest.raises(FeatureError, match="is not row-wise") as caught:
        Pipeline(lambda data: FeatureSet(**{place: [step]}), pooled=True).trained(data, REGRESSION.folds(data), 0)
    assert_blamed(caught.value, type(step).__name__)
