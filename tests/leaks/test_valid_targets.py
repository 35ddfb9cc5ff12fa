"""The targets of the rows that a fold scores reach nothing of that fold: no frame, no model, no prediction."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor

from kagflow.config import RoundsConfig
from kagflow.data.table import target_codes
from kagflow.errors import SplitError
from kagflow.features import FeatureSet, FoldStep, TargetStep
from kagflow.features.encoders import TargetMean
from kagflow.models import Batch
from kagflow.models.lightgbm import LightGBM
from kagflow.splits.kfold import KFold as RandomRows
from kagflow.training import Task, run_task
from tests.leaks.assertions import assert_valid_targets_do_not_matter
from tests.leaks.data import HIDDEN, KINDS, two_repeats
from tests.leaks.pipelines import (
    SMALL_TREES,
    Learned,
    Pipeline,
    every_step,
    linear,
    most_correlated,
    other_trees,
    plain_pipeline,
    stopped_trees,
    support_vectors,
    trees,
)

# Classes that are null are cast to codes by a splitter, which then looks at those of training rows only.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
REGRESSION = KINDS[0]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)
MODELS = {
    "trees": lambda data, fold: trees(),
    "trees stopped, refitted": lambda data, fold: stopped_trees(refit=True),
    "trees stopped": lambda data, fold: stopped_trees(refit=False),
    "XGBoost": lambda data, fold: other_trees("xgboost"),
    "CatBoost": lambda data, fold: other_trees("catboost"),
    "linear": lambda data, fold: linear(data.task),
}


@EVERY_KIND
def test_frames(kind):
    data = kind.make()
    assert_valid_targets_do_not_matter(plain_pipeline(kind).frames, data, kind.folds(data), each=True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_natural], ids=str)
@pytest.mark.parametrize("model", list(MODELS)[1:])
def test_predictions(kind, model):
    data = kind.make()
    pipeline = plain_pipeline(kind, model=MODELS[model])
    assert_valid_targets_do_not_matter(pipeline.predictions, data, kind.folds(data))


def test_predictions_of_a_kernel_model_on_the_scale_of_logarithms():
    data = REGRESSION.make()
    pipeline = plain_pipeline(REGRESSION, model=lambda data, fold: support_vectors(), scale="log1p")
    assert_valid_targets_do_not_matter(pipeline.predictions, data, REGRESSION.folds(data))


def test_pooled_steps_and_repeated_folds():
    data = REGRESSION.make()
    pipeline = plain_pipeline(REGRESSION, pooled=True, features=every_step(REGRESSION, pooled=True))
    assert_valid_targets_do_not_matter(pipeline.frames, data, two_repeats(data.train))
    assert_valid_targets_do_not_matter(pipeline.predictions, data, two_repeats(data.train))


def test_folds_and_seeds_that_share_what_is_built_do_not_mix_it_up():
    data = REGRESSION.make()
    folds = REGRESSION.folds(data)
    pipeline = plain_pipeline(REGRESSION, model=MODELS["trees stopped, refitted"])
    shared = pipeline.setup(data, folds, 0, seeds=2)
    for number, seed in [(0, 3), (1, 3), (1, 4), (0, 4)]:
        alone = run_task(pipeline.setup(data, folds, number), Task(number, seed))
        assert run_task(shared, Task(number, seed)).oof.tobytes() == alone.oof.tobytes()


# --- planted leaks, each as somebody would write it ------------------------------------------------------------------


def mean_before_the_split(data):
    """Join the mean target of each shop, computed once over all of train."""
    rows = pl.DataFrame({"shop": data.train.x["shop"], "y": numbers(data)})
    means = rows.group_by("shop").agg(shop_mean=pl.mean("y"))

    def add_shop_mean(x):
        return x.join(means, on="shop", how="left", nulls_equal=True, maintain_order="left")

    return FeatureSet(rows=[add_shop_mean])


def out_of_fold_mean_made_once(data):
    """Join a target encoding that is out of fold, but of folds of its own: made in a notebook's first cell."""
    x, y = data.train.x["shop"].fill_null("?").to_numpy(), numbers(data).to_numpy()
    encoded = np.zeros(len(y))
    for train, rest in KFold(5, shuffle=True, random_state=0).split(x):
        means = {shop: y[train][x[train] == shop].mean() for shop in np.unique(x[train])}
        encoded[rest] = [means.get(shop, y[train].mean()) for shop in x[rest]]
    by_row = pl.DataFrame({"row": data.train.x["row"], "shop_oof": encoded})
    return FeatureSet(rows=[lambda x: x.join(by_row, on="row", how="left", maintain_order="left")])


