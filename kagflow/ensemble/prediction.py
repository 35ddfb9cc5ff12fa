"""Predicting new test rows with an ensemble: with the saved models of its members, and the saved blend."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import open_folder
from kagflow.data import Frame
from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.ensemble.methods import FittedBlend
from kagflow.errors import ConfigError
from kagflow.runs import Run, list_runs, predict
from kagflow.runs.directory import predictions_frame
from kagflow.runs.recipe import read_pickle
from kagflow.runs.record import find_run, raw_columns
from kagflow.runs.submission import make_submission
from kagflow.training.postprocess import FittedPost

BLEND = "blend.pkl"


@dataclass(frozen=True)
class SavedBlend:
    """What an ensemble keeps to predict other rows later.

    Attributes
    ----------
    blends
        One a repeat of the folds.
    post
        What the mean of them goes through before it is submitted.
    classes
        Labels in class order; empty for regression.
    as_values
        Whether probabilities of classes on a scale became the expected class before they were blended.
    """

    blends: tuple[FittedBlend, ...]
    post: FittedPost | None
    classes: tuple[str, ...]
    as_values: bool


def save_blend(saved: SavedBlend, folder: Path) -> None:
    """Write it into the folder of an ensemble."""
    (folder / BLEND).write_bytes(cloudpickle.dumps(saved))


def predict_any(run: Run, folder: Path) -> tuple[Frame, Frame]:
    """Predict the test rows of a folder by a run, which may be an ensemble; as ``kagflow.predict`` does.

    Raises
    ------
    KagflowError
        As ``kagflow.predict``; or a member was imported, or is gone, and has no models.
    """
    if run.kind == IMPORTED:
        raise ConfigError("it was imported, and holds no models to predict with", where=run.name)
    if run.kind != ENSEMBLE:
        return predict(run, folder)
    if run.facts["with"]:
        raise ConfigError("it holds a submission file, and that has no models to predict with", where=run.name)
    saved: SavedBlend = read_pickle(run.path / BLEND)
    made = {member.name: predict_any(member, folder) for member in _needed(run)}
    first, sample = next(iter(made.values()))
    members = {name: _values(frame, as_values=saved.as_values) for name, (frame, _) in made.items()}
    blend = np.mean([each.apply(members) for each in saved.blends], axis=0)
    competition = open_folder(run.path, run.facts["competition"], run.path.parents[2])
    targets = competition.facts.several_targets
    frame = pl.concat([first.select("id"), predictions_frame(blend, targets=targets)], how="horizontal")
    final = blend if saved.post is None else saved.post.apply(blend)
    text = sample.with_columns(pl.all().cast(pl.String))  # has the sample's columns, and its order of ids
    return frame, make_submission(
        text, first["id"], saved.classes, final, competition.metric, competition.submission, targets
    )


def _needed(run: Run) -> Iterator[Run]:
    """Yield the members without which the blend cannot be made."""
    known = list_runs(run.path.parent)
    for member in run.facts["members"]:
        if member["weight"] != 0:
            yield find_run(known, member["run"], run.path.parent)


def _values(frame: Frame, *, as_values: bool) -> NDArray[np.float64]:
    columns = raw_columns(frame.columns)
    values = frame.select(columns).to_numpy(order="c")
    if len(columns) == 1:
        return values[:, 0]
    return values @ np.arange(len(columns), dtype=np.float64) if as_values else values
