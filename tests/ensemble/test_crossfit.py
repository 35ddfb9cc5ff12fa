"""Cross-fitted scores: no fold's ensemble depends on its own targets, and a method that peeks is caught."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from kagflow.ensemble import (
    METHODS,
    FittedBlend,
    Level,
    Method,
    Rows,
    Scored,
    choose,
    find_method,
    score,
    score_level,
    suited,
)
from kagflow.ensemble.choice import why
from kagflow.ensemble.methods import Climb, LightGBM, Mean
from kagflow.ensemble.rows import Part
from kagflow.errors import KagflowError, SplitError
from kagflow.metrics import METRICS, find_metric
from kagflow.stats import bootstrap_se
from kagflow.training.postprocess import POSTS, find_post
from tests.ensemble.examples import EXAMPLES, Example, name_of

Values = NDArray[np.generic]

QUICK = {"lightgbm": LightGBM(rounds=5, min_data_in_leaf=10)}
"""Smaller settings of what takes long."""

CASES = [
    pytest.param(example, QUICK.get(method.kind, method), id=f"{name_of(example)}-{method.kind}")
    for example in EXAMPLES
    for method in suited(example.level())
]


def other_targets(level: Level, fold: int, members: Sequence[Values] | None = None) -> Level:
    """Return the same members, and other targets of one fold's rows."""
    rows = level.rows
    own = rows.folds == fold
    y = rows.y.copy()
    y[own] = 3 * y[own] + 1 if rows.task == "regression" else y.max() - y[own]
    assert (y[own] != rows.y[own]).any()
    return Level(replace(rows, y=y), level.members if members is None else members, level.names, level.features)


def moved(method: Method, level: Level, post: str | None = None) -> bool:
    """Say whether a fold's cross-fitted predictions move when its own targets change."""

    def crossfitted(of: Level) -> Scored:
        return score_level(method, of, None if post is None else find_post(post, of.rows.metric))

    fold = level.rows.fold_numbers[1]
    own = level.rows.folds == fold
    before, after = crossfitted(level), crossfitted(other_targets(level, fold))
    # What the fold taught is in the others, else nothing was tested.
    return bool((before.crossfitted[own] != after.crossfitted[own]).any() or (before.oof[own] != after.oof[own]).any())


@pytest.mark.parametrize(("example", "method"), CASES)
def test_a_fold_does_not_move_with_its_own_targets_to_the_bit(example: Example, method: Method) -> None:
    assert not moved(method, example.level())


@pytest.mark.parametrize(
    ("example", "post"),
    [
        (Example("mcc", "binary"), "threshold"),
        (Example("log_loss", "binary"), "isotonic"),
        (Example("log_loss", "multiclass"), "platt"),
        (Example("quadratic_kappa", "multiclass"), "kappa"),
        (Example("rmse", "regression"), "clip"),
        (Example("rmse", "regression"), "round"),
        (Example("mcrmse", "regression"), "clip"),
    ],
)
def test_nor_does_it_after_post_processing(example: Example, post: str) -> None:
    assert post in POSTS
    assert not moved(Climb(picks=5), example.level(rows=120), post)


@dataclass(frozen=True, kw_only=True)
class Peeking(Method):
    """Fits on all rows, whatever it is given."""

    kind: ClassVar[str] = "climb"
    honest: Method

    def fit_target(self, part: Part) -> FittedBlend:
        return self.honest.fit_target(part.level.whole())


@pytest.mark.parametrize("kind", ["climb", "weighted", "ridge", "lightgbm"])
def test_a_method_that_peeks_is_caught(kind: str) -> None:
    level = Example("rmse", "regression").level()

    assert moved(Peeking(honest=QUICK.get(kind, find_method(kind))), level)


def test_two_folds_are_enough_for_weights_and_their_cuts() -> None:
    level = Example("mcc", "binary").level()
    halves = Level(replace(level.rows, folds=level.rows.folds % 2), level.members, level.names)

    assert not moved(Climb(picks=5), halves, "threshold")


def test_one_fold_is_not() -> None:
    level = Example("rmse", "regression").level()
    one = Level(replace(level.rows, folds=np.zeros_like(level.rows.folds)), level.members, level.names)

    with pytest.raises(SplitError, match="cannot be cross-fitted over 1 fold"):
        score_level(Mean(), one)


