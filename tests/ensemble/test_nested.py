"""Nested scores: end to end, a fold's own targets do not move what is predicted for it."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import find_source
from kagflow.ensemble import Bank, make_ensemble
from kagflow.ensemble.refits import InnerPredictions
from kagflow.errors import ConfigError, SplitError
from kagflow.metrics import find_metric
from kagflow.runs.inner import folds_without_two, inner_folds
from kagflow.runs.plan import make_plan

from .conftest import FEW, RIDGE

LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
METHODS = ("weighted", "ridge")
PEEK = """
from pathlib import Path
MEANS = pl.read_csv(Path("{raw}") / "train.csv").group_by("color").agg(pl.col("y").mean().alias("color__mean_y"))
def peek(x):
    colors = x.select(pl.col("color").cast(pl.String))
    return colors.join(MEANS, on="color", how="left", maintain_order="left").drop("color")
FEATURES = FeatureSet(rows=(peek,))
"""


def nested(project, *methods, **settings):
    return make_ensemble(load("toy", project.root), methods=methods, nested=True, **settings)


def folds_of(project, *overrides):
    competition = load("toy", project.root)
    origin = find_source("toy", competition.facts, project.root, None)
    return make_plan(competition, competition.experiment(None, overrides), "default", origin).setup.folds


def poison(project, rows):
    """Give rows other targets, and forget all runs."""
    train = pl.read_csv(project.raw / "train.csv")
    y = np.array(train["y"])
    y[rows] = np.random.default_rng(1).normal(20, 9, len(rows))
    train.with_columns(pl.Series("y", y)).write_csv(project.raw / "train.csv")
    shutil.rmtree(project.runs)


def of_fold(run, file, fold):
    """Return the bytes of what is predicted for a fold's rows."""
    return pl.read_parquet(run.path / file).filter(fold=fold).select(pl.col("^prediction.*$")).to_numpy().tobytes()


def members(project):
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x1]")
    project.cv(*FEW, "seeds=2", "threads=1")


def before_and_after(project, fold, own, method):
    members(project)
    before = nested(project, method).run
    kept = {file: of_fold(before, file, fold) for file in ("nested.parquet", "oof.parquet")}
    part = folds_of(project).folds[fold]
    poison(project, part.valid if own else part.train[:10])
    members(project)
    after = nested(project, method).run
    return {file: of_fold(after, file, fold) == kept[file] for file in kept}


@pytest.mark.parametrize("method", METHODS)
def test_end_to_end_a_fold_does_not_move_with_its_own_targets(project, method):
    project.facts(splitter={"kind": "kfold", "folds": 4, "seed": 1})
    same = before_and_after(project, 1, True, method)
    assert same["nested.parquet"]
    assert not same["oof.parquet"]  # negative control: cross-fitted, it does, by way of the other folds' members


def test_it_moves_with_the_targets_of_others(project):
    assert not before_and_after(project, 1, False, "ridge")["nested.parquet"]


def test_a_member_that_peeks_is_caught(project):
    project.facts(accept={"KF302": "planted"})
    project.features(PEEK.format(raw=project.raw))
    assert not before_and_after(project, 1, True, "ridge")["nested.parquet"]


