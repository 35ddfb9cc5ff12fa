"""What a run keeps to predict other rows later, beside its models and what their steps learned."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cloudpickle
import polars as pl

from kagflow.data import Dataset
from kagflow.errors import DataError
from kagflow.features.pool import Pool
from kagflow.features.replay import LearnedPool
from kagflow.training.postprocess import FittedPost

RECIPE = "recipe.pkl"


@dataclass(frozen=True)
class Recipe:
    """How raw rows become the pool's.

    Attributes
    ----------
    raw
        Names and types of the columns as they were read.
    ids
        Type of the ids.
    classes
        Labels in class order; empty for regression.
    pool
        Types and pooled steps.
    post
        What predictions go through before they are submitted.
    given
        Names and types of the columns of every frame that `tables.py` was given; empty without it.
    """

    raw: Mapping[str, pl.DataType]
    ids: pl.DataType
    classes: tuple[str, ...]
    pool: LearnedPool
    post: FittedPost | None
    given: Mapping[str, Mapping[str, pl.DataType]] | None = None  # runs of before have none

    @classmethod
    def of(cls, data: Dataset, pool: Pool, post: FittedPost | None) -> Self:
        """Return the recipe of a run."""
        types = dict(data.test.x.schema)
        return cls(types, data.test.ids.dtype, data.classes, LearnedPool.of(pool), post, data.given)


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe of a run."""
    (folder / RECIPE).write_bytes(cloudpickle.dumps(recipe))


def read_recipe(folder: Path) -> Recipe:
    """Return the recipe of a run; the competition's module must have been loaded, for steps may be its own.

    Raises
    ------
    DataError
        It is not there, or was written by other versions.
    """
    recipe: Recipe = read_pickle(folder / RECIPE)
    return recipe


def read_pickle(path: Path) -> Any:
    """Return what was pickled. A pickle runs code: read only runs of your own.

    Raises
    ------
    DataError
        It is not there, or other versions wrote it.
    """
    try:
        return pickle.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError("the run holds nothing to predict with", hint="run its config again", where=str(path)) from None
    except Exception as error:  # whatever a class of another version raises
        raise DataError(
            f"cannot be read: {error}", hint="use the versions that wrote it: they stand in run.json", where=str(path)
        ) from error
