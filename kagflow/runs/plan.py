"""What is known of a run before its first fit: data, folds, features before folds, and the list of fits."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from kagflow.codes import Acceptance
from kagflow.competition import METRIC, Competition
from kagflow.config import Experiment, RefitConfig, RoundsConfig
from kagflow.data import Dataset, Source, Table, Target, read_dataset
from kagflow.data.table import dense_codes
from kagflow.errors import ConfigError
from kagflow.features.pool import make_pool
from kagflow.metrics import Metric, find_metric
from kagflow.models import Model, Problem, Resources, configured_space, make_model, resolve_device
from kagflow.runs import surroundings
from kagflow.runs.extra import Extra, gather_extra
from kagflow.splits import Folds, Splitter, frozen_folds, make_splitter
from kagflow.splits.folds import check_groups_stay_whole
from kagflow.training import Layout, Setup, Task, find_transform, plan_layout
from kagflow.training.postprocess import Post, find_post
from kagflow.training.shared import SharedFeatures
from kagflow.training.target import AsNumbers, TargetTransform
from kagflow.training.weights import check_class_weights

_SMALL_SHARE = 0.6  # of all rows, from which the models of a fold learn
_SAMPLE_SEED = 20_011
_OWN = "own"  # the name of what the competition's folder defines: a transform, an objective, a stop metric


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
class Plan:
    """Everything that is known before the first fit; ``setups`` has one for each target."""

    competition: Competition
    experiment: Experiment
    config: str
    data: Dataset
    setups: tuple[Setup, ...]
    tasks: tuple[Task, ...]
    layout: Layout
    extra: Extra
    look: Look
    post: Post | None
    device_note: str = ""

    @property
    def setup(self) -> Setup:
        """That of the first target; the others differ from it in the target only."""
        return self.setups[0]

    @property
    def key(self) -> str:
        """Hash of everything that decides on the result."""
        parts = {
            "experiment": self.experiment.model_dump(mode="json", exclude={"space", "device"}),
            "device": self.setup.resources.device,
            "sources": self.competition.source_hash,
            "data": self.data.fingerprint,
            "edition": self.data.edition,
            "folds": self.setup.folds.fingerprint,
            "extra": self.extra.fingerprint,
            "look": self.look.document(),
            "versions": surroundings.versions(),
            "code": surroundings.code_hash(),
            "layout": [self.layout.jobs, self.layout.threads],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def make_plan(
    competition: Competition,
    experiment: Experiment,
    config: str,
    origin: Source,
    extra: Table | None = None,
    look: Look | None = None,
) -> Plan:
    """Load the data, freeze the folds, run the row steps, and list the tasks."""
    look = look or Look()
    facts, metric = competition.facts, competition.metric
    model = make_model(experiment.model, experiment.rounds)
    _check_refit(experiment, model)
    configured_space(model, experiment.space)  # a run does not look there, but a wrong word is found now
    transform = choose_transform(competition, experiment)
    post = None if experiment.postprocess is None else find_post(experiment.postprocess, metric)
    features = competition.feature_set(experiment.features)
    splitter = splitter_of(competition, experiment)
    data = _sampled(read_dataset(origin, facts, competition.additions), look.sample)
    folds = frozen_folds(splitter, data.train, data.fingerprint, competition.data_folder / "folds")
    check_groups_stay_whole(folds, data.train.groups)
    problem = _problem(competition, experiment, data, transform)
    stop_metric = _stop_metric(competition, experiment)
    check_class_weights(experiment.class_weights, problem.classes, learns_classes=problem.task != "regression")
    model.check_functions(problem, experiment.objective, experiment.stop_metric)
    gathered = gather_extra(competition, experiment, origin, data, folds, extra)
    hidden = [name for name in (facts.id, facts.group, facts.time) if name is not None]
    pool = make_pool(
        features,
        data.train,
        data.test,
        folds,
        extra=gathered.rows,
        pooled=facts.pooled,
        hidden=hidden,
        tables=data.tables,
    )
    refit = _refit(experiment, model, folds, data.train.height, look)
    tasks = tuple(_tasks(experiment, refit, folds, look, len(facts.targets)))
    scored = stop_metric is not None and isinstance(model.rounds, RoundsConfig)
    device, note = resolve_device(
        model.kind, experiment.device, rows=pool.x.height, lacks=model.gpu_lacks(problem, scored=scored)
    )
    layout = plan_layout(len(tasks), pool.x.height, experiment.threads, device)
    setup = Setup(
        table=data.train,
        pool=pool,
        folds=folds,
        splitter=splitter,
        model=model,
        problem=problem,
        transform=transform,
        experiment=experiment,
        resources=Resources(layout.threads, device),
        acceptance=Acceptance(facts.accept),
        stop_metric=stop_metric,
        refit=refit,
    )
    if gathered.rows is not None:
        _check_that_some_join(setup, tasks)
    setups = tuple(_for_target(setup, y) for y in data.targets) if facts.several_targets else (setup,)
    return Plan(competition, experiment, config, data, setups, tasks, layout, gathered, look, post, note)


def _refit(experiment: Experiment, model: Model, folds: Folds, rows: int, look: Look) -> RefitConfig | None:
    """Return the models of all rows that predict test: those asked for, or where none are, those that are needed.

    Where a fold's models know half of the rows only, test is worse predicted by their mean than by a model of all. On
    bike sharing, with five folds forward in time, the error of test was 0.53 and 0.28.
    """
    if experiment.refit != "auto":
        return experiment.refit
    share = np.mean([len(fold.train) for fold in folds]) / rows
    return RefitConfig() if share < _SMALL_SHARE and model.refits and not look.quick else None


def _check_refit(experiment: Experiment, model: Model) -> None:
    if isinstance(experiment.refit, RefitConfig) and not model.refits:
        raise ConfigError(
            f"{model.kind} needs stop rows in every fit, so that no model of it can learn from all rows",
            hint="leave it out: test is then predicted by the folds' models",
            where="refit",
        )


def _check_that_some_join(setup: Setup, tasks: Sequence[Task]) -> None:
    if not any(setup.extra_rows_of(number) for number in {task.fold for task in tasks if task.fold is not None}):
        raise ConfigError(
            "no extra row joins the training rows of any fold, so that CV cannot tell what they do",
            hint="they have the groups or ids of rows that are scored, lie later than all of these (as test rows do in "
            "folds forward in time), or none is probable enough",
            where="extra",
        )


def splitter_of(competition: Competition, experiment: Experiment) -> Splitter:
    """Return the competition's splitter, as the experiment changes it."""
    splitting = competition.facts.splitter.changed(experiment.splitter)
    return make_splitter(splitting.kind, splitting.settings)


