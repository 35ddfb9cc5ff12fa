"""Predicting new test rows with the models of a run: offline, in any process, without the training data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition, open_folder
from kagflow.config import Experiment, read_experiment
from kagflow.data import Frame, read_new_rows
from kagflow.features import FeatureSet
from kagflow.features.replay import LearnedFeatures
from kagflow.models.registry import load_model
from kagflow.runs.directory import STEPS, mean_by_target, predictions_frame, target_of
from kagflow.runs.recipe import Recipe, read_pickle, read_recipe
from kagflow.runs.record import Run
from kagflow.runs.submission import make_submission
from kagflow.training.fold import predict_rows


@dataclass(frozen=True)
class KeptModels:
    """The models of a run, and what their features are made with.

    Attributes
    ----------
    run
        Whose.
    competition, experiment
        As they were then.
    recipe
        How raw rows become the pool's.
    """

    run: Run
    competition: Competition
    experiment: Experiment
    recipe: Recipe

    @classmethod
    def of(cls, run: Run) -> Self:
        """Open what a run keeps; a pickle is read, which runs code: use runs of your own.

        Raises
        ------
        KagflowError
            It keeps no models, as ensembles and imported runs, or cannot be read.
        """
        recipe = read_recipe(run.path)
        competition = open_folder(run.path, run.facts["competition"], run.path.parents[2])
        return cls(run, competition, read_experiment(run.path / "experiment.yaml"), recipe)

    @property
    def tasks(self) -> list[str]:
        """Names of the fits, as their folders have them."""
        return list(self.run.facts["task_seconds"])

    def pooled(self, x: Frame) -> Frame:
        """Return raw rows as steps see them."""
        return self.recipe.pool.apply(self._features, x)

    def frame(self, task: str, pooled: Frame) -> Frame:
        """Return the columns that a fit's model gets, for rows of the pool."""
        return self._learned(task)[0].apply(self._features, pooled)

    def predictor(self, task: str) -> Callable[[Frame], NDArray[np.float64]]:
        """Return what makes predictions on the original scale of a fit's columns."""
        model = load_model(self.run.facts["kind"], self.run.path / "folds" / task / "model")
        return partial(predict_rows, model, self._learned(task)[1])

    @property
    def _features(self) -> FeatureSet:
        return self.competition.feature_set(self.experiment.features)

    def _learned(self, task: str) -> tuple[LearnedFeatures, Any]:
        """Return what the steps of a task learned, and the scale of its model."""
        learned, scale = read_pickle(self.run.path / "folds" / task / STEPS)
        return learned, scale


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
    models = KeptModels.of(run)
    competition, recipe = models.competition, models.recipe
    rows = read_new_rows(folder, competition.facts, recipe.raw, recipe.ids, competition.additions, recipe.given)
    x = models.pooled(rows.x)
    by_task = {}
    for name in _tasks_that_predict(run, refit=models.experiment.refit is not None):
        by_task[name] = models.predictor(name)(models.frame(name, x))
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
