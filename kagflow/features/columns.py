"""Which of the columns that steps made models get."""

from fnmatch import fnmatchcase

import polars as pl

from kagflow.data import Frame, Target
from kagflow.errors import FeatureError
from kagflow.features.blame import blaming, where_is
from kagflow.features.pool import Pool


def final_columns(pool: Pool, x: Frame, y: Target, only: tuple[str, ...], drop: tuple[str, ...]) -> list[str]:
    """Return the names of the columns that the model gets."""
    names = [name for name in x.columns if name not in pool.hidden and not _matches(name, drop)]
    names = [name for name in names if not only or _matches(name, only)]
    for name in names:
        dtype = x[name].dtype
        if not (dtype.is_numeric() or dtype == pl.Boolean or isinstance(dtype, pl.Enum)):
            raise FeatureError(
                f"the column {name!r} has type {dtype}, which models cannot take",
                hint="make numbers or categories (pl.Enum) of it in `rows`, or name it under `drop`",
                where=name,
            )
    select = pool.features.select
    if select is not None and names:
        with blaming(select):
            chosen = set(select.fit(x.select(names), y))
        unknown = chosen - set(names)
        if unknown:
            raise FeatureError(f"select returned unknown columns: {sorted(unknown)[0]}", where=where_is(select))
        names = [name for name in names if name in chosen]
    if not names:
        raise FeatureError("no column is left for the model", hint="look at `only`, `drop` and `select`")
    return names


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
