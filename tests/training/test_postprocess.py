"""Post-processing: each kind against a plain search or scikit-learn, and cross-fitting against a planted leak."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from kagflow.errors import ConfigError, KagflowError, SplitError
from kagflow.metrics import METRICS
from kagflow.training.postprocess import POSTS, Calibration, Clip, Round, cross_fit, find_post, post_process

Floats = NDArray[np.float64]
ROWS = 300
RNG = np.random.default_rng(0)
FOLDS = RNG.integers(0, 3, ROWS) + 4
BINARY = RNG.integers(0, 2, ROWS)
CHANCES = np.clip(0.25 * BINARY + RNG.uniform(0, 0.6, ROWS), 0, 1)
CLASSES = RNG.integers(0, 3, ROWS)
SHARES = (RNG.dirichlet([1, 1, 1], ROWS) + np.eye(3)[CLASSES]) / 2
GRADES = RNG.binomial(5, 0.4, ROWS).astype(np.float64)
ESTIMATES = 2 + 0.4 * (GRADES - 2) + RNG.normal(scale=0.3, size=ROWS)
WEIGHTS = RNG.uniform(0.5, 3, ROWS)
KAPPA = METRICS["quadratic_kappa"]


@dataclass
class Case:
    name: str
    metric: str
    y: NDArray[np.generic]
    oof: Floats
    poison: Callable[[NDArray[np.generic]], NDArray[np.generic]]


def shift_classes(y: NDArray[np.generic]) -> NDArray[np.generic]:
    return (y.astype(np.int64) + 1) % 3


def swap_classes(y: NDArray[np.generic]) -> NDArray[np.generic]:
    return 1 - y.astype(np.int64)


CASES = [
    Case("threshold", "mcc", BINARY, CHANCES, swap_classes),
    Case("kappa", "quadratic_kappa", GRADES, ESTIMATES, lambda y: 5.0 - y.astype(np.float64)),
    Case("kappa", "quadratic_kappa", CLASSES, SHARES, shift_classes),
    Case("isotonic", "log_loss", BINARY, CHANCES, swap_classes),
    Case("isotonic", "log_loss", CLASSES, SHARES, shift_classes),
    Case("platt", "log_loss", BINARY, CHANCES, swap_classes),
    Case("platt", "log_loss", CLASSES, SHARES, shift_classes),
    Case("clip", "rmse", ESTIMATES / 2, 3 * ESTIMATES - 3, lambda y: 0 * y.astype(np.float64) + 1e6),
    Case("round", "rmse", GRADES, ESTIMATES, lambda y: y.astype(np.float64) + 0.3),
]
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.oof.ndim}d")

# --- cross-fitting ---------------------------------------------------------------------------------------------------


def fit_on_all_rows(post, folds, oof, y, weight=None):
    """Process each fold by a fit that saw its targets: the mistake that cross-fitting is there to avoid."""
    return post.fit(y, oof, weight).apply(oof)


def folds_that_know_themselves(process, case: Case) -> list[int]:
    """Return the folds whose processed predictions change, by a bit at least, when only their own targets do."""
    post = find_post(case.name, METRICS[case.metric])
    processed, found = process(post, FOLDS, case.oof, case.y, WEIGHTS), []
    for number in np.unique(FOLDS):
        own = number == FOLDS
        y = np.where(own, case.poison(case.y), case.y)
        again = process(post, FOLDS, case.oof, y, WEIGHTS)
        if again[own].tobytes() != processed[own].tobytes():
            found.append(int(number))
    return found


@EVERY_CASE
def test_a_fold_does_not_know_its_own_targets(case: Case) -> None:
    assert folds_that_know_themselves(cross_fit, case) == []


@EVERY_CASE
def test_the_same_test_finds_a_fit_on_all_rows(case: Case) -> None:
    assert folds_that_know_themselves(fit_on_all_rows, case) == [4, 5, 6]


@EVERY_CASE
def test_cross_fitting_is_a_fit_on_the_other_folds(case: Case) -> None:
    post = find_post(case.name, METRICS[case.metric])
    processed = cross_fit(post, FOLDS, case.oof, case.y, WEIGHTS)
    for number in np.unique(FOLDS):
        own = number == FOLDS
        expected = post.fit(case.y[~own], case.oof[~own], WEIGHTS[~own]).apply(case.oof[own])
        np.testing.assert_array_equal(processed[own], expected)


@EVERY_CASE
def test_both_scores_and_what_test_rows_get(case: Case) -> None:
    post = find_post(case.name, METRICS[case.metric])
    made = post_process(post, FOLDS, case.oof, case.y, WEIGHTS)
    np.testing.assert_array_equal(made.crossfitted, cross_fit(post, FOLDS, case.oof, case.y, WEIGHTS))
    np.testing.assert_array_equal(made.as_fitted, post.fit(case.y, case.oof, WEIGHTS).apply(case.oof))
    np.testing.assert_array_equal(made.fitted.apply(case.oof), made.as_fitted)


def test_a_threshold_on_noise_flatters_only_as_fitted() -> None:
    """Chances that know nothing: the cut finds something on its own rows, and nothing on the others."""
    metric, fitted, crossfitted = METRICS["mcc"], [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y, noise, folds = rng.integers(0, 2, 100), rng.uniform(size=100), np.arange(100) % 5
        made = post_process(find_post("threshold", metric), folds, noise, y)
        fitted.append(metric.score(y, made.as_fitted))
        crossfitted.append(metric.score(y, made.crossfitted))
    assert np.mean(fitted) > 0.1
    assert np.mean(crossfitted) < 0.05


@EVERY_CASE
def test_each_row_is_processed_by_itself(case: Case) -> None:
    fitted = find_post(case.name, METRICS[case.metric]).fit(case.y, case.oof, WEIGHTS)
    some = RNG.permutation(ROWS)[:50]
    np.testing.assert_array_equal(fitted.apply(case.oof)[some], fitted.apply(case.oof[some]))


@EVERY_CASE
def test_no_weight_is_the_same_weight_for_all(case: Case) -> None:
    post = find_post(case.name, METRICS[case.metric])
    alike = post.fit(case.y, case.oof, np.ones(ROWS)).apply(case.oof)
    np.testing.assert_array_equal(post.fit(case.y, case.oof).apply(case.oof), alike)


@EVERY_CASE
def test_what_was_fitted_can_be_kept(case: Case) -> None:
    fitted = find_post(case.name, METRICS[case.metric]).fit(case.y, case.oof)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).apply(case.oof), fitted.apply(case.oof))


def test_one_fold_cannot_be_cross_fitted() -> None:
    with pytest.raises(SplitError, match="over one fold"):
        cross_fit(Clip(), np.zeros(ROWS, dtype=int), ESTIMATES, GRADES)


def test_rows_must_fit_together() -> None:
    with pytest.raises(KagflowError, match="not of the same rows"):
        cross_fit(Clip(), FOLDS[1:], ESTIMATES, GRADES)
    with pytest.raises(KagflowError, match="not of the same rows"):
        cross_fit(Clip(), FOLDS, ESTIMATES, GRADES, WEIGHTS[1:])


# --- threshold -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1", "f1_macro", "mcc"])
@given(
    arrays(np.int64, 9, elements=st.integers(0, 1)).filter(lambda y: 0 < y.sum() < len(y)),
    arrays(np.int64, 9, elements=st.integers(0, 5)),
    arrays(np.float64, 9, elements=st.sampled_from([0.5, 1.0, 3.0])),
)
def test_no_cut_is_better(name: str, y: NDArray[np.int64], ranks: NDArray[np.int64], weight: Floats) -> None:
    metric, chances = METRICS[name], ranks / 5
    found = metric.score(y, find_post("threshold", metric).fit(y, chances, weight).apply(chances), weight)
    tried = [metric.score(y, (chances > cut).astype(int), weight) for cut in np.linspace(-0.1, 1.1, 61)]
    assert found == pytest.approx(max(tried))


def test_of_equally_good_cuts_the_nearest_to_one_half() -> None:
    y, chances = np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.35, 0.9])
    assert find_post("threshold", METRICS["accuracy"]).fit(y, chances).cut == pytest.approx((0.35 + 0.9) / 2)


def test_a_cut_between_neighbouring_numbers_separates_them() -> None:
    low = 0.3
    chances = np.array([low, np.nextafter(low, 1)])
    fitted = find_post("threshold", METRICS["accuracy"]).fit(np.array([0, 1]), chances)
    assert fitted.apply(chances).tolist() == [0, 1]


def test_a_threshold_needs_two_classes_and_a_metric_of_labels() -> None:
    with pytest.raises(KagflowError, match="not defined at every cut"):
        find_post("threshold", METRICS["f1"]).fit(np.zeros(5, dtype=int), CHANCES[:5])
    with pytest.raises(ConfigError, match="metrics that count labels; auc does not"):
        find_post("threshold", METRICS["auc"]).fit(BINARY, CHANCES)
    with pytest.raises(KagflowError, match="one prediction a row"):
        find_post("threshold", METRICS["accuracy"]).fit(CLASSES, SHARES)


# --- cuts between grades ---------------------------------------------------------------------------------------------


def test_cuts_are_as_good_as_any_for_few_rows() -> None:
    """Three grades: two cuts, all pairs of which can be tried."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        y = rng.permutation(np.r_[0, 1, 2, rng.integers(0, 3, 27)])
        values = y + rng.normal(size=30)
        fitted = find_post("kappa", KAPPA).fit(y, values)
        candidates = np.sort(values)
        best = max(
            KAPPA.score(y, np.searchsorted([low, high], values))
            for low in candidates
            for high in candidates[candidates >= low]
        )
        # One cut at a time may stop short of the best pair, by little.
        assert best - 0.02 < KAPPA.score(y, fitted.apply(values)) <= best + 1e-12


