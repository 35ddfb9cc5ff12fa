"""A row that is scored is predicted as if it were the only one."""

import numpy as np
import polars as pl
import pytest

from kagflow.features import FeatureSet
from kagflow.features.encoders import Scale
from tests.leaks.assertions import assert_rows_are_predicted_apart
from tests.leaks.data import KINDS
from tests.leaks.pipelines import Pipeline, linear, plain_pipeline, stopped_trees, support_vectors

REGRESSION = KINDS[0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_natural], ids=str)
def test_trees(kind, rng):
    data = kind.make()
    pipeline = plain_pipeline(kind, model=lambda data, fold: stopped_trees(refit=False))
    assert_rows_are_predicted_apart(pipeline, data, kind.folds(data), rng)


@pytest.mark.parametrize("model", [lambda data, fold: linear(data.task), lambda data, fold: support_vectors()])
def test_linear_and_kernel_models(model, rng):
    data = REGRESSION.make()
    assert_rows_are_predicted_apart(plain_pipeline(REGRESSION, model=model), data, REGRESSION.folds(data, 2), rng)


# --- planted leaks ---------------------------------------------------------------------------------------------------


def scaled_by_all_rows(data):
    """Standardise once over train and test, before the split."""
    income = pl.concat([data.train.x["income"], data.test.x["income"]])
    mean, deviation = income.mean(), income.std()
    return FeatureSet(rows=[lambda x: x.with_columns(scaled=(pl.col("income") - mean) / deviation)], drop=["income"])


def ranked_among_all_rows(data):
    """Join ranks that were taken over train and test."""
    x = pl.concat([data.train.x, data.extra.x, data.test.x])
    ranks = x.select("row", rank=pl.col("income").rank())
    return FeatureSet(rows=[lambda x: x.join(ranks, on="row", how="left", maintain_order="left")])


@pytest.mark.parametrize("features", [scaled_by_all_rows, ranked_among_all_rows], ids=lambda made: made.__name__)
def test_features_learned_of_all_rows_are_caught(features, rng):
    data = REGRESSION.make()
    pipeline = Pipeline(features, model=lambda data, fold: linear(data.task))
    with pytest.raises(AssertionError, match="oof moved"):
        assert_rows_are_predicted_apart(pipeline, data, REGRESSION.folds(data, 2), rng)


def test_pooled_steps_are_seen_for_what_they_are(rng):
    """They learn from test features; that is why a competition must declare them."""
    data = REGRESSION.make()
    pooled = FeatureSet(pooled=[Scale(["income"])], drop=["income"])
    pipeline = Pipeline(lambda data: pooled, pooled=True, model=lambda data, fold: linear(data.task))
    with pytest.raises(AssertionError, match="oof moved"):
        assert_rows_are_predicted_apart(pipeline, data, REGRESSION.folds(data, 2), rng)


@pytest.fixture
def rng():
    return np.random.default_rng(5)
