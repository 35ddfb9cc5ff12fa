"""When to stop a trial early: rules of pruning, replayed on studies that were recorded without any.

For each competition LightGBM is tuned once, every trial on all folds: half of the trials are drawn at random, the
other half by TPE, which stays near the best. Then each rule looks at the same trials in many orders, fold by fold, as
if it could stop them. `saved` is the share of fits that it saves; `false` the share of its stops that were of a trial
which would have become the best; `of the best` that of the trials which would have become the best and were stopped;
`lost` and `after 60` are how far the best score is from the best there is, in the end and after so many fits.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from _measure import print_row, verdict
from numpy.typing import NDArray
from scipy import stats

from kagflow.errors import DataError
from kagflow.metrics import METRICS, Metric
from kagflow.tuning.pruning import FoldResult, Pruner, row_losses

PROJECT = Path(__file__).parents[1]
COMPETITIONS = ("titanic", "house_prices", "spaceship_titanic", "amazon_employee_access")
PRUNER = "kagflow"
MOST_FALSE = 0.05  # of the stops
FITS = 60

# --- recording --------------------------------------------------------------------------------------------------------


def draw(trial: Any) -> tuple[dict[str, Any], int]:
    """Return parameters of LightGBM, and rounds."""
    params = {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 64, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 2, 100, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-2, 100.0, log=True),
    }
    return params, trial.suggest_int("rounds", 30, 300, log=True)


def record(name: str, trials: int, seed: int, root: Path, file: Path) -> None:
    """Write a study of so many trials: predictions of all of them, the truth, and the fold of each row."""
    import optuna

    import kagflow
    from kagflow.data import find_source
    from kagflow.data.table import target_codes
    from kagflow.features.crossfit import build
    from kagflow.models import Batch
    from kagflow.runs.plan import make_plan

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    competition = kagflow.load(name, root)
    origin = find_source(competition.name, competition.facts, root, None)
    plan = make_plan(competition, competition.experiment(None, ("rounds=100",)), "default", origin)
    setup, metric = plan.setup, competition.metric
    y, fold_of = target_codes(setup.table.y), np.empty(setup.table.height, dtype=np.int64)
    prepared = []
    for fold in setup.folds:
        built = build(setup.pool, fold.train, {"valid": fold.valid}, repeat=fold.repeat)
        scale = setup.transform.fit(built.x, built.y)
        prepared.append((fold, built.frames["valid"], scale, Batch(built.x, scale.forward(built.x, built.y))))
        fold_of[fold.valid] = fold.number
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=trials // 2)
    study = optuna.create_study(direction=metric.direction, sampler=sampler)
    predictions = np.empty((trials, len(y)))
    for number in range(trials):
        trial = study.ask()
        params, rounds = draw(trial)
        model = type(setup.model)(params, rounds)
        for fold, valid, scale, batch in prepared:
            fitted = model.fit(batch, None, problem=setup.problem, resources=setup.resources, seed=42)
            predictions[number, fold.valid] = scale.back(valid, fitted.predict(valid))
        study.tell(trial, metric.score(y, predictions[number]))
    np.savez_compressed(file, y=y, fold=fold_of, predictions=predictions, metric=np.array(metric.name))


@dataclass(frozen=True)
class Study:
    """A recorded study.

    Attributes
    ----------
    metric
        Of the competition.
    trials
        What each came to, fold by fold.
    scores
        (trials,) scores over all rows.
    """

    metric: Metric
    trials: list[list[FoldResult]]
    scores: NDArray[np.float64]

    @classmethod
    def read(cls, file: Path) -> "Study":
        """Read what ``record`` wrote."""
        known = np.load(file)
        metric, y, fold = METRICS[str(known["metric"])], known["y"], known["fold"]
        folds = [np.flatnonzero(fold == k) for k in range(fold.max() + 1)]

        def results(prediction: NDArray[np.float64]) -> list[FoldResult]:
            return [
                FoldResult(k, metric.score(y[rows], prediction[rows]), row_losses(metric, y[rows], prediction[rows]))
                for k, rows in enumerate(folds)
            ]

        predictions = known["predictions"]
        scores = np.array([metric.score(y, prediction) for prediction in predictions])
        return cls(metric, [results(prediction) for prediction in predictions], scores)

    def without_rows(self) -> "Study":
        """Return the same study of a metric that is no mean over rows."""
        return replace(self, trials=[[replace(result, losses=None) for result in trial] for trial in self.trials])


# --- rules ------------------------------------------------------------------------------------------------------------


Scores = NDArray[np.float64]


class Rule(Protocol):
    """Decides after each fold of a trial; may learn from trials that ended."""

    def should_stop(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> bool: ...

    def learn(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> None: ...


class OnScores:
    """A rule that looks at scores of folds, of which less is better, and learns nothing."""

    def __init__(self, is_behind: Callable[[Scores, Scores], bool], metric: Metric) -> None:
        self._is_behind, self._sign = is_behind, 1.0 if metric.direction == "minimize" else -1.0

    def should_stop(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> bool:
        mine, its = (self._sign * np.array([result.score for result in results]) for results in (trial, best))
        return bool(self._is_behind(mine, its))

    def learn(self, trial: Sequence[FoldResult], best: Sequence[FoldResult]) -> None:
        pass


def worse_than_the_worst(mine: Scores, its: Scores) -> bool:
    """Forgiving (Bergman, Purucker, Hutter, 2024): the mean so far is worse than the worst fold of the best trial."""
    return mine.mean() > its.max()


def worse_than_the_mean(mine: Scores, its: Scores) -> bool:
    """Aggressive: the mean so far is worse than that of the best trial on the same folds."""
    return mine.mean() > its[: len(mine)].mean()


def worse_by_half_a_deviation(mine: Scores, its: Scores) -> bool:
    """The mean so far is worse than that of the best by half the deviation of the best trial's folds."""
    return mine.mean() > its[: len(mine)].mean() + its.std(ddof=1) / 2