@pytest.mark.parametrize("kind", [*METHODS])
def test_the_order_of_members_does_not_matter(kind: str) -> None:
    example = Example("rmse", "regression") if kind == "ridge" else Example("auc", "binary")
    level, method = example.level(), QUICK.get(kind, find_method(kind))
    turned = Level(level.rows, level.members[::-1], level.names[::-1])

    first, second = score_level(method, level), score_level(method, turned)

    assert np.array_equal(first.crossfitted, second.crossfitted)
    assert first.blend.document() == second.blend.document()


def test_scores_are_those_of_a_plain_loop_over_folds() -> None:
    level = Example("log_loss", "binary").level(weighted=True)
    rows, oof = level.rows, np.empty(len(level.rows))
    for fold in np.unique(rows.folds):
        own, others = np.flatnonzero(rows.folds == fold), np.flatnonzero(rows.folds != fold)
        fitted = Climb().fit(rows.take(others), [member[others] for member in level.members], level.names)
        by_name = zip(level.names, level.members, strict=True)
        oof[own] = fitted.apply({name: member[own] for name, member in by_name})

    scored = score(Climb(), rows, level.members, level.names)

    np.testing.assert_allclose(scored.crossfitted, oof, rtol=1e-12)
    assert scored.cv_crossfitted == pytest.approx(rows.score(oof))
    assert scored.se == bootstrap_se(rows.metric, rows.y, scored.crossfitted, weight=rows.weight, units=rows.units)
    assert list(scored.folds) == [3, 4, 5, 6]
    assert scored.cv_fitted <= scored.cv_crossfitted


def test_post_processing_learns_from_blends_of_the_other_folds_that_did_not_see_their_rows() -> None:
    """A climb over pure noise fits the rows that it sees; cuts must be made for rows that it does not see."""
    level = Example("mcc", "binary").level(rows=120)
    post, seen = find_post("threshold", level.rows.metric), []

    @dataclass
    class Watched:
        def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> object:
            seen.append(prediction)
            return post.fit(y, prediction, weight)

    score_level(Climb(), level, Watched())  # type: ignore[arg-type]

    nested = score_level(Climb(), _without(level, 3))
    assert any(np.array_equal(each, nested.oof) for each in seen)


def _without(level: Level, fold: int) -> Level:
    kept = np.flatnonzero(level.rows.folds != fold)
    return Level(level.rows.take(kept), [member[kept] for member in level.members], level.names)


def test_a_cross_fitted_blend_may_be_a_member_of_the_next_level() -> None:
    level = Example("rmse", "regression").level()
    first = score_level(Climb(), level)

    second = score(Mean(), level.rows, [*level.members, first.oof], [*level.names, "climb"])

    assert set(second.blend.document()["weights"]) == {*level.names, "climb"}


def test_a_feature_may_stand_beside_the_members_of_a_stack() -> None:
    level = Example("rmse", "regression").level()
    rows, members = replace(level.rows, y=np.log(level.rows.y)), [np.log(member) for member in level.members]
    features = {"what_is_missing": rows.y - np.mean(members, axis=0)}

    without = score(find_method("ridge"), rows, members, level.names)
    beside = score(find_method("ridge"), rows, members, level.names, features=features)

    assert beside.cv_crossfitted < 0.01 * without.cv_crossfitted
    fitted = beside.apply(dict(zip(level.names, members, strict=True)) | features)
    np.testing.assert_array_equal(fitted, beside.as_fitted)


# --- choosing ---------------------------------------------------------------------------------------------------------


def made_up(kind: str, prediction: Values, level: Level) -> Scored:
    """Return an ensemble with given cross-fitted predictions."""
    scored = score_level(Mean(), level)
    return replace(
        scored,
        method=METHODS[kind](),
        crossfitted=prediction,
        cv_crossfitted=level.rows.score(prediction),
    )


def on_values() -> tuple[Level, Callable[[float], Values]]:
    level = Example("rmse", "regression").level()
    noise = np.random.default_rng(1).normal(size=len(level.rows))
    return level, lambda size: np.asarray(level.rows.y, dtype=np.float64) + size * noise


def test_the_best_cross_fitted_score_is_chosen_where_it_is_better_beyond_its_noise() -> None:
    level, off = on_values()
    simple, complex_ = made_up("mean", off(1.0), level), made_up("climb", off(0.5), level)

    assert choose([simple, complex_]) is complex_


def test_of_equals_a_blend_is_taken_and_not_the_luckiest_member() -> None:
    level, off = on_values()
    lucky = made_up("single", off(1.0), level)
    errors = off(1.0) - off(0.0)
    blend = made_up("climb", off(0.0) + 1.001 * errors[::-1], level)  # a little worse

    assert choose([lucky, blend]) is blend


