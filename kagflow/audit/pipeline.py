"""A competition's own pipeline under experiment, run as `cv` runs it."""

import glob
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.audit.subject import Scored, Seen
from kagflow.audit.world import Values, World
from kagflow.codes import CODES, Acceptance
from kagflow.competition import load
from kagflow.config import Experiment, RoundsConfig
from kagflow.data import Frame, Rows, Table, Target
from kagflow.data.table import dense_codes, target_codes
from kagflow.errors import KagflowError
from kagflow.features.crossfit import Built
from kagflow.features.replay import LearnedPool
from kagflow.features.tables import hand_over
from kagflow.models import Batch, FittedModel, Model, Problem, Resources
from kagflow.runs.plan import Plan, choose_transform
from kagflow.training import Setup, Task, TaskResult, run_task
from kagflow.training.shared import SharedFeatures
from kagflow.training.target import FittedTransform, TargetTransform

MOST_ROUNDS = 50


class PipelineSubject:
    """All that a plan comes to, in any world.

    The folds, the vocabulary and what pooled steps learned are those of the real world. The competition's modules are
    loaded anew for each world, so that nothing that one of them keeps to itself is carried over from world to world;
    and the first fold comes before any other, so that what is carried from fold to fold is seen.

    Parameters
    ----------
    plan
        Of the run; its rounds should be few, for a leak does not need many.
    target
        Which of several targets, by number.
    """

    def __init__(self, plan: Plan, target: int = 0) -> None:
        setup = plan.setups[target]
        assert setup.table.y is not None
        self._plan, self._base, self._learned = plan, setup, LearnedPool.of(setup.pool)
        self._metric = plan.competition.metric.of_column or plan.competition.metric
        self.folds: Sequence[Scored] = [Scored(fold.number, fold.train, fold.valid) for fold in setup.folds]
        self.y: Values = target_codes(setup.table.y)
        self.classes = len(plan.data.classes)
        self.test_rows = plan.data.test.height
        # Forward in time a group may well have a past; else a group that is named is kept whole.
        whole = setup.table.groups is not None and not setup.folds.forward
        self.groups: Rows | None = dense_codes(setup.table.groups) if whole and setup.table.groups is not None else None
        self.time = setup.table.time if setup.folds.forward or plan.competition.facts.forecast else None

    def run(
        self, world: World, fit: Collection[int], look: Collection[int] = (), drop: Sequence[str] = ()
    ) -> dict[int, Seen]:
        """Return what is seen of some folds; ``drop`` names columns that the model does not get."""
        setup = self._setup(world, drop)
        wanted = {*fit, *look}
        first = self.folds[0].number
        seen = {number: self._run_fold(setup, number, number in fit) for number in sorted(wanted | {first})}
        return {number: seen[number] for number in wanted}

    def _run_fold(self, setup: Setup, number: int, fit: bool) -> Seen:
        recorder = _Recorder()
        watched = _Watched(setup.transform)
        model = setup.model if fit else _silent(setup.model)
        own = replace(setup, shared=recorder, transform=watched, model=model)
        result = run_task(own, Task(number, self._plan.experiment.seed))
        seen = _seen(result if fit else None, recorder.built)
        features = setup.pool.features
        return replace(
            seen,
            keep=features.keep,
            select=features.select or features.propose,
            scaled=watched.scaled,
            transform=setup.transform,
        )

    def _setup(self, world: World, drop: Sequence[str]) -> Setup:
        """Return the setup in a world, the competition's own code loaded anew."""
        plan = self._plan
        competition = load(plan.competition.name, plan.competition.root)
        experiment = plan.experiment
        # Exactly these columns: a name may hold what is a wildcard in a pattern.
        dropped = (*experiment.drop, *map(glob.escape, drop))
        table = _changed(self._base.table, world.x_from, self._base.pool.hidden)
        assert table.y is not None
        y = table.y[world.y_from]
        table = replace(table, y=y)
        test = _changed(plan.data.test, world.test_from, self._base.pool.hidden)
        features = hand_over(competition.feature_set(experiment.features), plan.data.tables)
        # A guard that stops a run in the real world would only stop an experiment in another one.
        lenient = Acceptance(dict.fromkeys(CODES, "under experiment"))
        x, new = (self._learned.apply(features, each.x) for each in (table, test))
        return replace(
            self._base,
            table=table,
            pool=self._base.pool.with_rows(features, x, y, new),
            transform=choose_transform(competition, experiment),
            acceptance=self._base.acceptance if world.is_unchanged else lenient,
            experiment=experiment.model_copy(update={"drop": dropped}),
            predicts_test=False,
        )

    def carried(self, fold: int, columns: Sequence[str]) -> str:
        """Say what a fold scores with some columns and without them, where the model can do without."""
        if not columns:
            return ""
        try:
            scores = [self._score(fold, drop) for drop in ((), columns)]
        except KagflowError:  # no column is left, or a step needs them
            return ""
        return f"{self._metric.name} of the fold is {scores[0]:.4g} with these columns and {scores[1]:.4g} without"

    def _score(self, fold: int, drop: Sequence[str]) -> float:
        world = World.unchanged(len(self.y), self.test_rows)
        oof = self.run(world, [fold], drop=drop)[fold].oof
        rows, table = self.folds[fold].valid, self._base.table
        assert oof is not None
        weight = None if table.weight is None else table.weight[rows].to_numpy()
        further = None if table.further is None else {c.name: c[rows].to_numpy() for c in table.further}
        return self._metric.score(self.y[rows], oof, weight, further)


