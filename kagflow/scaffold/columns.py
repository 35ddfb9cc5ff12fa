"""What kind of thing each column holds, as far as its values tell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time

import polars as pl

from kagflow.data import Frame

DATE_FORMATS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d %b %Y",
    "%b %d, %Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%B %d, %Y",
)
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", "T%H:%M:%S")
_LOW = 20  # kinds up to which a category is told apart by itself
_WORDS = 3  # on average, from which on text is prose
_SPARSE = 20  # whole numbers so many times as far apart as they are many may be names
_REPEATED = 0.5
_SEPARATORS = ("/", "_", "-", "|", ":", ".", " ")
_MOST_PARTS = 5
_NAMED_AS_CODE = re.compile(
    r"(?:^|[_\W])(?:id|code|zip|zipcode|postcode|type|class|category|region|store|shop)$", re.IGNORECASE
)
_MONEY = r"^\s*[-+]?[$€£]?\s?\d{1,3}(,\d{3})*(\.\d+)?\s?[%$€£]?\s*$"


@dataclass(frozen=True)
class Columns:
    """The columns of train and test by kind, each in their order.

    Attributes
    ----------
    numbers
        Numbers and truth values.
    codes
        Whole numbers that may well be names.
    low, high
        Words with few and with many kinds.
    texts
        Prose.
    dates
        Dates and moments that are read as such.
    written_dates
        Text that is dates in another form, with the form.
    decorated
        Text that is numbers with separators, currencies or percent signs.
    names
        Text that is different in almost every row, and no prose.
    constant
        Columns with one value, or none.
    moments
        Those of the dates, of either kind, that have a time of day.
    parted
        Words of many kinds that are made of as many parts in every row.
    """

    numbers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    written_dates: tuple[tuple[str, str], ...] = ()
    decorated: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    parted: "tuple[Parted, ...]" = ()

    def without(self, name: str) -> "Columns":
        """Return the columns with one of them among the constant ones, which are no features."""
        kept = {
            kind: tuple(each for each in getattr(self, kind) if each != name)
            for kind in ("numbers", "codes", "low", "high", "texts", "dates", "decorated", "names", "moments")
        }
        return replace(
            self,
            **kept,
            written_dates=tuple(pair for pair in self.written_dates if pair[0] != name),
            parted=tuple(each for each in self.parted if each.name != name),
            constant=(*self.constant, name),
        )

    @property
    def names_of_many(self) -> tuple[str, ...]:
        """Categories of many kinds, words or numbers."""
        return (*self.high, *self.codes)


@dataclass(frozen=True)
class Parted:
    """A column whose words are made of parts.

    Attributes
    ----------
    name
        Of the column.
    separator
        What stands between the parts.
    numbers
        Which of them are numbers in every row.
    """

    name: str
    separator: str
    numbers: tuple[bool, ...]


def kinds_of_columns(train: Frame, test: Frame, names: Sequence[str]) -> Columns:
    """Return the kind of each of some columns that both frames have, typed as they are read for models."""
    found: dict[str, list[str]] = {}
    written: list[tuple[str, str]] = []
    for name in names:
        kind = _kind(name, train[name], test[name])
        if "%" in kind:
            written.append((name, kind))
        else:
            found.setdefault(kind, []).append(name)
    moments = [name for name in found.get("dates", []) if _has_time_of_day(train[name])]
    words = {name: pl.concat([train[name], test[name]]).drop_nulls() for name in found.get("high", [])}
    parts = {name: _parts(column) for name, column in words.items()}
    return Columns(
        **{kind: tuple(columns) for kind, columns in found.items()},
        written_dates=tuple(written),
        moments=(*moments, *(name for name, form in written if "%H" in form or "%I" in form)),
        parted=tuple(Parted(name, *found_parts) for name, found_parts in parts.items() if found_parts is not None),
    )


def _has_time_of_day(moments: pl.Series) -> bool:
    return moments.dtype == pl.Datetime and bool((moments.drop_nulls().dt.time() != time(0)).any())


def _parts(words: pl.Series) -> tuple[str, tuple[bool, ...]] | None:
    """Return what stands between the parts of words, and which parts are numbers; ``None`` where they have none."""
    for separator in _SEPARATORS:
        counts = words.str.count_matches(separator, literal=True).unique()
        if len(counts) == 1 and 0 < counts[0] < _MOST_PARTS:
            parts = words.str.split(separator)
            return separator, tuple(_is_number(parts.list.get(part)) for part in range(counts[0] + 1))
    return None


def _is_number(words: pl.Series) -> bool:
    return words.cast(pl.Float64, strict=False).null_count() == 0


def _kind(name: str, train: pl.Series, test: pl.Series) -> str:
    """Return the field of ``Columns`` that a column belongs to, or the form of its dates."""
    known = train.drop_nulls()
    if known.n_unique() < 2:
        return "constant"
    if known.dtype in (pl.Date, pl.Datetime):
        return "dates"
    if known.dtype.is_integer():
        return "codes" if _are_codes(name, known) else "numbers"
    if known.dtype.is_numeric() or known.dtype == pl.Boolean:
        return "numbers"
    both = pl.concat([known.cast(pl.String), test.drop_nulls().cast(pl.String)])
    return date_format(both) or _kind_of_words(both)


def _kind_of_words(words: pl.Series) -> str:
    kinds = words.n_unique()
    if bool(words.str.contains(_MONEY).all()) and kinds > 2:
        return "decorated"
    if kinds <= _LOW:
        return "low"
    share = kinds / len(words)
    if share > _REPEATED and float(words.str.count_matches(r"\S+").mean() or 0) >= _WORDS:  # type: ignore[arg-type]
        return "texts"
    return "names" if share > 0.95 else "high"


def _are_codes(name: str, known: pl.Series) -> bool:
    """Say whether whole numbers may be names: called so, or far apart and yet repeated."""
    kinds = known.n_unique()
    if _NAMED_AS_CODE.search(name) is not None:
        return kinds < len(known) * _REPEATED
    low, high = int(known.min()), int(known.max())  # type: ignore[arg-type]  # of whole numbers
    often = int((known == 0).sum())  # of an amount that most rows have none of
    sparse = (high - low) / kinds > _SPARSE and often < len(known) * _REPEATED
    return kinds > _LOW and sparse and kinds < len(known) * _REPEATED


def date_format(words: pl.Series) -> str:
    """Return the form in which all of some text is dates; nothing where it is not. The day is taken to come first."""
    sample = words.unique(maintain_order=True)
    if not bool(sample.head(50).str.contains(r"\d").all()) or sample.str.len_chars().min() < 6:  # type: ignore[operator]
        return ""
    return next((form for form in _forms() if _fits(form, sample.head(50)) and _fits(form, sample)), "")


def _forms() -> Iterator[str]:
    for date in DATE_FORMATS:
        for of_day in TIMES:
            yield f"{date}{of_day}"


def _fits(form: str, words: pl.Series) -> bool:
    return words.str.to_datetime(form, strict=False).null_count() == 0
