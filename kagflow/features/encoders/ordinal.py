"""Categories that have an order become its numbers."""

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.encoders.columns import present
from kagflow.features.steps import RowStep


def ordinal(orders: Mapping[str, Sequence[str]]) -> RowStep:
    """Return a row function that numbers categories in a given order.

    It makes ``<column>__ordinal`` (Int16): 0 for the first category, 1 for the second, and so on; null stays null.
    A value that the order lacks is a FeatureError, since a number for it would be a guess.

    Parameters
    ----------
    orders
        All categories of each column, in order; the columns hold text or categories.

    Raises
    ------
    FeatureError
        An order is empty, names a category twice, or is no list of text.

    Examples
    --------
    >>> step = ordinal({"ExterQual": ["Po", "Fa", "TA", "Gd", "Ex"]})
    """
    if not orders:
        raise FeatureError("names no column", hint="give it an order for each column", where="ordinal")
    for column, order in orders.items():
        _check_order(column, order)
    return partial(ordinal_codes, orders={column: tuple(order) for column, order in orders.items()})


def ordinal_codes(x: Frame, orders: Mapping[str, tuple[str, ...]]) -> Frame:
    """Return the frame with the numbers of each column beside it."""
    return x.with_columns(_codes(x, column, order) for column, order in orders.items())


def _codes(x: Frame, column: str, order: tuple[str, ...]) -> pl.Series:
    values = present(ordinal_codes, x, column)
    if not isinstance(values.dtype, pl.String | pl.Enum):
        raise FeatureError(
            f"expected text in {column!r}, found {values.dtype}",
            hint="numbers have an order already; use the column as it is",
            where="ordinal",
        )
    text = values.cast(pl.String)
    codes = text.cast(pl.Enum(order), strict=False).to_physical()
    unknown = text.filter(codes.is_null() & text.is_not_null())
    if unknown.len():
        raise FeatureError(
            f"the order of {column!r} lacks {unknown[0]!r}",
            hint=f"it has {', '.join(order)}; add the value where it belongs",
            where="ordinal",
        )
    return codes.cast(pl.Int16).alias(f"{column}__ordinal")


def _check_order(column: str, order: Sequence[str]) -> None:
    problem = ""
    if isinstance(order, str) or not all(isinstance(category, str) for category in order):
        problem = f"must be a list of text, got {order!r}"
    elif not order:
        problem = "is empty"
    elif len(set(order)) < len(order):
        problem = f"names a category twice: {next(category for category in order if order.count(category) > 1)!r}"
    if problem:
        raise FeatureError(f"the order of {column!r} {problem}", hint="list each category once", where="ordinal")