@pytest.mark.parametrize(("larger", "chosen"), [(1.001, "mean"), (1.03, "climb")])
def test_a_simpler_one_is_where_the_paired_difference_is_far_within_its_standard_error(
    larger: float, chosen: str
) -> None:
    level, off = on_values()
    best = made_up("climb", off(1.0), level)
    errors = off(1.0) - off(0.0)
    simple = made_up("mean", off(0.0) + larger * errors[::-1], level)  # a little larger, in other rows
    difference = simple.against(best)
    assert 0 < difference.value < difference.se
    assert (difference.value < difference.se / 4) == (chosen == "mean")

    taken = choose([best, simple])
    assert taken.method.kind == chosen
    assert why(taken, [best, simple]) == ("the best" if chosen == "climb" else "level with the best and simpler,")


def test_the_score_as_fitted_has_no_say() -> None:
    level, off = on_values()
    honest = made_up("mean", off(0.5), level)
    flattered = replace(made_up("lightgbm", off(1.0), level), cv_fitted=0.0)

    assert choose([flattered, honest]) is honest


def test_for_metrics_to_maximise_more_is_better() -> None:
    level = Example("auc", "binary").level()
    good = np.asarray(level.rows.y, dtype=np.float64)

    assert choose([made_up("mean", 1 - good, level), made_up("climb", good, level)]).method.kind == "climb"


@pytest.mark.parametrize(("flipped", "chosen"), [(2, "climb"), (80, "single")])
def test_labels_that_do_not_tell_ensembles_apart_are_looked_behind(flipped: int, chosen: str) -> None:
    level = Example("accuracy", "binary").level()
    right = np.asarray(level.rows.y, dtype=np.float64)

    def made(kind: str, sure: float, wrong: int) -> Scored:
        chance = np.where(right == 1, sure, 1 - sure)
        chance[:wrong] = 1 - chance[:wrong]
        return replace(made_up(kind, chance, level), oof=chance)

    lucky, calibrated = made("single", 0.51, 30), made("climb", 0.8, 30 + flipped)
    assert lucky.cv_crossfitted > calibrated.cv_crossfitted
    assert (abs(calibrated.against(lucky).value) < calibrated.against(lucky).se) == (chosen == "climb")

    taken = choose([lucky, calibrated])
    assert taken.method.kind == chosen
    assert why(taken, [lucky, calibrated]) == (
        "the best" if chosen == "single" else "level with the best by accuracy and taken by log_loss,"
    )


# --- what is refused --------------------------------------------------------------------------------------------------


def test_members_of_other_rows_are_refused() -> None:
    level = Example("rmse", "regression").level()

    with pytest.raises(KagflowError, match="m0 has 10 predictions for 240 rows"):
        Level(level.rows, [level.members[0][:10]], ["m0"])
    with pytest.raises(KagflowError, match="not finite"):
        Level(level.rows, [np.full(240, np.nan)], ["m0"])
    with pytest.raises(KagflowError, match="different names"):
        Level(level.rows, level.members[:2], ["m0", "m0"])
    with pytest.raises(KagflowError, match="of one form"):
        Level(level.rows, [level.members[0], np.ones((240, 3))], ["m0", "m1"])
    with pytest.raises(KagflowError, match="one number a row"):
        Rows(metric=METRICS["rmse"], y=np.ones(3), folds=np.zeros(2, dtype=np.int64), task="regression")


def test_a_method_that_is_not_for_the_metric_says_so() -> None:
    level = Example("rmse", "regression").level()

    with pytest.raises(KagflowError, match="rank_mean is not for rmse"):
        find_method("rank_mean").fit(level.rows, level.members, level.names)
    with pytest.raises(KagflowError, match="no ensemble is called 'clim'") as error:
        find_method("clim")
    assert error.value.hint is not None
    assert "climb" in error.value.hint


def test_suited_are_the_methods_for_the_metric_and_its_members() -> None:
    def kinds(metric: str, task: str) -> set[str]:
        return {method.kind for method in suited(Example(metric, task).level())}  # type: ignore[arg-type]

    always = {"single", "mean", "forward", "climb", "weighted", "lightgbm"}
    assert kinds("rmse", "regression") == always | {"ridge"}
    assert kinds("auc", "binary") == always | {"rank_mean", "logit_mean", "logistic"}
    assert kinds("log_loss", "multiclass") == always | {"logit_mean", "logistic"}
    assert find_metric("rmse").name == "rmse"
