"""The rule that stops trials: what it must never do, what it must do, and how often it is wrong where all is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kagflow.metrics import METRICS, Metric, RowMean, find_metric
from kagflow.tuning.pruning import FoldResult, Pruner, row_losses

MAE, RMSE, AUC, ACCURACY = METRICS["mae"], METRICS["rmse"], METRICS["auc"], METRICS["accuracy"]
Trial = list[FoldResult]


def trial_of(losses: NDArray[np.float64], *, on_rows: bool = True) -> Trial:
    """Return a trial from (folds, rows) losses, whose score is their mean."""
    return [FoldResult(k, float(own.mean()), own if on_rows else None) for k, own in enumerate(losses)]


def learned(metric: Metric, rng: np.random.Generator, *, on_rows: bool) -> Pruner:
    """Return a pruner that has seen a pair of trials as good as each other."""
    pruner = Pruner(metric)
    sign = 1 if metric.direction == "minimize" else -1
    pair = [trial_of(sign * (5 + rng.normal(size=(5, 200))), on_rows=on_rows) for _ in range(2)]
    pruner.learn(*pair)
    return pruner


# --- never, and always -----------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), done=st.integers(0, 5), on_rows=st.booleans())
def test_the_best_itself_is_never_stopped(seed: int, done: int, on_rows: bool) -> None:
    rng = np.random.default_rng(seed)
    best = trial_of(rng.exponential(size=(5, 20)), on_rows=on_rows)
    assert not learned(MAE, rng, on_rows=on_rows).should_stop(best[:done], best)


@given(seed=st.integers(0, 10_000), done=st.integers(1, 5), on_rows=st.booleans())
def test_a_trial_that_is_ahead_is_never_stopped(seed: int, done: int, on_rows: bool) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.exponential(size=(2, 5, 20))
    first, second = sorted(losses, key=lambda each: each[:done].mean())
    pruner = learned(MAE, rng, on_rows=on_rows)
    assert not pruner.should_stop(trial_of(first, on_rows=on_rows)[:done], trial_of(second, on_rows=on_rows))


@pytest.mark.parametrize("on_rows", [True, False])
def test_nothing_is_stopped_before_a_fold_is_done_nor_after_the_last(on_rows: bool) -> None:
    rng = np.random.default_rng(0)
    best, bad = (trial_of(rng.exponential(size=(5, 50)) + worse, on_rows=on_rows) for worse in (0, 100))
    pruner = learned(MAE, rng, on_rows=on_rows)
    assert not pruner.should_stop([], best)
    assert not pruner.should_stop(bad, best)


@given(seed=st.integers(0, 10_000), fold=st.integers(0, 4))
@pytest.mark.parametrize("on_rows", [True, False])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_plainly_bad_trial_is_stopped_after_its_first_fold(
    seed: int, fold: int, on_rows: bool, direction: str
) -> None:
    """Whichever fold that is, and whichever way is better."""
    rng = np.random.default_rng(seed)
    sign = 1 if direction == "minimize" else -1
    best, bad = (trial_of(rng.normal(size=(5, 100)) + worse, on_rows=on_rows) for worse in (0, 4))
    best, bad = ([replace(result, score=sign * result.score) for result in trial] for trial in (best, bad))
    metric = replace(MAE, direction=direction)
    assert learned(metric, rng, on_rows=on_rows).should_stop(bad[fold : fold + 1], best)


def test_scores_alone_tell_nothing_before_something_was_learned() -> None:
    best, bad = (trial_of(np.full((5, 10), value), on_rows=False) for value in (1.0, 2.0))
    assert not Pruner(AUC).should_stop(bad[:1], best)


@pytest.mark.parametrize(("memory", "stops"), [(None, True), (1.0, False)])
def test_how_far_wild_trials_differed_is_forgotten(
    memory: float | None, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that is behind the like of it is stopped, however far the first ones of the study varied."""
    if memory is not None:
        monkeypatch.setattr("kagflow.tuning.pruning._MEMORY", memory)
    rng, pruner = np.random.default_rng(8), Pruner(AUC)
    best = [FoldResult(k, 0.9) for k in range(5)]
    for spread in (0.1,) * 10 + (0.001,) * 60:
        pruner.learn([FoldResult(k, 0.9 - spread * rng.normal()) for k in range(5)], best)
    assert pruner.should_stop([FoldResult(0, 0.89)], best) is stops


