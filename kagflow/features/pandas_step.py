"""Row functions for those who think in pandas."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.steps import RowStep

if TYPE_CHECKING:
    import pandas as pd


def pandas_step(function: "Callable[[pd.DataFrame], pd.DataFrame]") -> RowStep:
    """Return a row function that is written in pandas; also of use as a decorator.

    Whole numbers and booleans come as pandas' nullable types (``Int64``, ``boolean``), whether or not a value is
    missing, so that the types of the result do not depend on which rows are there. Missing text and floats are NaN.
    A column that keeps its pandas type gets back the type that it had.

    Parameters
    ----------
    function
        Takes a data frame and returns one with the same rows in the same order, under the same index.

    Raises
    ------
    FeatureError
        When it runs: the function returned something else, or dropped, added or re-ordered rows.
    """

    @wraps(function)
    def row_step(x: Frame) -> Frame:
        given = x.to_pandas(types_mapper=_nullable_types().get)
        index, dtypes = given.index, given.dtypes.to_dict()  # kept apart: the function may change its frame in place
        result = function(given)
        _check_rows(function, result, index)
        made = pl.from_pandas(result).with_columns(pl.selectors.float().fill_nan(None))
        kept = [name for name in made.columns if name in dtypes and dtypes[name] == result[name].dtype]
        types = x.schema
        return made.cast({name: types[name] for name in kept}).cast({pl.Categorical: pl.String})

    return row_step


def _nullable_types() -> dict[object, object]:
    """Return pandas' nullable type for every Arrow type that would else turn to floats or objects with nulls."""
    import pyarrow as pa
    from pandas.api.types import pandas_dtype

    whole_numbers = [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
    return {pa.type_for_alias(name.lower()): pandas_dtype(name) for name in (*whole_numbers, "boolean")}


def _check_rows(function: object, result: object, index: "pd.Index[int]") -> None:
    import pandas as pd

    problem = hint = ""
    if not isinstance(result, pd.DataFrame):
        problem, hint = f"returned {type(result).__name__}, expected a pandas DataFrame", "return the data frame"
    elif len(result) != len(index):
        problem = f"was given {len(index)} rows and returned {len(result)}"
        hint = "a row function keeps all rows; to leave training rows out use FeatureSet(keep=...)"
    elif not result.index.equals(index):
        problem = "re-ordered its rows or gave them another index"
        hint = "keep the rows in order, under the index they came with"
    if problem:
        raise FeatureError(problem, hint=hint, where=where_is(function))
