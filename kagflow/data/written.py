"""How a table is written: its encoding, what stands between columns, and the mark of decimals."""

import codecs
import csv
import io
import re

import polars as pl

from kagflow.data.table import Frame
from kagflow.errors import DataError

_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = (",", ";", "\t", "|")
_HEADER_BYTES = 1_000_000
_DECIMAL_COMMA = r"^\s*[-+]?\d+(,\d+)?(e[-+]?\d+)?\s*$"


def in_utf8(raw: bytes, encoding: str, where: str) -> bytes:
    """Return text in UTF-8; UTF-16 is known by its first two bytes, whatever the encoding is said to be.

    Raises
    ------
    DataError
        It is not in that encoding.
    """
    if raw.startswith(_MARKS_OF_UTF_16):
        encoding = "utf-16"
    if encoding == "utf-8":  # which polars checks, and faster
        return raw
    try:
        return raw.decode(encoding).encode()
    except UnicodeDecodeError as error:
        hint = "name the right one under `encoding` in competition.yaml, or leave it out for UTF-8"
        raise DataError(f"not readable as CSV in {encoding}: {error}", hint=hint, where=where) from None


def header_of(raw: bytes) -> tuple[list[str], str]:
    """Return the names of the columns, and what separates them: what the header has the most of, a comma if in doubt.

    Raises
    ------
    UnicodeDecodeError
        The text is not in UTF-8.
    csv.Error
        It does not begin as a table does.
    """
    start = codecs.getincrementaldecoder("utf-8-sig")().decode(raw[:_HEADER_BYTES])
    between_quotes = re.sub(r'"[^"]*"', "", start.partition("\n")[0])
    separator = max(_SEPARATORS, key=between_quotes.count)  # the first of those that are as many
    return next(csv.reader(io.StringIO(start), delimiter=separator), []), separator


def with_decimal_points(text: Frame) -> Frame:
    """Return a table of text in which 1,5 is 1.5, in columns that hold nothing but such numbers.

    A table that is not separated by commas may well mean decimals by them.
    """
    commas = [
        column.name
        for column in text
        if column.dtype == pl.String
        and column.str.contains(",", literal=True).any()
        and column.str.to_lowercase().str.contains(_DECIMAL_COMMA).all()
    ]
    return text.with_columns(pl.col(name).str.replace(",", ".", literal=True) for name in commas)


def with_all_named(text: Frame) -> Frame:
    """Return a table whose columns all have names; one without, such as pandas' index, is called as pandas does."""
    return text.rename({"": f"Unnamed: {text.columns.index('')}"}) if "" in text.columns else text
