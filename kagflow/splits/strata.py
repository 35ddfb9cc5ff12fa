"""Strata: what is spread evenly over the folds, classes or bins of the target."""

import numpy as np
import polars as pl

from kagflow.data import Rows, Table, Target
from kagflow.data.table import dense_codes, target_codes
from kagflow.errors import SplitError
from kagflow.splits.splitter import check_at_least


def strata(table: Table, rows: Rows, bins: int) -> Rows:
    """Return (r,) codes of some rows' strata: their classes, or quantile bins of their target.

    Only the target of these rows is looked at, so that stop rows do not hang on what is scored.

    Raises
    ------
    SplitError
        The table has no target.
    """
    if table.y is None:
        raise SplitError("a stratified split needs a target", hint="use `kind: kfold`", where="splitter.kind")
    y = table.y[rows]
    return target_codes(y).astype(np.int64) if isinstance(y.dtype, pl.Enum) else quantile_bins(y, bins)


def quantile_bins(y: Target, bins: int) -> Rows:
    """Return (n,) codes of bins of about as many rows, in ascending order of the target.

    Rows of one value share a bin: the one in which their middle row would lie. Where a value fills several bins, or
    there are fewer values than bins, there are fewer bins.
    """
    values = dense_codes(y)
    counts = np.bincount(values)
    twice_the_middle = 2 * (np.cumsum(counts) - counts) + counts - 1  # of each value's rows, counted from 0
    bin_of_value = twice_the_middle * bins // (2 * len(values))
    codes: Rows = np.unique(bin_of_value, return_inverse=True)[1][values]
    return codes


def check_bins(bins: object) -> None:
    """Raise a SplitError unless there are at least two bins."""
    check_at_least("bins", bins, 2)
