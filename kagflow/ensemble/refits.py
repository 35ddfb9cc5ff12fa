"""Members fitted again without two folds at a time: what they would have predicted had an outer fold not been there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition, open_folder
from kagflow.config import read_experiment
from kagflow.data import Rows, Source
from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.errors import ConfigError
from kagflow.runs import Run
from kagflow.runs.directory import PARTIAL, mean_by_target, predictions_array, predictions_frame
from kagflow.runs.execute import expect_tasks
from kagflow.runs.inner import Two
from kagflow.runs.plan import Plan, make_plan
from kagflow.splits import Fold, Folds
from kagflow.training import Task, run_task, run_tasks

Predictions = NDArray[np.float64]


class Watcher(Protocol):
    """Who is told how members are fitted again."""

    def began(self, total: int, done: int) -> None:
        """Hear how many fits there are, and how many of them were done before."""

    def finished(self, member: str) -> None:
        """Hear that a fit is done and saved."""


class Nobody:
    """Hears nothing."""

    def began(self, total: int, done: int) -> None:
        """See ``Watcher``."""

    def finished(self, member: str) -> None:
        """See ``Watcher``."""


class InnerPredictions:
    """What a run's models predict without two folds: ``runs/<name>/nested/<run>``, a file for each two, once for all.

    A run never changes, and its name holds the hash of all that decides on it; nor do these.
    """

    def __init__(self, run: Run) -> None:
        self.run, self._folder = run, run.path.parent / "nested" / run.name

    def has(self, two: Two) -> bool:
        """Say whether the fit without these folds is done."""
        return self._path(two).is_file()

    def save(self, two: Two, rows: Rows, predictions: Predictions) -> None:
        """Write (n,), (n, k) or (n, targets) predictions of rows, all or nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(two)
        partial = path.with_name(f"{path.name}{PARTIAL}.{os.getpid()}")
        predictions_frame(predictions).insert_column(0, pl.Series("row", rows)).write_parquet(partial)
        partial.replace(path)

    def of(self, two: Two, rows: Rows) -> Predictions:
        """Return the predictions of some of the rows."""
        frame = pl.read_parquet(self._path(two))
        predictions = predictions_array(frame.drop("row"))
        found: Predictions = predictions[np.searchsorted(frame["row"].to_numpy(), rows)]
        return found

    def _path(self, two: Two) -> Path:
        return self._folder / f"without-{two[0]}-{two[1]}.parquet"


def check_refittable(members: Sequence[Run]) -> None:
    """Refuse members of which only predictions are known.

    Raises
    ------
    ConfigError
        There are such; it names them.
    """
    only_read = [run for run in members if run.kind in (IMPORTED, ENSEMBLE)]
    if only_read:
        named = ", ".join(f"{run.name} ({run.kind})" for run in only_read)
        raise ConfigError(
            f"members are fitted again inside the folds, and these cannot be: {named}",
            hint="leave them out: " + " ".join(f"--without {run.name}" for run in only_read),
            where="--nested",
        )


def refit_members(
    members: Sequence[Run],
    competition: Competition,
    origin: Source,
    fits: Mapping[Two, Fold],
    watcher: Watcher,
) -> list[InnerPredictions]:
    """Fit every member again without each two folds; what was done before is not done again.

    Parameters
    ----------
    members
        Runs whose folders say how they came about; all on the same folds.
    competition, origin
        As it is now, and where its files lie.
    fits
        As ``kagflow.runs.inner.folds_without_two`` returns them.
    watcher
        Is told how it goes on.

    Raises
    ------
    KagflowError
        A member cannot be fitted as it was.
    """
    inner = [InnerPredictions(run) for run in members]
    todo = {each.run.name: [two for two in fits if not each.has(two)] for each in inner}
    left = sum(map(len, todo.values()))
    watcher.began(len(inner) * len(fits), len(inner) * len(fits) - left)
    for each in inner:
        if todo[each.run.name]:
            plan = _plan_without_two(_plan_of(each.run, competition, origin), fits)
            for two, predictions in _fit(plan, fits, todo[each.run.name]):
                each.save(two, fits[two].valid, predictions)
                watcher.finished(each.run.facts["config"])
    return inner


def _plan_of(run: Run, competition: Competition, origin: Source) -> Plan:
    """Return the plan of a run, by what lies in its folder.

    Raises
    ------
    ConfigError
        Its rows or folds would be others today.
    """
    known = run.facts["fingerprints"]
    if known["sources"] != competition.source_hash:
        then = open_folder(run.path, competition.name, competition.root)
        fold_file = competition.additions.fold_file  # lies beside today's files only; the fingerprint tells its changes
        competition = replace(then, additions=replace(then.additions, fold_file=fold_file))
    plan = make_plan(competition, read_experiment(run.path / "experiment.yaml"), run.facts["config"], origin)
    now = {
        "data": plan.data.fingerprint,
        "folds": plan.setup.folds.fingerprint,
        "extra rows": list(plan.extra.accounts),
    }
    then_facts = {**known, "extra rows": (run.facts["extra"] or {}).get("sources", [])}
    for what, value in now.items():
        if value != then_facts[what]:
            raise ConfigError(
                f"it cannot be fitted as it was: its {what} would be others today",
                hint=f"run its config again, or leave it out: --without {run.name}",
                where=run.name,
            )
    return plan


def _plan_without_two(plan: Plan, fits: Mapping[Two, Fold]) -> Plan:
    """Return a plan whose folds are the fits; test rows are not predicted."""
    whole = plan.setup.folds
    folds = Folds(whole.ids, tuple(fits.values()), whole.cells, whole.forward)
    return replace(plan, setups=tuple(replace(setup, folds=folds, predicts_test=False) for setup in plan.setups))


def _fit(plan: Plan, fits: Mapping[Two, Fold], todo: Sequence[Two]) -> Iterator[tuple[Two, Predictions]]:
    """Yield the predictions of each fit, the mean over seeds, as they are done."""
    seeds = range(plan.experiment.seed, plan.experiment.seed + plan.experiment.seeds)
    tasks = {
        two: [Task(fits[two].number, seed, target) for target in range(len(plan.setups)) for seed in seeds]
        for two in todo
    }
    expect_tasks(plan, [task for own in tasks.values() for task in own])

    def work(two: Two) -> tuple[Two, Predictions]:
        made = [run_task(plan.setups[task.target], task).oof for task in tasks[two]]
        return two, mean_by_target(made, [task.target for task in tasks[two]])

    yield from run_tasks(todo, work, plan.layout)
