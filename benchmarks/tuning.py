"""What tuning with kagflow is worth beside the usual recipe: Optuna around scikit-learn's `cross_val_score`.

Both look for LightGBM's parameters in the same space, on the same columns, folds, rounds and seed, for the same wall
time. The columns are those of the files; with ``--features`` they are the competition's, whose steps the recipe has as
a step of its pipeline, for what learns from rows or from their target must be fitted on the training rows of a fold
alone. The recipe may use the cores either way, folds side by side or all cores for each fit; the one counts that does
more trials in a short study. Then both make several studies in turns, each pair with a seed of its own, and figures
are means over them. Reported are trials a minute, over all of kagflow's time (its run and report at the end included)
and while it searches; the score of the best parameters, by one and the same cross-validation for both; and how many
fits of a fold it took kagflow to be as good as the recipe ever was, as a share of what the recipe took for that.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _features_step import FeaturesStep
from _measure import Worker, machine, print_row, verdict

from kagflow.errors import DataError

PROJECT = Path(__file__).parents[1]
COMPETITIONS = ("amazon_employee_access", "house_prices")
RECIPES = {"recipe, folds side by side": True, "recipe, all cores a fit": False}
KAGFLOW = "kagflow"
FASTER, FEWER = 3.0, 1 / 3


@dataclass(frozen=True)
class Outcome:
    """What came of a study: seconds, scores of the trials in their order, fits up to each, and the best parameters.

    ``searching`` are the seconds until the last trial had come to its end.
    """

    seconds: float
    searching: float
    scores: tuple[float | None, ...]
    fits: tuple[int, ...]
    params: dict[str, Any]

    @property
    def a_minute(self) -> float:
        return 60 * len(self.scores) / self.seconds


def lay_out(name: str, root: Path, features: bool) -> None:
    """Make a project of a competition; without its features, models have the files' own columns."""
    folder = root / "competitions" / name
    folder.mkdir(parents=True)
    for file in ("competition.yaml", "features.py") if features else ("competition.yaml",):
        shutil.copy(PROJECT / "competitions" / name / file, folder)


def plan_of(root: Path, name: str, rounds: int) -> Any:
    import kagflow
    from kagflow.data import find_source
    from kagflow.runs.plan import make_plan

    competition = kagflow.load(name, root)
    origin = find_source(competition.name, competition.facts, root)
    return make_plan(competition, competition.experiment(None, (f"rounds={rounds}",)), "default", origin)


def by_recipe(
    root: Path, name: str, rounds: int, seconds: float, seed: int, side_by_side: bool
) -> Callable[[], Outcome]:
    """Prepare a study that asks `cross_val_score` for the mean over folds."""
    import lightgbm
    import optuna
    from joblib import parallel_config
    from joblib.externals.loky import get_reusable_executor
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    from kagflow.models import Batch
    from kagflow.tuning.space import Search

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    plan = plan_of(root, name, rounds)
    setup, cores = plan.setup, len(os.sched_getaffinity(0))
    search = Search.of(setup.model, plan.experiment)
    columns = setup.pool.x.drop(setup.pool.hidden, strict=False).to_pandas()
    learns = bool(setup.pool.features.fold or setup.pool.features.target)
    x = np.arange(len(columns))[:, None] if learns else columns
    y = Batch(columns, setup.transform.fit(setup.pool.x, setup.pool.y).forward(setup.pool.x, setup.pool.y)).target
    folds = [(fold.train, fold.valid) for fold in setup.folds]
    is_value = setup.problem.task == "regression"
    kind = lightgbm.LGBMRegressor if is_value else lightgbm.LGBMClassifier
    scoring = "neg_root_mean_squared_error" if is_value else "roc_auc"

    def study() -> Outcome:
        started, scores = time.perf_counter(), []
        made = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        while time.perf_counter() - started < seconds:
            trial = made.ask(search.distributions())
            params = {**setup.model.defaults, **search.params(trial.params, None)}
            threads = 1 if side_by_side else cores
            model = kind(n_estimators=rounds, random_state=seed, n_jobs=threads, verbosity=-1, **params)
            if learns:
                model = make_pipeline(FeaturesStep(setup.pool), model)
            jobs = cores if side_by_side else 1
            with parallel_config(backend="threading" if learns else "loky"):  # features.py is no module to import
                found = cross_val_score(model, x, y, cv=folds, scoring=scoring, n_jobs=jobs)
            scores.append(float(np.mean(found)))
            made.tell(trial, scores[-1])
        searching = time.perf_counter() - started
        get_reusable_executor().shutdown()  # else this process could not end before its workers tire of waiting
        fits = tuple(len(folds) * (number + 1) for number in range(len(scores)))
        best = search.params(made.best_params, None)
        return Outcome(time.perf_counter() - started, searching, tuple(scores), fits, best)

    return study


