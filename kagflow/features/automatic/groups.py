"""What could be made of a table's columns, group by group. Nobody has chosen anything here yet."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from kagflow.data import Frame
from kagflow.features.automatic.steps import Arithmetic, DaysBetween, Missing, OfRow, is_missing
from kagflow.features.encoders.dates import DateParts
from kagflow.features.encoders.frequency import Frequency
from kagflow.features.encoders.group_aggregate import GroupAggregate
from kagflow.features.encoders.group_comparison import GroupDifference
from kagflow.features.encoders.target_mean import TargetMean
from kagflow.features.encoders.text_lengths import TextLengths
from kagflow.features.encoders.tfidf import TfidfComponents
from kagflow.features.steps import FoldStep, TargetStep

Step = FoldStep | TargetStep

_PARTS = ("year", "month", "day", "weekday", "day_of_year", "days")
_MANY = 12  # kinds, beyond which a category is one of many
_MOST_ENCODED = 30  # categories
_PAIRED = 9  # categories, of which all pairs are tried
_GROUPED_BY, _AGGREGATED = 4, 6  # categories and numbers
_RELATED = 8  # numbers, of which all pairs are tried
_SAME_SCALE = 20.0  # numbers whose usual sizes are no farther apart may be added
_DATES = 4
_TEXTS = 3
_WORDS = 3.0  # on average, from which on text is prose
_UNIQUE, _HALF = 0.95, 0.5  # shares of rows with values of their own


@dataclass(frozen=True)
class View:
    """The columns of some training rows, and how much each of them says.

    Attributes
    ----------
    x
        (n, columns) rows, without the columns that are hidden from models.
    says
        By column, how much a small model made of it, and of what the set's steps make of it.
    for_models
        Columns that models get.
    """

    x: Frame
    says: Mapping[str, float]
    for_models: frozenset[str]

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """Number of different values, nulls left out, of each column."""
        counts = self.x.select(pl.all().drop_nulls().n_unique())
        return {name: int(counts[name][0]) for name in self.x.columns}

    @cached_property
    def texts(self) -> list[str]:
        """Prose, and names that hardly a row has twice."""
        return [name for name, kind in self._texts.items() if kind]

    @property
    def prose(self) -> list[str]:
        """Texts of several words."""
        return [name for name in self.texts if self._texts[name] == "prose"]

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {name: self._kind_of_text(name) for name in self._of(pl.Enum)}

    def _kind_of_text(self, name: str) -> str:
        """Return ``prose`` or ``name``; nothing where a column is a category."""
        share = self.kinds[name] / max(self.x.height - self.x[name].null_count(), 1)
        if share <= _HALF or self.kinds[name] <= _MANY:
            return ""
        words = self.x[name].cast(pl.String).str.count_matches(r"\S+").mean()
        if isinstance(words, float) and words >= _WORDS:
            return "prose"
        return "name" if share > _UNIQUE else ""

    @cached_property
    def categories(self) -> list[str]:
        """Categories of at least two kinds, texts left out; those that say the most first."""
        found = [name for name in self._of(pl.Enum, pl.Boolean) if self.kinds[name] > 1 and name not in self.texts]
        return self._by_what_they_say(found)

    @property
    def of_many(self) -> list[str]:
        """Categories of many kinds."""
        return [name for name in self.categories if self.kinds[name] > _MANY]

    @cached_property
    def numbers(self) -> list[str]:
        """Numbers that models get and that vary, without infinite ones; those that say the most first."""
        found = [
            name
            for name, dtype in self.x.schema.items()
            if dtype.is_numeric() and name in self.for_models and self.kinds[name] > 2 and _is_amount(self.x[name])
        ]
        return self._by_what_they_say(found)

    @property
    def dates(self) -> list[str]:
        """Dates and moments of at least two kinds."""
        return [name for name in self._of(pl.Date, pl.Datetime) if self.kinds[name] > 1]

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Return some columns as they stand in the table, so that what is made of them has one name in all folds."""
        return sorted(names, key=self.x.columns.index)

    def _of(self, *types: type[pl.DataType]) -> list[str]:
        return [name for name, dtype in self.x.schema.items() if isinstance(dtype, types)]

    def _by_what_they_say(self, names: Sequence[str]) -> list[str]:
        return sorted(names, key=lambda name: -self.says.get(name, 0.0))  # stable: else in their order