@dataclass(frozen=True)
class SmoothedByAll(TargetStep):
    """A target mean that falls back on the mean of all targets, written down beforehand."""

    prior: float

    def fit(self, x, y):
        sums = pl.DataFrame({"shop": x["shop"], "y": target_codes(y)}).group_by("shop").agg(pl.sum("y"), n=pl.len())
        means = sums.select("shop", shop_mean=(pl.col("y") + 5 * self.prior) / (pl.col("n") + 5))

        def encode(x):
            found = x.select("shop").join(means, on="shop", how="left", nulls_equal=True, maintain_order="left")
            return found.select(pl.col("shop_mean").fill_null(self.prior))

        return Learned(encode)


def prior_of_all_rows(data):
    return FeatureSet(target=[SmoothedByAll(float(numbers(data).mean()))])


@dataclass(frozen=True)
class NearestTargets(FoldStep):
    """The mean target of similar rows of train, "unsupervised": the neighbours are found by features alone."""

    x: pl.DataFrame
    y: pl.Series

    def fit(self, x):
        near = KNeighborsRegressor(3).fit(self.x.select("income", "noise").to_numpy(), self.y.to_numpy())
        return Learned(lambda x: pl.DataFrame({"near": near.predict(x.select("income", "noise").to_numpy())}))


def neighbours_among_all_rows(data):
    return FeatureSet(fold=[NearestTargets(data.train.x, numbers(data))])


def outliers_of_all_rows_dropped(data):
    limit = float(numbers(data).mean() + numbers(data).std())
    return FeatureSet(keep=lambda x, y: pl.Series(target_codes(y)) < limit)


def columns_chosen_on_all_rows(data):
    """Keep the columns that go with the target, looked up in a notebook over all of train."""
    x = data.train.x.select(pl.selectors.numeric().exclude(HIDDEN))
    best = most_correlated(x, data.train.y, 2)
    return FeatureSet(drop=[name for name in data.train.x.columns if name not in best])


LEAKY_FEATURES = [
    mean_before_the_split,
    out_of_fold_mean_made_once,
    prior_of_all_rows,
    neighbours_among_all_rows,
    outliers_of_all_rows_dropped,
    columns_chosen_on_all_rows,
]


@pytest.mark.parametrize("features", LEAKY_FEATURES, ids=lambda features: features.__name__)
@pytest.mark.parametrize("look", ["frames", "predictions"])
def test_features_that_know_all_targets_are_caught(features, look):
    data = REGRESSION.make()
    with pytest.raises(AssertionError, match=r"moved in|other columns"):
        assert_valid_targets_do_not_matter(getattr(Pipeline(features), look), data, REGRESSION.folds(data))


def pseudo_labels(data):
    """Label more rows by a model of all of train, and train on them too."""
    columns = ["income", "rooms", "noise"]
    near = KNeighborsRegressor(3).fit(data.train.x.select(columns).to_numpy(), numbers(data).to_numpy())
    return replace(data.extra, y=pl.Series("y", near.predict(data.extra.x.select(columns).to_numpy())))


def test_extra_rows_labelled_by_a_model_of_all_rows_are_caught():
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(), extra=pseudo_labels)
    with pytest.raises(AssertionError, match=r"train y moved"):
        assert_valid_targets_do_not_matter(pipeline.frames, data, REGRESSION.folds(data))


class StopsOnScoredRows(LightGBM):
    """Early stopping on the very rows that are scored, as most public kernels do it."""

    def __init__(self, data, fold):
        super().__init__(SMALL_TREES, 60)
        self.scored = data.train.x[fold.valid], data.train.y[fold.valid]

    def fit(self, train, stop, **settings):
        x, y = self.scored
        chosen = LightGBM(self.params, RoundsConfig(limit=60, patience=5))
        return chosen.fit(train, Batch(x.select(train.x.columns), y), **settings)


def test_stopping_on_scored_rows_is_caught():
    data = REGRESSION.make()
    numbers_only = FeatureSet(drop=["shop", "colour", "grade"])
    pipeline = Pipeline(lambda data: numbers_only, model=StopsOnScoredRows)
    with pytest.raises(AssertionError, match=r"moved in|read a poisoned"):
        assert_valid_targets_do_not_matter(pipeline.predictions, data, REGRESSION.folds(data))


class CarvesScoredRows(RandomRows):
    """A splitter that takes for stop rows what is not trained on."""

    kind = "kfold that carves scored rows"

    def carve(self, table, train, share, seed):
        return np.setdiff1d(np.arange(table.height), train)


def test_a_splitter_that_carves_scored_rows_is_refused():
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(), model=MODELS["trees stopped"], splitter=CarvesScoredRows())
    with pytest.raises(SplitError, match="not a part of the 140 training rows"):
        pipeline.trained(data, REGRESSION.folds(data), 0)


def test_the_same_code_inside_a_target_step_is_clean():
    """What is caught above is where the encoder learns, not what it computes."""
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(target=[SmoothedByAll(50.0), TargetMean(["colour"])]))
    assert_valid_targets_do_not_matter(pipeline.frames, data, REGRESSION.folds(data), each=True)


def numbers(data):
    return pl.Series("y", target_codes(data.train.y)).cast(pl.Float64)