def by_kagflow(root: Path, name: str, rounds: int, seconds: float, seed: int) -> Callable[[], Outcome]:
    """Prepare a study as `kagflow tune` makes it, the run at the end included."""
    import kagflow
    from kagflow.tuning import Limits, tune
    from kagflow.tuning.watch import Nobody

    competition = kagflow.load(name, root)
    experiment = competition.experiment(None, (f"rounds={rounds}", f"seed={seed}"))

    class Watch(Nobody):
        def __init__(self) -> None:
            self.seen: list[tuple[int, float | None]] = []
            self.last = 0.0

        def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
            self.seen.append((number, score))
            self.last = time.perf_counter()

    def study() -> Outcome:
        watch, started = Watch(), time.perf_counter()
        config = f"seed{seed}"
        tuned = tune(competition, experiment, config=config, limits=Limits(None, seconds), watcher=watch)
        folder = competition.runs_folder / "studies" / config
        each = [len(list((folder / f"{number:05d}").glob("*.parquet"))) for number, _ in watch.seen]
        scores = tuple(score for _, score in watch.seen)
        fits = tuple(int(total) for total in np.cumsum(each))
        return Outcome(time.perf_counter() - started, watch.last - started, scores, fits, dict(tuned.params))

    return study


def judge(root: Path, name: str, rounds: int, seed: int, params: dict[str, Any]) -> float:
    """Return the cross-validated score of parameters, by the competition's metric over the whole OOF."""
    import kagflow

    competition = kagflow.load(name, root)
    experiment = competition.experiment(None, (f"rounds={rounds}", f"seed={seed}"))
    model = experiment.model.model_copy(update={"params": params})
    return float(kagflow.cross_validate(competition, experiment.model_copy(update={"model": model})).scores["cv"])


def fits_to_reach(outcome: Outcome, score: float, better: Callable[[float, float], bool]) -> float:
    """Return the fits after which a study had a trial as good as a score; infinite where it never had."""
    pairs = zip(outcome.scores, outcome.fits, strict=True)
    return next((fits for own, fits in pairs if own is not None and not better(score, own)), float("inf"))


def one_study(prepare: Callable[..., Callable[[], Outcome]], *arguments: Any) -> Outcome:
    """Make a study in a process of its own."""
    with Worker(prepare, *arguments) as worker:
        worker.seconds()
        outcome: Outcome = worker.result()
    return outcome


def compare(name: str, root: Path, rounds: int, seconds: float, studies: int, features: bool) -> None:
    import kagflow
    from kagflow.data import find_source

    lay_out(name, root, features)
    competition = kagflow.load(name, root)
    find_source(name, competition.facts, root)  # raises where there are none: a worker would only be seen to end
    metric = competition.metric
    if competition.feature_sets["default"].keep is not None:
        raise DataError("its features drop training rows, which no step of a pipeline can")
    print_row(f"{name}, {rounds} rounds, {studies} x {seconds:.0f} s", "trials/min", "searching", metric.name, "fits")
    tried = {way: one_study(by_recipe, root, name, rounds, seconds / 4, 0, side) for way, side in RECIPES.items()}
    way = max(tried, key=lambda each: tried[each].a_minute)
    rates, shares, gaps = [], [], []
    for seed in range(studies):
        recipe = one_study(by_recipe, root, name, rounds, seconds, seed, RECIPES[way])
        ours = one_study(by_kagflow, root, name, rounds, seconds, seed)
        its, own = (judge(root, name, rounds, seed, outcome.params) for outcome in (recipe, ours))
        for label, outcome, score in ((way, recipe, its), (KAGFLOW, ours, own)):
            searching = 60 * len(outcome.scores) / outcome.searching
            print_row(f"  {label}", outcome.a_minute, searching, f"{score:.5f}", outcome.fits[-1])
        best = int(np.argmax([-np.inf if score is None else score for score in recipe.scores]))
        rates.append(ours.a_minute / recipe.a_minute)
        shares.append(fits_to_reach(ours, its, metric.better) / recipe.fits[best])
        gaps.append(own - its)
    rate, gap, share = (float(np.mean(values)) for values in (rates, gaps, shares))
    print_row("  trials a minute, kagflow / recipe", rate, verdict(rate >= FASTER))
    print_row("  best score, kagflow - recipe", f"{gap:+.5f}", verdict(not metric.better(0.0, gap)))
    print_row("  fits to the recipe's best, kagflow / recipe", share, verdict(share <= FEWER))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds and rounds: to see that it runs")
    parser.add_argument("--seconds", type=float, default=300.0, help="wall time of each study")
    parser.add_argument("--studies", type=int, default=3, help="of each, in turns")
    parser.add_argument("--rounds", type=int, default=200, help="boosting rounds of every fit")
    parser.add_argument("--features", action="store_true", help="the competition's own, instead of the files' columns")
    parser.add_argument("competitions", nargs="*", default=list(COMPETITIONS))
    asked = parser.parse_args()
    seconds, rounds, studies = (10.0, 10, 1) if asked.quick else (asked.seconds, asked.rounds, asked.studies)
    print(machine())
    for name in asked.competitions:
        with tempfile.TemporaryDirectory() as temporary:
            try:
                compare(name, Path(temporary), rounds, seconds, studies, asked.features)
            except DataError as error:
                print_row(f"{name} is left out: {error.problem}")


if __name__ == "__main__":
    main()
