"""What another table says of a row's key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import check_each_once, fix_names, numbers, present
from kagflow.features.encoders.statistics import as_numbers, check_statistic, statistic_of
from kagflow.features.steps import FoldStep, TableStep


@dataclass(frozen=True, eq=False)
class Join(FoldStep, TableStep):
    """The columns of another table for the row's key, as ``<name>__<column>``, or statistics of them.

    It learns nothing from training rows, and the table must know nothing of their target: what follows from that
    belongs in a target step. A declared table that holds the target and repeats train's rows is refused when it is
    read. A key that the table lacks gets null; null is a key like others. Text becomes categories with the table's
    vocabulary, other types stay.

    Parameters
    ----------
    table
        The name of a table that `competition.yaml` declares under ``tables``, as its file holds it (row functions do
        not see it); or a frame. One row for each key, unless its columns are aggregated.
    by
        The key: columns of the table and of the rows. Text and categories match by their names.
    name
        What the table is called; a declared one has its name already.
    columns
        Which columns to join; all but the key if empty.
    aggregate
        For each column of numbers or booleans, one or several of the statistics that ``GroupAggregate`` knows, over
        the table's rows of a key; they are called ``<name>__<column>_<statistic>_by_<key>`` (Float64). The column of
        the competition's target is taken as ``TargetStatistics`` does: of two classes as 1 for the last one, of more
        as a column a class, ``<name>__<column>_<statistic>_<class>_by_<key>``.

    Raises
    ------
    FeatureError
        A key has several rows; a column is missing or cannot be aggregated; the key is of another type in the rows.

    Examples
    --------
    >>> step = Join("original", by="city", aggregate={"price": ["mean", "count"]})
    >>> by_shop = pl.DataFrame({"shop": ["a", "b"], "size": [3, 4]})
    >>> step = Join(by_shop, by="shop", name="shops")
    """

    by: tuple[str, ...]
    name: str = ""
    columns: tuple[str, ...] = ()
    aggregate: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fix_names(self, "by")
        if isinstance(self.table, str) and not self.name:
            object.__setattr__(self, "name", self.table)
        if not self.name:
            raise FeatureError("a frame needs a name", hint='write name="..."', where=type(self).__name__)
        if self.aggregate:
            self._fix_aggregate()
        elif isinstance(self.table, pl.DataFrame) and not self.columns:
            object.__setattr__(self, "columns", tuple(name for name in self.table.columns if name not in self.by))
            fix_names(self, "columns")
        elif self.columns:
            fix_names(self, "columns")
        if isinstance(self.table, pl.DataFrame):
            self._check(self.table)

    def fit(self, x: Frame) -> "FittedJoin":
        """Aggregate the table where that is wanted, name its columns, and give them types that models take."""
        key = self.frame.select(_comparable(self.frame[name]) for name in self.by)
        step = replace(self, table=self.name)  # what is kept with a run has the columns that are joined, and no others
        if not self.aggregate:
            new = (_with_vocabulary(self.frame[column]).alias(f"{self.name}__{column}") for column in self.columns)
            return FittedJoin(step, key, pl.DataFrame(list(new)))
        values, statistics = self._statistics()
        rows = pl.concat([key, values], how="horizontal")
        found = rows.group_by(self.by, maintain_order=True).agg(statistics)
        return FittedJoin(step, found.select(self.by), found.drop(self.by))

    def _fix_aggregate(self) -> None:
        where = type(self).__name__
        if self.columns:
            raise FeatureError("columns and aggregate both say what to join", hint="keep one of the two", where=where)
        if not isinstance(self.aggregate, Mapping):
            raise FeatureError(
                f"aggregate must say which statistics of which column, got {self.aggregate!r}",
                hint='write aggregate={"column": ["mean", "count"]}',
                where=where,
            )
        words = {
            column: (given,) if isinstance(given, str) else tuple(given) for column, given in self.aggregate.items()
        }
        for column, statistics in words.items():
            check_each_once(f"aggregate of {column!r}", statistics, where)
            for statistic in statistics:
                check_statistic(self, "aggregate", statistic)
        object.__setattr__(self, "aggregate", words)

    def _check(self, table: Frame) -> None:
        for column in (*self.by, *self.columns, *self.aggregate):
            if column not in table.columns:
                raise FeatureError(
                    f"the table {self.name!r} has no column {column!r}",
                    hint=did_you_mean(column, table.columns),
                    where=where_is(self),
                )
        twice = table.select(self.by).filter(table.select(self.by).is_duplicated())
        if twice.height and not self.aggregate:
            raise FeatureError(
                f"{twice.n_unique()} keys of the table {self.name!r} have several rows, the first is {twice.row(0)}",
                hint='make one row of them, as with aggregate={"column": "mean"}',
                where=where_is(self),
            )

    def _statistics(self) -> tuple[Frame, list[pl.Expr]]:
        """Return the numbers to aggregate, under names that no key has, and the statistics of them."""
        values, statistics, key = [], [], "_".join(self.by)
        for column, words in self.aggregate.items():
            for ending, series in self._numbers(column):
                values.append(series.alias(f"values of {column}{ending}"))
                statistics += [
                    statistic_of(values[-1].name, word).alias(f"{self.name}__{column}_{word}{ending}_by_{key}")
                    for word in words
                ]
        return pl.DataFrame(values), statistics

    def _numbers(self, column: str) -> Iterator[tuple[str, pl.Series]]:
        """Yield the numbers of a column, one for each class of the target, with what their names end in."""
        own = self.frame[column]
        if isinstance(own.dtype, pl.Enum):
            yield from ((made.name, made) for made in as_numbers(own))
        else:
            hint = "numbers, booleans and the competition's own target (with its own labels) can be aggregated"
            yield "", numbers(self, self.frame, column, hint=hint)


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
