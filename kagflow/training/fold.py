"""One task: the features of a fold, a model on its training rows, and predictions for the others.

The order of events is the whole point. Training rows are taken from the fold; stop rows, where they are needed, are
carved out of *them*; features are built, the model is fitted, and only then are the rows that score predicted. Their
target is not in reach of anything in this file.
"""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.codes import Acceptance, Noted
from kagflow.config import Experiment, RefitConfig, RoundsConfig
from kagflow.data import Frame, Rows, Table, Target
from kagflow.data.table import target_codes
from kagflow.errors import ModelError, SplitError
from kagflow.features.blame import blaming
from kagflow.features.crossfit import TEST, Built, build
from kagflow.features.giveaway import target_among_features
from kagflow.features.pool import Pool
from kagflow.features.replay import LearnedFeatures
from kagflow.metrics import Metric
from kagflow.models import Batch, FittedModel, Model, Problem, Resources
from kagflow.models.objective import StopScore
from kagflow.splits import Folds, Splitter
from kagflow.training.cache import FrameCache
from kagflow.training.shared import SharedFeatures
from kagflow.training.target import FittedTransform, TargetTransform
from kagflow.training.weights import weights_of_classes

Predictions = NDArray[np.float64]
STOP, VALID = "stop", "valid"
_ROWS_FOR_REFIT = 100_000


@dataclass(frozen=True)
class Setup:
    """What all tasks of a run share; of several targets, all tasks of one.

    Attributes
    ----------
    table
        The training rows, of which splitters know ids, groups, time and classes; their target is the one to fit.
    pool
        Their features (and those of test and extra rows), before folds.
    folds, splitter
        Which rows are scored when; and how stop rows are carved.
    model, problem, transform
        What learns, what, and on which scale.
    experiment
        Everything else that was asked for.
    resources
        Of one task.
    acceptance
        Which guards are accepted, and what they let through in this run.
    stop_metric
        What early stopping follows; ``None`` for the library's own loss.
    refit
        The models of all training rows that predict test; ``None`` where those of the folds do.
    shared
        The features of each fold while they are needed.
    cache
        Features of earlier runs; ``None`` to build all of them.
    predicts_test
        Whether tasks predict test rows at all; an experiment, or a trial, only looks at the folds.
    """

    table: Table
    pool: Pool
    folds: Folds
    splitter: Splitter
    model: Model
    problem: Problem
    transform: TargetTransform
    experiment: Experiment
    resources: Resources
    acceptance: Acceptance = field(default_factory=Acceptance, repr=False)
    stop_metric: Metric | None = None
    refit: RefitConfig | None = None
    shared: SharedFeatures = field(default_factory=SharedFeatures, repr=False)
    cache: FrameCache | None = field(default=None, repr=False)
    predicts_test: bool = True

    @property
    def finds_rounds(self) -> bool:
        """Whether rounds are found on stop rows."""
        return self.model.uses_rounds and isinstance(self.model.rounds, RoundsConfig)

    @property
    def refits(self) -> bool:
        """Whether a model is fitted again on all training rows once its rounds are known."""
        rounds = self.model.rounds
        if not isinstance(rounds, RoundsConfig) or not self.model.refits:
            return False
        return rounds.refit if rounds.refit is not None else self.table.height < _ROWS_FOR_REFIT

    def rows_to_learn_from(self, number: int | None) -> int:
        """Return how many rows a fold's models may learn from, extra rows among them; without a fold, those of all."""
        return len(self.training_rows(number)) + self.extra_rows_of(number)

    def training_rows(self, number: int | None) -> Rows:
        """Return the positions of a fold's training rows; without a fold, those of all."""
        return np.arange(self.table.height) if number is None else self.folds.folds[number].train

    def extra_rows_of(self, number: int | None) -> int:
        """Return how many extra rows join a fold's training rows, before stop rows are carved."""
        train = self.training_rows(number)
        fold = None if number is None else self.folds.folds[number]
        pool = self.pool.for_fold(fold)
        if fold is None:
            return len(pool.extra_rows_beside(train, 0))
        return len(pool.extra_rows_beside(train, fold.repeat, fold.valid))

    def for_fold(self, number: int | None) -> "Setup":
        """Return the setup with the extra rows that a fold may see; without a fold, those of fits on all rows."""
        return replace(self, pool=self.pool.for_fold(None if number is None else self.folds.folds[number]))


@dataclass(frozen=True)
class Task:
    """One fit: a fold with a seed, or (without a fold) the refit on all training rows; of which target, by number."""

    fold: int | None
    seed: int
    target: int = 0


