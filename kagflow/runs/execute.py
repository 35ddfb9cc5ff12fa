"""Cross-validating an experiment, from raw files to a complete run."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from kagflow.competition import Competition, config_name
from kagflow.config import Experiment, write_yaml
from kagflow.data import Table, find_source
from kagflow.features.blame import name_of
from kagflow.runs import surroundings
from kagflow.runs.context import features_context
from kagflow.runs.directory import RunFolder, write_json
from kagflow.runs.plan import Look, Plan, make_plan, written_out
from kagflow.runs.recipe import Recipe, write_recipe
from kagflow.runs.record import Run, open_run
from kagflow.runs.refit import RoundsOf, how_test_is_predicted, refit_setups
from kagflow.runs.results import write_results
from kagflow.tracking import NoTracker, Tracker
from kagflow.training import FrameCache, Setup, Task, TaskResult, run_task, run_tasks

_MIRRORED_FEATURES = 100


class Listener(Protocol):
    """Who is told how a run goes on."""

    def began(self, edition: str, folder: Path, tasks: int, done: int) -> None:
        """Hear that the data are known, and how many tasks are still to do."""

    def finished(self, result: TaskResult) -> None:
        """Hear that a task is done and saved."""


class _Nobody:
    def began(self, edition: str, folder: Path, tasks: int, done: int) -> None:
        pass

    def finished(self, result: TaskResult) -> None:
        pass


def cross_validate(
    competition: Competition,
    experiment: Experiment | None = None,
    *,
    config: str | None = None,
    source: Path | None = None,
    extra: Table | None = None,
    look: Look | None = None,
    cache: bool = True,
    tracker: Tracker | None = None,
    listener: Listener | None = None,
) -> Run:
    """Cross-validate an experiment and write the run.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    experiment
        What to do; when absent, what the config of that name says.
    config
        A name of ``configs/<name>``, or the path of a file; it names the run. The default experiment when absent.
    source
        A folder of raw files, instead of the first source that applies.
    extra
        Rows that join the training rows of every fold, beside those that the experiment asks for, and are never
        scored. A row with the features of a valid row stays out of that fold.
    look
        A quick one, at a sample of the rows or some of the folds; all of them when absent.
    cache
        Whether to keep features that took long to build under ``data/<name>/frames``, and to take them from there
        where everything that decides on them is the same. The run is the same to the bit.
    tracker
        Mirrors the run.
    listener
        Is told how it goes on.

    Returns
    -------
    Run
        Complete and on disk. Where it was interrupted before, the tasks done then are not done again.

    Raises
    ------
    KagflowError
        The data, the experiment, a step or the model is at fault; the error says which.
    """
    started = time.perf_counter()
    tracker, listener = tracker or NoTracker(), listener or _Nobody()
    experiment, config = experiment or competition.experiment(config), config_name(config)
    origin = find_source(competition.name, competition.facts, competition.root, source)
    plan = make_plan(competition, experiment, config, origin, extra, look)
    if cache:
        plan = with_frames(plan)
    folder = RunFolder(competition.runs_folder, config, plan.key, competition.facts.several_targets)
    try:
        todo = [task for task in plan.tasks if not folder.is_done(task)]
        expect_tasks(plan, todo)
        listener.began(origin.edition, origin.folder, len(todo), len(plan.tasks) - len(todo))
        tracker.start(
            folder.path.name.removesuffix(".partial"),
            group=competition.name,
            job_type="cv",
            config=experiment.model_dump(mode="json"),
        )
        for result in _results(plan, todo, folder.rounds):
            folder.save(result)
            listener.finished(result)
        scores, post = write_results(plan, folder)
        write_recipe(folder.path, Recipe.of(plan.data, plan.setup.pool, post))
        _write_facts(plan, folder, seconds=time.perf_counter() - started)
        _mirror(tracker, scores, folder.path)
        run = open_run(folder.complete())
        tracker.finish()
        return run
    except BaseException:
        folder.release()
        tracker.finish(failed=True)
        raise


def _results(plan: Plan, todo: Sequence[Task], rounds_of: RoundsOf) -> Iterator[TaskResult]:
    """Yield the results of tasks: those of the folds first, for a refit goes by the rounds that they found."""
    folds, refits = ([task for task in todo if (task.fold is None) == last] for last in (False, True))
    yield from run_tasks(folds, lambda task: run_task(plan.setups[task.target], task), plan.layout)
    if refits:
        setups = refit_setups(plan, rounds_of)
        yield from run_tasks(refits, lambda task: run_task(setups[task.target], task), plan.layout)


def expect_tasks(plan: Plan, todo: Sequence[Task]) -> None:
    """Tell the setups which tasks are to come, so that features are kept for as long as these share them."""
    for setup in plan.setups:
        sharing = [task for task in todo if plan.setups[task.target].shared is setup.shared]
        setup.shared.expect(Counter(task.fold for task in sharing))


def with_frames(plan: Plan) -> Plan:
    """Return a plan that keeps features that take long to build, and takes them from where they are kept."""
    return replace(plan, setups=tuple(_with_cache(plan, setup) for setup in plan.setups))


def _with_cache(plan: Plan, setup: Setup) -> Setup:
    """Return a setup whose features are kept for later runs, or taken from earlier ones."""
    folder = plan.competition.data_folder / "frames"
    return replace(setup, cache=FrameCache(folder, partial(features_context, plan, setup)))


def _write_facts(plan: Plan, folder: RunFolder, *, seconds: float) -> None:
    """Write what a stranger needs to know of how the run came about."""
    competition, setup = plan.competition, plan.setup
    experiment = written_out(plan)
    (folder.path / "experiment.yaml").write_text(write_yaml(experiment), encoding="utf-8")
    for name, content in competition.sources.items():
        (folder.path / name).write_bytes(content.encode())
    write_json(
        folder.path / "run.json",
        {
            "status": "complete",
            "competition": competition.name,
            "config": plan.config,
            "edition": plan.data.edition,
            "kind": setup.model.kind,
            "seconds": round(seconds, 2),
            "task_seconds": {folder.name_of(task): folder.log(task)["seconds"] for task in plan.tasks},
            "rounds": {folder.name_of(task): folder.rounds(task) for task in plan.tasks},
            "test_predicted_by": how_test_is_predicted(plan, folder.rounds),
            "threads": {"jobs": plan.layout.jobs, "threads_each": plan.layout.threads},
            "device": {
                "asked": plan.experiment.device,
                "used": setup.resources.device,
                "note": plan.device_note,
            },
            "seeds": sorted({task.seed for task in plan.tasks}),
            "continued": folder.continued,
            "fingerprints": {
                "data": plan.data.fingerprint,
                "folds": setup.folds.fingerprint,
                "sources": competition.source_hash,
                "edition": plan.data.edition,
            },
            "quick_look": plan.look.document(),
            "chosen_by_looking": _chosen_by_looking(plan),
            "pooled": [name_of(step) for step in setup.pool.features.pooled],
            "accepted": _accepted(plan, folder),
            "extra": _extra(plan),
            "only_in_train": list(plan.data.only_train),
            "git": surroundings.git(competition.root),
            "versions": surroundings.versions(),
        },
    )


def _extra(plan: Plan) -> dict[str, Any] | None:
    """Return where extra rows come from, and how many of them joined each fold; ``None`` without any."""
    if plan.extra.rows is None:
        return None
    folds = sorted({task.fold for task in plan.tasks if task.fold is not None})
    joined = {str(number): plan.setup.extra_rows_of(number) for number in folds}
    if plan.setup.refit is not None:
        joined["all"] = plan.setup.extra_rows_of(None)
    return {"sources": list(plan.extra.accounts), "joined": joined}


def _chosen_by_looking(plan: Plan) -> list[str]:
    experiment = plan.experiment
    tuned = [] if experiment.tuned is None else [f"parameters: {experiment.tuned}"]
    return tuned + ([] if plan.post is None else [f"postprocess: {experiment.postprocess}"])


def _accepted(plan: Plan, folder: RunFolder) -> list[dict[str, str]]:
    """Return what guards let through, while the competition was loaded and in its tasks, each once."""
    noted = [asdict(each) for each in plan.competition.acceptance.noted]
    for task in plan.tasks:
        noted += [each for each in folder.log(task)["accepted"] if each not in noted]
    return noted


def _mirror(tracker: Tracker, scores: Mapping[str, Any], folder: Path) -> None:
    """Tell the tracker what the run's files hold: scores, and the most important features."""
    for number, score in enumerate(scores["folds"]):
        if score is not None:
            tracker.log({"fold_score": score}, step=number)
    of_targets = {f"target_{name}": score for name, score in scores.get("targets", {}).items() if score is not None}
    tracker.summary(
        {name: value for name, value in scores.items() if isinstance(value, (int, float, str))} | of_targets
    )
    importance = pl.read_parquet(folder / "importance.parquet").head(_MIRRORED_FEATURES)
    tracker.table("importance", importance.columns, importance.rows())
