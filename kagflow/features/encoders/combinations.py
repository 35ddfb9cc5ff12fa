"""Combinations of categorical columns: a colour and a shape make a coloured shape."""

import itertools
from collections.abc import Iterable, Sequence
from functools import partial

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.encoders.columns import check_each_once, present
from kagflow.features.steps import RowStep

Combination = tuple[str, ...]
"""Names of at least two columns."""

_BETWEEN_NAMES, _BETWEEN_CATEGORIES, _NULL = "_x_", " & ", "null"


class Columns(tuple[str, ...]):
    """The columns that an encoder reads, each once, and the keys that it makes of them.

    As a tuple it holds names only, so that it serves wherever columns are named.

    Attributes
    ----------
    keys
        In the order in which they were written: one name for a column by itself, several for a combination.
    """

    keys: tuple[Combination, ...]

    def __new__(cls, keys: Iterable[Combination]) -> "Columns":
        keys = tuple(keys)
        made = super().__new__(cls, dict.fromkeys(itertools.chain.from_iterable(keys)))
        made.keys = keys
        return made

    @property
    def as_written(self) -> tuple[str | Combination, ...]:
        """Names and combinations."""
        return tuple(key[0] if len(key) == 1 else key for key in self.keys)

    def __eq__(self, other: object) -> bool:
        return self.as_written == (other.as_written if isinstance(other, Columns) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other  # a tuple has one of its own

    def __hash__(self) -> int:
        return hash(self.as_written)

    def __repr__(self) -> str:
        return repr(self.as_written)

    def __getnewargs__(self) -> tuple[tuple[Combination, ...]]:
        return (self.keys,)


def combinations(columns: Sequence[str], size: int = 2) -> tuple[Combination, ...]:
    """Return every combination of some columns, for encoders and for ``combine``.

    Parameters
    ----------
    columns
        Names.
    size
        How many columns make a combination.

    Raises
    ------
    FeatureError
        The size is below two, or there are not as many columns, or a column is named twice.

    Examples
    --------
    >>> combinations(["colour", "shape", "size"])
    (('colour', 'shape'), ('colour', 'size'), ('shape', 'size'))
    """
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns):
        raise FeatureError(f"columns must be a list of column names, got {columns!r}", where="combinations")
    check_each_once("columns", columns, "combinations")
    if not 2 <= size <= len(columns):
        raise FeatureError(f"there are no combinations of {size} out of {len(columns)} columns", where="combinations")
    return tuple(itertools.combinations(columns, size))


def fix_columns(step: object, field: str) -> None:
    """Make a field of a frozen step ``Columns``: of a list of names and combinations, or of one name alone.

    Raises
    ------
    FeatureError
        It holds nothing, something twice, or something else than names and combinations of them.
    """
    given = getattr(step, field)
    if isinstance(given, Columns):
        return
    elements = (given,) if isinstance(given, str) else given
    where = type(step).__name__  # its columns, which blame would print, are what is wrong
    if not isinstance(elements, tuple | list) or not all(isinstance(e, str) or _is_combination(e) for e in elements):
        raise FeatureError(
            f"{field} must be a list of column names, got {given!r}",
            hint="a combination of columns is a tuple of different names: [('a', 'b')]",
            where=where,
        )
    check_each_once(field, elements, where)
    object.__setattr__(step, field, Columns((e,) if isinstance(e, str) else e for e in elements))


def name_of_key(key: Combination) -> str:
    """Return the name of a column, or ``<a>_x_<b>``."""
    return _BETWEEN_NAMES.join(key)


def join_categories(categories: Sequence[pl.Series]) -> pl.Series:
    """Return (n,) text: the categories of a row in one, ``<category> & <category>``, with ``null`` for null."""
    parts = [each.cast(pl.String).fill_null(_NULL).alias(str(i)) for i, each in enumerate(categories)]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=_BETWEEN_CATEGORIES)).to_series()


def combine(combinations: Sequence[Combination]) -> RowStep:
    """Return a row function that makes a category of every combination of categories.

    It makes ``<a>_x_<b>``, which holds ``<category of a> & <category of b>``, with ``null`` for null, and becomes
    categorical as any text under ``rows`` does. Encoders need no such column: they take combinations themselves.

    Parameters
    ----------
    combinations
        Tuples of columns of text, categories, booleans or whole numbers.

    Raises
    ------
    FeatureError
        They are no combinations; later, a column is missing or holds something else.

    Examples
    --------
    >>> step = combine([("colour", "shape")])
    >>> step = combine(combinations(["colour", "shape", "size"], 2))
    """
    if not isinstance(combinations, tuple | list) or not all(map(_is_combination, combinations)):
        raise FeatureError(
            f"expected a list of combinations, got {combinations!r}",
            hint="a combination is a tuple of different names: combine([('a', 'b')])",
            where="combine",
        )
    check_each_once("combinations", combinations, "combine")
    return partial(combined_categories, combinations=tuple(combinations))


def combined_categories(x: Frame, combinations: tuple[Combination, ...]) -> Frame:
    """Return the frame with a column of text beside it for each combination."""
    return x.with_columns(
        join_categories([_part(x, name) for name in combination]).alias(name_of_key(combination))
        for combination in combinations
    )


def _part(x: Frame, name: str) -> pl.Series:
    column = present(combined_categories, x, name)
    if not (isinstance(column.dtype, pl.String | pl.Enum | pl.Boolean) or column.dtype.is_integer()):
        raise FeatureError(
            f"expected categories in {name!r}, found {column.dtype}", hint="bin numbers first", where="combine"
        )
    return column


def _is_combination(given: object) -> bool:
    return (
        isinstance(given, tuple)
        and len(given) >= 2
        and all(isinstance(name, str) for name in given)
        and len(set(given)) == len(given)
    )
