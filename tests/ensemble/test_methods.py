"""Methods against brute force on small cases, and the fast ways of scoring steps against the plain one."""

import json
import pickle
from dataclasses import replace
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from kagflow.ensemble import Level, find_method, score_level, suited
from kagflow.ensemble import trails as all_trails
from kagflow.ensemble.methods import Climb, Forward, LightGBM, Weighted, logistic
from kagflow.ensemble.methods.weights import squares_weights
from kagflow.ensemble.trails.area import area, weighted_area
from kagflow.ensemble.trails.plain import PlainTrail
from kagflow.ensemble.trails.squares import products
from kagflow.errors import KagflowError
from kagflow.metrics import METRICS
from tests.ensemble.examples import EXAMPLES, Example, name_of

FAST = [
    example for example in EXAMPLES if example.metric in {"rmse", "rmsle", "r2", "brier", "mae", "wmae", "pinball@0.9"}
]
FAST += [Example("log_loss", "binary"), Example("log_loss", "multiclass"), Example("auc", "binary")]
SEEDS = st.integers(0, 10_000)
NOT_ONE_AIM = ("mcrmse", "medae", "accuracy", "mcc", "map@2", "quadratic_kappa")
"""Metrics of several targets, of labels, and one that is too jumpy for a grid."""


@cache
def one_pick(level: Level) -> Any:
    """Return a blend of a level, whose weights can be replaced."""
    return Climb(picks=1).fit(level.rows, level.members, level.names)


def loss_of(level: Level, weights: Any) -> float:
    """Return the score of a weighted sum of the members, turned so that less is better."""
    fitted = one_pick(level)
    blend = type(fitted)(dict(zip(level.names, weights, strict=True)), fitted.scale)
    sign = 1 if level.rows.metric.direction == "minimize" else -1
    return sign * level.rows.score(blend.apply(level.whole().by_name()))


def weights_of(level: Level, method: Any) -> list[float]:
    weights = method.fit(level.rows, level.members, level.names).weights
    return [weights[name] for name in level.names]


# --- fast against plain -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", FAST, ids=name_of)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, weighted=st.booleans(), negative=st.booleans())
def test_the_fast_way_takes_the_steps_of_the_plain_one(
    example: Example, seed: int, weighted: bool, negative: bool
) -> None:
    level = example.level(rows=60, members=7, seed=seed, weighted=weighted)
    climb = Climb(picks=8, negative=negative)

    with pytest.MonkeyPatch.context() as patch:
        fast = loss_of(level, weights_of(level, climb))
        assert not isinstance(all_trails.start_trail(level.whole(), level.rows.metric), PlainTrail)
        patch.setattr("kagflow.ensemble.methods.climb.start_trail", lambda part, aim: PlainTrail(part))
        plain = loss_of(level, weights_of(level, climb))

    assert fast == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("example", FAST, ids=name_of)
def test_the_fast_way_says_what_a_step_comes_to(example: Example) -> None:
    level = example.level(weighted=True)
    fast, plain = all_trails.start_trail(level.whole(), level.rows.metric), PlainTrail(level.whole())
    allowed = np.ones(len(level.names), dtype=np.bool_)
    for member, step in ((1, 1.0), (0, 0.5), (3, -0.25)):
        fast.move(member, step)
        plain.move(member, step)

    ours, truth = fast.losses(0.2, allowed), plain.losses(0.2, allowed)

    assert np.argmin(ours) == np.argmin(truth)
    scored = np.isfinite(ours)
    if example.metric in {"rmse", "rmsle", "r2", "brier"}:  # the mean square stands for them
        assert list(np.argsort(ours, kind="stable")) == list(np.argsort(truth, kind="stable"))
    else:
        np.testing.assert_allclose(ours[scored], truth[scored], rtol=1e-6)


def test_products_are_added_up_fold_by_fold() -> None:
    level = Example("rmse", "regression").level(weighted=True)
    errors = np.stack(level.members) - level.rows.y
    part = level.without(4)
    own = part.index
    assert level.rows.weight is not None
    share = level.rows.weight[own] / level.rows.weight[own].sum()

    np.testing.assert_allclose(products(part), (errors[:, own] * share) @ errors[:, own].T)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, ties=st.sampled_from([2, 5, 1_000]), low=st.sampled_from([0.0, -3.0]))
