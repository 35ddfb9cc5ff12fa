"""What a run comes to: OOF and test predictions, scores with their noise, importance, the submission."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data.table import targets_array
from kagflow.runs.directory import RunFolder, mean_by_target, predictions_frame, write_json
from kagflow.runs.plan import Plan
from kagflow.runs.record import PROCESSED
from kagflow.runs.scores import Known, fold_numbers, known_frame, score_or_none, score_repeats
from kagflow.runs.submission import SUBMISSION, submission_of
from kagflow.training import Task
from kagflow.training.postprocess import FittedPost, PostProcessed, post_process

Predictions = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Repeat:
    """OOF predictions of one repeat of the folds.

    Attributes
    ----------
    number
        Which repeat, from 0.
    rows
        (n,) ascending positions of the rows that it scores.
    folds
        (n,) number of the fold that scored each of them.
    predictions
        (n,), (n, k) or (n, targets) predictions of the models, the mean over seeds.
    processed
        The same after post-processing, without which it is ``None``.
    """

    number: int
    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    predictions: Predictions
    processed: PostProcessed | None

    @property
    def scored(self) -> NDArray[Any]:
        """What the metric sees; processed by what was fitted on the other folds."""
        return self.predictions if self.processed is None else self.processed.crossfitted


def write_results(plan: Plan, folder: RunFolder) -> tuple[dict[str, Any], FittedPost | None]:
    """Write predictions, scores, importance and the submission of a run whose tasks are all done.

    Returns
    -------
    dict
        The scores.
    FittedPost or None
        What test predictions go through before they are submitted.
    """
    repeats = gather_repeats(plan, folder)
    scores = scores_of(plan, repeats)
    if plan.experiment.seeds > 1:
        scores["seeds_alone"] = _scores_of_seeds(plan, folder)
    pl.concat(_oof_frame(plan, repeat) for repeat in repeats).write_parquet(folder.path / "oof.parquet")
    targets = plan.competition.facts.several_targets
    test = [task for task in plan.tasks if (plan.setup.refit is not None) == (task.fold is None)]
    predictions = [folder.test(task) for task in test]
    mean = mean_by_target(predictions, [task.target for task in test])
    columns = [predictions_frame(mean, targets=targets)] + [
        predictions_frame(prediction, folder.name_of(task)) for task, prediction in zip(test, predictions, strict=True)
    ]
    pl.concat([pl.DataFrame({"id": plan.data.test.ids}), *columns], how="horizontal").write_parquet(
        folder.path / "test.parquet"
    )
    _importance_by_target(plan, folder).write_parquet(folder.path / "importance.parquet")
    post = _fitted_post(plan, repeats)
    final = mean if post is None else post.apply(mean)
    submission_of(plan.data, plan.competition, final).write_csv(folder.path / SUBMISSION)
    write_json(folder.path / "scores.json", scores)
    return scores, post


class Predicted(Protocol):
    """Where the predictions of a plan's tasks are found."""

    def oof(self, task: Task) -> tuple[NDArray[np.int64], Predictions]:
        """Return the rows of a task's fold, and what was predicted for them."""


def gather_repeats(plan: Plan, predicted: Predicted) -> list[Repeat]:
    """Return the OOF predictions of all tasks, repeat by repeat, post-processed as the experiment says."""
    fitted = {task.fold for task in plan.tasks}
    numbers = sorted({fold.repeat for fold in plan.setup.folds if fold.number in fitted})
    return [_repeat(plan, predicted, number) for number in numbers]


def whole_score(plan: Plan, repeats: Sequence[Repeat]) -> float:
    """Return the score over each repeat's whole OOF, averaged: `cv` without its noise.

    Raises
    ------
    KagflowError
        The metric has no score for these predictions.
    """
    metric = plan.competition.metric
    scores = []
    for repeat in repeats:
        y, weight = _known(plan, repeat.rows)
        scores.append(metric.score(y, repeat.scored, weight, _further(plan, repeat.rows)))
    return float(np.mean(scores))


def _scores_of_seeds(plan: Plan, predicted: "Predicted") -> list[float]:
    """Return the score of each seed by itself, beside which that of their mean shows what averaging bought."""
    alone = []
    for seed in sorted({task.seed for task in plan.tasks}):
        one = replace(plan, tasks=tuple(task for task in plan.tasks if task.seed == seed))
        alone.append(whole_score(one, gather_repeats(one, predicted)))
    return alone


