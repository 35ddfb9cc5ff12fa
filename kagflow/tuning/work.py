"""Running trials: each fold by fold, several side by side where that is faster."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import ConfigError, KagflowError
from kagflow.models import Model, make_model
from kagflow.runs.directory import mean_by_target
from kagflow.runs.plan import Plan
from kagflow.runs.results import Predictions, Repeat, fold_score, gather_repeats, known_of, whole_score
from kagflow.training import Layout, Task, fit_fold, run_tasks
from kagflow.tuning.limits import Limits, in_words
from kagflow.tuning.oof import OneTarget, TrialFolder
from kagflow.tuning.prepared import PreparedFolds
from kagflow.tuning.pruning import FoldResult, Pruner, row_losses
from kagflow.tuning.space import AS_IT_IS
from kagflow.tuning.study import TrialBook
from kagflow.tuning.watch import Watcher

if TYPE_CHECKING:
    from optuna import Trial

_POLL = 0.5


class Trials:
    """Runs trials of a study until there are enough or time is up.

    Parameters
    ----------
    plan
        Of the study: its tasks are one for each fold and target.
    book
        The study.
    limits
        When to stop.
    layout
        How many trials run at once, and the threads of each fit.
    pruner
        Stops trials early; ``None`` to stop none.
    watcher
        Is told how it goes on.
    run_costs
        How many trials' time to leave for the run that comes after them.
    """

    def __init__(
        self,
        plan: Plan,
        book: TrialBook,
        limits: Limits,
        layout: Layout,
        pruner: Pruner | None,
        watcher: Watcher,
        run_costs: float = 0,
    ) -> None:
        self._plan, self._book, self._limits, self._layout = plan, book, limits, layout
        self._pruner, self._watcher, self._run_costs = pruner, watcher, run_costs
        self._folds = PreparedFolds(plan)
        self._seeds = range(plan.experiment.seed, plan.experiment.seed + plan.experiment.seeds)
        self._stopping = threading.Event()
        self._judging = threading.Lock()
        self._judged: dict[int, list[FoldResult]] = {}
        self._seconds = [trial.user_attrs["seconds"] for trial in book.complete_trials()]
        self.begun = 0

    def run(self) -> None:
        """Run trials; return when there are enough, also of those that other processes are running.

        Raises
        ------
        KagflowError
            The config as it is cannot be fitted, or the budget is too small for one trial.
        """
        self._learn_again()
        try:
            while True:
                for _ in run_tasks(range(self._layout.jobs), self._work, self._layout):
                    pass
                if self._time_is_up() or not self._book.others_run():
                    return
                time.sleep(_POLL)
        finally:
            self._stopping.set()

    def _work(self, _: int) -> None:
        while not self._time_is_up() and not self._stopping.is_set():
            trial = self._book.claim(self._limits.trials)
            if trial is None:
                return
            self.begun += 1
            try:
                self._run(trial)
            except KagflowError as error:
                self._refuse(trial, error)

    def _time_is_up(self) -> bool:
        """Say whether there is no time for another trial and the run, to go by the trials that are done."""
        return bool(self._seconds) and self._limits.left < float(np.median(self._seconds)) * (1 + self._run_costs)

    def _run(self, trial: "Trial") -> None:
        started = time.perf_counter()
        params = self._book.params(trial)
        model = trial_model(self._plan, params)
        folder = TrialFolder(self._book.folder, trial.number)
        todo = [fold.number for fold in self._plan.setup.folds]
        done: list[FoldResult] = []
        best: Sequence[FoldResult] | None = None
        while todo:
            with self._folds.one_of(todo) as fold:
                result = self._fit(model, fold)
            todo.remove(fold)
            folder.save(fold, *result)
            done.append(self._judge(fold, *result))
            self._book.show_life(trial)
            if todo and self._ends_early(trial, done, time.perf_counter() - started):
                return
            best = self._best()
            if todo and self._is_behind(trial, done, best):
                self._learn(done, best)
                known = [each.score for each in done if each.score is not None]
                mean = float(np.mean(known)) if known else None
                self._book.prune(trial, mean, len(done), time.perf_counter() - started)
                self._watcher.finished(trial.number, "PRUNED", None, params)
                return
        score = whole_score(self._plan, trial_repeats(self._plan, self._book, trial.number))
        seconds = time.perf_counter() - started
        self._learn(done, best)
        self._book.complete(trial, score, seconds)
        self._seconds.append(seconds)
        self._watcher.finished(trial.number, "COMPLETE", score, params)

    def _fit(self, model: Model, fold: int) -> tuple[NDArray[np.int64], Predictions]:
        """Return the rows of a fold that was taken, and their predictions: the mean over seeds, of each target."""
        plan = self._plan
        made, targets = [], []
        for target, setup in enumerate(plan.setups):
            ready = self._folds.get(fold, target)
            for seed in self._seeds:
                made.append(fit_fold(setup, model, ready, seed))
                targets.append(target)
        return plan.setup.folds.folds[fold].valid, mean_by_target(made, targets)

    def _judge(self, fold: int, rows: NDArray[np.int64], prediction: Predictions) -> FoldResult:
        """Return what a fold's predictions are worth."""
        plan = self._plan
        y, known = known_of(plan, rows)
        score = fold_score(plan, rows, prediction)
        losses = None
        if plan.post is None:  # a rule of labels sees no loss in the predictions before it
            losses = row_losses(plan.competition.metric, y, prediction)
        return FoldResult(fold, score, losses, known["weight"])

    def _ends_early(self, trial: "Trial", done: Sequence[FoldResult], seconds: float) -> bool:
        """Leave a trial to the next call where time is up in the middle of it, or this call was stopped."""
        expected = seconds / len(done) * len(self._plan.setup.folds)
        if not self._seconds and not self._book.complete_trials() and self._limits.left < expected - seconds:
            assert self._limits.seconds is not None
            self._book.withdraw(trial)
            needed = self._limits.seconds - self._limits.left + expected - seconds
            raise BudgetTooSmall(
                f"a budget of {in_words(self._limits.seconds)} is too small for one trial: "
                f"{len(done)} of {len(self._plan.setup.folds)} folds took {in_words(seconds)}",
                hint=f"give it at least --budget {in_words(2 * needed)}, or fewer rounds",
                where="--budget",
            )
        if self._stopping.is_set() or self._limits.left < 0:
            self._book.give_back(trial)
            return True
        return False

    def _is_behind(self, trial: "Trial", done: Sequence[FoldResult], best: Sequence[FoldResult] | None) -> bool:
        if self._pruner is None or best is None or self._book.is_point(trial, AS_IT_IS):
            return False
        return self._pruner.should_stop(done, best)

    def _learn(self, done: Sequence[FoldResult], best: Sequence[FoldResult] | None) -> None:
        """Let the rule know how a trial went against the best one so far."""
        if self._pruner is not None and best is not None:
            self._pruner.learn(done, best)

    def _learn_again(self) -> None:
        """Let the rule know what earlier calls saw, in the order in which their trials came to an end."""
        ended = [trial for trial in self._book.trials() if trial.state.name in ("COMPLETE", "PRUNED")]
        if self._pruner is None or not ended:
            return
        metric, folds = self._plan.competition.metric, [fold.number for fold in self._plan.setup.folds]
        best: tuple[float, list[FoldResult]] | None = None
        for trial in sorted(ended, key=lambda trial: (trial.datetime_complete or datetime.max, trial.number)):
            folder = TrialFolder(self._book.folder, trial.number)
            done = [self._judge(fold, *folder.predictions(fold)) for fold in folds if folder.has([fold])]
            if best is not None:
                self._pruner.learn(done, best[1])
            if trial.value is None or len(done) < len(folds):  # stopped, or another machine has its predictions
                continue
            if best is None or metric.better(trial.value, best[0]):
                best = (trial.value, done)

    def _best(self) -> list[FoldResult] | None:
        """Return the best trial's folds; ``None`` where none is asked for, there yet, or on this machine."""
        complete = [] if self._pruner is None else self._book.complete_trials()
        if not complete:
            return None
        number = self._book.best(complete).number
        with self._judging:
            if number not in self._judged:
                folder = TrialFolder(self._book.folder, number)
                folds = [fold.number for fold in self._plan.setup.folds]
                if not folder.has(folds):
                    return None
                self._judged = {number: [self._judge(fold, *folder.predictions(fold)) for fold in folds]}
            return self._judged[number]

    def _refuse(self, trial: "Trial", error: KagflowError) -> None:
        """Go on where parameters that were sampled cannot be fitted; the config as it is must be."""
        if isinstance(error, BudgetTooSmall):
            raise error
        if self._book.is_point(trial, AS_IT_IS) or not self._book.complete_trials():
            self._book.withdraw(trial)
            raise error
        self._book.fail(trial, error.problem)
        self._watcher.finished(trial.number, "FAIL", None, self._book.params(trial))
        self._watcher.note(f"trial {trial.number} cannot be fitted: {error.problem}")


class BudgetTooSmall(ConfigError):
    """One trial takes longer than there is."""


def trial_model(plan: Plan, params: dict[str, Any]) -> Model:
    """Return the model of a plan with other parameters."""
    config = plan.experiment.model.model_copy(update={"params": params})
    return make_model(config, plan.experiment.rounds)


def trial_repeats(plan: Plan, book: TrialBook, number: int) -> list[Repeat]:
    """Return the OOF predictions of a trial as a run would have them."""
    several = bool(plan.competition.facts.several_targets)
    return gather_repeats(plan, OneTarget(TrialFolder(book.folder, number), several))


def study_plan(plan: Plan) -> Plan:
    """Return a plan with one task for each fold and target: seeds are averaged within a trial."""
    tasks = tuple(
        Task(fold.number, plan.experiment.seed, target)
        for fold in plan.setup.folds
        for target in range(len(plan.setups))
    )
    return replace(plan, tasks=tasks)
