"""Whether two frames hold the same values, as every proof by running again asks."""

import polars as pl
import polars.testing

from kagflow.data.table import Frame


def changed_columns(before: Frame, after: Frame) -> list[str]:
    """Return the columns that are not the same in both, floats to within a rounding error."""
    if before.columns != after.columns or before.height != after.height:
        return sorted(set(before.columns) ^ set(after.columns)) or before.columns
    if before.dtypes == after.dtypes and before.equals(after):  # the ordinary case, in one pass over the frame
        return []
    return [name for name in before.columns if not same_values(before[name], after[name])]


def same_values(before: pl.Series, after: pl.Series) -> bool:
    """Say whether two columns hold the same values of the same type, floats to within a rounding error."""
    try:
        polars.testing.assert_series_equal(before, after, rel_tol=1e-9, abs_tol=1e-12)
    except AssertionError:
        return False
    return True