def fold_score(plan: Plan, rows: NDArray[np.int64], prediction: Predictions) -> float | None:
    """Return the score of one fold's rows, not post-processed; ``None`` where they have none."""
    y, weight = _known(plan, rows)
    return score_or_none(plan.competition.metric, y, prediction, weight, _further(plan, rows))


def known_of(plan: Plan, rows: NDArray[np.int64]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the target codes of rows, and what else their scores and the noise of these hang on, by its name.

    These are ``weight``, ``units`` and ``further``, as ``kagflow.stats`` takes them.
    """
    _, units = plan.setup.splitter.units(plan.data.train)
    codes = None if units is None else np.unique(units[rows], return_inverse=True)[1]
    y, weight = _known(plan, rows)
    return y, {"weight": weight, "units": codes, "further": _further(plan, rows)}


def _repeat(plan: Plan, predicted: Predicted, number: int) -> Repeat:
    """Gather what the tasks of a repeat predicted, and post-process it."""
    rows, predictions = [], []
    for fold in plan.setup.folds:
        tasks = [task for task in plan.tasks if task.fold == fold.number]
        if tasks and fold.repeat == number:
            made = [predicted.oof(task) for task in tasks]
            rows.append(made[0][0])
            predictions.append(mean_by_target([oof for _, oof in made], [task.target for task in tasks]))
    order = np.argsort(np.concatenate(rows))
    positions, oof = np.concatenate(rows)[order], np.concatenate(predictions)[order]
    folds = fold_numbers(plan.setup.folds, number)[positions]
    processed = None
    if plan.post is not None:
        processed = post_process(plan.post, folds, oof, *_known(plan, positions))
    return Repeat(number, positions, folds, oof, processed)


def _further(plan: Plan, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]] | None:
    """Return what else the metric looks at, by column; ``None`` for nothing."""
    further = plan.data.train.further
    return None if further is None else {name: further[name][rows].to_numpy() for name in further.columns}


def _known(plan: Plan, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the target codes (of several targets a column each) and the weights of rows."""
    table = plan.data.train
    return targets_array(plan.data.targets)[rows], None if table.weight is None else table.weight.to_numpy()[rows]


def _fitted_post(plan: Plan, repeats: Sequence[Repeat]) -> FittedPost | None:
    """Return the post-processing fitted on the OOF of all repeats, for test rows."""
    if plan.post is None:
        return None
    y, weight = _known(plan, np.concatenate([repeat.rows for repeat in repeats]))
    return plan.post.fit(y, np.concatenate([repeat.predictions for repeat in repeats]), weight)


def _oof_frame(plan: Plan, repeat: Repeat) -> pl.DataFrame:
    targets = plan.competition.facts.several_targets
    _, units = plan.setup.splitter.units(plan.data.train)
    known = known_frame(
        plan.data.train, plan.data.targets, repeat.rows, repeat.folds, repeat.number, units, several=bool(targets)
    )
    made = [predictions_frame(repeat.predictions, targets=targets)]
    if repeat.processed is not None:
        made.append(predictions_frame(repeat.scored, PROCESSED, targets))
    return pl.concat([known, *made], how="horizontal")


def scores_of(plan: Plan, repeats: Sequence[Repeat]) -> dict[str, Any]:
    """Return scores with their noise: over each repeat's whole OOF, averaged, and of each fold."""
    unit, _ = plan.setup.splitter.units(plan.data.train)
    scores = score_repeats(
        plan.competition.metric,
        [(_known_of_repeat(plan, repeat), repeat.scored) for repeat in repeats],
        as_fitted=[repeat.processed.as_fitted for repeat in repeats if repeat.processed is not None],
        unit=unit,
        targets=plan.competition.facts.targets,
    )
    return {
        **scores,
        "rows": plan.data.train.height,
        "rows_scored": len(repeats[0].rows),
        "seeds": plan.experiment.seeds,
        "repeats": len(repeats),
    }


def _known_of_repeat(plan: Plan, repeat: Repeat) -> Known:
    y, noise = known_of(plan, repeat.rows)
    return Known(y, repeat.folds, **noise)


def _importance_by_target(plan: Plan, folder: RunFolder) -> pl.DataFrame:
    """Return the mean importance over all fits; where there are several targets, also over those of each."""
    whole = _importance([folder.importance(task) for task in plan.tasks])
    for k, name in enumerate(plan.competition.facts.several_targets):
        own = _importance([folder.importance(task) for task in plan.tasks if task.target == k])
        own = own.rename({column: f"{column}__{name}" for column in own.columns if column != "feature"})
        whole = whole.join(own, on="feature", how="left", maintain_order="left")
    return whole.fill_null(0) if plan.competition.facts.several_targets else whole


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