def test_the_area_is_exact_with_ties_and_whatever_the_range(seed: int, ties: int, low: float) -> None:
    rng = np.random.default_rng(seed)
    label = np.r_[0, 1, rng.integers(0, 2, 80)].astype(np.int32)
    blend = (low + rng.integers(0, ties, 82) / ties * 4).astype(np.float32)
    weight = rng.uniform(0.5, 2.0, 82)

    assert area(blend, label) == pytest.approx(roc_auc_score(label, blend), rel=1e-12)
    assert weighted_area(blend, label, weight) == pytest.approx(METRICS["auc"].score(label, blend, weight), rel=1e-12)


# --- brute force ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", [Example("rmse", "regression"), Example("auc", "binary")], ids=name_of)
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_climb_takes_the_best_of_all_next_steps(example: Example, seed: int) -> None:
    level = example.level(rows=60, members=4, seed=seed)
    picks = Climb(picks=5).fit(level.rows, level.members, level.names).document()["picks"]

    counts = np.zeros(4)
    for pick in picks:
        after = [loss_of(level, (counts + np.eye(4)[j]) / (counts.sum() + 1)) for j in range(4)]
        chosen = level.names.index(pick)
        assert after[chosen] == pytest.approx(min(after), rel=1e-7)
        counts[chosen] += 1


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_no_blend_of_so_many_picks_is_much_better_than_the_climbs(seed: int) -> None:
    level = Example("rmsle", "regression").level(rows=60, members=4, seed=seed)
    every = [np.bincount(picks, minlength=4) / 6 for picks in combinations_with_replacement(range(4), 6)]

    assert loss_of(level, weights_of(level, Climb(picks=6))) <= 1.02 * min(loss_of(level, each) for each in every)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, members=st.integers(1, 6))
def test_weights_for_squares_are_the_best_on_the_simplex(seed: int, members: int) -> None:
    errors = np.random.default_rng(seed).normal(size=(members, 30)) + np.random.default_rng(seed).normal()
    mean_products = errors @ errors.T / 30
    ours = squares_weights(mean_products)
    best = minimize(
        lambda w: w @ mean_products @ w,
        np.full(members, 1 / members),
        jac=lambda w: 2 * mean_products @ w,
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )

    assert ours.sum() == pytest.approx(1)
    assert (ours >= 0).all()
    assert ours @ mean_products @ ours <= best.fun * (1 + 1e-7)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.metric not in {*NOT_ONE_AIM}], ids=name_of)
def test_weights_for_any_metric_are_as_good_as_a_grids(example: Example) -> None:
    level = example.level(members=3)
    grid = [np.array([i, j, 20 - i - j]) / 20 for i in range(21) for j in range(21 - i)]
    best = min(loss_of(level, each) for each in grid)

    ours = weights_of(level, Weighted())

    assert sum(ours) == pytest.approx(1)
    assert min(ours) >= 0
    assert loss_of(level, ours) <= best + 0.01 * abs(best)


@pytest.mark.parametrize(
    ("metric", "task", "aim"),
    [
        ("accuracy", "binary", "log_loss"),
        ("map@2", "multiclass", "log_loss"),
        ("quadratic_kappa", "multiclass", "rmse"),
        ("auc", "binary", "auc"),
    ],
)
def test_labels_are_searched_by_what_they_are_made_from(metric: str, task: Any, aim: str) -> None:
    level = Example(metric, task).level()
    by_aim = Level(replace(level.rows, metric=METRICS[aim]), level.members, level.names)

    for method in (Climb(), Weighted(), Forward()):
        assert weights_of(level, method) == weights_of(by_aim, method)


def test_the_best_single_member_is_so_by_the_metric_itself() -> None:
    level = Example("accuracy", "binary").level()
    shy = np.where(level.members[0] > 0.5, 0.500001, 0.499999)  # type: ignore[operator]  # as right, but never sure
    both = Level(level.rows, [shy, level.members[2]], ["shy", "wrong"])

    assert find_method("single").fit(both.rows, both.members, both.names).weights == {"shy": 1.0, "wrong": 0.0}


