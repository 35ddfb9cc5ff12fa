"""The test bench itself: worlds, leverage of a known size, chance, noise, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, RepeatedKFold, StratifiedKFold, cross_val_predict

from kagflow.audit.bench import Bench
from kagflow.audit.coin_flip import coin_flip
from kagflow.audit.function import FunctionSubject
from kagflow.audit.leverage import own_label_leverage
from kagflow.audit.target_means import is_target_mean
from kagflow.audit.world import World, farthest_target, noisy_targets, other_targets
from kagflow.errors import ConfigError
from kagflow.testing import assert_no_leak, audit_function
from tests.leaks.functions import FOLDS as SHOP_FOLDS
from tests.leaks.functions import X as SHOPS_X
from tests.leaks.functions import Y as SHOPS_Y
from tests.leaks.functions import encoder_fitted_before, stopped_on_scored_rows

RNG = np.random.default_rng(1)
ROWS = 200
X = RNG.normal(size=(ROWS, 3))
Y = X[:, 0] + RNG.normal(size=ROWS)
FOLDS = list(KFold(4, shuffle=True, random_state=0).split(X))
YES = (Y > 0).astype(int)


def linear(x, y, folds):
    return cross_val_predict(LinearRegression(), x, y, cv=folds)


def logistic(x, y, folds):
    return cross_val_predict(LogisticRegression(), x, y, cv=folds, method="predict_proba")


# --- functions that cannot be examined --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [lambda x, y, folds: linear(X, Y, FOLDS), lambda x, y, folds: np.zeros(len(y))],
    ids=["a closure over the real rows", "always the same"],
)
def test_a_function_that_does_not_use_what_it_is_handed_does_not_pass(function):
    with pytest.raises(AssertionError, match=r"KF211 .* does not use the targets"):
        assert_no_leak(function, X, Y, FOLDS)


def test_folds_of_several_repeats_are_refused():
    folds = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(X))
    with pytest.raises(ConfigError, match="scored in several folds"):
        assert_no_leak(linear, X, Y, folds)


def test_several_targets_are_refused():
    with pytest.raises(ConfigError, match="one target a row, got 2 dimensions"):
        assert_no_leak(linear, X, np.c_[Y, Y], FOLDS)


def test_lists_are_as_good_as_arrays():
    assert_no_leak(linear, X.tolist(), Y.tolist(), FOLDS)


# --- means of the target ----------------------------------------------------------------------------------------------


def test_a_column_of_target_means_is_seen_and_a_cross_fitted_one_is_not():
    shop, folds = np.arange(ROWS) % 20, np.arange(ROWS) % 5
    overall = np.array([Y[shop == each].mean() for each in range(20)])[shop]
    others = np.array([Y[(shop == own) & (folds != fold)].mean() for own, fold in zip(shop, folds, strict=True)])
    assert is_target_mean(pl.Series(overall), Y[:, None])
    assert not is_target_mean(pl.Series(others), Y[:, None])
    assert not is_target_mean(pl.Series(shop.astype(float)), Y[:, None])
    assert not is_target_mean(pl.Series(X[:, 0]), Y[:, None])


# --- worlds -----------------------------------------------------------------------------------------------------------


def test_a_world_changes_the_rows_that_it_is_told_and_no_others():
    world = World.unchanged(10, 4)
    assert world.is_unchanged
    rows = np.array([2, 5, 7])
    other = world.with_targets(rows, np.array([0, 0, 1])).with_features(rows, RNG)
    kept = np.setdiff1d(np.arange(10), rows)
    assert other.y_from.tolist() == [0, 1, 0, 3, 4, 0, 6, 1, 8, 9]
    assert np.array_equal(other.x_from[kept], kept)
    assert np.isin(other.x_from[rows], rows).all()
    assert np.array_equal(other.test_from, np.arange(4))
    assert not world.with_test(RNG).is_unchanged
    assert world.is_unchanged


def test_other_targets_have_another_mean_and_noisy_ones_have_not():
    rows = np.arange(0, ROWS, 2)
    spread = Y[rows].std()
    assert Y[other_targets(Y, rows, RNG, classes=False)].mean() > Y[rows].mean() + spread / 2
    assert abs(Y[noisy_targets(Y, rows, RNG, classes=False)].mean() - Y[rows].mean()) < spread / 5
    rare = np.where(Y > 1.5, 1, 0)
    assert rare[other_targets(rare, rows, RNG, classes=True)].mean() > 0.5
    assert abs(Y[farthest_target(Y, 0)] - Y[0]) == np.abs(Y - Y[0]).max()


# --- leverage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0.0, 0.05, 0.5])
def test_leverage_of_a_known_size_is_measured(size):
    leverage = own_label_leverage(FunctionSubject(lambda x, y, f: linear(x, y, f) + size * y, X, Y, FOLDS), 0, seed=1)
    assert leverage.low - 1e-9 <= size <= leverage.high + 1e-9
    assert leverage.value == pytest.approx(size)
    assert leverage.optimism == pytest.approx(2 * size)
    assert leverage.certain == (size > 0)


@pytest.mark.parametrize("width", [1, 2])
def test_leverage_of_probabilities(width):
    def leaky(x, y, folds):
        p = 0.95 * logistic(x, y, folds) + 0.05 * np.stack([1 - y, y], axis=1)
        return p if width == 2 else p[:, 1]

    leverage = own_label_leverage(FunctionSubject(leaky, X, YES, FOLDS), 0, seed=1)
    assert leverage.value == pytest.approx(0.05)


# --- chance and noise -------------------------------------------------------------------------------------------------


def test_clean_functions_are_never_said_to_beat_a_coin():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(80, 3)), rng.lognormal(size=80)
        # The nearest rows of other folds: each of two rows is often the other's, which goes farthest by chance.
        bench = Bench(FunctionSubject(nearest, x, y, list(KFold(3).split(x))), (0, 2))
        assert coin_flip(bench) == []


def nearest(x, y, folds):
    oof = np.empty(len(y))
    for train, valid in folds:
        distance = ((x[valid][:, None] - x[train]) ** 2).sum(axis=2)
        oof[valid] = y[train][distance.argmin(axis=1)]
    return oof


def test_a_coin_that_is_predicted_is_a_leak():
    assert coin_flip(Bench(FunctionSubject(lambda x, y, f: linear(x, y, f) + 0.9 * y, X, Y, FOLDS), (0, 3)))


def test_a_random_pipeline_is_not_accused_of_its_own_noise():
    rng = np.random.default_rng()
    report = audit_function(lambda x, y, f: linear(x, y, f) + rng.uniform(-1e-3, 1e-3, len(y)), X, Y, FOLDS)
    assert [finding.code for finding in report.findings] == ["KF200"]
    assert report.leaks == []


def test_a_leak_is_seen_above_the_noise():
    rng = np.random.default_rng()
    report = audit_function(lambda x, y, f: linear(x, y, f) + rng.uniform(-1e-3, 1e-3, len(y)) + y / 5, X, Y, FOLDS)
    assert {"KF200", "KF201"} <= {finding.code for finding in report.findings}


def test_folds_stay_though_they_were_made_with_the_target():
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, YES))
    assert_no_leak(logistic, X, YES, folds)
    with pytest.raises(AssertionError, match="KF201"):  # made anew in every world, they move
        assert_no_leak(lambda x, y, _: logistic(x, y, list(StratifiedKFold(4).split(x, y))), X, YES, folds)


# --- assert_no_leak ---------------------------------------------------------------------------------------------------


def test_an_encoder_fitted_before_the_split_fails():
    with pytest.raises(AssertionError, match="KF201 with other targets of fold 0's valid rows 100% of its predictions"):
        assert_no_leak(encoder_fitted_before, SHOPS_X, SHOPS_Y, SHOP_FOLDS)


def test_a_small_leverage_can_be_put_up_with():
    assert_no_leak(stopped_on_scored_rows, SHOPS_X, SHOPS_Y, SHOP_FOLDS, leverage=0.05)
    with pytest.raises(AssertionError, match="own-label leverage"):
        assert_no_leak(stopped_on_scored_rows, SHOPS_X, SHOPS_Y, SHOP_FOLDS)


@pytest.mark.parametrize("make", [np.asarray, pl.DataFrame, lambda x: pd.DataFrame(x, index=range(5, ROWS + 5))])
@pytest.mark.parametrize("leak", [0, 0.1])
def test_frames_of_every_library(make, leak):
    x = make(X)

    def function(x, y, folds):
        return linear(np.asarray(x), np.asarray(y), folds) + leak * np.asarray(y)

    y = pl.Series(Y) if isinstance(x, pl.DataFrame) else pd.Series(Y, x.index) if isinstance(x, pd.DataFrame) else Y
    assert {finding.code for finding in audit_function(function, x, y, FOLDS).leaks} >= ({"KF201"} if leak else set())
    assert bool(audit_function(function, x, y, FOLDS).leaks) == bool(leak)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "y", "folds", "said"),
    [
        (linear, Y[1:], FOLDS, r"got \[199, 200\] rows"),
        (linear, Y, [], "0 folds"),
        (lambda x, y, f: linear(x, y, f)[1:], Y, FOLDS, "returned 199 predictions for 200 rows"),
        (lambda x, y, f: np.where(y > 2, np.nan, y), Y, FOLDS, "valid rows have no prediction"),
        (lambda x, y, f: np.full(len(y), "maybe"), np.where(YES, "yes", "no"), FOLDS, "got 'maybe'"),
    ],
    ids=["sizes", "no folds", "too few", "missing", "unknown label"],
)
def test_what_cannot_be_audited_is_refused(function, y, folds, said):
    with pytest.raises(ConfigError, match=said):
        audit_function(function, X, y, folds)
