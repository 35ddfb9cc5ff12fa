"""Forward in time nothing flows backwards."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.encoders import TargetMean
from tests.leaks.assertions import assert_later_cells_do_not_matter, assert_what_comes_later_does_not_matter
from tests.leaks.data import Kind
from tests.leaks.pipelines import Hidden, Pipeline, TargetLag, every_step, plain_pipeline

FORWARD = Kind("timed", "regression", "forward")
TARGET_MEANS = FeatureSet(target=[TargetMean(["shop"]), Hidden(TargetMean(["colour"]))])


@pytest.fixture
def data():
    return FORWARD.make()


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_what_comes_after_the_training_rows_does_not_reach_their_features(data, rng):
    pipeline = plain_pipeline(FORWARD)
    assert_what_comes_later_does_not_matter(pipeline.frames, data, FORWARD.folds(data), rng)


def test_among_training_rows_a_block_knows_only_the_blocks_before_it(data):
    folds = FORWARD.folds(data)
    pipeline = Pipeline(lambda data: TARGET_MEANS)
    assert_later_cells_do_not_matter(lambda data: pipeline.built(data, folds, 2), data, folds)


def test_the_first_block_knows_nothing_and_says_so_in_the_right_type(data):
    folds = FORWARD.folds(data)
    pipeline = plain_pipeline(FORWARD, features=every_step(FORWARD, looks_at_y=False))
    for number in range(len(folds)):
        built = pipeline.built(data, folds, number)
        first = pipeline.pool(data, folds).cells[0][built.rows] == 0
        encoded = built.x.select("^.*__target_mean$")
        assert encoded.width == 3
        assert set(encoded.dtypes) == {pl.Float64}
        assert encoded.filter(first).null_count().row(0) == (first.sum(),) * 3
        assert encoded.filter(~first).null_count().row(0) == (0, 0, 0)


# --- planted leaks ---------------------------------------------------------------------------------------------------


def test_folds_at_random_are_caught(data, rng):
    random = Kind("timed", "regression", "kfold")
    pipeline = Pipeline(lambda data: TARGET_MEANS)
    with pytest.raises(AssertionError, match="train"):
        assert_what_comes_later_does_not_matter(pipeline.frames, data, random.folds(data), rng)


def rolling_mean_that_looks_ahead(data):
    """Join a centred rolling mean of the target by day, made before the split."""
    by_day = pl.DataFrame({"day": data.train.time, "y": data.train.y}).group_by("day").agg(pl.mean("y")).sort("day")
    smooth = by_day.select("day", around=pl.col("y").rolling_mean(5, center=True))
    return FeatureSet(rows=[lambda x: x.join(smooth, on="day", how="left", maintain_order="left")])


def next_value_of_the_shop(data):
    """Join the next income of the same shop, as a `shift(-1)` does that a map of names calls the last one."""
    rows = data.train.x.sort("day").select("row", last=pl.col("income").shift(-1).over("shop"))
    return FeatureSet(rows=[lambda x: x.join(rows, on="row", how="left", maintain_order="left")])


@pytest.mark.parametrize("features", [rolling_mean_that_looks_ahead, next_value_of_the_shop], ids=lambda f: f.__name__)
def test_features_that_look_ahead_are_caught(features, data, rng):
    with pytest.raises(AssertionError, match=r"moved in (around|last)"):
        assert_what_comes_later_does_not_matter(Pipeline(features).frames, data, FORWARD.folds(data), rng)


def test_cells_without_their_order_are_caught(data):
    folds = FORWARD.folds(data)
    unordered = replace(folds, forward=False)
    pipeline = Pipeline(lambda data: TARGET_MEANS)
    with pytest.raises(AssertionError, match="early moved"):
        assert_later_cells_do_not_matter(lambda data: pipeline.built(data, unordered, 2), data, folds)


@pytest.mark.parametrize("splitter", ["forward", "kfold"])
def test_a_history_step_that_looks_at_its_own_row_is_refused(splitter, data):
    kind = Kind("timed", "regression", splitter)
    pipeline = Pipeline(lambda data: FeatureSet(history=[TargetLag(allow_self=True)]), refit=True)
    with pytest.raises(FeatureError, match="looks at rows nearer than its lag of 25") as caught:
        for fold in kind.folds(data):
            pipeline.built(data, kind.folds(data), fold.number)
    assert "TargetLag(shop) at tests/leaks/pipelines.py" in caught.value.where


def test_a_long_lag_is_proved_too(data):
    """Where the middle row has no history, a later row must do for the proof."""
    kind = Kind("timed", "regression", "kfold")
    pipeline = Pipeline(lambda data: FeatureSet(history=[TargetLag(lag=45, allow_self=True)]))
    with pytest.raises(FeatureError, match="nearer than its lag of 45"):
        pipeline.built(data, kind.folds(data), 1)


def test_a_lag_shorter_than_what_is_scored_is_refused(data):
    pipeline = Pipeline(lambda data: FeatureSet(history=[TargetLag(lag=3)]), refit=True)
    with pytest.raises(FeatureError, match="lag of 3 is shorter than the horizon"):
        pipeline.built(data, FORWARD.folds(data), 0)
