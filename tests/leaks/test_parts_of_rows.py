"""Each row plays one part: trained on, stopped on, or scored; and folds and builds that mix them up are refused."""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import pytest

from kagflow.errors import SplitError
from kagflow.features import FeatureSet
from kagflow.features.crossfit import build
from kagflow.models.lightgbm import LightGBM
from kagflow.splits import Fold
from tests.leaks.data import KINDS, ROWS
from tests.leaks.pipelines import Pipeline, plain_pipeline, stopped_trees

REGRESSION = KINDS[0]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)


@dataclass(frozen=True)
class Witness:
    """A `keep` that notes whom it is asked about."""

    asked: list = field(default_factory=list)

    def __call__(self, x, y):
        self.asked.extend(x["row"])
        return (x["row"] % 10 != 0).alias("keep")


class NotesRows(LightGBM):
    """A model that notes, by a feature that names them, which rows it fits and stops on."""

    fits: list
    stops: list

    def fit(self, train, stop, **settings):
        self.fits.append(set(train.x["name"]))
        self.stops.append(set() if stop is None else set(stop.x["name"]))
        return super().fit(train, stop, **settings)


def note_rows(refit):
    plain = stopped_trees(refit=refit)
    noted = type("Noted", (NotesRows,), {"fits": [], "stops": []})
    return noted(plain.params, plain.rounds)


def extra_rows_beside(data, fold):
    """Return the ids of the extra rows, without those of a group that only the scored rows have."""
    scored = set(data.train.groups[fold.valid]) - set(data.train.groups[fold.train])
    return {row for row, group in zip(data.extra.ids, data.extra.groups, strict=True) if group not in scored}


@EVERY_KIND
@pytest.mark.parametrize("refit", [True, False], ids=["refit", "no refit"])
def test_every_row_plays_one_part(kind, refit):
    data = kind.make()
    folds = kind.folds(data)
    witness, model = Witness(), note_rows(refit)
    features = FeatureSet(rows=[lambda x: x.with_columns(name=pl.col("row"))], keep=witness)
    pipeline = plain_pipeline(kind, features=lambda data: features, model=lambda data, fold: model)
    for fold in folds:
        extra = extra_rows_beside(data, fold)
        for noted in (witness.asked, model.fits, model.stops):
            noted.clear()
        result = pipeline.trained(data, folds, fold.number)
        train, valid = set(fold.train), set(fold.valid)
        stop = model.stops[0]

        assert stop and stop < train
        assert model.fits[0] == {row for row in (train | extra) - stop if row % 10}
        assert set(witness.asked) == ((train | extra) if refit else (train | extra) - stop)
        if refit:
            assert model.fits[1] == {row for row in train | extra if row % 10}
            assert model.stops[1] == set()
        assert len(model.fits) == 1 + refit
        assert not valid & (stop | set.union(*model.fits) | set(witness.asked))
        assert result.valid.tolist() == fold.valid.tolist()
        assert len(result.oof) == len(valid)


def test_stop_rows_are_whole_groups_and_the_latest_rows():
    grouped, timed = KINDS[4], KINDS[5]
    data = grouped.make()
    for fold in grouped.folds(data):
        stop = plain_pipeline(grouped).splitter.carve(data.train, fold.train, 0.2, 3)
        groups = data.train.groups.to_numpy()
        assert not set(groups[stop]) & set(groups[np.setdiff1d(fold.train, stop)])
    data = timed.make()
    for fold in timed.folds(data):
        stop = plain_pipeline(timed).splitter.carve(data.train, fold.train, 0.2, 3)
        time = data.train.time.to_numpy()
        assert time[stop].min() > time[np.setdiff1d(fold.train, stop)].max()


def test_a_model_that_fits_on_scored_rows_would_be_seen():
    """The notes that the test above relies on do say which rows came."""
    data = REGRESSION.make()
    model = note_rows(False)
    features = FeatureSet(rows=[lambda x: x.with_columns(name=pl.col("row"))])
    pipeline = Pipeline(lambda data: features, model=lambda data, fold: model)
    folds = REGRESSION.folds(data)
    honest = folds.folds[0]
    swapped = replace(folds, folds=(replace(honest, train=honest.valid, valid=honest.train), *folds.folds[1:]))
    pipeline.trained(data, swapped, 0)
    assert (model.fits[0] | model.stops[0]) & set(honest.valid) == set(honest.valid)


def test_a_fold_that_trains_on_what_it_scores_is_refused():
    with pytest.raises(SplitError, match="trains on rows that it scores"):
        Fold(0, 0, np.arange(10), np.arange(9, 20))


@pytest.mark.parametrize("name", ["valid", "stop"])
def test_features_for_rows_that_are_learned_from_are_refused(name):
    data = REGRESSION.make()
    pool = Pipeline(lambda data: FeatureSet()).pool(data, REGRESSION.folds(data))
    with pytest.raises(ValueError, match=f"rows to learn from and {name} rows overlap"):
        build(pool, np.arange(ROWS - 5), {name: np.arange(ROWS - 6, ROWS)})