def _for_target(setup: Setup, y: Target) -> Setup:
    """Return the same setup with another target, the only one that its steps, splitter and models see."""
    table, pool = replace(setup.table, y=y), setup.pool.with_target(y)
    # Stop rows may be carved by the target; without them, a fold's features are the same unless a step sees it.
    own = setup.pool.features.uses_target or setup.finds_rounds
    return replace(setup, table=table, pool=pool, shared=SharedFeatures() if own else setup.shared)


def _problem(competition: Competition, experiment: Experiment, data: Dataset, transform: TargetTransform) -> Problem:
    """Return what models learn, and what they fit to learn it."""
    problem = _usual_problem(competition, data, transform)
    chosen = experiment.objective
    if chosen == "own":
        if competition.objective is None:
            raise ConfigError(
                f"`objective: own`, and {METRIC} defines no OBJECTIVE",
                hint="write `def OBJECTIVE(y, prediction, weight): ... return gradient, hessian`",
                where=f"competitions/{competition.name}/{METRIC}",
            )
        return replace(problem, own=competition.objective)
    if chosen is None:
        return problem
    if (chosen == "log_loss") != (problem.task != "regression"):
        what = "values" if problem.task == "regression" else "classes"
        raise ConfigError(
            f"{chosen} is no objective for {what}",
            hint="leave it out, or see `target_transform: as_numbers` to learn classes as values",
            where="objective",
        )
    return problem if chosen == problem.objective else replace(problem, objective=chosen, quantile=None)


def _usual_problem(competition: Competition, data: Dataset, transform: TargetTransform) -> Problem:
    """Return the competition's task, or values where classes are taken as numbers, with the metric's objective."""
    task, metric = competition.facts.task, competition.metric
    if not isinstance(transform, AsNumbers):
        return Problem(task, data.classes, metric.objective_for(task), metric.quantile)
    if task == "multiclass" and not metric.ordinal:
        raise ConfigError(
            f"{metric.name} scores classes without an order, so that they cannot be predicted as numbers",
            hint="as_numbers is for two classes, or for a metric of grades such as quadratic_kappa",
            where="target_transform",
        )
    return Problem("regression", (), "squared_error")


