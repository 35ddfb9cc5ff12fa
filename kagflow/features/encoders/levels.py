"""The levels of a categorical column, or of a combination of them, as indices into arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import categories
from kagflow.features.encoders.combinations import Columns, join_categories, name_of_key

Codes = NDArray[np.integer]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """The levels of a column: its vocabulary in order, and null as the last one.

    Attributes
    ----------
    column
        Its name.
    vocabulary
        Its type.
    """

    column: str
    vocabulary: pl.DataType

    @classmethod
    def of(cls, step: object, x: Frame, column: str) -> "Levels":
        """Return the levels of a column.

        Raises
        ------
        FeatureError
            The column is missing, or holds no categories.
        """
        return cls(column, categories(step, x, column).dtype)

    def __len__(self) -> int:
        return len(self._categories()) + 1

    def names(self) -> pl.Series:
        """Return (levels,) names of the levels; null for null."""
        return self._categories().extend_constant(None, 1).alias("category")

    def codes(self, step: object, x: Frame) -> NDArray[np.uint32]:
        """Return (n,) level of each row.

        Raises
        ------
        FeatureError
            The column is missing, or has another vocabulary, in which the codes would mean something else.
        """
        column = categories(step, x, self.column)
        if column.dtype != self.vocabulary:
            raise FeatureError(
                f"{self.column!r} has another vocabulary than the rows learned from",
                hint="cast it to the categories of the training rows",
                where=where_is(step),
            )
        return column.to_physical().cast(pl.UInt32).fill_null(len(self) - 1).to_numpy()

    def counts(self, step: object, x: Frame) -> NDArray[np.int64]:
        """Return (levels,) number of rows of each level; raises as ``codes`` does."""
        return np.bincount(self.codes(step, x), minlength=len(self))

    def _categories(self) -> pl.Series:
        assert isinstance(self.vocabulary, pl.Enum)
        return self.vocabulary.categories

    # What it has in common with the levels of a combination.

    @property
    def parts(self) -> tuple["Levels", ...]:
        """The columns."""
        return (self,)

    def find(self, codes: Sequence[Codes]) -> Codes:
        """Return (n,) level of each row, given the (n,) codes of each part."""
        return codes[0]

    def union(self, other: "Levels") -> "Levels":
        """Return the levels of both: all of the vocabulary are there already."""
        return self

    def spread(self, values: Array, levels: "Levels") -> Array:
        """Return (k, these levels) of (k, levels) values."""
        return values


@dataclass(frozen=True, eq=False)
class CombinedLevels:
    """The levels of a combination: those that some rows have, in order, and as the last one all that are unseen.

    All that there could be are too many for an array. Each has a number, which is the same for any rows as long as the
    vocabularies are: the digits are the levels of the parts.

    Attributes
    ----------
    parts
        The levels of each column.
    seen
        (levels - 1,) numbers, ascending.
    """

    parts: tuple[Levels, ...]
    seen: NDArray[np.int64]

    @property
    def column(self) -> str:
        """The name, ``<a>_x_<b>``."""
        return name_of_key(tuple(part.column for part in self.parts))

    def __len__(self) -> int:
        return len(self.seen) + 1

    def names(self) -> pl.Series:
        """Return (levels,) names of the levels; null for the unseen."""
        rest, names = self.seen, []
        for part in reversed(self.parts):
            rest, own = np.divmod(rest, len(part))
            names.append(part.names().gather(own))
        return join_categories(names[::-1]).extend_constant(None, 1).alias("category")

    def find(self, codes: Sequence[Codes]) -> Codes:
        """Return (n,) level of each row, given the (n,) codes of each part."""
        numbers = number_of(self.parts, codes)
        if not len(self.seen):
            return np.zeros(len(numbers), dtype=np.int64)
        places = np.searchsorted(self.seen, numbers)
        found = self.seen[np.minimum(places, len(self.seen) - 1)] == numbers
        return np.where(found, places, len(self.seen))

    def union(self, other: "CombinedLevels") -> "CombinedLevels":
        """Return the levels of both."""
        both = np.concatenate([self.seen, other.seen])
        both.sort(kind="stable")  # which merges what is sorted already
        return CombinedLevels(self.parts, both[np.diff(both, prepend=-1) > 0])

    def spread(self, values: Array, levels: "CombinedLevels") -> Array:
        """Return (k, these levels) of (k, levels) values, 0 where those lack a level."""
        spread = np.zeros((len(values), len(self)))
        spread[:, np.searchsorted(self.seen, levels.seen)] = values[:, :-1]
        return spread


AnyLevels = Levels | CombinedLevels


@dataclass(frozen=True, eq=False)
class LevelSums:
    """Sums over rows, by level; ``+`` of two is that of both sets of rows.

    Attributes
    ----------
    levels
        Of a column or combination.
    values
        (k, levels) k sums; the first is the number of rows.
    """

    levels: AnyLevels
    values: Array

    @property
    def counts(self) -> Array:
        """(levels,) number of rows."""
        counts: Array = self.values[0]
        return counts

    @property
    def means(self) -> Array:
        """(k - 1, levels) the further sums divided by the number of rows; 0 where there are none."""
        means: Array = self.values[1:] / np.maximum(self.counts, 1)
        return means

    def __add__(self, other: "LevelSums") -> "LevelSums":
        levels: Any = self.levels  # of both of the same kind, being those of the same key
        union = levels.union(other.levels)
        return LevelSums(union, union.spread(self.values, levels) + union.spread(other.values, other.levels))


def levels_of_rows(step: object, x: Frame, columns: Columns) -> list[tuple[AnyLevels, Codes]]:
    """Return, for each key, its levels and (n,) the level of each row.

    Raises
    ------
    FeatureError
        A column is missing or holds no categories, or a combination has too many columns.
    """
    parts = {name: Levels.of(step, x, name) for name in columns}
    codes = {name: part.codes(step, x) for name, part in parts.items()}
    return [_levels_of_key(step, [parts[name] for name in key], [codes[name] for name in key]) for key in columns.keys]


def codes_of_rows(step: object, x: Frame, levels: Sequence[AnyLevels]) -> list[Codes]:
    """Return (n,) the level of each row, for each of several keys.

    Raises
    ------
    FeatureError
        A column is missing, or has another vocabulary.
    """
    parts = {part.column: part for each in levels for part in each.parts}
    codes: Mapping[str, Codes] = {name: part.codes(step, x) for name, part in parts.items()}
    return [each.find([codes[part.column] for part in each.parts]) for each in levels]


def take_by_level(step: object, x: Frame, levels: Sequence[AnyLevels], values: Sequence[Frame]) -> Frame:
    """Return (n, columns) the values of each row's levels, the columns of all keys side by side.

    Parameters
    ----------
    step, x
        Whom to blame, and (n, ...) the rows.
    levels, values
        For each key its levels, and a (levels, columns) frame.

    Raises
    ------
    FeatureError
        A column is missing, or has another vocabulary.
    """
    codes = codes_of_rows(step, x, levels)
    return pl.DataFrame([column.gather(own) for own, frame in zip(codes, values, strict=True) for column in frame])


def number_of(parts: Sequence[Levels], codes: Sequence[Codes]) -> NDArray[np.int64]:
    """Return (n,) one number for the levels of all parts."""
    number = codes[0].astype(np.int64)
    for part, own in zip(parts[1:], codes[1:], strict=True):
        number = number * len(part) + own
    return number


def _levels_of_key(step: object, parts: Sequence[Levels], codes: Sequence[Codes]) -> tuple[AnyLevels, Codes]:
    if len(parts) == 1:
        return parts[0], codes[0]
    if math.prod(map(len, parts)) > np.iinfo(np.int64).max:
        name = name_of_key(tuple(part.column for part in parts))
        raise FeatureError(f"{name!r} has too many possible categories", hint="combine fewer", where=where_is(step))
    seen, levels = np.unique(number_of(parts, codes), return_inverse=True)
    return CombinedLevels(tuple(parts), seen), levels