@dataclass(frozen=True)
class TaskResult:
    """What came of a task.

    Attributes
    ----------
    task
        Which.
    valid
        (v,) positions of the rows predicted; empty for a refit.
    oof
        (v,) or (v, k) their predictions, on the original scale.
    test
        The same of the test rows; ``None`` where the refit makes them.
    model, learned
        The fitted model, and tables of what the steps learned.
    features, scale
        What the steps learned, and the model's scale, to predict other rows.
    rounds
        Boosting rounds of the model; ``None`` without.
    seconds
        Wall time, features and model.
    accepted
        What guards had let through by then.
    """

    task: Task
    valid: Rows
    oof: Predictions
    test: Predictions | None
    model: FittedModel
    learned: dict[str, Frame]
    features: LearnedFeatures
    scale: FittedTransform
    rounds: int | None
    seconds: float
    accepted: tuple[Noted, ...] = ()


def run_task(setup: Setup, task: Task) -> TaskResult:
    """Fit one task and predict.

    Raises
    ------
    KagflowError
        A step, the model or the transform failed; the error names it.
    """
    started = time.perf_counter()
    setup = setup.for_fold(task.fold)
    fold = None if task.fold is None else setup.folds.folds[task.fold]
    train = setup.training_rows(task.fold)
    valid = {} if fold is None else {VALID: fold.valid}
    test = setup.predicts_test and (setup.refit is not None) == (fold is None)
    model, learner, ready = setup.model, None, None
    if setup.finds_rounds:
        later = {} if setup.refits else valid
        ready = _prepare_to_stop(setup, task, train, later, test=test and not setup.refits)
        learner = _fit(setup, model, ready, task.seed)
        if setup.refits:
            assert learner.rounds is not None
            model, learner = model.with_rounds(max(learner.rounds, 1)), None
    if learner is None or ready is None:
        ready = _prepare(setup, task, train, valid, test=test)
        learner = _fit(setup, model, ready, task.seed)
    built, scale = ready.built, ready.scale
    width = () if setup.problem.task != "multiclass" else (len(setup.problem.classes),)
    return TaskResult(
        task=task,
        valid=fold.valid if fold is not None else np.empty(0, dtype=np.int64),
        oof=predict_rows(learner, scale, built.frames[VALID]) if fold is not None else np.empty((0, *width)),
        test=predict_rows(learner, scale, built.frames[TEST]) if test else None,
        model=learner,
        learned={
            f"{step}.{name}": table
            for step, fitted_step in built.learned.items()
            for name, table in fitted_step.tables().items()
        },
        features=LearnedFeatures.of(setup.pool.features, built),
        scale=scale,
        rounds=learner.rounds,
        seconds=time.perf_counter() - started,
        accepted=setup.acceptance.noted,
    )


@dataclass(frozen=True)
class Prepared:
    """Rows on the model's scale, to be fitted once or again and again.

    Attributes
    ----------
    built
        The features.
    scale
        The model's scale, as it was learned on the training rows.
    train
        The rows to learn from.
    stop
        The rows that tell when to stop; ``None`` where rounds are given.
    """

    built: Built
    scale: FittedTransform
    train: Batch
    stop: Batch | None


def prepare_fold(setup: Setup, task: Task) -> Prepared:
    """Return what fits of a fold need that differ in parameters only: rounds are found on stop rows, without a refit.

    What adapters make of the rows (binned data) is kept with them, for one fit at a time.
    """
    assert task.fold is not None
    setup = setup.for_fold(task.fold)
    fold = setup.folds.folds[task.fold]
    prepare = _prepare_to_stop if setup.finds_rounds else _prepare
    ready = prepare(setup, task, fold.train, {VALID: fold.valid}, test=False)
    stop = None if ready.stop is None else replace(ready.stop, kept={})
    return replace(ready, train=replace(ready.train, kept={}), stop=stop)


def fit_fold(setup: Setup, model: Model, ready: Prepared, seed: int) -> Predictions:
    """Return (v,) or (v, k) predictions of a prepared fold's valid rows by a model of its training rows.

    Raises
    ------
    ModelError
        The model cannot be fitted, or its predictions are not finite.
    """
    return predict_rows(_fit(setup, model, ready, seed), ready.scale, ready.built.frames[VALID])


def _carve(setup: Setup, train: Rows, share: float) -> tuple[Rows, Rows]:
    """Return the rows to fit on, and the stop rows carved out of the training rows."""
    stop = setup.splitter.carve(setup.table, train, share, setup.experiment.seed)
    rest = np.setdiff1d(train, stop)
    if len(stop) == 0 or len(rest) == 0 or len(rest) + len(stop) != len(train):
        raise SplitError(
            f"carved {len(stop)} stop rows that are not a part of the {len(train)} training rows",
            hint="carve must return some of `train`, each once, and never all; rows that are scored do nothing else",
            where=type(setup.splitter).__name__,
        )
    return rest, stop


