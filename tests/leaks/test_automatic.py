"""What a fold chooses for itself it chooses by its own training rows: no other target moves a column of it."""

from dataclasses import dataclass

import numpy as np
import pytest

from kagflow.data import Target
from kagflow.data.table import target_codes
from kagflow.features import FeatureSet
from kagflow.features.automatic import automatic, bench
from kagflow.features.encoders import Frequency, TargetMean
from kagflow.features.steps import Proposal, Proposer
from tests.leaks.assertions import (
    assert_same_bytes,
    assert_valid_targets_do_not_matter,
    assert_what_comes_later_does_not_matter,
)
from tests.leaks.data import KINDS, with_targets
from tests.leaks.pipelines import Pipeline
from tests.leaks.test_own_target import some_training_rows

pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
NATURAL = [kind for kind in KINDS if kind.is_natural]
REGRESSION, TIMED = KINDS[0], KINDS[5]


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    """Choose in haste, and by little: what matters here is by whom, not how well."""
    monkeypatch.setattr(bench, "_ROUNDS", 8)
    monkeypatch.setattr(bench, "_FEWEST_ROUNDS", 4)
    monkeypatch.setattr("kagflow.features.automatic.proposer._CERTAIN", -20.0)


def features(data):
    return automatic(FeatureSet(target=[TargetMean(["colour"])], drop=["row*"]))


def pipeline(kind, make=features):
    return Pipeline(make, refit=kind.timed)


@dataclass(frozen=True, eq=False)
class Peeking(Proposer):
    """Chooses by the targets of all rows, as a look at the whole of train before the split does."""

    y: Target

    def propose(self, training):
        codes = target_codes(self.y)[::7].astype(float)
        return Proposal(fold=(Frequency(["shop" if np.nan_to_num(codes).sum() > 1e4 else "colour"]),))


@pytest.mark.parametrize("kind", NATURAL, ids=str)
def test_targets_of_valid_rows_do_not_matter(kind):
    data = kind.make()
    made = pipeline(kind).built(data, kind.folds(data), 1)
    assert any("__" in name and not name.startswith("colour__") for name in made.x.columns), "nothing was chosen"
    assert_valid_targets_do_not_matter(pipeline(kind).frames, data, kind.folds(data))


def test_a_choice_by_all_targets_is_seen():
    data = REGRESSION.make()
    leaky = pipeline(REGRESSION, lambda data: FeatureSet(propose=Peeking(data.train.y), drop=["row*"]))
    with pytest.raises(AssertionError):
        assert_valid_targets_do_not_matter(leaky.frames, data, REGRESSION.folds(data), each=True)


def test_what_comes_later_does_not_matter():
    data = TIMED.make()
    rng = np.random.default_rng(0)
    assert_what_comes_later_does_not_matter(pipeline(TIMED).frames, data, TIMED.folds(data), rng)


@pytest.mark.parametrize("kind", [REGRESSION, TIMED], ids=str)
def test_a_training_rows_own_target_chooses_and_does_not_encode(kind):
    data = kind.make()
    folds = kind.folds(data)
    before = pipeline(kind).built(data, folds, 1)
    for row in some_training_rows(data, folds, 1)[:2]:
        after = pipeline(kind).built(with_targets(data, np.array([row]), lambda y: y + 1e6), folds, 1)
        shared = [name for name in before.x.columns if name in after.x.columns]
        assert any("target_mean" in name for name in shared)
        own = before.rows == row
        assert_same_bytes({"own": before.x.filter(own)[shared]}, {"own": after.x.filter(own)[shared]})
