"""Running row functions: one row at a time, checked and proved."""

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import blaming, where_is
from kagflow.features.proof import prove_row_wise
from kagflow.features.steps import RowStep


def run_row_function(function: RowStep, x: Frame, *, prove: bool = True) -> Frame:
    """Return a row function's frame, having checked that it kept the rows and looked at no others.

    Raises
    ------
    FeatureError
        It raised, returned something else than a frame, dropped or added rows, or is not row-wise.
    """
    with blaming(function):
        result = function(x)
    if not isinstance(result, pl.DataFrame):
        raise FeatureError(
            f"returned {type(result).__name__}, expected a polars DataFrame",
            hint="return x.with_columns(...); wrap a pandas function in pandas_step",
            where=where_is(function),
        )
    if result.height != x.height:
        raise FeatureError(
            f"was given {x.height} rows and returned {result.height}",
            hint="a row function keeps all rows; to leave training rows out use FeatureSet(keep=...)",
            where=where_is(function),
        )
    if prove:
        prove_row_wise(function, function, x, result)
    return result