def test_forward_selection_takes_each_member_once_and_stops() -> None:
    level = Example("rmsle", "regression").level(members=6)
    fitted = Forward().fit(level.rows, level.members, level.names)
    picks = fitted.document()["picks"]

    assert len(set(picks)) == len(picks) < 6
    assert "m2" not in picks  # the one that is not worth much
    taken = [level.names.index(pick) for pick in picks]
    for length in range(1, len(taken)):
        here = loss_of(level, np.isin(np.arange(6), taken[:length]) / length)
        assert loss_of(level, np.isin(np.arange(6), taken[: length + 1]) / (length + 1)) < here


# --- settings ---------------------------------------------------------------------------------------------------------


def test_members_that_err_alike_get_negative_weight_where_that_is_allowed() -> None:
    """The second repeats the first one's errors, twice as large: taking it away takes them away."""
    rng = np.random.default_rng(0)
    example = Example("rmse", "regression").level()
    y, error = rng.normal(size=240), rng.normal(size=240)
    level = Level(
        type(example.rows)(metric=METRICS["rmse"], y=y, folds=example.rows.folds, task="regression"),
        [y + error, y + 1.5 * error],
        ["first", "second"],
    )

    assert min(weights_of(level, Climb())) >= 0
    weights = weights_of(level, Climb(negative=True))
    assert weights[1] < -0.5
    assert sum(weights) == pytest.approx(1)
    assert loss_of(level, weights) < 0.5 * loss_of(level, weights_of(level, Climb()))


def test_bags_average_climbs_over_parts_of_the_members() -> None:
    level = Example("rmsle", "regression").level(members=8)
    bagged = Climb(bags=6, picks=10).fit(level.rows, level.members, level.names)

    picks = bagged.document()["picks"]
    assert len(picks) == 6
    assert all(len(set(each)) <= 4 for each in picks)
    assert sum(bagged.weights.values()) == pytest.approx(1)  # type: ignore[union-attr]


def test_settings_without_sense_are_refused() -> None:
    with pytest.raises(KagflowError, match="at least one pick"):
        Climb(picks=0)


# --- scales -----------------------------------------------------------------------------------------------------------


def test_logarithmic_metrics_are_blended_on_their_scale() -> None:
    level = Example("rmsle", "regression").level(members=2)
    mean = find_method("mean").fit(level.rows, level.members, level.names)

    first, second = level.members
    expected = np.sqrt((1 + first) * (1 + second)) - 1  # type: ignore[operator]
    np.testing.assert_allclose(mean.apply(level.whole().by_name()), expected, rtol=1e-6)


def test_a_rank_mean_ranks_each_row_by_itself() -> None:
    level = Example("auc", "binary").level()
    fitted = find_method("rank_mean").fit(level.rows, level.members, level.names)
    by_name = dict(level.whole().by_name())

    whole = fitted.apply(by_name)
    alone = np.concatenate(
        [fitted.apply({name: each[row : row + 1] for name, each in by_name.items()}) for row in (3, 7)]
    )

    np.testing.assert_array_equal(whole[[3, 7]], alone)
    ranks = np.mean([np.argsort(np.argsort(each)) for each in level.members], axis=0)
    np.testing.assert_allclose(whole, (ranks + 0.5) / len(ranks), atol=1e-12)


@pytest.mark.parametrize("example", [*EXAMPLES[:3], *EXAMPLES[7:11], EXAMPLES[-1]], ids=name_of)
def test_every_fit_can_be_kept_and_told(example: Example) -> None:
    level = example.level(rows=120)
    for method in suited(level):
        quick = LightGBM(rounds=3) if method.kind == "lightgbm" else method
        scored = score_level(quick, level)

        json.dumps(scored.blend.document(), allow_nan=False)
        again = pickle.loads(pickle.dumps(scored.blend))
        np.testing.assert_array_equal(again.apply(level.whole().by_name()), scored.as_fitted)
        assert scored.as_fitted.shape == level.members[0].shape


def test_where_all_members_say_the_same_stacks_stay_with_them() -> None:
    level = Example("log_loss", "binary").level(rows=2_000)
    same = Level(level.rows, [level.members[0]] * 4, level.names[:4])
    alone = level.rows.score(level.members[0])

    for kind in ("logistic", "lightgbm"):
        assert score_level(find_method(kind), same).cv_crossfitted < alone * 1.02


def test_a_stack_that_has_not_converged_floods_nobody_with_warnings(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(logistic, "_MOST_STEPS", 2)
    level = Example("log_loss", "multiclass").level()

    score_level(find_method("logistic"), level)

    assert not [str(each.message) for each in recwarn.list]
