"""Cross-validating an experiment, from raw files to a complete run."""

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.config import Experiment, write_yaml
from kagflow.data import Dataset, Source, Table, find_source, read_dataset
from kagflow.data.table import dense_codes, target_codes
from kagflow.errors import ConfigError, KagflowError
from kagflow.features.blame import name_of
from kagflow.features.pool import make_pool
from kagflow.metrics import Metric
from kagflow.models import Problem, Resources, make_model
from kagflow.runs import surroundings
from kagflow.runs.directory import RunFolder, predictions_frame, task_name, write_json
from kagflow.runs.recipe import Recipe, write_recipe
from kagflow.runs.record import Run, open_run
from kagflow.runs.submission import SUBMISSION, make_submission
from kagflow.splits import Folds, frozen_folds, make_splitter
from kagflow.splits.folds import check_groups_stay_whole
from kagflow.stats import bootstrap_se
from kagflow.tracking import NoTracker, Tracker
from kagflow.training import Layout, Setup, Task, TaskResult, find_transform, plan_layout, run_task, run_tasks

Predictions = NDArray[np.float64]
_MIRRORED_FEATURES = 100
_SAMPLE_SEED = 20_011
OWN = "own"  # the name of the transform that target.py defines


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


@dataclass(frozen=True)
class Look:
    """How much of the data a cross-validation looks at.

    Attributes
    ----------
    sample
        Share of the training rows, in (0, 1]; whole groups where there are groups.
    folds
        Numbers of the folds that are fitted and scored; empty for all.
    """

    sample: float = 1.0
    folds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.sample <= 1:
            raise ConfigError(
                f"a sample is a share of the rows, got {self.sample}", hint="for example 0.1", where="--sample"
            )

    @property
    def quick(self) -> bool:
        """Whether it is less than all of it."""
        return self.sample < 1 or bool(self.folds)

    def document(self) -> dict[str, Any] | None:
        """Return it as `run.json` has it; ``None`` for all of the data."""
        return {"sample": self.sample, "folds": list(self.folds)} if self.quick else None