def test_what_is_done_will_not_change() -> None:
    """The same lead is less sure while more is to come."""
    rng = np.random.default_rng(1)
    best = rng.normal(size=(20, 50))
    behind = best + rng.normal(size=(20, 50)) + 0.045
    assert not Pruner(MAE).should_stop(trial_of(behind)[:10], trial_of(best))
    tail = trial_of(best)[:19]
    assert Pruner(MAE).should_stop(trial_of(behind - behind[:18].mean() + best[:18].mean() + 0.045)[:18], tail)


def test_rows_without_weight_do_not_count() -> None:
    rng = np.random.default_rng(2)
    losses = rng.normal(size=(5, 200))
    weight = np.where(np.arange(200) % 2, 1e-9, 1.0)
    best, bad = ([replace(result, weight=weight) for result in trial_of(losses + w)] for w in (0, 0))
    worse_where_nothing_counts = [
        replace(result, losses=result.losses + 10.0 * (weight < 1) + 0.1 * rng.normal(size=200)) for result in bad
    ]
    assert not Pruner(MAE).should_stop(worse_where_nothing_counts[:1], best)
    unweighted = [replace(result, weight=None) for result in worse_where_nothing_counts]
    assert Pruner(MAE).should_stop(unweighted[:1], [replace(result, weight=None) for result in best])


@pytest.mark.parametrize("score", [None, 0.5])
def test_a_fold_without_a_score_says_nothing(score: float | None) -> None:
    pruner = learned(AUC, np.random.default_rng(3), on_rows=False)
    best = [FoldResult(k, 0.9) for k in range(5)]
    trial = [FoldResult(0, None), FoldResult(1, score)]
    pruner.learn(trial, best)
    assert not pruner.should_stop(trial[:1], best)


def test_a_fold_of_one_row_says_nothing() -> None:
    best, bad = (trial_of(np.full((5, 1), value)) for value in (1.0, 2.0))
    assert not Pruner(MAE).should_stop(bad[:2], best)


def test_where_the_best_has_no_losses_scores_are_compared() -> None:
    rng = np.random.default_rng(6)
    best, bad = (trial_of(rng.normal(size=(5, 100)) + worse) for worse in (0, 4))
    best[3] = replace(best[3], losses=None)
    assert not Pruner(MAE).should_stop(bad[:1], best)
    assert learned(MAE, rng, on_rows=False).should_stop(bad[:1], best)


def test_a_fold_that_the_best_one_has_not_is_a_mistake() -> None:
    best = trial_of(np.ones((5, 3)))
    with pytest.raises(ValueError, match="no fold 7"):
        Pruner(MAE).should_stop([FoldResult(7, 1.0)], best)


# --- how often it is wrong -------------------------------------------------------------------------------------------


def simulate(
    make: Callable[[], Pruner], training: float, *, on_rows: bool, studies: int = 60, n_folds: int = 5
) -> tuple[float, float]:
    """Return the share of stops that were of a trial which would have become the best, and that of fits saved.

    Trials differ truly, by the rows (200 a fold), and by what each fold's training does to them: ``training`` is the
    variance of that as a multiple of what rows explain.
    """
    rng, stops, wrong, fits = np.random.default_rng(4), 0, 0, 0
    n_trials, n_rows = 30, 200
    for _ in range(studies):
        hard = rng.exponential(size=(n_folds, n_rows))
        noise = rng.normal(size=(n_trials, n_folds, n_rows))
        by_training = np.sqrt(2 * training / n_rows) * rng.normal(size=(n_trials, n_folds, 1)) / np.sqrt(2)
        truth = 0.1 * rng.normal(size=(n_trials, 1, 1))
        losses = hard + noise + by_training + truth
        pruner, best, means = make(), 0, losses.mean(axis=(1, 2))
        for number in range(1, n_trials):
            mine, its = (trial_of(losses[k], on_rows=on_rows) for k in (number, best))
            done = next((m for m in range(1, n_folds) if pruner.should_stop(mine[:m], its)), n_folds)
            pruner.learn(mine[:done], its)
            is_better = means[number] < means[best]
            stops, wrong, fits = stops + (done < n_folds), wrong + (is_better and done < n_folds), fits + done
            if is_better and done == n_folds:
                best = number
    return wrong / stops, 1 - fits / (studies * (n_trials - 1) * n_folds)


