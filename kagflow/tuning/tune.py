"""Tuning: a study over a model's space, what it brought, and a run with what it found."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from kagflow.competition import Competition, config_name
from kagflow.config import Experiment, RoundsConfig
from kagflow.data import find_source
from kagflow.data.source import Source
from kagflow.runs import Run, cross_validate, run_of_key
from kagflow.runs.execute import with_frames
from kagflow.runs.plan import Plan, make_plan, written_out
from kagflow.tracking import NoTracker, Tracker
from kagflow.training import Layout, plan_layout
from kagflow.tuning.account import Account, account_of, write_account
from kagflow.tuning.limits import Limits
from kagflow.tuning.mirror import StudyMirror
from kagflow.tuning.nested import Nested, inner_plan, tune_nested
from kagflow.tuning.plots import write_plots
from kagflow.tuning.pruning import Pruner
from kagflow.tuning.space import Search, first_points
from kagflow.tuning.storage import local_storage
from kagflow.tuning.study import TrialBook
from kagflow.tuning.tuned_config import check_replaceable, tuned_document, write_tuned
from kagflow.tuning.watch import Nobody, Watcher
from kagflow.tuning.work import Trials, study_plan

_IDLE = (
    "model",
    "space",
    "threads",
    "device",
    "tuned",
)  # keys of an experiment that decide on no trial, or are told apart

_WITH_REFIT = 2.0  # what a run takes at most, in trials: each fold is fitted twice


@dataclass(frozen=True)
class Tuned:
    """What came of tuning.

    Attributes
    ----------
    run
        A cross-validation with the best parameters, as ``kagflow cv`` makes it.
    config
        The file that holds them.
    study, storage
        Name of the study, and the URL of what keeps it.
    params
        The best parameters.
    best
        Number of the best trial.
    trials, pruned, new
        Trials that came to an end; those of them that were stopped early; those that this call ran.
    account
        What it brought; ``None`` where another machine has the predictions of the trials.
    nested
        The score of tuning itself, where it was asked for.
    seconds
        Of this call, the run included.
    """

    run: Run
    config: Path
    study: str
    storage: str
    params: Mapping[str, Any]
    best: int
    trials: int
    pruned: int
    new: int
    account: Account | None
    nested: Nested | None
    seconds: float

    def result(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        from kagflow.tuning.storage import shown_url

        return {
            **self.run.result(),
            "seconds": round(self.seconds, 2),
            "study": self.study,
            "storage": shown_url(self.storage),
            "trials": self.trials,
            "trials_pruned": self.pruned,
            "trials_new": self.new,
            "best_trial": self.best,
            "params": dict(self.params),
            "tuned_config": str(self.config),
            **(self.account.document() if self.account else {}),
            **(self.nested.document() if self.nested else {}),
        }


def tune(
    competition: Competition,
    experiment: Experiment | None = None,
    *,
    config: str | None = None,
    limits: Limits | None = None,
    jobs: int | None = None,
    seeds: int | None = None,
    storage: str | None = None,
    source: Path | None = None,
    into: Path | None = None,
    cache: bool = True,
    prune: bool = True,
    nested: bool = False,
    tracker: Tracker | None = None,
    watcher: Watcher | None = None,
) -> Tuned:
    """Look for better parameters of an experiment's model, and cross-validate the best ones.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    experiment
        What to tune; when absent, what the config of that name says.
    config
        As of ``cross_validate``; it names the study, and the config that comes of it.
    limits
        When to stop; by default 100 trials, of which a call does what it can in 20 minutes.
    jobs
        How many trials run at once, sharing the threads; by the number of rows when absent.
    seeds
        Number of seeds that trials and the run average over; the experiment's when absent.
    storage
        Any URL of an Optuna database; ``runs/<name>/studies.sqlite`` when absent.
    source
        A folder of raw files, instead of the first source that applies.
    into
        Where the tuned config goes; ``configs/<name>`` when absent.
    cache
        Whether to keep features that took long to build, as for a run.
    prune
        Whether to stop trials early that will not become the best.
    nested
        Whether to tune also once for each fold on the other folds only, for an honest score.
    tracker
        Mirrors the study, and then the run.
    watcher
        Is told how it goes on.

    Raises
    ------
    KagflowError
        The data, the experiment, its space, the budget or the storage is at fault; the error says which.
    """
    started = time.perf_counter()
    limits, tracker, watcher = limits or Limits.of(None, None), tracker or NoTracker(), watcher or Nobody()
    experiment, config = experiment or competition.experiment(config), config_name(config)
    if seeds is not None:
        experiment = experiment.model_copy(update={"seeds": seeds})
    path = (into or competition.root / "configs" / competition.name) / f"{config}_tuned.yaml"
    check_replaceable(path)
    origin = find_source(competition.name, competition.facts, competition.root, source)
    plan = study_plan(make_plan(competition, without_refit(experiment), config, origin))
    plan = with_frames(plan) if cache else plan
    search = Search.of(plan.setup.model, experiment)
    folder = competition.runs_folder / "studies" / config
    storage = storage or local_storage(competition.runs_folder)

    def pruner() -> Pruner | None:
        return Pruner(competition.metric) if prune else None

    outer = list(plan.setup.folds) if nested else []
    for fold in outer:
        inner_plan(plan, fold)  # refuses folds that leave too little, before hours of work
    book = TrialBook(storage, config, competition.metric.direction, made_with(plan, search), search, folder)
    try:
        book.ensure(first_points(plan.setup.model, search))
        watcher.began(origin.edition, origin.folder, limits.trials, book.tried())
        mirror = StudyMirror(tracker, watcher, competition, book, experiment)
        work = Trials(
            plan, book, limits.share(len(outer) + 1), layout_of(plan, jobs), pruner(), mirror, run_costs=_WITH_REFIT
        )
        work.run()
        account = account_of(plan, book)
        params = book.params(book.best())
        inner = None
        if nested:
            final = make_plan(competition, experiment, config, origin)
            inner = _nested(plan, final, folder, storage, limits, jobs, pruner, watcher, search)
        mirror.finish({} if account is None else account.document())
        if account is not None:
            write_account(folder, account)
        write_plots(book.study(), competition.runs_folder / "report" / config)
        with FileLock(folder / "result.lock"):  # two processes may come to the end at once
            write_tuned(path, *_result(plan, experiment, book, params, account, competition.metric.name))
            run = _run(competition, path, origin, source, cache, tracker)
    except BaseException:
        tracker.finish(failed=True)
        raise
    finally:
        book.close()
    return Tuned(
        run=run,
        config=path,
        study=config,
        storage=storage,
        params=params,
        best=book.best().number,
        trials=book.tried(),
        pruned=sum(trial.state.name == "PRUNED" for trial in book.trials()),
        new=work.begun,
        account=account,
        nested=inner,
        seconds=time.perf_counter() - started,
    )


def _nested(
    plan: Plan,
    final: Plan,
    folder: Path,
    storage: str,
    limits: Limits,
    jobs: int | None,
    pruner: Callable[[], Pruner | None],
    watcher: Watcher,
    search: Search,
) -> Nested:
    """Tune once for each outer fold, in a study of its own."""
    outer = len(plan.setup.folds)
    done = 0

    def study(inner: Plan, name: str) -> dict[str, Any]:
        nonlocal done
        own = folder.with_name(f"{folder.name}-{name}")
        direction = plan.competition.metric.direction
        with closing(TrialBook(storage, own.name, direction, made_with(inner, search), search, own)) as book:
            book.ensure(first_points(inner.setup.model, search))
            watcher.note(f"{name}: {book.tried()} trials were done before")
            Trials(inner, book, limits.share(outer - done), layout_of(inner, jobs), pruner(), watcher).run()
            done += 1
            return book.params(book.best())

    return tune_nested(plan, final, folder, study)


def without_refit(experiment: Experiment) -> Experiment:
    """Return the experiment as trials fit it: rounds found on stop rows, and no model of all training rows."""
    rounds = experiment.rounds
    if isinstance(rounds, RoundsConfig):
        rounds = rounds.model_copy(update={"refit": False})
    return experiment.model_copy(update={"rounds": rounds, "refit": None})


def layout_of(plan: Plan, jobs: int | None = None) -> Layout:
    """Return how many trials run at once: no more than there are folds, as each fold has one fit at a time."""
    return plan_layout(
        len(plan.setup.folds),
        plan.data.train.height,
        plan.experiment.threads,
        plan.setup.resources.device,
        jobs,
    )


def made_with(plan: Plan, search: Search) -> dict[str, Any]:
    """Return the fingerprints of all that decides on a trial's score beside the parameters that are looked for."""
    experiment = {name: value for name, value in written_out(plan).items() if name not in _IDLE}
    model = plan.experiment.model
    given = {name: value for name, value in search.given.items() if name not in search.space}
    return {
        "data": plan.data.fingerprint,
        "edition": plan.data.edition,
        "folds": plan.setup.folds.fingerprint,
        "extra": plan.extra.fingerprint,
        "features": plan.competition.source_hash,
        "metric": plan.competition.metric.name,
        "model": {"kind": model.kind, "estimator": model.estimator, "params": given},
        "experiment": experiment,
        "space": search.document(),
    }


def _result(
    plan: Plan, experiment: Experiment, book: TrialBook, params: dict[str, Any], account: Account | None, metric: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the tuned config, and the lines that tell where it came from."""
    origin = f"study {book.name}, trial {book.best().number} of {book.tried()}"
    story = [f"Parameters found by `kagflow tune {plan.competition.name}`, {datetime.now(UTC):%Y-%m-%d}: {origin}."]
    if account is not None:
        story.append(
            f"{metric} {account.before:.6g} as the config was, {account.tuned:.6g} as tuned, {account.corrected:.6g} "
            "without the bias of choosing (all without a refit)."
        )
        story.append(f"Verdict: {account.sentence}.")
    return tuned_document(experiment, params, origin), story


def _run(
    competition: Competition, path: Path, origin: Source, source: Path | None, cache: bool, tracker: Tracker
) -> Run:
    """Return the run of a tuned config: the one that is there, or a new one."""
    experiment = competition.experiment(str(path))
    known = run_of_key(competition.runs_folder, path.stem, make_plan(competition, experiment, path.stem, origin).key)
    if known is not None:
        return known
    return cross_validate(competition, experiment, config=path.stem, source=source, cache=cache, tracker=tracker)