def test_cuts_beat_rounding_of_shrunken_values() -> None:
    fitted = find_post("kappa", KAPPA).fit(GRADES, ESTIMATES, WEIGHTS)
    found = KAPPA.score(GRADES, fitted.apply(ESTIMATES), WEIGHTS)
    assert found > KAPPA.score(GRADES, ESTIMATES, WEIGHTS) + 0.05
    assert list(fitted.cuts) == sorted(fitted.cuts)
    assert len(fitted.cuts) == len(fitted.grades) - 1


def test_grades_may_have_gaps_and_be_below_zero() -> None:
    grades = np.array([-2.0, 3.0, 10.0])[CLASSES]
    fitted = find_post("kappa", KAPPA).fit(grades, grades + 0.1)
    assert fitted.apply(grades + 0.1).tolist() == grades.tolist()


def test_many_different_predictions_are_cut_at_quantiles() -> None:
    values = np.linspace(0, 1, 5000)
    y = (values > 0.3).astype(np.int64) + (values > 0.8)
    fitted = find_post("kappa", KAPPA).fit(y, values)
    assert fitted.cuts == pytest.approx([0.3, 0.8], abs=0.006)


def test_one_prediction_for_all_rows_has_nothing_to_cut() -> None:
    fitted = find_post("kappa", KAPPA).fit(GRADES, np.full(ROWS, 2.0))
    assert len(set(fitted.apply(np.full(3, 2.0)).tolist())) == 1


