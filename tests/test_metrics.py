"""Each metric against scikit-learn or a plain loop, and what is refused instead of scored."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn import metrics as sk

from kagflow.errors import ConfigError, KagflowError
from kagflow.metrics import METRICS, Metric, RowMean, find_metric

Floats = NDArray[np.float64]
ROWS = 200
RNG = np.random.default_rng(0)
VALUES = RNG.gamma(2.0, size=ROWS)
ESTIMATES = VALUES * RNG.uniform(0.5, 1.5, size=ROWS)
BINARY = RNG.integers(0, 2, ROWS)
CHANCES = np.clip(0.3 * BINARY + RNG.uniform(0, 0.7, ROWS), 0.01, 0.99)
CLASSES = RNG.integers(0, 3, ROWS)
SHARES = RNG.dirichlet([1, 1, 1], ROWS)
WEIGHTS = RNG.uniform(0.5, 3, ROWS)


def custom(function: Callable[..., float], **changes: object) -> Metric:
    settings = {"name": "own", "direction": "minimize", "wants": "value", "objective": "squared_error", **changes}
    return Metric(function=function, **settings)  # type: ignore[arg-type]


# --- against scikit-learn --------------------------------------------------------------------------------------------

REFERENCES: dict[str, tuple[NDArray[np.generic], Floats, Callable[..., float]]] = {
    "rmse": (VALUES, ESTIMATES, sk.root_mean_squared_error),
    "rmsle": (VALUES, ESTIMATES, sk.root_mean_squared_log_error),
    "mae": (VALUES, ESTIMATES, sk.mean_absolute_error),
    "auc": (BINARY, CHANCES, sk.roc_auc_score),
    "log_loss": (BINARY, CHANCES, sk.log_loss),
    "accuracy": (
        BINARY,
        CHANCES,
        lambda y, p, sample_weight: sk.accuracy_score(y, p > 0.5, sample_weight=sample_weight),
    ),
}


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_scikit_learns(name: str, weight: Floats | None) -> None:
    y, prediction, reference = REFERENCES[name]
    assert METRICS[name].score(y, prediction, weight) == pytest.approx(reference(y, prediction, sample_weight=weight))


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_several_classes(weight: Floats | None) -> None:
    log_loss = sk.log_loss(CLASSES, SHARES, sample_weight=weight)
    accuracy = sk.accuracy_score(CLASSES, SHARES.argmax(axis=1), sample_weight=weight)
    assert METRICS["log_loss"].score(CLASSES, SHARES, weight) == pytest.approx(log_loss)
    assert METRICS["accuracy"].score(CLASSES, SHARES, weight) == pytest.approx(accuracy)


@pytest.mark.parametrize("name", METRICS)
def test_a_weight_of_two_is_a_row_twice(name: str) -> None:
    y, prediction, _ = REFERENCES[name]
    times = RNG.integers(1, 4, ROWS)
    twice = METRICS[name].score(np.repeat(y, times), np.repeat(prediction, times))
    assert METRICS[name].score(y, prediction, times) == pytest.approx(twice)


@pytest.mark.parametrize("name", METRICS)
def test_float32_predictions_are_scored_in_float64(name: str) -> None:
    y, prediction, _ = REFERENCES[name]
    rounded = prediction.astype(np.float32)
    assert METRICS[name].score(y, rounded) == pytest.approx(
        METRICS[name].score(y, rounded.astype(np.float64)), rel=1e-12
    )


def test_every_metric_has_a_reference() -> None:
    assert set(REFERENCES) == set(METRICS)


# --- auc -------------------------------------------------------------------------------------------------------------


@given(
    arrays(np.int64, 12, elements=st.integers(0, 1)).filter(lambda y: 0 < y.sum() < len(y)),
    arrays(np.int64, 12, elements=st.integers(0, 3)),
    arrays(np.float64, 12, elements=st.floats(0.1, 10)),
)
def test_auc_is_the_share_of_pairs_in_order(y: NDArray[np.int64], ranks: NDArray[np.int64], weight: Floats) -> None:
    """With few different predictions most pairs are ties, and count half."""
    pairs = list(product(np.flatnonzero(y == 1), np.flatnonzero(y == 0)))
    mass = [weight[i] * weight[j] for i, j in pairs]
    won = [float(ranks[i] > ranks[j]) + 0.5 * float(ranks[i] == ranks[j]) for i, j in pairs]
    assert METRICS["auc"].score(y, ranks / 3, weight) == pytest.approx(np.average(won, weights=mass))


def test_auc_of_one_class_is_refused_with_a_hint() -> None:
    with pytest.raises(KagflowError, match="auc returned nan for 3 rows") as caught:
        METRICS["auc"].score(np.array([1, 1, 1]), np.array([0.1, 0.2, 0.3]))
    assert "one class only" in caught.value.hint
    assert "stratified" in caught.value.hint


def test_auc_of_three_classes_is_refused() -> None:
    with pytest.raises(KagflowError, match="auc is for two classes; there are 3"):
        METRICS["auc"].score(CLASSES, SHARES)


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


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", METRICS)
def test_a_prediction_that_is_not_finite_is_refused(name: str, value: float) -> None:
    y, prediction, _ = REFERENCES[name]
    broken = prediction.copy()
    broken[7] = value
    with pytest.raises(KagflowError, match=f"{name}: 1 of {ROWS} predictions are not finite") as caught:
        METRICS[name].score(y, broken)
    assert "target transform" in caught.value.hint


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


# --- direction and names ---------------------------------------------------------------------------------------------


def test_better_follows_the_direction() -> None:
    assert METRICS["rmse"].better(1.0, 2.0)
    assert METRICS["auc"].better(0.9, 0.8)
    assert not METRICS["rmse"].better(2.0, 1.0)
    assert not METRICS["auc"].better(0.8, 0.9)
    assert not METRICS["rmse"].better(1.0, 1.0)


@pytest.mark.parametrize("name", METRICS)
def test_the_direction_is_right(name: str) -> None:
    """A better prediction, halfway to the truth, has a better score."""
    y, prediction, _ = REFERENCES[name]
    metric = METRICS[name]
    assert metric.better(metric.score(y, (prediction + y) / 2), metric.score(y, prediction))


def test_a_metric_is_found_by_its_name() -> None:
    assert find_metric("rmsle").transform == "log1p"
    with pytest.raises(ConfigError, match="no metric is called 'rmlse'") as caught:
        find_metric("rmlse")
    assert "'rmsle'" in caught.value.hint


def test_an_own_metric_may_be_a_row_mean() -> None:
    function = RowMean(loss=lambda y, prediction: np.abs(y - prediction) ** 3, finish=np.cbrt)
    expected = np.cbrt(np.mean(np.abs(VALUES - ESTIMATES) ** 3))
    assert custom(function).score(VALUES, ESTIMATES) == pytest.approx(expected)