def _features(setup: Setup, task: Task, train: Rows, apply: dict[str, Rows], *, test: bool) -> Built:
    """Return the features of a fit.

    They are shared between the seeds of a fold (and its targets, where no step sees one), and with other runs where
    they are kept.
    """
    experiment, prove = setup.experiment, task.fold in (0, None)
    asked: dict[str, Any] = {
        "train": train,
        "apply": apply,
        "scored": None if task.fold is None else setup.folds.folds[task.fold].valid,
        "test": test,
        "repeat": 0 if task.fold is None else setup.folds.folds[task.fold].repeat,
        "only": experiment.only,
        "drop": experiment.drop,
        "prove": prove,
    }
    make = partial(build, setup.pool, **asked)
    if setup.cache is not None:
        make = partial(setup.cache.get_or_build, asked, make)
    built = setup.shared.get(task.fold, train, make)
    built = replace(built, y=setup.pool.y[built.rows])
    if prove and task.seed == experiment.seed:
        for error in target_among_features(setup.pool, setup.table.x, built):
            setup.acceptance.stop(error)
    return built


def _prepare_to_stop(setup: Setup, task: Task, train: Rows, apply: dict[str, Rows], *, test: bool) -> Prepared:
    """Carve stop rows out of the training rows, and prepare the rest with them."""
    assert isinstance(setup.model.rounds, RoundsConfig)
    rows, stop = _carve(setup, train, setup.model.rounds.stop)
    ready = _prepare(setup, task, rows, {STOP: stop, **apply}, test=test)
    by_class = _by_class(setup, ready.built.y)
    batch = _batch(setup, ready.scale, ready.built.frames[STOP], setup.pool.y[stop], stop, by_class)
    if setup.stop_metric is not None:
        batch = replace(batch, score=_stop_score(setup, setup.stop_metric, ready.scale, batch, stop))
    return replace(ready, stop=batch)


def _prepare(setup: Setup, task: Task, train: Rows, apply: dict[str, Rows], *, test: bool) -> Prepared:
    built = _features(setup, task, train, apply, test=test)
    scale = setup.transform.fit(built.x, built.y)
    by_class = _by_class(setup, built.y)
    return Prepared(built, scale, _batch(setup, scale, built.x, built.y, built.rows, by_class), None)


def _fit(setup: Setup, model: Model, ready: Prepared, seed: int) -> FittedModel:
    return model.fit(ready.train, ready.stop, problem=setup.problem, resources=setup.resources, seed=seed)


def _by_class(setup: Setup, y: Target) -> NDArray[np.float64] | None:
    """Return (k,) the weight of each class, as the training rows have it; ``None`` where all weigh the same."""
    asked = setup.experiment.class_weights
    return None if asked is None else weights_of_classes(asked, setup.problem.classes, y)


def _batch(
    setup: Setup, scale: FittedTransform, x: Frame, y: Target, rows: Rows, by_class: NDArray[np.float64] | None
) -> Batch:
    weight = _weight(setup, rows)
    if by_class is not None:
        weight = by_class[target_codes(y)] * (1.0 if weight is None else weight)
    return Batch(x, scale.forward(x, y), weight)


def _weight(setup: Setup, rows: Rows) -> NDArray[np.float64] | None:
    weight = setup.pool.weight
    return None if weight is None else weight[rows].to_numpy()


def _stop_score(setup: Setup, metric: Metric, scale: FittedTransform, batch: Batch, stop: Rows) -> StopScore:
    """Return the stop metric as a function of predictions: of the stop rows only, on the original scale."""
    y = target_codes(setup.pool.y[stop])
    known, weights = setup.table.further, setup.table.weight  # class weights, and those of extra rows, are for fits
    weight = None if weights is None else weights[stop].to_numpy()
    further = None if known is None else {name: known[name][stop].to_numpy() for name in known.columns}

    def score(prediction: Predictions) -> float:
        with blaming(metric.function):
            return metric.score(y, scale.back(batch.x, prediction), weight, further)

    return StopScore(metric.name, metric.direction == "maximize", score)


def predict_rows(model: FittedModel, scale: FittedTransform, x: Frame) -> Predictions:
    """Return (n,) or (n, k) predictions on the original scale.

    Raises
    ------
    ModelError
        Some are not finite.
    """
    prediction = scale.back(x, model.predict(x))
    if not np.isfinite(prediction).all():
        raise ModelError(
            f"{np.count_nonzero(~np.isfinite(prediction))} of {prediction.size} predictions are not finite",
            hint="the model extrapolated wildly: look for extreme feature values, or regularise it",
        )
    return prediction