@pytest.mark.parametrize("y", [GRADES + 0.5, np.full(ROWS, 2.0)])
def test_what_is_no_grade_is_refused(y: Floats) -> None:
    with pytest.raises(KagflowError, match="no grades"):
        find_post("kappa", KAPPA).fit(y, ESTIMATES)


def test_cut_points_need_a_metric_of_labels() -> None:
    with pytest.raises(ConfigError, match="rmse wants a value"):
        find_post("kappa", METRICS["rmse"]).fit(GRADES, ESTIMATES)


# --- calibration -----------------------------------------------------------------------------------------------------


def test_isotonic_is_scikit_learns() -> None:
    reference = IsotonicRegression(out_of_bounds="clip").fit(CHANCES, BINARY, sample_weight=WEIGHTS)
    fitted = find_post("isotonic", METRICS["log_loss"]).fit(BINARY, CHANCES, WEIGHTS)
    elsewhere = np.linspace(0, 1, 101)
    np.testing.assert_allclose(fitted.apply(elsewhere), reference.predict(elsewhere), atol=1e-12)


@pytest.mark.parametrize("name", ["isotonic", "platt"])
def test_distorted_chances_are_put_right(name: str) -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0.02, 0.98, 20_000)
    y = (rng.uniform(size=len(true)) < true).astype(np.int64)
    odds = 2.5 * np.log(true / (1 - true)) - 1  # too sure, and too low
    calibrated = find_post(name, METRICS["log_loss"]).fit(y, 1 / (1 + np.exp(-odds))).apply(1 / (1 + np.exp(-odds)))
    assert np.abs(calibrated - true).mean() < 0.02


