"""CSV becomes a frame, whatever it is written in."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kagflow.data.table import Frame
from kagflow.data.types import with_types
from kagflow.data.written import header_of, in_utf8, with_decimal_points
from kagflow.errors import DataError

_LOOK = "open the file and look; where it is in another encoding, write it into competition.yaml: `encoding: cp1252`"


def parse_csv(
    raw: bytes,
    path: Path,
    *,
    null_words: Sequence[str] = ("",),
    text_columns: Sequence[str] = (),
    as_text: bool = False,
    floats: Sequence[str] = (),
    encoding: str = "utf-8",
) -> Frame:
    """Parse CSV; types come from all rows, not from the first ones. NaN in a file is null.

    Semicolons, tabs or bars may stand between columns in place of commas, and a comma is then the mark of decimals.

    Parameters
    ----------
    raw, path
        Contents, and the path for messages.
    null_words
        What stands for null, whatever the column.
    text_columns
        Columns to leave as text.
    as_text
        Leave every column as text.
    floats
        But read these as numbers; all of it is text where one of them holds something else.
    encoding
        Of the text; UTF-16 is known by how it begins.

    Raises
    ------
    DataError
        The file is empty, holds no rows, is not CSV in that encoding, or has two columns of one name.
    """
    raw = in_utf8(raw, encoding, str(path))
    separator = _check_header(raw, path)
    try:
        numbers = dict.fromkeys(floats, pl.Float64)
        frame = pl.read_csv(
            raw,
            separator=separator,
            null_values=list(null_words),
            infer_schema=False,
            schema_overrides=numbers,
        )
    except pl.exceptions.PolarsError as error:
        if floats:
            return parse_csv(raw, path, null_words=null_words, text_columns=text_columns, as_text=as_text)  # UTF-8 now
        first_line = str(error).splitlines()[0]
        raise DataError(f"not readable as CSV in UTF-8: {first_line}", hint=_LOOK, where=str(path)) from None
    if frame.height == 0:
        raise DataError("the file has a header and no rows", hint="fetch the file again", where=str(path))
    if separator != ",":
        frame = with_decimal_points(frame)
    if as_text:
        return frame
    (typed,) = with_types([frame], text_columns)
    return typed


def _check_header(raw: bytes, path: Path) -> str:
    """Return what separates columns; raise a DataError unless the file begins like a CSV whose columns all differ."""
    if not raw or raw.isspace():
        raise DataError("the file is empty", hint="fetch the file again", where=str(path))
    if b"\0" in raw[:4096]:
        raise DataError("expected text in UTF-8, found binary data", hint="save the file as UTF-8", where=str(path))
    try:
        header, separator = header_of(raw)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"not readable as CSV in UTF-8: {error}", hint=_LOOK, where=str(path)) from None
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(
            f"more than one column is called {repeated[0]!r}", hint="rename them in the file", where=str(path)
        )
    return separator
