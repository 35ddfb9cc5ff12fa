"""Any transformer of scikit-learn as a step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.matrix import Medians, numbered, one_thread
from kagflow.features.steps import FoldStep

_SEED = 20_011


@dataclass(frozen=True, eq=False)
class SklearnStep(FoldStep):
    """A transformer of scikit-learn, fitted on the training rows, as ``<name>__0``, ``<name>__1`` ... (Float64).

    Nulls become the median of the training rows first (0 where they hold nothing). The transformer is cloned, so that
    the one that is given never learns anything; where it draws random numbers and no seed was given, the seed is
    fixed. It runs on one thread, so that the result does not depend on their number.

    Parameters
    ----------
    transformer
        Any transformer (also a pipeline) that needs no target.
    columns
        Columns of numbers.
    name
        What the new columns are called.

    Raises
    ------
    FeatureError
        The transformer cannot transform new rows, or learns from the target; a column is missing, holds something
        else, or holds infinite numbers.

    Examples
    --------
    >>> from sklearn.preprocessing import SplineTransformer
    >>> step = SklearnStep(SplineTransformer(n_knots=4), ["area"], name="area_spline")
    """

    transformer: Any
    columns: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        _check_transformer(self, self.transformer)

    def fit(self, x: Frame) -> "FittedSklearnStep":
        """Fit a clone of the transformer."""
        from sklearn.base import clone

        medians = Medians.of(self, x, self.columns)
        transformer = clone(self.transformer)
        transformer.set_params(**dict.fromkeys(_open_seeds(transformer), _SEED))
        with one_thread():
            transformer.fit(medians.matrix(self, x))
            width = _dense(transformer.transform(medians.matrix(self, x.head(1)))).shape[1]
        return FittedSklearnStep(self, medians, transformer, width)


@dataclass(frozen=True)
class FittedSklearnStep:
    """The medians and the fitted transformer, which makes ``width`` columns."""

    step: SklearnStep
    medians: Medians
    transformer: Any = field(repr=False)
    width: int

    def transform(self, x: Frame) -> Frame:
        """Return the transformer's columns."""
        matrix = self.medians.matrix(self.step, x)
        if x.is_empty():  # which scikit-learn refuses
            return numbered(self.step.name, matrix, self.width)
        with one_thread():
            made = _dense(self.transformer.transform(matrix))
        return numbered(self.step.name, made, self.width)

    def tables(self) -> Mapping[str, Frame]:
        """Return the medians, and each array of numbers that the transformer learned (rows x columns)."""
        return {"medians": self.medians.usual} | dict(_learned_arrays(self.transformer))


def _check_transformer(step: object, transformer: Any) -> None:
    from sklearn.utils import get_tags

    hint = ""
    if isinstance(transformer, type) or not hasattr(transformer, "get_params"):
        hint = "write it with brackets, as in StandardScaler()"
    elif not hasattr(transformer, "fit") or not hasattr(transformer, "transform"):
        hint = "it needs fit(x) and transform(x), to make columns of rows that it has not seen"
    elif get_tags(transformer).target_tags.required:
        hint = "it learns from the target, so it must be cross-fitted: write a TargetStep around it"
    if hint:
        raise FeatureError(f"cannot use {transformer!r} as a transformer", hint=hint, where=type(step).__name__)


def _open_seeds(transformer: Any) -> list[str]:
    """Return the parameters, nested ones too, that would be drawn anew in each fit."""
    parameters = transformer.get_params().items()
    return [name for name, value in parameters if name.split("__")[-1] == "random_state" and value is None]


def _dense(made: Any) -> NDArray[np.float64]:
    """Return (n, width) numbers of what a transformer made: an array, a frame, or a sparse matrix."""
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _learned_arrays(transformer: Any) -> Iterator[tuple[str, Frame]]:
    """Yield name and content of each array of numbers that a transformer, or a pipeline's parts, learned."""
    from sklearn.pipeline import Pipeline

    if isinstance(transformer, Pipeline):
        for _, part in transformer.steps:
            yield from _learned_arrays(part)
        return
    for name, value in vars(transformer).items():
        learned = name.endswith("_") and not name.startswith("_") and name != "labels_"  # which are those of the rows
        if learned and isinstance(value, np.ndarray) and value.ndim in (1, 2) and value.dtype.kind in "biuf":
            table = value.reshape(len(value), -1)
            schema = [str(i) for i in range(table.shape[1])]
            yield f"{type(transformer).__name__}_{name.rstrip('_')}", pl.DataFrame(table, schema=schema)
