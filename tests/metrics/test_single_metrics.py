"""Single metrics: ties, several classes, settings, and rows on which they are not defined."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn import metrics as sk

from kagflow.errors import KagflowError
from kagflow.metrics import METRICS, find_metric
from tests.metrics.examples import CLASSES, SHARES, VALUES, WEIGHTS, Floats, concordance_of_pairs

# --- several classes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_several_classes(weight: Floats | None) -> None:
    log_loss = sk.log_loss(CLASSES, SHARES, sample_weight=weight)
    accuracy = sk.accuracy_score(CLASSES, SHARES.argmax(axis=1), sample_weight=weight)
    assert METRICS["log_loss"].score(CLASSES, SHARES, weight) == pytest.approx(log_loss)
    assert METRICS["accuracy"].score(CLASSES, SHARES, weight) == pytest.approx(accuracy)


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


def test_auc_of_each_class_against_the_others_is_scikit_learns() -> None:
    expected = sk.roc_auc_score(CLASSES, SHARES / SHARES.sum(axis=1, keepdims=True), multi_class="ovr")
    assert METRICS["auc_ovr"].score(CLASSES, SHARES) == pytest.approx(expected)


def test_auc_of_a_class_that_does_not_occur_is_refused() -> None:
    with pytest.raises(KagflowError, match="auc_ovr returned nan") as caught:
        METRICS["auc_ovr"].score(CLASSES, np.c_[SHARES, SHARES[:, 0]])
    assert "every class" in caught.value.hint


def test_auc_ovr_of_two_classes_is_refused() -> None:
    with pytest.raises(KagflowError, match="auc_ovr is for several classes"):
        METRICS["auc_ovr"].score(np.array([0, 1]), np.array([0.1, 0.2]))


# --- several classes, labels -----------------------------------------------------------------------------------------

LABEL_SCORES = {
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1_macro": lambda y, p, sample_weight: sk.f1_score(y, p, average="macro", sample_weight=sample_weight),
    "f1_micro": lambda y, p, sample_weight: sk.f1_score(y, p, average="micro", sample_weight=sample_weight),
    "mcc": sk.matthews_corrcoef,
}


@given(arrays(np.int64, 15, elements=st.integers(0, 4)), arrays(np.int64, 15, elements=st.integers(0, 4)))
@pytest.mark.parametrize("name", LABEL_SCORES)
@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of classes that do not occur
def test_label_metrics_of_any_classes(name: str, y: NDArray[np.int64], said: NDArray[np.int64]) -> None:
    """Classes may be missing among the truth, the labels, or both."""
    y[0], y[1] = 0, 3
    weight = WEIGHTS[: len(y)]
    expected = LABEL_SCORES[name](y, said, sample_weight=weight)
    assert METRICS[name].score(y, said, weight) == pytest.approx(expected, abs=1e-12)


def test_brier_of_several_classes_is_scikit_learns() -> None:
    shares = SHARES / SHARES.sum(axis=1, keepdims=True)
    assert METRICS["brier"].score(CLASSES, shares) == pytest.approx(sk.brier_score_loss(CLASSES, shares))


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "mcc"])
def test_labels_of_one_class_cannot_be_scored(name: str) -> None:
    with pytest.raises(KagflowError, match=f"{name} returned nan") as caught:
        METRICS[name].score(np.zeros(4, dtype=int), np.array([0.1, 0.9, 0.2, 0.3]))
    assert "one class only" in caught.value.hint


@pytest.mark.parametrize(("name", "score"), [("f1", 0.0), ("mcc", 0.0), ("balanced_accuracy", 0.5)])
def test_one_label_for_all_rows_knows_nothing(name: str, score: float) -> None:
    assert METRICS[name].score(np.array([0, 1, 1, 0, 1]), np.full(5, 0.2), WEIGHTS[:5]) == score


def test_f1_of_three_classes_is_refused() -> None:
    with pytest.raises(KagflowError, match="f1 is for two classes; there are 3") as caught:
        METRICS["f1"].score(CLASSES, SHARES)
    assert "f1_macro" in caught.value.hint


# --- quadratic kappa -------------------------------------------------------------------------------------------------


@given(arrays(np.int64, 12, elements=st.integers(0, 4)), arrays(np.int64, 12, elements=st.integers(0, 4)))
def test_quadratic_kappa_is_scikit_learns(y: NDArray[np.int64], said: NDArray[np.int64]) -> None:
    y[0], said[0] = 0, 4
    weight = WEIGHTS[:12]
    expected = sk.cohen_kappa_score(y, said, weights="quadratic", labels=np.arange(5), sample_weight=weight)
    assert METRICS["quadratic_kappa"].score(y, said, weight) == pytest.approx(expected, abs=1e-9)


def test_quadratic_kappa_of_one_grade_is_refused() -> None:
    with pytest.raises(KagflowError, match="quadratic_kappa returned nan"):
        METRICS["quadratic_kappa"].score(np.full(5, 3), np.full(5, 3), WEIGHTS[:5])


# --- order: average precision, gini ----------------------------------------------------------------------------------


@given(
    arrays(np.int64, 12, elements=st.integers(0, 1)).filter(lambda y: 0 < y.sum() < len(y)),
    arrays(np.int64, 12, elements=st.integers(0, 3)),
)
def test_ties_in_average_precision_and_gini(y: NDArray[np.int64], ranks: NDArray[np.int64]) -> None:
    weight = WEIGHTS[:12]
    expected = sk.average_precision_score(y, ranks, sample_weight=weight)
    assert METRICS["average_precision"].score(y, ranks / 3, weight) == pytest.approx(expected)
    expected = 2 * sk.roc_auc_score(y, ranks, sample_weight=weight) - 1
    assert METRICS["gini"].score(y, ranks / 3, weight) == pytest.approx(expected, abs=1e-12)


def test_gini_of_amounts_is_kaggles() -> None:
    """As Kaggle's own code has it, for amounts, weights, and predictions without ties."""

    def area(prediction: Floats) -> float:
        order = np.argsort(-prediction)
        share = np.cumsum(WEIGHTS[order]) / WEIGHTS.sum()
        curve = np.cumsum((VALUES * WEIGHTS)[order]) / (VALUES * WEIGHTS).sum()
        return float((curve[1:] * share[:-1]).sum() - (curve[:-1] * share[1:]).sum())

    prediction = VALUES * np.random.default_rng(1).uniform(0.2, 2, len(VALUES))
    expected = area(prediction) / area(VALUES)
    assert METRICS["gini"].score(VALUES, prediction, WEIGHTS) == pytest.approx(expected)


