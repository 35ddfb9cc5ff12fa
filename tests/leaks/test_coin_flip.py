"""Where the target is noise, no pipeline predicts it; where a leak is, it does."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from kagflow.features import FeatureSet
from kagflow.features.encoders import TargetMean
from tests.leaks.assertions import assert_coin_flips_are_not_predicted
from tests.leaks.data import Kind, make_data
from tests.leaks.pipelines import Pipeline, linear, trees
from tests.leaks.test_valid_targets import mean_before_the_split

MODELS = {"trees": lambda data, fold: trees(30), "linear": lambda data, fold: linear(data.task)}
TASKS = pytest.mark.parametrize("task", ["regression", "binary"])
EVERY_MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def noise(task, splitter):
    """Return data of many rare shops whose target is drawn anew, and folds."""
    kind, rng = Kind("noise", task, splitter), np.random.default_rng(23)
    data = make_data(task, rows=400)
    shop = pl.Series("shop", [f"rare{code}" for code in rng.integers(0, 130, 400)])
    train = replace(data.train, x=data.train.x.with_columns(shop), y=data.train.y.sample(400, shuffle=True, seed=1))
    data = replace(data, train=train)
    return data, kind.folds(data, 4)


@TASKS
@EVERY_MODEL
def test_a_target_mean_of_many_rare_categories(task, model):
    data, folds = noise(task, "kfold")
    features = FeatureSet(target=[TargetMean(["shop", "colour"], smooth=0)], drop=["shop"])
    assert_coin_flips_are_not_predicted(Pipeline(lambda data: features, model=model), data, folds)


@TASKS
@EVERY_MODEL
def test_a_mean_made_before_the_split_is_caught(task, model):
    data, folds = noise(task, "kfold")

    def features(data):
        return replace(mean_before_the_split(data), drop=["shop"])

    with pytest.raises(AssertionError, match="standard errors better than chance"):
        assert_coin_flips_are_not_predicted(Pipeline(features, model=model), data, folds)