@dataclass(frozen=True)
class _Plan:
    """Everything that is known before the first fit."""

    competition: Competition
    experiment: Experiment
    config: str
    data: Dataset
    setup: Setup
    tasks: tuple[Task, ...]
    layout: Layout
    extra: str | None
    look: Look

    @property
    def key(self) -> str:
        """Hash of everything that decides on the result."""
        parts = {
            "experiment": self.experiment.model_dump(mode="json"),
            "sources": self.competition.source_hash,
            "data": self.data.fingerprint,
            "edition": self.data.edition,
            "folds": self.setup.folds.fingerprint,
            "extra": self.extra,
            "look": self.look.document(),
            "versions": surroundings.versions(),
            "code": surroundings.code_hash(),
            "layout": [self.layout.jobs, self.layout.threads],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def cross_validate(
    competition: Competition,
    experiment: Experiment | None = None,
    *,
    config: str = "default",
    source: Path | None = None,
    extra: Table | None = None,
    look: Look | None = None,
    tracker: Tracker | None = None,
    listener: Listener | None = None,
) -> Run:
    """Cross-validate an experiment and write the run.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    experiment
        What to do; the default one when absent.
    config
        Names the run.
    source
        A folder of raw files, instead of the first source that applies.
    extra
        Rows that join the training rows of every fold, and are never scored.
    look
        A quick one, at a sample of the rows or some of the folds; all of them when absent.
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
    experiment = experiment or Experiment()
    origin = find_source(competition.name, competition.facts, competition.root, source)
    plan = _plan(competition, experiment, config, origin, extra, look)
    folder = RunFolder(competition.runs_folder, config, plan.key)
    try:
        todo = [task for task in plan.tasks if not folder.is_done(task)]
        plan.setup.shared.expect(Counter(task.fold for task in todo))
        listener.began(origin.edition, origin.folder, len(todo), len(plan.tasks) - len(todo))
        tracker.start(
            folder.path.name.removesuffix(".partial"),
            group=competition.name,
            job_type="cv",
            config=experiment.model_dump(mode="json"),
        )
        for result in run_tasks(todo, lambda task: run_task(plan.setup, task), plan.layout):
            folder.save(result)
            listener.finished(result)
        scores = _write_results(plan, folder)
        _write_facts(plan, folder, seconds=time.perf_counter() - started)
        _mirror(tracker, scores, folder.path)
        run = open_run(folder.complete())
        tracker.finish()
        return run
    except BaseException:
        folder.release()
        tracker.finish(failed=True)
        raise


def _plan(
    competition: Competition,
    experiment: Experiment,
    config: str,
    origin: Source,
    extra: Table | None = None,
    look: Look | None = None,
) -> _Plan:
    """Load the data, freeze the folds, run the row steps, and list the tasks."""
    look = look or Look()
    facts, metric = competition.facts, competition.metric
    model = make_model(experiment.model, experiment.rounds)
    chosen = _transform_name(competition, experiment)
    transform = competition.target if chosen == OWN and competition.target else find_transform(chosen)
    features = competition.feature_set(experiment.features)
    splitting = facts.splitter.changed(experiment.splitter)
    splitter = make_splitter(splitting.kind, splitting.settings)
    data = _sampled(read_dataset(origin, facts, competition.additions), look.sample)
    folds = frozen_folds(splitter, data.train, data.fingerprint, competition.data_folder / "folds")
    check_groups_stay_whole(folds, data.train.groups)
    hidden = [name for name in (facts.id, facts.group, facts.time) if name is not None]
    pool = make_pool(features, data.train, data.test, folds, extra=extra, pooled=facts.pooled, hidden=hidden)
    tasks = tuple(_tasks(experiment, folds, look))
    layout = plan_layout(len(tasks), data.train.height, experiment.threads)
    setup = Setup(
        table=data.train,
        pool=pool,
        folds=folds,
        splitter=splitter,
        model=model,
        problem=Problem(facts.task, data.classes, metric.objective),
        transform=transform,
        experiment=experiment,
        resources=Resources(layout.threads),
    )
    return _Plan(competition, experiment, config, data, setup, tasks, layout, _fingerprint(extra), look)


def _transform_name(competition: Competition, experiment: Experiment) -> str:
    """Return the name of the target transform: the experiment's, the competition's, or the metric's."""
    own = OWN if competition.target is not None else competition.facts.target_transform
    return experiment.target_transform or own or competition.metric.transform


def _sampled(data: Dataset, share: float) -> Dataset:
    """Return the data with a share of the training rows, drawn by their independent units."""
    if share == 1:
        return data
    table = data.train
    units = dense_codes(table.groups) if table.groups is not None else np.arange(table.height)
    n_units = int(units.max()) + 1
    drawn = np.random.default_rng(_SAMPLE_SEED).permutation(n_units)[: math.ceil(share * n_units)]
    rows = np.flatnonzero(np.isin(units, drawn))
    known: dict[str, Any] = {part.name: getattr(table, part.name) for part in fields(table)}
    some = Table(**{name: column[rows] for name, column in known.items() if column is not None})
    return replace(data, train=some, fingerprint=f"{data.fingerprint}-{share:g}")


def _tasks(experiment: Experiment, folds: Folds, look: Look) -> Iterator[Task]:
    """Yield the fits: every fold that is looked at with every seed, then the refits on all training rows."""
    known = [fold.number for fold in folds]
    unknown = set(look.folds) - set(known)
    if unknown:
        raise ConfigError(
            f"there is no fold {min(unknown)}", hint=f"folds are numbered 0 to {known[-1]}", where="--only-folds"
        )
    numbers: list[int | None] = [number for number in known if not look.folds or number in look.folds]
    if experiment.test == "refit":
        numbers.append(None)
    for number in numbers:
        for seed in range(experiment.seed, experiment.seed + experiment.seeds):
            yield Task(number, seed)


def _fingerprint(extra: Table | None) -> str | None:
    """Return a hash of extra rows."""
    if extra is None:
        return None
    known = {name: getattr(extra, name) for name in ("y", "groups", "time", "weight")}
    columns = [column.alias(f"__{name}") for name, column in known.items() if column is not None]
    text = extra.x.with_columns(columns).write_json()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write_results(plan: _Plan, folder: RunFolder) -> dict[str, Any]:
    """Write predictions, scores, importance and the submission of a run whose tasks are all done."""
    fitted = {task.fold for task in plan.tasks}
    repeats = sorted({fold.repeat for fold in plan.setup.folds if fold.number in fitted})
    oof = {repeat: _oof(plan, folder, repeat) for repeat in repeats}
    scores = _scores(plan, oof)
    pl.concat(_oof_frame(plan, rows, predictions, repeat) for repeat, (rows, predictions) in oof.items()).write_parquet(
        folder.path / "oof.parquet"
    )
    test = [task for task in plan.tasks if (plan.experiment.test == "refit") == (task.fold is None)]
    predictions = [folder.test(task) for task in test]
    mean = np.mean(predictions, axis=0)
    columns = [predictions_frame(mean)] + [
        predictions_frame(prediction, task_name(task)) for task, prediction in zip(test, predictions, strict=True)
    ]
    pl.concat([pl.DataFrame({"id": plan.data.test.ids}), *columns], how="horizontal").write_parquet(
        folder.path / "test.parquet"
    )
    _importance([folder.importance(task) for task in plan.tasks]).write_parquet(folder.path / "importance.parquet")
    _submission(plan, mean).write_csv(folder.path / SUBMISSION)
    write_json(folder.path / "scores.json", scores)
    return scores


def _submission(plan: _Plan, prediction: Predictions) -> pl.DataFrame:
    data, competition = plan.data, plan.competition
    return make_submission(
        data.sample, data.test.ids, data.classes, prediction, competition.metric, competition.submission
    )


def _oof(plan: _Plan, folder: RunFolder, repeat: int) -> tuple[NDArray[np.int64], Predictions]:
    """Return the rows that a repeat scores, ascending, and their predictions (the mean over seeds)."""
    rows, predictions = [], []
    for fold in plan.setup.folds:
        made = [folder.oof(task) for task in plan.tasks if task.fold == fold.number]
        if made and fold.repeat == repeat:
            rows.append(made[0][0])
            predictions.append(np.mean([prediction for _, prediction in made], axis=0))
    stacked = np.concatenate(rows)
    order = np.argsort(stacked)
    return stacked[order], np.concatenate(predictions)[order]


def _oof_frame(plan: _Plan, rows: NDArray[np.int64], predictions: Predictions, repeat: int) -> pl.DataFrame:
    table = plan.data.train
    assert table.y is not None
    known: dict[str, Any] = {
        "id": table.ids[rows],
        "fold": _fold_of(plan.setup.folds, repeat)[rows],
        "repeat": np.full(len(rows), repeat),
        "y": table.y[rows],
    }
    units = plan.setup.splitter.units(table)[1]
    if units is not None:
        known["unit"] = units[rows]
    if table.weight is not None:
        known["weight"] = table.weight[rows]
    return pl.concat([pl.DataFrame(known), predictions_frame(predictions)], how="horizontal")


def _fold_of(folds: Folds, repeat: int) -> NDArray[np.int64]:
    """Return the number of the fold that scores each row in a repeat; -1 where none does."""
    numbers = np.full(len(folds.ids), -1)
    for fold in folds:
        if fold.repeat == repeat:
            numbers[fold.valid] = fold.number
    return numbers


def _scores(plan: _Plan, oof: Mapping[int, tuple[NDArray[np.int64], Predictions]]) -> dict[str, Any]:
    """Return the scores of a run: over each repeat's whole OOF, averaged, and of each fold."""
    metric, table, folds = plan.competition.metric, plan.data.train, plan.setup.folds
    assert table.y is not None
    y = target_codes(table.y)
    weight = None if table.weight is None else table.weight.to_numpy()
    unit, units = plan.setup.splitter.units(table)

    def pick(values: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
        return None if values is None else values[rows]

    whole, errors, by_fold = [], [], []
    for repeat, (rows, predictions) in oof.items():
        whole.append(metric.score(y[rows], predictions, pick(weight, rows)))
        codes = None if units is None else np.unique(units[rows], return_inverse=True)[1]
        errors.append(bootstrap_se(metric, y[rows], predictions, weight=pick(weight, rows), units=codes))
        number = _fold_of(folds, repeat)[rows]
        for k in np.unique(number):
            own = number == k
            by_fold.append(_score_or_none(metric, y[rows][own], predictions[own], pick(weight, rows[own])))
    se = float(np.mean(errors))
    return {
        "metric": metric.name,
        "direction": metric.direction,
        "cv": float(np.mean(whole)),
        "se": se if np.isfinite(se) else None,
        "units": unit,
        "folds": by_fold,
        "folds_mean": float(np.mean([score for score in by_fold if score is not None] or whole)),
        "rows": table.height,
        "rows_scored": len(next(iter(oof.values()))[0]),
        "seeds": plan.experiment.seeds,
        "repeats": len(oof),
    }


def _score_or_none(
    metric: Metric, y: NDArray[Any], predictions: Predictions, weight: NDArray[Any] | None
) -> float | None:
    """Return the score of one fold, or ``None`` where a fold alone has none (an AUC needs both classes)."""
    try:
        return metric.score(y, predictions, weight)
    except KagflowError:
        return None


def _importance(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the mean importance over all fits; a feature that a fit did not have counts as nothing there."""
    numbers = [name for name in tables[0].columns if name != "feature"]
    if not numbers:
        return tables[0]
    return (
        pl.concat(tables)
        .group_by("feature")
        .agg(pl.col(name).sum() / len(tables) for name in numbers)
        .sort([numbers[0], "feature"], descending=[True, False])
    )


def _write_facts(plan: _Plan, folder: RunFolder, *, seconds: float) -> None:
    """Write what a stranger needs to know of how the run came about."""
    competition, setup = plan.competition, plan.setup
    experiment = _written_out(plan)
    (folder.path / "experiment.yaml").write_text(write_yaml(experiment), encoding="utf-8")
    for name, content in competition.sources.items():
        (folder.path / name).write_bytes(content.encode())
    write_recipe(folder.path, Recipe.of(plan.data, setup.pool))
    write_json(
        folder.path / "run.json",
        {
            "status": "complete",
            "competition": competition.name,
            "config": plan.config,
            "edition": plan.data.edition,
            "kind": setup.model.kind,
            "seconds": round(seconds, 2),
            "task_seconds": {task_name(task): folder.log(task)["seconds"] for task in plan.tasks},
            "rounds": {task_name(task): folder.log(task)["rounds"] for task in plan.tasks},
            "threads": {"jobs": plan.layout.jobs, "threads_each": plan.layout.threads},
            "seeds": sorted({task.seed for task in plan.tasks}),
            "continued": folder.continued,
            "fingerprints": {
                "data": plan.data.fingerprint,
                "folds": setup.folds.fingerprint,
                "sources": competition.source_hash,
                "edition": plan.data.edition,
            },
            "quick_look": plan.look.document(),
            "chosen_by_looking": [],
            "pooled": [name_of(step) for step in setup.pool.features.pooled],
            "extra_rows": len(setup.pool.extra_rows),
            "only_in_train": list(plan.data.only_train),
            "git": surroundings.git(competition.root),
            "versions": surroundings.versions(),
        },
    )


def _mirror(tracker: Tracker, scores: Mapping[str, Any], folder: Path) -> None:
    """Tell the tracker what the run's files hold: scores, and the most important features."""
    for number, score in enumerate(scores["folds"]):
        if score is not None:
            tracker.log({"fold_score": score}, step=number)
    tracker.summary({name: value for name, value in scores.items() if isinstance(value, (int, float, str))})
    importance = pl.read_parquet(folder / "importance.parquet").head(_MIRRORED_FEATURES)
    tracker.table("importance", importance.columns, importance.rows())


def _written_out(plan: _Plan) -> Mapping[str, Any]:
    """Return the experiment with everything written out that kagflow or the competition chose."""
    setup = plan.setup
    document = plan.experiment.model_dump()
    document["model"]["params"] = {**setup.model.defaults, **setup.model.params}
    document["splitter"] = {"kind": setup.splitter.kind, **asdict(setup.splitter)}
    document["target_transform"] = _transform_name(plan.competition, plan.experiment)
    if setup.finds_rounds:
        document["rounds"]["refit"] = setup.refits
    return document
