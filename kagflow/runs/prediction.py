"""Predicting new test rows with the models of a run: offline, in any process, without the training data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from kagflow.competition import open_folder
from kagflow.config import read_experiment
from kagflow.data import Frame, read_new_rows
from kagflow.features.replay import LearnedFeatures
from kagflow.models.registry import load_model
from kagflow.runs.directory import STEPS, mean_by_target, predictions_frame, target_of
from kagflow.runs.recipe import read_pickle, read_recipe
from kagflow.runs.record import Run
from kagflow.runs.submission import make_submission
from kagflow.training.fold import predict_rows


def predict(run: Run, folder: Path) -> tuple[Frame, Frame]:
    """Predict the test rows of a folder.

    Parameters
    ----------
    run
        Whose models; a pickle of what its steps learned is read, which runs code: use runs of your own.
    folder
        Holds test and sample submission, named as in `competition.yaml`; and the declared tables for the ids of test,
        where `tables.py` assembles rows from them.

    Returns
    -------
    Frame
        As ``test.parquet``: id, the mean prediction (of each target), and one prediction a task.
    Frame
        The submission, in the sample's form.

    Raises
    ------
    KagflowError
        A file or column is missing, a value does not fit its column, or the run cannot be read.
    """
    competition = open_folder(run.path, run.facts["competition"], run.path.parents[2])
    experiment = read_experiment(run.path / "experiment.yaml")
    recipe = read_recipe(run.path)
    rows = read_new_rows(folder, competition.facts, recipe.raw, recipe.ids, competition.additions, recipe.given)
    features = competition.feature_set(experiment.features)
    x = recipe.pool.apply(features, rows.x)
    by_task = {}
    for name in _tasks_that_predict(run, refit=experiment.refit is not None):
        kept = run.path / "folds" / name
        learned, scale = _steps(kept)
        model = load_model(run.facts["kind"], kept / "model")
        by_task[name] = predict_rows(model, scale, learned.apply(features, x))
    targets = competition.facts.several_targets
    mean = mean_by_target(list(by_task.values()), [target_of(name) for name in by_task])
    columns = [
        predictions_frame(mean, targets=targets),
        *(predictions_frame(made, name) for name, made in by_task.items()),
    ]
    frame = pl.concat([rows.ids.alias("id").to_frame(), *columns], how="horizontal")
    final = mean if recipe.post is None else recipe.post.apply(mean)
    return frame, make_submission(
        rows.sample, rows.ids, recipe.classes, final, competition.metric, competition.submission, targets
    )


def _tasks_that_predict(run: Run, *, refit: bool) -> Iterator[str]:
    """Yield the names of the tasks whose models predict test: the refits, or those of the folds."""
    for name in run.facts["task_seconds"]:
        if name.startswith("all-") == refit:
            yield name


def _steps(folder: Path) -> tuple[LearnedFeatures, Any]:
    """Return what the steps of a task learned, and the scale of its model."""
    learned, scale = read_pickle(folder / STEPS)
    return learned, scale
