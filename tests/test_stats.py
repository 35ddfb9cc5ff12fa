"""Standard errors against what is known analytically, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.metrics import METRICS, Metric, RowMean, find_metric
from kagflow.stats import Difference, bootstrap_se, paired_difference, paired_differences

MAE, RMSE, AUC = METRICS["mae"], METRICS["rmse"], METRICS["auc"]
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def y(rng: np.random.Generator) -> Floats:
    return rng.normal(size=3000)


@pytest.fixture(scope="module")
def prediction(rng: np.random.Generator, y: Floats) -> Floats:
    return y + rng.normal(size=len(y))


# --- the standard error of a score -----------------------------------------------------------------------------------


def test_the_error_of_a_mean_is_the_analytical_one(y: Floats, prediction: Floats) -> None:
    analytical = np.std(np.abs(y - prediction)) / np.sqrt(len(y))
    assert bootstrap_se(MAE, y, prediction) == pytest.approx(analytical, rel=0.1)


def test_the_error_of_auc_is_hanley_and_mcneils(y: Floats, prediction: Floats) -> None:
    labels = (y > 0.5).astype(np.int64)
    auc, positive, negative = AUC.score(labels, prediction), labels.sum(), (1 - labels).sum()
    above, below = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2  # Hanley and McNeil (1982)
    variance = (auc * (1 - auc) + (positive - 1) * above + (negative - 1) * below) / (positive * negative)
    assert bootstrap_se(AUC, labels, prediction) == pytest.approx(np.sqrt(variance), rel=0.1)


def test_ever_more_rows_know_ever_better(y: Floats, prediction: Floats) -> None:
    quarter = bootstrap_se(RMSE, y[::4], prediction[::4])
    assert quarter == pytest.approx(2 * bootstrap_se(RMSE, y, prediction), rel=0.15)


@pytest.mark.parametrize("size", [4, 9])
def test_copies_of_a_row_are_no_news(y: Floats, prediction: Floats, size: int) -> None:
    """Rows that come ``size`` times look sqrt(size) times as sure, unless they are known to be one unit."""
    units = np.repeat(np.arange(500), size)
    y, prediction = y[:500].repeat(size), prediction[:500].repeat(size)
    as_rows, as_units = bootstrap_se(MAE, y, prediction), bootstrap_se(MAE, y, prediction, units=units)
    assert as_units / as_rows == pytest.approx(np.sqrt(size), rel=0.12)


@pytest.mark.parametrize("name", ["mae", "auc", "f1"])
def test_several_targets_are_drawn_row_by_row(y: Floats, prediction: Floats, name: str) -> None:
    """Column by column, each in its own fast way, is what the plain call says of the rows that are drawn."""
    truth = np.stack([y[:200] > 0.3, y[200:400] > 0], axis=1).astype(np.int64)
    chances = 1 / (1 + np.exp(-np.stack([prediction[:200], prediction[200:400]], axis=1)))
    metric = find_metric(f"mean_columnwise@{name}")
    plainly = replace(metric, function=metric.function.__call__)
    assert bootstrap_se(metric, truth, chances) == pytest.approx(bootstrap_se(plainly, truth, chances))


def test_targets_that_go_together_are_no_independent_news(y: Floats, prediction: Floats) -> None:
    """The same target twice is as sure as once; two that know nothing of each other are surer."""
    metric, error = find_metric("mean_columnwise@mae"), bootstrap_se(MAE, y[:1500], prediction[:1500])
    twice = [np.stack([values[:1500], values[:1500]], axis=1) for values in (y, prediction)]
    apart = [np.stack([values[:1500], values[1500:]], axis=1) for values in (y, prediction)]
    assert bootstrap_se(metric, *twice) == pytest.approx(error)
    assert bootstrap_se(metric, *apart) == pytest.approx(error / np.sqrt(2), rel=0.1)


def test_codes_of_units_may_have_gaps(y: Floats, prediction: Floats) -> None:
    units = np.repeat(np.arange(300), 10)
    dense = bootstrap_se(MAE, y, prediction, units=units)
    assert bootstrap_se(MAE, y, prediction, units=1000 * units + 7) == dense


def test_weights_count(y: Floats, prediction: Floats) -> None:
    """Rows of hardly any weight might as well not be there."""
    weight = np.where(np.arange(len(y)) % 4 == 0, 1.0, 1e-9)
    alone = bootstrap_se(MAE, y[::4], prediction[::4])
    assert bootstrap_se(MAE, y, prediction, weight=weight) == pytest.approx(alone, rel=0.1)


def test_an_own_metric_need_not_look_at_weights(y: Floats, prediction: Floats) -> None:
    careless = Metric(
        name="own",
        direction="minimize",
        wants="value",
        function=lambda y, prediction, weight: float(np.mean(np.abs(np.subtract(y, prediction, dtype=np.float64)))),
        objective="absolute_error",
    )
    assert bootstrap_se(careless, y, prediction) == pytest.approx(bootstrap_se(MAE, y, prediction))


def test_labels_are_scored_as_labels(y: Floats, prediction: Floats) -> None:
    labels, chances = (y > 0).astype(np.int64), 1 / (1 + np.exp(-prediction))
    accuracy = METRICS["accuracy"].score(labels, chances)
    analytical = np.sqrt(accuracy * (1 - accuracy) / len(y))
    assert bootstrap_se(METRICS["accuracy"], labels, chances) == pytest.approx(analytical, rel=0.1)


def test_one_probability_a_class(rng: np.random.Generator) -> None:
    codes, shares = rng.integers(0, 3, 1000), rng.dirichlet([1, 1, 1], 1000)
    surprise = -np.log(shares[np.arange(1000), codes])
    expected = np.std(surprise) / np.sqrt(1000)
    assert bootstrap_se(METRICS["log_loss"], codes, shares) == pytest.approx(expected, rel=0.1)


def test_the_seed_decides(y: Floats, prediction: Floats) -> None:
    first, again, other = (bootstrap_se(MAE, y, prediction, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("rows", [1, 3])
def test_one_unit_has_no_error(rows: int) -> None:
    y = np.arange(float(rows))
    assert np.isnan(bootstrap_se(MAE, y, y + 1, units=np.zeros(rows, dtype=np.int64)))
    assert np.isnan(paired_difference(MAE, y, y + 1, y + 2, units=np.zeros(rows, dtype=np.int64)).se)


def test_one_row_has_no_error() -> None:
    assert np.isnan(bootstrap_se(MAE, np.array([1.0]), np.array([2.0])))


def test_draws_of_one_class_are_left_out() -> None:
    """Among ten rows with one positive about a third of the draws have none, and no auc."""
    y, prediction = np.array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), np.linspace(0.9, 0.1, 10)
    assert 0 < bootstrap_se(AUC, y, prediction) < 0.5


def test_two_standard_errors_cover_the_truth() -> None:
    """95 of 100 samples should; the bound is wide, as draws are few and the errors' distribution is skewed."""
    rng, covered = np.random.default_rng(1), 0
    for _ in range(100):
        error = rng.normal(size=150)
        score, se = MAE.score(np.zeros(150), error), bootstrap_se(MAE, np.zeros(150), error)
        covered += abs(score - np.sqrt(2 / np.pi)) < 2 * se
    assert 87 <= covered <= 100


