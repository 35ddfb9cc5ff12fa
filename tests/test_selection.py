"""The best of many trials: its score without what choosing made of it, against a plain loop and known truths."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kagflow.errors import KagflowError
from kagflow.metrics import METRICS, Metric, find_metric
from kagflow.selection import Account, BiasCorrected, account, bias_corrected
from kagflow.stats import Difference, draw_rows

MAE, AUC, ACCURACY = METRICS["mae"], METRICS["auc"], METRICS["accuracy"]
Floats = NDArray[np.float64]


def noisy_chances(y: NDArray[np.int64], trials: int, rng: np.random.Generator) -> Floats:
    """Return (trials, n) chances that know something of two classes, in steps, so that rows tie."""
    return np.round(1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=(trials, len(y)))))), 2)


# --- against a plain loop --------------------------------------------------------------------------------------------


def corrected_plainly(metric: Metric, y, predictions, units=None, weight=None, draws=40, seed=0) -> tuple[float, float]:
    """Return what the definition says, with rows repeated and the metric's own score."""
    sign = 1 if metric.direction == "minimize" else -1
    weight = np.ones(len(y)) if weight is None else weight
    on_all = [sign * metric.score(y, trial, weight) for trial in predictions]
    winner = int(np.argmin(on_all))
    of_chosen, shifts = [], []
    for counts in draw_rows(len(y), units, draws, seed):
        drawn, missed = np.repeat(np.arange(len(y)), counts), np.flatnonzero(counts == 0)
        inside = [sign * metric.score(y[drawn], trial[drawn], weight[drawn]) for trial in predictions]
        chosen = predictions[int(np.argmin(inside))]
        of_chosen.append(metric.score(y[missed], chosen[missed], weight[missed]))
        shifts.append(of_chosen[-1] - metric.score(y[missed], predictions[winner][missed], weight[missed]))
    n = len(y) if units is None else len(np.unique(units))
    share = (1 - 1 / n) ** n
    return sign * on_all[winner] + np.mean(shifts), np.std(of_chosen, ddof=1) * np.sqrt(share / (1 - share))


@pytest.mark.parametrize("name", ["log_loss", "brier", "auc", "average_precision", "accuracy", "f1", "mcc"])
@pytest.mark.parametrize("grouped", [False, True])
def test_two_classes_are_what_a_plain_loop_says(name: str, grouped: bool) -> None:
    rng = np.random.default_rng(3)
    y, weight = rng.integers(0, 2, 120), rng.uniform(1, 2, 120)
    trials = noisy_chances(y, 6, rng)
    units = rng.integers(0, 40, 120) if grouped else None
    found = bias_corrected(METRICS[name], y, trials, units=units, weight=weight, draws=40)
    assert (found.score, found.se) == pytest.approx(corrected_plainly(METRICS[name], y, trials, units, weight))
    assert found.chosen.sum() == 40


@pytest.mark.parametrize("name", ["rmse", "mae", "r2", "medae"])
def test_values_are_what_a_plain_loop_says(name: str) -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(size=80)
    trials = y + rng.normal(size=(7, 80))
    found = bias_corrected(METRICS[name], y, trials, draws=40)
    assert (found.score, found.se) == pytest.approx(corrected_plainly(METRICS[name], y, trials))


