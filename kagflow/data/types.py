"""The narrowest type that holds the values of a column of text, in every file that has it."""

import re
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from kagflow.data.table import Frame

_LIKE_NO_WORD = re.compile(r"\s*([-+.\d]|true|false|nan|inf|$)", re.IGNORECASE)
_HUGE_INTEGER = r"^\s*[-+]?\d{19,}\s*$"
_GLANCE = 1000  # rows


def with_types(frames: Sequence[Frame], text_columns: Sequence[str]) -> list[Frame]:
    """Give each column the narrowest type that holds its values in every frame that has it.

    Reading everything as text first is faster than polars' own inference over all rows (dates above all), and a type
    is decided once for all files.
    """
    headers = [dict.fromkeys(frame.columns) for frame in frames]
    text = set(text_columns).union(*map(_surely_text, frames))
    typed = {}
    for name in {name: None for header in headers for name in header}:
        columns = [frame[name] for frame, header in zip(frames, headers, strict=True) if name in header]
        typed[name] = iter(columns if name in text else narrowest(columns))
    found = [pl.DataFrame({name: next(typed[name]) for name in header}) for header in headers]
    return [frame.with_columns(pl.selectors.float().fill_nan(None)) for frame in found]


def narrowest(columns: Sequence[pl.Series]) -> Sequence[pl.Series]:
    """Return columns of text in the first of the types that holds all their values, or as they are."""
    if columns[0].dtype == pl.Float64:  # of large files, which were not read as text
        return columns
    for convert in CONVERSIONS.values():
        converted = [lossless(convert, column) for column in columns]
        fitting = [column for column in converted if column is not None]
        if len(fitting) == len(columns) and len({column.dtype for column in fitting}) == 1:
            return fitting
    return columns


def _surely_text(frame: Frame) -> list[str]:
    """Return the columns of text of which a few values settle that they are text.

    They begin like a word, as most such columns do; or they hold whole numbers that are too large for Int64, so that a
    Float64 would make one of many: they are names.
    """
    text = frame.select(pl.selectors.string())
    if not text.width:
        return []
    first = text.select(pl.all().drop_nulls().first()).row(0)
    is_huge = pl.all().str.contains(_HUGE_INTEGER)
    huge = text.head(_GLANCE).select(is_huge.any() & is_huge.all()).row(0)  # of nulls alone, `all` is true
    return [
        name
        for name, value, is_name in zip(text.columns, first, huge, strict=True)
        if value is not None and (is_name or _LIKE_NO_WORD.match(value) is None)
    ]


def lossless(convert: Callable[[pl.Series], pl.Series], column: pl.Series) -> pl.Series | None:
    """Return the converted column, or ``None`` if a value became null; the first rows tell most such columns."""
    for part in (column.head(_GLANCE), column):
        converted = convert(part)
        if converted.null_count() > part.null_count():
            return None
    return converted


def _integers(column: pl.Series) -> pl.Series:
    return column.cast(pl.Int64, strict=False)


def _floats(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64, strict=False)


def _booleans(column: pl.Series) -> pl.Series:
    words = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}
    return column.replace_strict(words, default=None, return_dtype=pl.Boolean)


def _dates(column: pl.Series) -> pl.Series:
    return column.str.to_date("%Y-%m-%d", strict=False)


def _moments(column: pl.Series) -> pl.Series:
    """Convert what begins with the year; elsewhere nobody knows whether the day or the month comes first."""
    nothing = pl.repeat(None, column.len(), dtype=pl.Datetime("us"), eager=True)
    known = column.drop_nulls()
    if known.is_empty() or not known.str.contains(r"^\d{4}[-/]\d").all():
        return nothing
    try:
        return column.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.PolarsError:  # no format fits
        return nothing


CONVERSIONS: Mapping[type[pl.DataType], Callable[[pl.Series], pl.Series]] = {
    pl.Int64: _integers,
    pl.Float64: _floats,
    pl.Boolean: _booleans,
    pl.Date: _dates,
    pl.Datetime: _moments,
}
"""How text becomes each of the types that a column may have, the narrowest first; what does not fit becomes null."""
