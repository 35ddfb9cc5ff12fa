"""The interface of metrics: forms of predictions, what is refused instead of scored, finding one by name."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kagflow.errors import ConfigError, KagflowError
from kagflow.metrics import METRICS, Confusion, Metric, RowMean, find_metric
from kagflow.stats import bootstrap_se
from tests.metrics.examples import (
    BINARY_PAIRS,
    CHANCE_PAIRS,
    CHANCES,
    CLASSES,
    ESTIMATES,
    GRADES,
    GUESSES,
    ROWS,
    SHARES,
    VALUES,
    Floats,
)


def custom(function: Callable[..., float], **changes: object) -> Metric:
    settings = {"name": "own", "direction": "minimize", "wants": "value", "objective": "squared_error", **changes}
    return Metric(function=function, **settings)  # type: ignore[arg-type]


# --- labels and probabilities ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prediction", "labels"),
    [
        (np.array([0.2, 0.5, 0.51]), [0, 0, 1]),
        (np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.1, 0.1, 0.8]]), [1, 0, 2]),
        (np.array([2, 0, 1]), [2, 0, 1]),
    ],
    ids=["binary", "multiclass", "codes"],
)
def test_labels_come_from_probabilities_or_codes(prediction: NDArray[np.generic], labels: list[int]) -> None:
    assert METRICS["accuracy"].prepare(prediction).tolist() == labels
    assert METRICS["accuracy"].score(np.array(labels), prediction) == 1.0


def test_other_metrics_take_predictions_as_they_are() -> None:
    assert METRICS["auc"].prepare(CHANCES) is CHANCES
    assert METRICS["rmse"].prepare(ESTIMATES) is ESTIMATES


def test_log_loss_clips_certainty_as_kaggle_does() -> None:
    certain_and_wrong = METRICS["log_loss"].score(np.array([1, 0]), np.array([0.0, 0.0]))
    assert certain_and_wrong == pytest.approx(-np.log(1e-15) / 2)


def test_log_loss_rescales_rows_that_do_not_add_up_to_one() -> None:
    assert METRICS["log_loss"].score(CLASSES, 7 * SHARES) == pytest.approx(METRICS["log_loss"].score(CLASSES, SHARES))


def test_each_of_several_targets_has_a_label_of_its_own() -> None:
    chances = np.array([[0.2, 0.9], [0.6, 0.5]])
    assert find_metric("mean_columnwise@accuracy").prepare(chances).tolist() == [[0, 1], [1, 0]]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_rows_are_counted_not_cells() -> None:
    broken = SHARES.copy()
    broken[3] = np.nan
    with pytest.raises(KagflowError, match=f"1 of {ROWS} predictions"):
        METRICS["accuracy"].score(CLASSES, broken)


def test_a_prediction_below_the_domain_is_refused() -> None:
    with pytest.raises(KagflowError, match="rmsle returned nan") as caught:
        METRICS["rmsle"].score(np.array([1.0, 2.0]), np.array([1.0, -1.5]))
    assert "logarithms" in caught.value.hint


def test_an_own_metric_that_returns_nan_is_refused() -> None:
    with pytest.raises(KagflowError, match="own returned nan for 200 rows") as caught:
        custom(lambda y, prediction, weight: float("nan")).score(VALUES, ESTIMATES)
    assert "own function" in caught.value.hint


@pytest.mark.parametrize(
    ("y", "prediction"),
    [(VALUES, ESTIMATES[:-1]), (VALUES, ESTIMATES[:, np.newaxis]), (VALUES[:0], ESTIMATES[:0])],
    ids=["one row short", "would broadcast", "no rows"],
)
def test_shapes_must_fit(y: Floats, prediction: Floats) -> None:
    with pytest.raises(KagflowError, match="cannot be scored"):
        METRICS["rmse"].score(y, prediction)


@pytest.mark.parametrize("name", ["mcrmse", "mean_columnwise@auc"])
def test_predictions_have_a_column_for_each_target(name: str) -> None:
    metric, one = find_metric(name), BINARY_PAIRS[:, 0].astype(np.float64)
    for prediction in (one, one[:, np.newaxis], np.stack([one, one, one], axis=1)):
        with pytest.raises(KagflowError, match="cannot be scored"):
            metric.score(BINARY_PAIRS, prediction)


def test_one_class_in_one_of_several_targets_is_told() -> None:
    y = np.stack([BINARY_PAIRS[:, 0], np.ones(ROWS, dtype=np.int64)], axis=1)
    with pytest.raises(KagflowError, match="returned nan") as caught:
        find_metric("mean_columnwise@auc").score(y, CHANCE_PAIRS)
    assert "one class only" in caught.value.hint


# --- direction and names ---------------------------------------------------------------------------------------------


def test_better_follows_the_direction() -> None:
    assert METRICS["rmse"].better(1.0, 2.0)
    assert METRICS["auc"].better(0.9, 0.8)
    assert not METRICS["rmse"].better(2.0, 1.0)
    assert not METRICS["auc"].better(0.8, 0.9)
    assert not METRICS["rmse"].better(1.0, 1.0)


def test_a_metric_is_found_by_its_name() -> None:
    assert find_metric("rmsle").transform == "log1p"
    with pytest.raises(ConfigError, match="no metric is called 'rmlse'") as caught:
        find_metric("rmlse")
    assert "'rmsle'" in caught.value.hint


def test_an_own_metric_may_be_a_row_mean() -> None:
    function = RowMean(loss=lambda y, prediction: np.abs(y - prediction) ** 3, finish=np.cbrt)
    expected = np.cbrt(np.mean(np.abs(VALUES - ESTIMATES) ** 3))
    assert custom(function).score(VALUES, ESTIMATES) == pytest.approx(expected)


# --- forms of predictions that single metrics ask for ----------------------------------------------------------------


def test_a_value_on_a_scale_of_grades_is_rounded() -> None:
    kappa = METRICS["quadratic_kappa"]
    assert kappa.prepare(np.array([0.4, 2.6, -0.7, 3.0])).tolist() == [0, 3, -1, 3]
    assert kappa.prepare(np.array([[0.1, 0.2, 0.7]])).tolist() == [2]
    assert kappa.score(GRADES, GUESSES) == kappa.score(GRADES.astype(int), np.rint(GUESSES).astype(int))


def test_ranked_labels_come_from_probabilities_or_are_given() -> None:
    metric = find_metric("map@2")
    assert metric.prepare(np.array([[0.1, 0.2, 0.7], [0.4, 0.2, 0.4]])).tolist() == [[2, 1], [0, 2]]
    assert metric.prepare(np.array([[2, 1, 0]])).tolist() == [[2, 1]]
    assert metric.score(np.array([1, 1, 0]), np.array([[1, 2, 0], [2, 1, 0], [2, 1, 0]])) == pytest.approx(0.5)
    with pytest.raises(KagflowError, match="map@2 wants ranked labels"):
        metric.score(np.array([0, 1]), np.array([0.1, 0.9]))


def test_a_metric_of_weights_needs_them() -> None:
    with pytest.raises(KagflowError, match="wmae needs the weights") as caught:
        METRICS["wmae"].score(VALUES, ESTIMATES)
    assert "`weight`" in caught.value.hint
    with pytest.raises(KagflowError, match="wmae needs the weights"):
        bootstrap_se(METRICS["wmae"], VALUES, ESTIMATES)


@pytest.mark.parametrize("further", [None, {"other": VALUES}])
def test_a_metric_of_further_columns_needs_them(further: dict[str, Floats] | None) -> None:
    metric = find_metric("concordance@died")
    with pytest.raises(KagflowError, match="needs the column 'died'"):
        metric.score(VALUES, ESTIMATES, further=further)
    with pytest.raises(KagflowError, match="needs the column 'died'"):
        bootstrap_se(metric, VALUES, ESTIMATES, further=further)


def test_an_own_metric_gets_its_columns_in_its_order() -> None:
    metric = custom(lambda y, prediction, weight, b, a: float(b[0] - a[0]), columns=("b", "a"))
    assert metric.score(VALUES, ESTIMATES, further={"a": np.full(ROWS, 1), "b": np.full(ROWS, 5)}) == 4.0


def test_an_own_metric_may_count_labels() -> None:
    function = Confusion(finish=lambda table: table[..., 1, 0])
    metric = custom(function, wants="label")
    assert metric.score(np.array([1, 1, 0]), np.array([0.1, 0.2, 0.9]), np.array([1.0, 3.0, 5.0])) == 4.0


@pytest.mark.parametrize("y", [np.array([0.5, 1.0]), np.array([-1, 1])], ids=["a share", "below zero"])
def test_labels_are_counted_only_as_codes(y: NDArray[np.generic]) -> None:
    with pytest.raises(KagflowError, match="these are other numbers"):
        METRICS["accuracy"].score(y, np.array([0.2, 0.8]))


# --- what a model fits -----------------------------------------------------------------------------------------------


def test_models_fit_what_suits_the_metric_and_the_task() -> None:
    assert METRICS["mae"].objective_for("regression") == "absolute_error"
    assert METRICS["quadratic_kappa"].objective_for("regression") == "squared_error"
    assert METRICS["quadratic_kappa"].objective_for("multiclass") == "log_loss"
    assert METRICS["rmse"].objective_for("binary") == "log_loss"


# --- names with a setting --------------------------------------------------------------------------------------------


def test_a_setting_is_read_from_the_name() -> None:
    assert find_metric("pinball@0.9").quantile == 0.9
    assert find_metric("map@3").top == 3
    assert find_metric("concordance@died").columns == ("died",)
    assert find_metric("stratified_concordance@died, sex").columns == ("died", "sex")
    for name in ("pinball@0.9", "map@3", "concordance@died", "stratified_concordance@died,sex"):
        assert find_metric(name).name == name


@pytest.mark.parametrize(
    ("name", "problem", "hint"),
    [
        ("pinball", "it lacks its setting", "write `metric: pinball@0.9`"),
        ("pinball@1.5", "'1.5' is not the quantile, between 0 and 1", "write `metric: pinball@0.9`"),
        ("pinball@high", "'high' is not the quantile", "write `metric: pinball@0.9`"),
        ("pinball@nan", "'nan' is not the quantile", "write `metric: pinball@0.9`"),
        ("map@0", "'0' is not the number of ranked labels", "write `metric: map@3`"),
        ("map@", "'' is not the number", "write `metric: map@3`"),
        ("concordance@", "'' is not the column", "write `metric: concordance@EVENT`"),
        ("stratified_concordance@died", "'died' is not the column", "stratified_concordance@EVENT,STRATUM"),
        ("rmse@2", "'rmse' has no setting", "write `metric: rmse`"),
        ("pinbal@0.9", "no metric is called 'pinbal@0.9'", "'pinball@0.9'"),
        ("map@3x", "'3x' is not", "map@3"),
        ("quadratic_kapa", "no metric is called", "'quadratic_kappa'"),
    ],
)
def test_a_wrong_name_has_a_hint(name: str, problem: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        find_metric(name)
    assert hint in caught.value.hint


# --- functions of a competition's own ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"direction": "less"}, "minimize, maximize"),
        ({"wants": "values"}, "did you mean"),
        ({"objective": "l2"}, "log_loss"),
    ],
)
def test_a_word_that_means_nothing_is_refused(changed: dict[str, str], hint: str) -> None:
    """Taken for the other direction, the worst of all runs would be the best."""
    with pytest.raises(ConfigError, match=f"has {next(iter(changed))}=") as refused:
        custom(lambda y, p, w: 0.0, **changed)
    assert hint in refused.value.hint


def test_a_metric_cannot_change_the_predictions() -> None:
    def improving(y: Floats, prediction: Floats, weight: Floats) -> float:
        prediction[:] = y
        return 0.0

    predictions = np.array([1.0, 2.0])
    with pytest.raises(KagflowError, match=r"own raised ValueError: .*read-only") as refused:
        custom(improving).score(np.array([3.0, 4.0]), predictions)
    assert predictions.tolist() == [1.0, 2.0]
    assert "test_metric.py:" in refused.value.where


@pytest.mark.parametrize(
    "function", [lambda y, p: 0.0, lambda y, p, w: np.abs(y - p)], ids=["two arguments", "a number a row"]
)
def test_what_a_function_of_ones_own_does_wrong_is_told(function: Callable[..., float]) -> None:
    with pytest.raises(KagflowError, match="the metric own raised TypeError") as refused:
        custom(function).score(np.array([3.0, 4.0]), np.array([1.0, 2.0]))
    assert "function(y, prediction, weight) -> float" in refused.value.hint