class SurePruner(Pruner):
    """Is sure that training changes nothing, and learns no better."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(metric)
        self._ratios = self._ratio_df = 1e6

    def learn(self, trial: Trial, best: Trial) -> None:
        pass


@pytest.mark.parametrize("training", [0, 1, 4])
@pytest.mark.parametrize("on_rows", [True, False])
def test_few_stops_are_wrong(training: float, on_rows: bool) -> None:
    wrong, saved = simulate(lambda: Pruner(MAE), training, on_rows=on_rows)
    assert wrong <= 0.05
    assert saved > 0.4


@pytest.mark.parametrize("on_rows", [True, False])
def test_few_are_wrong_with_three_folds_too(on_rows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two decisions have no greater chance each than four, as they would if a chance were shared."""
    wrong, _ = simulate(lambda: Pruner(MAE), 1, on_rows=on_rows, n_folds=3)
    assert wrong <= 0.05
    monkeypatch.setattr("kagflow.tuning.pruning._ON_ROWS", 0.4)
    monkeypatch.setattr("kagflow.tuning.pruning._ON_SCORES", 0.5)
    more, _ = simulate(lambda: Pruner(MAE), 1, on_rows=on_rows, n_folds=3)
    assert more > wrong


def test_without_the_variance_of_training_more_are() -> None:
    wrong, _ = simulate(lambda: SurePruner(MAE), 4, on_rows=True)
    assert wrong > 0.05


# --- losses of rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rmse", "mae", "rmsle", "log_loss", "brier", "accuracy", "map@2"])
def test_less_loss_is_a_better_score(name: str) -> None:
    metric, rng = find_metric(name), np.random.default_rng(5)
    y = rng.integers(0, 2, 200)
    good, bad = (y * 0.5 + 0.1 + rng.uniform(0, width, 200) for width in (0.4, 0.85))
    if name == "map@2":
        y = rng.integers(0, 4, 200)
        good, bad = (rng.dirichlet(np.ones(4), 200) + share * np.eye(4)[y] for share in (1, 0.1))
    elif metric.wants != "value":
        good, bad = np.clip(good, 0.01, 0.99), np.clip(bad, 0.01, 0.99)
    losses = [row_losses(metric, y, prediction) for prediction in (good, bad)]
    assert losses[0].mean() < losses[1].mean()
    assert metric.better(metric.score(y, good), metric.score(y, bad))


def test_a_last_step_may_turn_the_order_round() -> None:
    """One minus the mean error is better where it is more, and where losses are less."""
    turned = replace(MAE, direction="maximize", function=RowMean(loss=MAE.function.loss, finish=lambda mean: 1 - mean))
    y = np.zeros(3)
    assert row_losses(turned, y, y + 1).tolist() == [1, 1, 1]


def test_no_error_at_all_is_a_loss_too() -> None:
    y = np.arange(4.0)
    assert row_losses(RMSE, y, y).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["auc", "f1", "r2", "quadratic_kappa"])
def test_other_metrics_have_no_losses(name: str) -> None:
    y = np.array([0, 1, 1, 0])
    assert row_losses(METRICS[name], y, np.array([0.1, 0.9, 0.4, 0.6])) is None
