"""Rows that come later: the files of a competition again, with other test rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.reading import CONVERSIONS, find_file, parse_csv, read_bytes
from kagflow.data.table import Frame
from kagflow.errors import DataError


@dataclass(frozen=True)
class NewRows:
    """Test rows without labels.

    Attributes
    ----------
    ids
        (m,) unique ids.
    x
        (m, columns) features, in the types that they had when the models were fitted.
    sample
        The sample submission, as text.
    """

    ids: pl.Series
    x: Frame
    sample: Frame


def read_new_rows(
    folder: Path, facts: CompetitionFacts, schema: Mapping[str, pl.DataType], ids: pl.DataType
) -> NewRows:
    """Read test and sample submission of a folder.

    Parameters
    ----------
    folder
        Where the files lie.
    facts
        Their names and null words.
    schema
        Names and types of the features.
    ids
        Type of the ids.

    Raises
    ------
    DataError
        A file or a column is missing, a value does not fit its column's type, or ids repeat.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist", hint="check the path", where="--data")
    path = find_file(folder, facts.test_file)
    text = parse_csv(read_bytes(path), path, null_words=facts.null_words, as_text=True)
    missing = [name for name in (facts.id, *schema) if name not in text.columns]
    if missing:
        raise DataError(
            f"the column {missing[0]!r} is missing", hint="test must have the columns it had", where=str(path)
        )
    sample = find_file(folder, facts.sample_file)
    known = _convert(text[facts.id], ids, path)
    if known.null_count() or known.is_duplicated().any():
        raise DataError("ids must be there and unique", hint="look for repeated or empty ids", where=str(path))
    return NewRows(
        ids=known,
        x=pl.DataFrame([_convert(text[name], dtype, path) for name, dtype in schema.items()]),
        sample=parse_csv(read_bytes(sample), sample, as_text=True),
    )


def _convert(column: pl.Series, dtype: pl.DataType, path: Path) -> pl.Series:
    """Return a column of text in the type that it had."""
    if dtype == pl.String:
        return column
    made = CONVERSIONS[dtype.base_type()](_whole(column) if dtype == pl.Int64 else column)
    lost = made.is_null() & column.is_not_null()
    if lost.any():
        raise DataError(
            f"{column.name!r} holds {column.filter(lost)[0]!r}, which is no {dtype}",
            hint="the models were fitted on that type; fit them again on data that hold such values",
            where=str(path),
        )
    return made.fill_nan(None) if dtype.is_float() else made


def _whole(text: pl.Series) -> pl.Series:
    """Return whole numbers without the point that pandas writes beside nulls: 3.0."""
    return text.str.replace(r"\.0+$", "")