def signed_ranks(mine: Scores, its: Scores) -> bool:
    """As Optuna's WilcoxonPruner, with its default p of .1."""
    difference = mine - its[: len(mine)]
    if len(mine) < 2 or difference.mean() <= 0:
        return False
    return stats.wilcoxon(difference, alternative="greater", zero_method="zsplit").pvalue < 0.1


RULES: Mapping[str, Callable[[Metric], Rule]] = {
    "worse than the worst fold": partial(OnScores, worse_than_the_worst),
    "worse than the mean": partial(OnScores, worse_than_the_mean),
    "worse by half a deviation": partial(OnScores, worse_by_half_a_deviation),
    "signed ranks": partial(OnScores, signed_ranks),
    PRUNER: Pruner,
}


# --- replaying --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Replayed:
    """What a rule did over many orders of the trials.

    Attributes
    ----------
    saved
        Share of all fits that were not needed.
    false
        Share of the stops that were of trials which were better than the best of their time.
    stopped_best
        Share of the trials that were better than the best of their time which were stopped.
    lost, lost_early
        How much worse the best trial is than the best of all, in the end and after ``FITS`` fits; the metric's units.
    """

    saved: float
    false: float
    stopped_best: float
    lost: float
    lost_early: float


def replay(study: Study, make: Callable[[Metric], Rule] | None, orders: int) -> Replayed:
    """Return what a rule, or none, does to a study, its trials in random orders."""
    rng, n_trials, n_folds = np.random.default_rng(0), len(study.trials), len(study.trials[0])
    total, better, stops, stopped, lost, early = 0, 0, 0, 0, [], []
    top = study.scores.min() if study.metric.direction == "minimize" else study.scores.max()
    for _ in range(orders):
        first, *others = rng.permutation(n_trials)
        rule, best, fits = make(study.metric) if make else None, int(first), n_folds
        best_early = best
        for number in others:
            trial, its = study.trials[number], study.trials[best]
            done = n_folds
            if rule is not None:
                done = next((m for m in range(1, n_folds) if rule.should_stop(trial[:m], its)), n_folds)
                rule.learn(trial[:done], its)
            is_better = study.metric.better(study.scores[number], study.scores[best])
            fits, better, stops = fits + done, better + is_better, stops + (done < n_folds)
            stopped += is_better and done < n_folds
            if is_better and done == n_folds:
                best = int(number)
            best_early = best if fits <= FITS else best_early
        total += fits
        lost.append(abs(study.scores[best] - top))
        early.append(abs(study.scores[best_early] - top))
    saved = 1 - total / (orders * n_trials * n_folds)
    shares = (stopped / max(stops, 1), stopped / max(better, 1))
    return Replayed(saved, *shares, float(np.mean(lost)), float(np.mean(early)))


def print_table(name: str, study: Study, orders: int) -> None:
    """Print what each rule does to a study."""
    print_row(f"{name} ({study.metric.name})", "saved", "false", "of the best", "lost", f"after {FITS}")
    rules = [("none", study, None), *((rule, study, make) for rule, make in RULES.items())]
    if study.trials[0][0].losses is not None:
        rules.append((f"{PRUNER}, scores of folds only", study.without_rows(), Pruner))
    for rule, seen, make in rules:
        found = replay(seen, make, orders)
        within = rule != PRUNER or found.false <= MOST_FALSE
        shares = (f"{share:.1%}" for share in (found.saved, found.false, found.stopped_best))
        print_row(f"  {rule}", *shares, f"{found.lost:.5f}", f"{found.lost_early:.5f}", verdict(within))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60, help="of each study")
    parser.add_argument("--records", type=Path, help="folder of recorded studies; kept, and read where it has them")
    parser.add_argument("--seed", type=int, default=0, help="of the trials")
    parser.add_argument("--orders", type=int, default=100, help="in which each rule sees the trials")
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean nothing")
    asked = parser.parse_args()
    trials, orders = (6, 3) if asked.quick else (asked.trials, asked.orders)
    with tempfile.TemporaryDirectory() as temporary:
        records = asked.records or Path(temporary) / "records"
        records.mkdir(exist_ok=True)
        for name in COMPETITIONS:
            file = records / f"{name}.npz"
            if not file.is_file():
                root = Path(temporary)
                shutil.copytree(PROJECT / "competitions" / name, root / "competitions" / name)
                try:
                    record(name, trials, asked.seed, root, file)
                except DataError as error:  # not every competition has a practice edition
                    print(f"{name} is left out: {error.problem}", flush=True)
                    continue
            print_table(name, Study.read(file), orders)


if __name__ == "__main__":
    main()