def test_gini_refuses_what_has_no_lorenz_curve() -> None:
    with pytest.raises(KagflowError, match="below zero"):
        METRICS["gini"].score(np.array([-1.0, 2.0]), np.array([0.1, 0.2]))
    with pytest.raises(KagflowError, match="gini returned nan"):
        METRICS["gini"].score(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    with pytest.raises(KagflowError, match="gini is for two classes"):
        METRICS["gini"].score(CLASSES, SHARES)


# --- values ----------------------------------------------------------------------------------------------------------


def test_a_relative_error_of_nothing_is_refused() -> None:
    with pytest.raises(KagflowError, match="mape returned inf") as caught:
        METRICS["mape"].score(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert "divisions by zero" in caught.value.hint


def test_smape_of_nothing_predicted_as_nothing_is_nothing() -> None:
    assert METRICS["smape"].score(np.array([0.0, 0.0]), np.array([0.0, 1.0])) == 100.0


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_r2_of_a_constant_target_is_refused(value: float) -> None:
    with pytest.raises(KagflowError, match="r2 returned nan") as caught:
        METRICS["r2"].score(np.full(7, value), VALUES[:7], WEIGHTS[:7])
    assert "the same in all rows" in caught.value.hint


def test_r2_keeps_its_digits_far_from_zero() -> None:
    y = VALUES + 1e8
    estimates = y + np.random.default_rng(1).normal(size=len(y))
    assert METRICS["r2"].score(y, estimates) == pytest.approx(sk.r2_score(y, estimates), rel=1e-9)


@given(arrays(np.float64, st.integers(1, 9), elements=st.integers(0, 5).map(float)), st.integers(1, 4))
def test_the_median_is_numpys(error: Floats, weight: int) -> None:
    """Weights that are all the same change nothing."""
    score = METRICS["medae"].score(np.zeros(len(error)), error, np.full(len(error), weight / 3))
    assert score == pytest.approx(np.median(error))


def test_one_column_of_mcrmse_is_rmse() -> None:
    columns = VALUES[:, np.newaxis], (VALUES + 0.5)[:, np.newaxis]
    assert METRICS["mcrmse"].score(*columns, WEIGHTS) == pytest.approx(0.5)
    assert METRICS["mcrmse"].score(VALUES, VALUES + 0.5) == pytest.approx(0.5)


def test_the_mean_over_targets_follows_the_metric_of_one() -> None:
    """What models fit, and on which scale, is what it would be for one target."""
    metric = find_metric("mean_columnwise@pinball@0.9")
    assert (metric.direction, metric.quantile, metric.objective) == ("minimize", 0.9, "absolute_error")
    assert find_metric("mean_columnwise@rmsle").transform == "log1p"
    assert find_metric("mean_columnwise@wmae").needs_weight
    assert find_metric("mean_columnwise@concordance@event").columns == ("event",)


def test_mcrmse_is_the_mean_over_targets_of_rmse() -> None:
    y, prediction = np.stack([VALUES, VALUES**2], axis=1), np.stack([VALUES + 0.5, VALUES**2 + 1.5], axis=1)
    assert METRICS["mcrmse"].score(y, prediction) == pytest.approx(1.0)
    assert find_metric("mean_columnwise@rmse").score(y, prediction) == pytest.approx(1.0)


def test_a_pinball_loss_is_least_at_its_quantile() -> None:
    y, metric = np.random.default_rng(1).normal(size=2001), find_metric("pinball@0.9")
    candidates = np.linspace(-2, 2, 401)
    best = min(candidates, key=lambda value: metric.score(y, np.full(len(y), value)))
    assert best == pytest.approx(np.quantile(y, 0.9), abs=0.02)


# --- concordance -----------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(*(arrays(np.int64, n, elements=st.integers(0, 5)) for _ in "abcd")))
)
def test_concordance_is_that_of_all_pairs(columns: tuple[NDArray[np.int64], ...]) -> None:
    """With few different values most pairs are ties, of times, of predictions, or of both."""
    time, ranks, happened, mass = columns
    event, weight = happened > 2, mass + 0.5
    expected = concordance_of_pairs(time, ranks, weight, event)
    metric = find_metric("concordance@event")
    if np.isnan(expected):
        with pytest.raises(KagflowError, match="returned nan"):
            metric.score(time, ranks, weight, {"event": event})
    else:
        assert metric.score(time, ranks, weight, {"event": event}) == pytest.approx(expected, abs=1e-12)


def test_concordance_refuses_a_column_that_tells_no_events() -> None:
    with pytest.raises(KagflowError, match="something else than 0 and 1"):
        find_metric("concordance@event").score(VALUES, VALUES, further={"event": VALUES})


def test_a_stratum_without_a_known_pair_is_noticed() -> None:
    further = {"event": np.array([1, 1, 0, 0]), "sex": np.array(["f", "f", "m", "m"])}
    with pytest.raises(KagflowError, match="returned nan"):
        find_metric("stratified_concordance@event,sex").score(VALUES[:4], VALUES[:4], further=further)
