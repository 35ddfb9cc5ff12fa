"""However rows are split, the targets of scored rows reach nothing: no frame, and no choice of stop rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from kagflow.data import Rows, Table
from kagflow.features import FeatureSet
from kagflow.features.encoders import TargetMean
from kagflow.splits import Splitter
from kagflow.splits.blocks import Blocks
from kagflow.splits.forward import Forward, GroupForward
from kagflow.splits.frozen import split_by_id
from kagflow.splits.group import StratifiedGroup
from kagflow.splits.kfold import Stratified
from kagflow.splits.strata import quantile_bins
from tests.leaks.assertions import assert_valid_targets_do_not_matter, assert_what_comes_later_does_not_matter
from tests.leaks.data import Data, make_data
from tests.leaks.pipelines import Pipeline

SPLITTERS: list[Splitter] = [
    Stratified(folds=3, bins=4, repeats=2),
    StratifiedGroup(folds=3, bins=4),
    Blocks(unit=5, folds=3, embargo=2),
    Forward(folds=3, gap=4, window=2),
    GroupForward(folds=2),
]


def pipeline(splitter: Splitter) -> Pipeline:
    return Pipeline(lambda data: FeatureSet(target=[TargetMean(["shop"])]), splitter=splitter)


@pytest.fixture(scope="module")
def data() -> Data:
    return make_data("regression", timed=True)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda splitter: splitter.kind)
def test_targets_of_scored_rows_do_not_matter(splitter: Splitter, data: Data) -> None:
    folds = split_by_id(splitter, data.train)
    assert_valid_targets_do_not_matter(pipeline(splitter).frames, data, folds)


@pytest.mark.parametrize("splitter", SPLITTERS[-2:], ids=lambda splitter: splitter.kind)
def test_what_comes_later_does_not_matter(splitter: Splitter, data: Data) -> None:
    folds = split_by_id(splitter, data.train)
    rng = np.random.default_rng(3)
    assert_what_comes_later_does_not_matter(pipeline(splitter).frames, data, folds, rng)


# --- planted leaks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BinsOfAllRows(Stratified):
    """Carves stop rows by bins of a target that it should not have looked at."""

    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        classes = quantile_bins(table.y, self.bins).astype(str)
        binned = Table(table.ids, table.x, pl.Series("y", classes, dtype=pl.Enum(sorted(set(classes)))))
        return super().carve(binned, train, share, seed)


def test_stop_rows_that_hang_on_scored_targets_are_caught(data: Data) -> None:
    splitter = BinsOfAllRows(folds=3, bins=4)
    folds = split_by_id(splitter, data.train)
    with pytest.raises(AssertionError, match="beside stop rows moved"):
        assert_valid_targets_do_not_matter(pipeline(splitter).frames, data, folds)


@pytest.mark.parametrize("splitter", SPLITTERS[:1], ids=lambda splitter: splitter.kind)
def test_folds_that_look_ahead_are_caught(splitter: Splitter, data: Data) -> None:
    folds = split_by_id(splitter, data.train)
    with pytest.raises(AssertionError, match="train"):
        assert_what_comes_later_does_not_matter(pipeline(splitter).frames, data, folds, np.random.default_rng(3))
