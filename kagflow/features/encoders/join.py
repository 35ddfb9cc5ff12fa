"""What another table says of a row's key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, present
from kagflow.features.steps import FoldStep


@dataclass(frozen=True, eq=False)
class Join(FoldStep):
    """The columns of another table for the row's key, as ``<name>__<column>``: statistics of an original data set.

    It learns nothing from training rows, and the table must know nothing of their target: what follows from that
    belongs in a target step. A key that the table lacks gets null; null is a key like others. Text becomes categories
    with the table's vocabulary, other types stay.

    Parameters
    ----------
    table
        One row for each key.
    by
        The key: columns of the table and of the rows. Text and categories match by their names.
    name
        What the table is called.
    columns
        Which columns to join; all but the key if empty.

    Raises
    ------
    FeatureError
        A key has several rows; a column is missing; the key is of another type in the rows.

    Examples
    --------
    >>> by_shop = pl.DataFrame({"shop": ["a", "b"], "size": [3, 4]})
    >>> step = Join(by_shop, by="shop", name="shops")
    """

    table: Frame = field(repr=False)
    by: tuple[str, ...]
    name: str
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        fix_names(self, "by")
        if not self.columns:
            object.__setattr__(self, "columns", tuple(name for name in self.table.columns if name not in self.by))
        fix_names(self, "columns")
        for column in (*self.by, *self.columns):
            if column not in self.table.columns:
                raise FeatureError(
                    f"the table {self.name!r} has no column {column!r}",
                    hint=did_you_mean(column, self.table.columns),
                    where=where_is(self),
                )
        twice = self.table.select(self.by).filter(self.table.select(self.by).is_duplicated())
        if twice.height:
            raise FeatureError(
                f"{twice.n_unique()} keys of the table {self.name!r} have several rows, the first is {twice.row(0)}",
                hint=f"make one row of them, as with table.group_by({list(self.by)}).agg(...)",
                where=where_is(self),
            )

    def fit(self, x: Frame) -> "FittedJoin":
        """Name the table's columns, and give them types that models take."""
        key = self.table.select(_comparable(self.table[name]) for name in self.by)
        new = (_with_vocabulary(self.table[column]).alias(f"{self.name}__{column}") for column in self.columns)
        return FittedJoin(self, key, pl.DataFrame(list(new)))


@dataclass(frozen=True)
class FittedJoin:
    """The keys of the table, and the columns that they bring, row by row."""

    step: Join
    key: Frame
    new: Frame

    def transform(self, x: Frame) -> Frame:
        """Return the table's columns for each row's key."""
        keys = pl.DataFrame([self._key(x, known) for known in self.key])
        table = pl.concat([self.key, self.new], how="horizontal")
        found = keys.join(table, on=self.step.by, how="left", nulls_equal=True, maintain_order="left")
        return found.select(self.new.columns)

    def tables(self) -> Mapping[str, Frame]:
        """Return the table: keys and new columns."""
        return {self.step.name: pl.concat([self.key, self.new], how="horizontal")}

    def _key(self, x: Frame, known: pl.Series) -> pl.Series:
        own = _comparable(present(self.step, x, known.name))
        if own.dtype != known.dtype:
            raise FeatureError(
                f"the key {known.name!r} is {own.dtype} in the rows and {known.dtype} in the table {self.step.name!r}",
                hint="cast one of them, so that both are of one type",
                where=where_is(self.step),
            )
        return own


def _comparable(key: pl.Series) -> pl.Series:
    """Return a part of a key in the type in which it is compared: text, or the widest of its kind."""
    if isinstance(key.dtype, pl.Enum | pl.Categorical):
        return key.cast(pl.String)
    return key.cast(pl.Int64) if key.dtype.is_integer() else key


def _with_vocabulary(values: pl.Series) -> pl.Series:
    """Return text as categories; other types as they are."""
    if not isinstance(values.dtype, pl.String | pl.Categorical):
        return values
    text = values.cast(pl.String)
    return text.cast(pl.Enum(text.unique().drop_nulls().sort()))
