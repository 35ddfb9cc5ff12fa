"""The columns that encoders read: named once, present, and of the kind that is wanted."""

from collections.abc import Sequence

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is

_FALSE_TRUE = pl.Enum(["false", "true"])


def fix_names(step: object, field: str) -> None:
    """Make a field of a frozen step a tuple of column names; a list, or one name alone, is as good.

    Raises
    ------
    FeatureError
        It holds no name, a name twice, or something else than names.
    """
    given = getattr(step, field)
    names = (given,) if isinstance(given, str) else given
    where = type(step).__name__  # its columns, which blame would print, are what is wrong
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        has_combination = isinstance(names, tuple | list) and any(isinstance(name, tuple) for name in names)
        hint = "this step takes no combinations: make columns of them in `rows`, by `combine`" * has_combination
        raise FeatureError(f"{field} must be a list of column names, got {given!r}", hint=hint, where=where)
    check_each_once(field, names, where)
    object.__setattr__(step, field, tuple(names))


def check_each_once(field: str, given: Sequence[object], where: str) -> None:
    """Raise a FeatureError unless something is named, and nothing twice."""
    if not given:
        raise FeatureError(f"{field} names no column", hint="name one, or leave the step out", where=where)
    twice = next((each for each in given if given.count(each) > 1), None)
    if twice is not None:
        raise FeatureError(f"{field} names {twice!r} twice", hint="name it once", where=where)


def present(step: object, x: Frame, name: str) -> pl.Series:
    """Return a column.

    Raises
    ------
    FeatureError
        The frame has none of that name.
    """
    try:
        return x[name]  # which of thousands of columns is sooner known than whether
    except pl.exceptions.ColumnNotFoundError:
        raise FeatureError(
            f"there is no column {name!r}", hint=did_you_mean(name, x.columns), where=where_is(step)
        ) from None


def categories(step: object, x: Frame, name: str) -> pl.Series:
    """Return a column of categories as an Enum; a boolean one has the categories ``false`` and ``true``.

    Raises
    ------
    FeatureError
        The column is missing, or holds something else.
    """
    column = present(step, x, name)
    dtype = column.dtype  # asked for once: polars makes it anew from the categories, which may be many
    if dtype == pl.Boolean:
        return column.cast(pl.UInt8).cat.to(_FALSE_TRUE)
    if not isinstance(dtype, pl.Enum):
        raise FeatureError(
            f"expected categories in {name!r}, found {dtype}",
            hint=_how_to_make_categories(dtype),
            where=where_is(step),
        )
    return column


def numbers(
    step: object, x: Frame, name: str, *, hint: str = "use its encoding (a frequency, a target mean), or leave it out"
) -> pl.Series:
    """Return a column of numbers as Float64, with null for NaN; a boolean one holds 0 and 1.

    Raises
    ------
    FeatureError
        The column is missing, or holds something else.
    """
    column = present(step, x, name)
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        kind = "categories" if isinstance(column.dtype, pl.Enum) else column.dtype
        raise FeatureError(f"expected numbers in {name!r}, found {kind}", hint=hint, where=where_is(step))
    return column.cast(pl.Float64).fill_nan(None)


def finite_numbers(step: object, x: Frame, name: str) -> pl.Series:
    """Return a column of numbers of which moments can be taken.

    Raises
    ------
    FeatureError
        The column is missing, holds something else, or holds an infinite number.
    """
    column = numbers(step, x, name)
    if column.is_infinite().any():
        raise FeatureError(
            f"the column {name!r} holds infinite numbers",
            hint="make them null in `rows` (often a division by zero, or the logarithm of zero)",
            where=where_is(step),
        )
    return column


def _how_to_make_categories(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "name it under `categorical:` in competition.yaml, or bin it in `rows`"
    if dtype == pl.String:
        return "id, group and time columns stay text: copy it under another name in `rows`"
    return "make text of it in `rows`"