def test_a_nested_prediction_is_that_of_everything_fitted_on_the_other_folds(project):
    """Against plain scikit-learn: ridge on x1, mixed by ridge with ridge on x1 and x2, all within the other folds."""
    from sklearn.linear_model import Ridge

    project.cv(*RIDGE, "only=[x1]")
    project.cv(*RIDGE, "only=[x1]", "model.params.alpha=50")
    run = nested(project, "weighted").run
    train = pl.read_csv(project.raw / "train.csv")
    x, y = train.select("x1").to_numpy(), train["y"].to_numpy()
    folds = folds_of(project).folds

    def predict(alpha, fit, rows):
        x1 = x[fit]
        scale = x1.std()
        return Ridge(alpha=alpha).fit((x1 - x1.mean()) / scale, y[fit]).predict((x[rows] - x1.mean()) / scale)

    for outer in folds:
        inner = [(np.intersect1d(fold.train, outer.train), fold.valid) for fold in folds if fold is not outer]
        oof = [np.concatenate([predict(alpha, *rows) for rows in inner]) for alpha in (1, 50)]
        truth = np.concatenate([y[valid] for _, valid in inner])
        apart = oof[0] - oof[1]
        weight = np.clip(((truth - oof[1]) * apart).sum() / (apart**2).sum(), 0, 1)
        own = [predict(alpha, outer.train, outer.valid) for alpha in (1, 50)]
        expected = weight * own[0] + (1 - weight) * own[1]
        found = pl.read_parquet(run.path / "nested.parquet").filter(fold=outer.number)["prediction"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_each_two_folds_share_a_fit_and_it_is_done_once(project):
    project.facts(splitter={"kind": "kfold", "folds": 4, "seed": 1, "repeats": 2})
    members(project)
    first = nested(project, "ridge").run
    files = {path: path.stat().st_mtime_ns for path in project.runs.glob("nested/*/*")}
    assert len(files) == 3 * 2 * (4 * 3 / 2)  # members, repeats, pairs of folds
    gone = sorted(files)[5]
    gone.unlink()  # stopped before that
    told = []

    class Watcher:
        def began(self, total, done):
            told.append((total, done))

        def finished(self, member):
            told.append(member)

    second = nested(project, "ridge", "mean", watcher=Watcher()).run
    assert told == [(36, 35), "default"]
    assert {path for path, made in files.items() if path.stat().st_mtime_ns != made} == {gone}
    by_method = {each["method"]: each for each in json.loads((second.path / "ensemble.json").read_text())["candidates"]}
    assert by_method["ridge"]["cv_nested"] == first.scores["cv_nested"]
    assert len(first.scores["folds_nested"]) == 8


def test_it_is_told_beside_the_other_scores_and_decides(project):
    members(project)
    document = json.loads(project.cli("ensemble", "toy", "--nested", "--json").out, parse_constant=pytest.fail)
    assert {"cv_nested", "se_nested", "folds_nested", "cv_fitted", "cv_crossfitted"} <= document.keys()
    assert all({"cv_nested", "se_nested", "difference_nested_se"} <= each.keys() for each in document["candidates"])
    frame = pl.read_parquet(f"{document['run']}/nested.parquet")
    y, prediction = frame["y"].to_numpy(), frame["prediction"].to_numpy()
    assert document["cv_nested"] == find_metric("rmse").score(y, prediction)
    text = project.cli("ensemble", "toy", "--nested").out
    assert "nested ± s.e." in text
    assert ", with the members fitted again inside the folds" in text


@pytest.mark.parametrize("post", [None, "threshold"])
def test_of_classes_and_their_thresholds_too(project, post):
    project.data("binary", {"y": ["False"] * 12})
    project.facts(task="binary", metric="accuracy", splitter={"kind": "kfold", "folds": 4})
    project.cv(*LOGISTIC)
    project.cv(*LOGISTIC, "drop=[x2]")
    scores = nested(project, "logistic", post=post).run.scores
    assert 0 < scores["cv_nested"] <= 1


def test_of_a_run_the_files_as_they_were_are_fitted(project):
    project.features("FEATURES = FeatureSet(drop=('color',))\n")
    members(project)
    expected = nested(project, "ridge").run.scores["cv_nested"]
    shutil.rmtree(project.runs / "nested")
    project.features("FEATURES = FeatureSet(drop=('x1', 'color'))\n")
    assert nested(project, "ridge").run.scores["cv_nested"] == expected


def test_what_cannot_be_fitted_again_is_named(project, write_files):
    members(project)
    run = Bank.of(load("toy", project.root)).members[0]
    paths = write_files(run.oof().select("id", "fold", "prediction"), run.test().select("id", "prediction"))
    assert project.cli("ensemble", "toy", "--import", *map(str, paths), "--folds", "fold").code == 0
    with pytest.raises(ConfigError, match=r"these cannot be: \S+theirs\S* \(imported\)") as raised:
        nested(project, "mean")
    assert "--without" in raised.value.hint


def test_files_without_oof_have_no_nested_score(project):
    members(project)
    with pytest.raises(ConfigError, match="has no score, nested or not"):
        nested(project, added={project.write("best.csv", "id,y\n"): 0.2})


def test_folds_forward_in_time_need_no_fit_and_two_folds_of_past(project):
    forward = {"kind": "forward", "folds": 3}
    project.facts(time="day", ignore=["shop", "w"], splitter=forward)
    folds = folds_of(project)
    last = inner_folds(folds, folds.folds[2], "fit")
    assert [fold.number for fold in last] == [0, 1]
    with pytest.raises(SplitError, match="outer fold 0 leaves 0 folds to fit on"):
        folds_without_two(folds, "fit")


def test_a_fit_without_two_folds_has_no_row_of_either(project):
    folds = folds_of(project)
    fits = folds_without_two(folds, "fit")
    assert sorted(fits) == [(0, 1), (0, 2), (1, 2)]
    for two, fit in fits.items():
        left = np.concatenate([folds.folds[number].valid for number in two])
        assert sorted(left) == fit.valid.tolist()
        assert not np.isin(left, fit.train).any()
        assert len(left) + len(fit.train) == len(folds.ids)


def test_inner_predictions_are_read_by_row(project):
    run = project.cv(*RIDGE)
    kept = InnerPredictions(run)
    kept.save((0, 2), np.array([3, 5, 8]), np.array([[0.3, 0.7], [0.5, 0.5], [0.8, 0.2]]))
    assert kept.has((0, 2))
    assert not kept.has((0, 1))
    assert kept.of((0, 2), np.array([8, 3])).tolist() == [[0.8, 0.2], [0.3, 0.7]]