def _is_amount(column: pl.Series) -> bool:
    """Say whether sums and means of a column's numbers mean anything: not how common categories are, nor infinity."""
    is_share = column.name.endswith(("__frequency", "__count"))
    return not is_share and not (column.dtype.is_float() and bool(column.is_infinite().any()))


def _dates(view: View) -> Iterator[Step]:
    for name in view.dates[:_DATES]:
        of_the_day = view.x[name].dtype == pl.Datetime and view.x[name].dt.hour().n_unique() > 1
        for part in (*_PARTS, *(("hour",) if of_the_day else ())):
            yield OfRow(DateParts((name,), (part,)))
    for pair in itertools.combinations(view.dates[:_DATES], 2):
        yield OfRow(DaysBetween(pair))


def _missing(view: View) -> Iterator[Step]:
    gaps = {column.name: int(is_missing(column).sum()) for column in view.x}
    names = [name for name, count in gaps.items() if 0 < count < view.x.height]
    if len(names) > 1:
        yield Missing(tuple(names))


def _text(view: View) -> Iterator[Step]:
    for name in view.texts[:_TEXTS]:
        yield OfRow(TextLengths((name,)))
    for name in view.prose[:_TEXTS]:
        yield TfidfComponents((name,), n=8, at_least=3)


def _encodings(view: View) -> Iterator[Step]:
    for name in view.of_many[:_MOST_ENCODED]:
        yield Frequency([name])  # type: ignore[arg-type]  # made `Columns`
        yield TargetMean([name])  # type: ignore[arg-type]


def _pairs(view: View) -> Iterator[Step]:
    for pair in itertools.combinations(view.in_order(view.categories[:_PAIRED]), 2):
        if view.kinds[pair[0]] * view.kinds[pair[1]] > _MANY:
            yield TargetMean([pair])  # type: ignore[arg-type]
            if max(view.kinds[name] for name in pair) > _MANY:
                yield Frequency([pair])  # type: ignore[arg-type]


def _aggregates(view: View) -> Iterator[Step]:
    several = [name for name in view.categories if 2 < view.kinds[name] <= view.x.height / 10]
    for by, name in itertools.product(several[:_GROUPED_BY], view.numbers[:_AGGREGATED]):
        yield GroupAggregate((name,), by=(by,), statistics=("mean", "std"))
        yield GroupDifference((name,), by=(by,))


def _arithmetic(view: View) -> Iterator[Step]:
    names = view.in_order(view.numbers[:_RELATED])
    sizes = {name: _usual_size(view.x[name]) for name in names}
    for first, second in itertools.combinations(names, 2):
        yield OfRow(Arithmetic((first, second), "over"))
        yield OfRow(Arithmetic((second, first), "over"))
        if max(sizes[first], sizes[second]) <= _SAME_SCALE * min(sizes[first], sizes[second]):
            yield OfRow(Arithmetic((first, second), "plus"))
            yield OfRow(Arithmetic((first, second), "minus"))


def _usual_size(column: pl.Series) -> float:
    size = column.cast(pl.Float64).fill_nan(None).abs().mean()
    return size if isinstance(size, float) else 0.0


GROUPS: Mapping[str, Callable[[View], Iterator[Step]]] = {
    "dates": _dates,
    "missing": _missing,
    "text": _text,
    "encodings": _encodings,
    "pairs": _pairs,
    "aggregates": _aggregates,
    "arithmetic": _arithmetic,
}
"""What a group could make of a view, in the order in which groups are tried: what one buys, the next need not."""


def replaced(group: str, view: View) -> list[str]:
    """Return the columns that models do not get where a group is taken: it says the same in numbers."""
    names = {"encodings": view.of_many[:_MOST_ENCODED], "text": view.texts[:_TEXTS]}.get(group, [])
    return [name for name in names if name in view.for_models]