def _stop_metric_name(competition: Competition, experiment: Experiment) -> str | None:
    """Return what early stopping follows; derivatives tell no loss, so with an own objective it is the metric."""
    by_default = competition.metric.name if experiment.objective == _OWN else None
    return experiment.stop_metric or by_default


def _stop_metric(competition: Competition, experiment: Experiment) -> Metric | None:
    name = _stop_metric_name(competition, experiment)
    if name is None:
        return None
    if name == _OWN:
        if competition.stop_metric is None:
            raise ConfigError(
                f"`stop_metric: own`, and {METRIC} defines no STOP_METRIC",
                hint="write STOP_METRIC = Metric(name=..., direction=..., wants=..., function=..., objective=...)",
                where=f"competitions/{competition.name}/{METRIC}",
            )
        return competition.stop_metric
    metric = competition.metric if name == competition.metric.name else find_metric(name)
    if metric.several and metric.of_column is None:
        raise ConfigError(
            f"{name} scores several targets at once, and each is fitted by itself",
            hint="name a metric of one target, or `own` for STOP_METRIC of metric.py",
            where="stop_metric",
        )
    metric = metric.of_column or metric
    if competition.facts.task == "regression" and metric.wants != "value" and not metric.ordinal:
        raise ConfigError(f"{name} scores classes; the task is regression", where="stop_metric")
    return metric


def choose_transform(competition: Competition, experiment: Experiment) -> TargetTransform:
    """Return the target transform: the experiment's, the competition's, or the metric's.

    Raises
    ------
    ConfigError
        There is none of the name that the experiment or the facts give.
    """
    chosen = _transform_name(competition, experiment)
    return competition.target if chosen == _OWN and competition.target else find_transform(chosen)


def _transform_name(competition: Competition, experiment: Experiment) -> str:
    """Return the name of the target transform: the experiment's, the competition's, or the metric's."""
    own = _OWN if competition.target is not None else competition.facts.target_transform
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
    return replace(
        data, train=table.take(rows), targets=data.targets[rows], fingerprint=f"{data.fingerprint}-{share:g}"
    )


def _tasks(experiment: Experiment, refit: RefitConfig | None, folds: Folds, look: Look, targets: int) -> Iterator[Task]:
    """Yield the fits: every fold that is looked at with every target and seed, then the refits on all training rows."""
    known = [fold.number for fold in folds]
    unknown = set(look.folds) - set(known)
    if unknown:
        raise ConfigError(
            f"there is no fold {min(unknown)}", hint=f"folds are numbered 0 to {known[-1]}", where="--only-folds"
        )
    numbers = [number for number in known if not look.folds or number in look.folds]
    for number, target, seed in product(numbers, range(targets), _seeds(experiment, experiment.seeds)):
        yield Task(number, seed, target)
    if refit is not None:
        for target, seed in product(range(targets), _seeds(experiment, refit.seeds or experiment.seeds)):
            yield Task(None, seed, target)


def _seeds(experiment: Experiment, count: int) -> range:
    return range(experiment.seed, experiment.seed + count)


def written_out(plan: Plan) -> Mapping[str, Any]:
    """Return the experiment with everything written out that kagflow or the competition chose."""
    setup = plan.setup
    document = plan.experiment.model_dump()
    document["model"]["params"] = {**setup.model.defaults, **setup.model.params}
    document["splitter"] = {"kind": setup.splitter.kind, **asdict(setup.splitter)}
    if setup.model.objective_parameter not in (None, *setup.model.params):
        document["objective"] = _OWN if setup.problem.own is not None else setup.problem.objective
    document["stop_metric"] = _stop_metric_name(plan.competition, plan.experiment) if setup.finds_rounds else None
    document["target_transform"] = _transform_name(plan.competition, plan.experiment)
    if setup.finds_rounds:
        document["rounds"]["refit"] = setup.refits
    document["extra"] = plan.extra.written_out(plan.experiment)
    if setup.refit is not None:
        document["refit"] = {**setup.refit.model_dump(), "seeds": setup.refit.seeds or plan.experiment.seeds}
    else:
        document["refit"] = None
    return document
