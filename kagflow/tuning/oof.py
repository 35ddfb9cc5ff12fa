"""What trials predicted, on disk before anybody is told that they are done."""

import os
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.runs.directory import PARTIAL, predictions_array, predictions_frame
from kagflow.runs.results import Predictions
from kagflow.training import Task


class TrialFolder:
    """The OOF predictions of a trial: a file a fold, each all or nothing.

    Parameters
    ----------
    study
        ``runs/<name>/studies/<study>``.
    number
        Of the trial.
    """

    def __init__(self, study: Path, number: int) -> None:
        self.path = study / f"{number:05d}"

    def save(self, fold: int, rows: NDArray[np.int64], predictions: Predictions) -> None:
        """Write what was predicted for the rows of a fold: (n,), (n, k) or (n, targets)."""
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / f"{fold}.parquet"
        partial = path.with_name(f"{path.name}{PARTIAL}.{os.getpid()}")
        predictions_frame(predictions).insert_column(0, pl.Series("row", rows)).write_parquet(partial)
        partial.replace(path)

    def has(self, folds: list[int]) -> bool:
        """Say whether all of these folds are there."""
        return all((self.path / f"{fold}.parquet").is_file() for fold in folds)

    def predictions(self, fold: int) -> tuple[NDArray[np.int64], Predictions]:
        """Return what ``save`` wrote."""
        frame = pl.read_parquet(self.path / f"{fold}.parquet")
        return frame["row"].to_numpy(), predictions_array(frame.drop("row"))


class OneTarget:
    """A trial's predictions, task by task, where there may be several targets."""

    def __init__(self, folder: TrialFolder, several: bool) -> None:
        self._folder, self._several = folder, several

    def oof(self, task: Task) -> tuple[NDArray[np.int64], Predictions]:
        """Return the rows of a task's fold, and what was predicted for them."""
        assert task.fold is not None
        rows, predictions = self._folder.predictions(task.fold)
        return rows, predictions[:, task.target] if self._several else predictions
