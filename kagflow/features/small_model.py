"""A small LightGBM that tells what columns are good for."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.data.table import target_codes

if TYPE_CHECKING:
    import lightgbm

SEED = 20_011
Array = NDArray[np.float64]


def problem_of(y: Target) -> tuple[dict[str, Any], NDArray[np.generic]]:
    """Return LightGBM's parameters for a target, and (n,) numbers or codes of the classes that are there."""
    if not isinstance(y.dtype, pl.Enum):
        return {"objective": "regression"}, target_codes(y)
    present, codes = np.unique(target_codes(y), return_inverse=True)
    if len(present) <= 2:
        return {"objective": "binary"}, codes
    return {"objective": "multiclass", "num_class": len(present)}, codes


def small_model(
    x: Frame, truth: NDArray[np.generic], objective: dict[str, Any], rounds: int, **params: Any
) -> "lightgbm.Booster":
    """Return trees that are the same on any number of threads.

    Parameters
    ----------
    x, truth, objective
        (n, columns) rows, and what ``problem_of`` returns for their target.
    rounds
        Number of trees.
    **params
        LightGBM's own.
    """
    import lightgbm

    categorical = [place for place, dtype in enumerate(x.dtypes) if isinstance(dtype, pl.Enum)]
    settings = {"verbosity": -1, "seed": SEED, "deterministic": True, "force_col_wise": True, **params}
    rows = lightgbm.Dataset(matrix_of(x), truth, categorical_feature=categorical, params=settings)
    return lightgbm.train({**settings, **objective}, rows, num_boost_round=rounds)


def matrix_of(x: Frame) -> Array:
    """Return (n, columns) numbers, codes of categories among them; NaN for null."""
    return x.select(pl.all().to_physical().cast(pl.Float64).fill_null(np.nan)).to_numpy()


def losses_of(predicted: Any, truth: NDArray[np.generic], objective: dict[str, Any]) -> Array:
    """Return (n,) squared errors, or minus the logarithms of the probabilities of the classes that came."""
    predicted = np.asarray(predicted)
    if objective["objective"] == "regression":
        return np.asarray((predicted - truth) ** 2)
    of_class = predicted if predicted.ndim > 1 else np.column_stack([1 - predicted, predicted])
    came = np.take_along_axis(of_class, truth.astype(np.int64)[:, np.newaxis], axis=1)[:, 0]
    return np.asarray(-np.log(np.maximum(came, 1e-15)))