def _changed(table: Table, x_from: Rows, hidden: Sequence[str]) -> Table:
    """Return a table whose rows have other rows' features; ids, groups and times stay their own."""
    own = [table.x[name] for name in hidden if name in table.x.columns]
    return replace(table, x=table.x[x_from].with_columns(own))


class _Recorder(SharedFeatures):
    """Keeps all features that a task builds."""

    def __init__(self) -> None:
        super().__init__()
        self.built: list[Built] = []

    def get(self, fold: int | None, rows: Rows, make: Callable[[], Built]) -> Built:
        self.built.append(super().get(fold, rows, make))
        return self.built[-1]


def _seen(result: TaskResult | None, built: Sequence[Built]) -> Seen:
    """Return all frames of a fold: first those beside stop rows, where there are any."""
    frames: dict[str, Frame] = {}
    rows: dict[str, Rows] = {}
    for each in reversed(built):  # the last one is what is scored; it goes by the plain names
        beside = " beside stop rows" if frames else ""
        frames[f"train{beside}"], rows[f"train{beside}"] = each.x, each.rows
        frames |= {f"{name}{beside if name != 'stop' else ''}": frame for name, frame in each.frames.items()}
    return Seen(None if result is None else result.oof, frames, rows, built[-1].made_by)


@dataclass(frozen=True)
class _Watched(TargetTransform):
    """A target transform of which is kept what it made of what."""

    inner: TargetTransform
    scaled: list[tuple[Values, Values]] = field(default_factory=list)

    def fit(self, x: Frame, y: Target) -> "_WatchedScale":
        return _WatchedScale(self.inner.fit(x, y), self.scaled)


@dataclass(frozen=True)
class _WatchedScale:
    inner: FittedTransform
    scaled: list[tuple[Values, Values]]

    def forward(self, x: Frame, y: Target) -> Target:
        made = self.inner.forward(x, y)
        self.scaled.append((y.to_physical().to_numpy(), made.to_physical().to_numpy()))
        return made

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        made = self.inner.back(x, prediction)
        self.scaled.append((prediction, made))
        return made


@dataclass
class _Nothing:
    """What the silent model learned."""

    width: int
    rounds: int | None = 1

    def predict(self, x: Frame) -> NDArray[np.float64]:
        return np.full(x.height if self.width == 1 else (x.height, self.width), 0.5)

    def importance(self) -> Frame:
        return pl.DataFrame({"feature": []}, schema={"feature": pl.String})

    def save(self, path: object) -> None:
        raise NotImplementedError("nobody keeps it")


class _Silent(Model):
    """Stands in for the model where only the frames are looked at."""

    kind = "silent"
    uses_rounds = True
    owned: Mapping[str, str] = {}  # type: ignore[misc]

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> FittedModel:
        return _Nothing(len(problem.classes) if problem.task == "multiclass" else 1)


def _silent(model: Model) -> Model:
    """Return the silent model for which the same features are built in the same order as for a model."""
    return _Silent({}, model.rounds if model.uses_rounds else 1)


def with_few_rounds(experiment: Experiment) -> Experiment:
    """Return an experiment whose models boost a few rounds at most, each with one seed, on the CPU.

    Predictions are compared to the bit, and some libraries do not repeat themselves on a GPU.
    """
    rounds = experiment.rounds
    few: int | RoundsConfig
    if isinstance(rounds, RoundsConfig):
        few = rounds.model_copy(update={"limit": min(rounds.limit, MOST_ROUNDS)})
    else:
        few = min(rounds, MOST_ROUNDS)
    return experiment.model_copy(update={"rounds": few, "seeds": 1, "device": "cpu"})