@pytest.mark.parametrize("name", ["log_loss", "accuracy", "f1_macro", "auc_ovr", "map@2"])
def test_several_classes_are_what_a_plain_loop_says(name: str) -> None:
    """One column a class: (trials, n, k)."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 90)
    trials = rng.dirichlet([1, 1, 1], (5, 90)) + 0.3 * np.eye(3)[y]
    trials /= trials.sum(axis=-1, keepdims=True)
    found = bias_corrected(find_metric(name), y, trials, draws=40)
    assert (found.score, found.se) == pytest.approx(corrected_plainly(find_metric(name), y, trials))


@pytest.mark.parametrize("name", ["mcrmse", "mean_columnwise@mae"])
def test_several_targets_are_what_a_plain_loop_says(name: str) -> None:
    rng = np.random.default_rng(6)
    y = rng.normal(size=(60, 2))
    trials = y + rng.normal(size=(5, 60, 2))
    found = bias_corrected(find_metric(name), y, trials, draws=40)
    assert (found.score, found.se) == pytest.approx(corrected_plainly(find_metric(name), y, trials))


def test_what_is_held_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 100)
    trials = noisy_chances(y, 5, rng)
    at_once = bias_corrected(AUC, y, trials, draws=30)
    monkeypatch.setattr("kagflow.selection._BLOCK", 100)
    one_by_one = bias_corrected(AUC, y, trials, draws=30)
    assert (at_once.score, at_once.se) == pytest.approx((one_by_one.score, one_by_one.se))
    assert (at_once.chosen == one_by_one.chosen).all()


# --- where the truth is known ----------------------------------------------------------------------------------------


def simulate(trials: int, gap: float, repeats: int = 100, rows: int = 300) -> tuple[Floats, Floats, Floats, Floats]:
    """Return tuned, corrected and true scores, and standard errors; the first trial is truly better by the gap."""
    rng, found = np.random.default_rng(8), []
    for seed in range(repeats):
        losses = rng.exponential(size=(trials, rows))
        losses[0] -= gap
        corrected = bias_corrected(MAE, np.zeros(rows), losses + 10, draws=100, seed=seed)
        means = losses.mean(axis=1)
        found.append((means.min() + 10, corrected.score, 11 - gap * (means.argmin() == 0), corrected.se))
    tuned, score, true, se = np.array(found).T
    return tuned, score, true, se


def test_the_best_of_equals_is_no_better_than_they_are() -> None:
    """The naive score is too good by the expected maximum of so much noise; the corrected one is not."""
    tuned, corrected, true, se = simulate(trials=30, gap=0)
    expected = 2.04 / np.sqrt(300)  # of 30 standard normal variables (Tippett, 1925)
    assert (true - tuned).mean() == pytest.approx(expected, rel=0.15)
    assert abs((corrected - true).mean()) < 0.1 * expected
    assert (np.abs(corrected - true) < 2 * se).mean() >= 0.93


def test_nothing_is_corrected_where_one_is_truly_better() -> None:
    tuned, corrected, true, se = simulate(trials=30, gap=1.0)
    assert corrected == pytest.approx(tuned, rel=1e-12)
    assert np.std(corrected) == pytest.approx(se.mean(), rel=0.2)
    assert (np.abs(corrected - true) < 2 * se).mean() >= 0.9


def test_one_trial_is_not_chosen() -> None:
    y = np.random.default_rng(9).normal(size=100)
    alone = bias_corrected(MAE, y, [y + 1 + np.abs(y)])
    assert alone.score == pytest.approx(MAE.score(y, y + 1 + np.abs(y)))


def test_ties_go_to_the_first() -> None:
    y = np.random.default_rng(10).integers(0, 2, 100)
    same = np.stack([y * 0.4 + 0.3] * 3)
    for metric in (ACCURACY, AUC):
        found = bias_corrected(metric, y, same, draws=20)
        assert found.chosen.tolist() == [20, 0, 0]
        assert found.score == 1


def test_rows_of_a_group_are_no_independent_news() -> None:
    """Copied rows look surer than they are, and their noise chooses: as one unit they are the rows before copying."""
    rng = np.random.default_rng(11)
    losses = rng.exponential(size=(20, 100))
    copied, units = losses.repeat(9, axis=1), np.arange(100).repeat(9)
    apart = bias_corrected(MAE, np.zeros(900), copied)
    together = bias_corrected(MAE, np.zeros(900), copied, units=units)
    before = bias_corrected(MAE, np.zeros(100), losses)
    assert (together.score, together.se) == pytest.approx((before.score, before.se))
    assert apart.se == pytest.approx(together.se / 3, rel=0.2)


def test_draws_of_one_class_are_left_out() -> None:
    y = np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    trials = np.stack([np.linspace(0.9, 0.1, 10), np.linspace(0.1, 0.9, 10)])
    found = bias_corrected(AUC, y, trials, draws=100)
    assert 0 < found.chosen.sum() < 100
    assert np.isfinite([found.score, found.se]).all()


def test_one_unit_cannot_tell() -> None:
    found = bias_corrected(MAE, np.zeros(3), np.ones((2, 3)), units=np.zeros(3, dtype=np.int64))
    assert np.isnan([found.score, found.se]).all()


def test_broken_predictions_are_refused() -> None:
    with pytest.raises(KagflowError, match="not finite"):
        bias_corrected(MAE, np.zeros(3), np.full((2, 3), np.nan))


# --- the account -----------------------------------------------------------------------------------------------------


def test_a_gain_of_luck_is_inside_the_noise() -> None:
    """Of trials no better than before the best always looks better; seldom is it called worth it."""
    rng, looked_better, worth_it = np.random.default_rng(12), 0, 0
    for seed in range(60):
        losses = rng.exponential(size=(31, 300))
        found = account(MAE, np.zeros(300), losses[0], losses[1:], draws=60, seed=seed)
        looked_better += found.difference.value < 0
        worth_it += found.worth_it
    assert looked_better > 50
    assert worth_it <= 4


def test_a_true_gain_is_worth_it() -> None:
    rng = np.random.default_rng(13)
    y = rng.integers(0, 2, 2000)
    before, trials = noisy_chances(y, 1, rng)[0], noisy_chances(y, 10, rng)
    trials[4] = (trials[4] + y) / 2
    found = account(AUC, y, before, trials)
    assert found.worth_it
    assert found.sentence.endswith("worth it")
    assert found.corrected.chosen.argmax() == 4
    assert found.tuned - found.before == pytest.approx(found.difference.value)
    assert found.corrected.score - found.before == pytest.approx(found.gain.value)


def test_what_there_was_before_is_no_gain_over_itself() -> None:
    losses = np.random.default_rng(14).exponential(size=(5, 200))
    best = losses[losses.mean(axis=1).argmin()]
    found = account(MAE, np.zeros(200), best, losses)
    assert not found.worth_it
    assert found.gain.value >= found.difference.value == 0


def test_the_account_says_it_in_a_sentence() -> None:
    corrected = BiasCorrected(0.82, 0.01, np.array([3]))
    found = Account("maximize", 0.81, 0.83, corrected, Difference(0.02, 0.008), Difference(0.01, 0.008))
    assert found.sentence == (
        "before 0.81000, tuned 0.83000, without the bias of choosing 0.82000 ± 0.01000; "
        "a gain of +0.01000 ± 0.00800: inside the noise"
    )


@pytest.mark.parametrize(("value", "verdict"), [(-0.1, "worth it"), (0.1, "worse than before"), (0.01, "the noise")])
def test_less_may_be_better(value: float, verdict: str) -> None:
    corrected = BiasCorrected(0.5 + value, 0.01, np.array([3]))
    found = Account("minimize", 0.5, 0.5 + value, corrected, Difference(value, 0.01), Difference(value, 0.01))
    assert found.sentence.endswith(verdict)