def test_platt_is_the_least_loss_of_its_family() -> None:
    """Nudging slope or shift of the fit makes the loss on Platt's own aims worse."""
    fitted = find_post("platt", METRICS["log_loss"]).fit(BINARY, CHANCES, WEIGHTS)
    positive, negative = WEIGHTS[BINARY == 1].sum(), WEIGHTS[BINARY == 0].sum()
    aim = np.where(BINARY == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    odds = np.log(np.clip(CHANCES, 1e-15, 1 - 1e-15)) - np.log1p(-np.clip(CHANCES, 1e-15, 1 - 1e-15))
    found = fitted.functions[0].keywords

    def loss(slope: float, shift: float) -> float:
        p = 1 / (1 + np.exp(-(slope * odds + shift)))
        return float(-np.average(aim * np.log(p) + (1 - aim) * np.log(1 - p), weights=WEIGHTS))

    least = loss(found["slope"], found["shift"])
    for step in (-0.02, 0.02):
        assert loss(found["slope"] + step, found["shift"]) > least
        assert loss(found["slope"], found["shift"] + step) > least


@pytest.mark.parametrize("name", ["isotonic", "platt"])
def test_calibrated_classes_add_up_to_one(name: str) -> None:
    calibrated = find_post(name, METRICS["log_loss"]).fit(CLASSES, SHARES).apply(SHARES)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


@pytest.mark.parametrize("name", ["isotonic", "platt"])
def test_calibration_never_turns_the_order_round(name: str) -> None:
    fitted = find_post(name, METRICS["log_loss"]).fit(1 - BINARY, CHANCES)
    assert (np.diff(fitted.apply(np.linspace(0, 1, 50))) >= 0).all()


def test_a_row_without_any_class_left_gets_equal_shares() -> None:
    nothing = Calibration(lambda hit, p, weight: np.zeros_like).fit(CLASSES, SHARES)
    np.testing.assert_array_equal(nothing.apply(SHARES[:2]), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("name", ["isotonic", "platt"])
def test_one_class_cannot_be_calibrated(name: str) -> None:
    with pytest.raises(KagflowError, match="all lack it") as caught:
        find_post(name, METRICS["log_loss"]).fit(np.zeros(ROWS, dtype=int), CHANCES)
    assert "stratified" in caught.value.hint


# --- values ----------------------------------------------------------------------------------------------------------


def test_values_stay_within_the_range_of_the_target() -> None:
    fitted = Clip().fit(np.array([3.0, -1.0, 2.0]), np.zeros(3))
    assert fitted.apply(np.array([-5.0, 0.5, 9.0])).tolist() == [-1.0, 0.5, 3.0]


@given(
    arrays(np.float64, st.integers(1, 6), elements=st.integers(-9, 9).map(float)),
    arrays(np.float64, 5, elements=st.floats(-12, 12)),
)
def test_values_become_the_nearest_known(y: Floats, values: Floats) -> None:
    rounded = Round().fit(y, np.zeros(len(y))).apply(values)
    assert rounded.tolist() == [min(sorted(set(y)), key=lambda known: abs(known - value)) for value in values]


@pytest.mark.parametrize("post", [Clip(), Round()])
def test_values_are_not_for_classes(post: Clip | Round) -> None:
    with pytest.raises(KagflowError, match=r"shape \(300, 3\)"):
        post.fit(CLASSES, SHARES)


# --- names -----------------------------------------------------------------------------------------------------------


def test_every_kind_is_tested_here() -> None:
    assert {case.name for case in CASES} == set(POSTS)


def test_an_unknown_name_has_a_hint() -> None:
    with pytest.raises(ConfigError, match="no post-processing is called 'treshold'") as caught:
        find_post("treshold", KAPPA)
    assert "'threshold'" in caught.value.hint