# --- the difference of two runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [MAE, RMSE])
def test_a_difference_is_exact(metric: Metric, y: Floats, prediction: Floats) -> None:
    other = prediction + 0.1
    value = metric.score(y, prediction) - metric.score(y, other)
    assert paired_difference(metric, y, prediction, other).value == value


@pytest.mark.parametrize("metric", [RMSE, AUC])
def test_what_is_hard_for_both_cancels(metric: Metric, y: Floats, prediction: Floats, rng: np.random.Generator) -> None:
    truth = (y > 0).astype(np.int64) if metric is AUC else y
    other = prediction + rng.normal(scale=0.05, size=len(y))
    alone = bootstrap_se(metric, truth, prediction)
    assert paired_difference(metric, truth, prediction, other).se < alone / 4


def test_the_error_of_a_paired_mean_is_the_analytical_one(
    y: Floats, prediction: Floats, rng: np.random.Generator
) -> None:
    other = y + rng.normal(size=len(y))
    analytical = np.std(np.abs(y - prediction) - np.abs(y - other)) / np.sqrt(len(y))
    assert paired_difference(MAE, y, prediction, other).se == pytest.approx(analytical, rel=0.1)


def test_a_difference_changes_sign_with_its_sides(y: Floats, prediction: Floats) -> None:
    there = paired_difference(MAE, y, prediction, prediction + 0.1)
    back = paired_difference(MAE, y, prediction + 0.1, prediction)
    assert back == Difference(-there.value, there.se)


def test_all_pairs_of_many_are_what_each_pair_is_alone(y: Floats, prediction: Floats, rng: np.random.Generator) -> None:
    made = [prediction, prediction + 0.1, y + rng.normal(size=len(y))]
    found = paired_differences(MAE, y, made)
    assert found == {
        (one, other): paired_difference(MAE, y, made[one], made[other]) for one, other in [(0, 1), (0, 2), (1, 2)]
    }


def test_a_run_does_not_differ_from_itself(y: Floats, prediction: Floats) -> None:
    difference = paired_difference(MAE, y, prediction, prediction)
    assert difference == Difference(0.0, 0.0)
    assert difference.is_noise


@pytest.mark.parametrize(
    ("value", "se", "noise"), [(1.0, 0.6, True), (-1.0, 0.6, True), (1.0, 0.4, False), (-1.0, 0.4, False)]
)
def test_noise_is_what_two_standard_errors_cover(value: float, se: float, noise: bool) -> None:
    assert Difference(value, se).is_noise is noise


def test_an_unknown_error_is_taken_for_noise() -> None:
    assert Difference(1.0, float("nan")).is_noise


def test_a_difference_of_broken_predictions_is_refused(y: Floats, prediction: Floats) -> None:
    with pytest.raises(KagflowError, match="not finite"):
        paired_difference(AUC, (y > 0).astype(np.int64), prediction, np.full(len(y), np.nan))


def test_a_row_mean_is_its_own_metric_drawn(y: Floats, prediction: Floats) -> None:
    """The short cut for means of row losses gives the same draws as the general way."""
    loss = RMSE.function.loss if isinstance(RMSE.function, RowMean) else None
    assert loss is not None
    general = Metric(
        name="own",
        direction="minimize",
        wants="value",
        function=lambda y, prediction, weight: float(np.sqrt(np.average(loss(y, prediction), weights=weight))),
        objective="squared_error",
    )
    weight = np.linspace(1, 2, len(y))
    short = bootstrap_se(RMSE, y, prediction, weight=weight)
    assert bootstrap_se(general, y, prediction, weight=weight) == pytest.approx(short, rel=1e-9)


def test_an_auc_sorts_once_for_all_draws(y: Floats, prediction: Floats) -> None:
    """The short cut gives the same draws as the metric on repeated rows, ties and weights included."""
    labels, rounded, weight = (y > 0).astype(np.int64), np.round(prediction, 1), np.linspace(1, 2, len(y))
    plainly = replace(AUC, function=AUC.function.__call__)
    short = bootstrap_se(AUC, labels, rounded, weight=weight)
    assert bootstrap_se(plainly, labels, rounded, weight=weight) == pytest.approx(short, rel=1e-9)
