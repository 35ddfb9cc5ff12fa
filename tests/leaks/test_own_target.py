"""No training row is encoded by its own target, nor by those of its cell; other rows are."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from kagflow.data.table import target_codes
from kagflow.features import FeatureSet, TargetStep, crossfit
from kagflow.features.encoders import TargetMean
from tests.leaks.assertions import assert_own_target_does_not_matter
from tests.leaks.data import KINDS, two_repeats
from tests.leaks.pipelines import Hidden, Learned, Pipeline, every_step, plain_pipeline
from tests.leaks.test_valid_targets import mean_before_the_split

REGRESSION = KINDS[0]


@dataclass(frozen=True)
class Memory(TargetStep):
    """The target of the row with the same content, if there is one: all that a step could learn by heart."""

    def fit(self, x, y):
        known = dict(zip(x["income"], target_codes(y).astype(float), strict=True))
        return Learned(lambda x: pl.DataFrame({"memory": [known.get(income) for income in x["income"]]}, SCHEMA))


SCHEMA = {"memory": pl.Float64}


def some_training_rows(data, folds, number):
    """Return a row of every cell that training rows of a later cell, or any other cell, may be encoded by."""
    fold = folds.folds[number]
    cells = folds.cells[fold.repeat]
    present = np.unique(cells[fold.train])
    present = present[:-1] if folds.forward else present
    common = data.train.x["shop"].is_not_null().to_numpy()
    return [int(fold.train[(cells[fold.train] == cell) & common[fold.train]][0]) for cell in present]


def check(pipeline, data, folds, number):
    def encode(data):
        return pipeline.built(data, folds, number)

    assert_own_target_does_not_matter(encode, data, folds, some_training_rows(data, folds, number))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_step(kind):
    data = kind.make()
    folds = kind.folds(data)
    check(plain_pipeline(kind, features=every_step(kind, looks_at_y=False)), data, folds, len(folds) - 1)


@pytest.mark.parametrize("step", [Memory(), Hidden(TargetMean(["shop"], smooth=0))], ids=["memory", "plain means"])
def test_steps_that_would_leak_by_themselves(step):
    data = REGRESSION.make()
    features = FeatureSet(target=[TargetMean(["colour"]), step])
    check(Pipeline(lambda data: features), data, REGRESSION.folds(data), 1)


def test_repeats_have_cells_of_their_own():
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(target=[TargetMean(["shop"])]))
    for number in (0, 5):
        check(pipeline, data, two_repeats(data.train), number)


# --- planted leaks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [TargetMean(["shop"]), Memory()], ids=["a mean", "memory"])
def test_cells_ignored_are_caught(step, monkeypatch):
    """What fit and transform by the same rows does, as the encoders of several libraries do."""

    def fit_and_transform(step, x, cells, forward, fit_cells):
        fitted = fit_cells(np.unique(cells))
        return fitted, fitted.transform(x)

    monkeypatch.setattr(crossfit, "_cross_fit", fit_and_transform)
    data = REGRESSION.make()
    pipeline = Pipeline(lambda data: FeatureSet(target=[TargetMean(["colour"]), step]))
    with pytest.raises(AssertionError, match="own moved"):
        check(pipeline, data, REGRESSION.folds(data), 1)


@dataclass(frozen=True)
class CachedMemory(TargetStep):
    """Rows once seen are remembered, "so that fitting again is fast": the fit of all rows tells those of cells."""

    cache: dict

    def fit(self, x, y):
        self.cache.update(zip(x["income"], target_codes(y).astype(float), strict=True))
        return Learned(lambda x: pl.DataFrame({"memory": [self.cache.get(income) for income in x["income"]]}, SCHEMA))


@pytest.mark.parametrize(
    "features",
    [
        lambda data: FeatureSet(target=[TargetMean(["colour"]), CachedMemory({})]),
        mean_before_the_split,
    ],
    ids=["a cache", "mean before the split"],
)
def test_own_targets_that_come_another_way_are_caught(features):
    data = REGRESSION.make()
    with pytest.raises(AssertionError, match="own moved"):
        check(Pipeline(features), data, REGRESSION.folds(data), 1)


def test_a_step_that_uses_no_target_says_nothing_and_is_not_taken_for_clean():
    data = REGRESSION.make()
    with pytest.raises(AssertionError, match="says nothing"):
        check(Pipeline(lambda data: FeatureSet()), data, REGRESSION.folds(data), 1)
