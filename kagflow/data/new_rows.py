"""Rows that come later: the files of a competition again, with other test rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.agreement import LARGEST, with_ids_of
from kagflow.data.assemble import assemble_test
from kagflow.data.derive import Additions
from kagflow.data.files import find_file, look_for_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.data.table import Frame
from kagflow.data.types import CONVERSIONS
from kagflow.data.written import with_all_named
from kagflow.errors import DataError

Schema = Mapping[str, pl.DataType]
_NOTHING = Additions()
_FIT_AGAIN = "the models were fitted on that type; fit them again on data that hold such values"


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
    folder: Path,
    facts: CompetitionFacts,
    schema: Schema,
    ids: pl.DataType,
    additions: Additions = _NOTHING,
    given: Mapping[str, Schema] | None = None,
) -> NewRows:
    """Read test and sample submission of a folder, and the declared tables where rows are assembled from them.

    Parameters
    ----------
    folder
        Where the files lie. A table that a step joins need not be there: a run holds what it learned of it.
    facts
        Their names and null words.
    schema
        Names and types of the features.
    ids
        Type of the ids.
    additions
        The competition's own ``assemble``, where it has one.
    given
        Names and types of the columns of every frame that it was given when the models were fitted.

    Raises
    ------
    DataError
        A file or a column is missing, a value does not fit its column's type, ids repeat, or rows cannot be assembled.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist", hint="check the path", where="--data")
    path, sample_path = find_file(folder, facts.test_file), find_file(folder, facts.sample_file)
    sample = parse_csv(read_bytes(sample_path), sample_path, as_text=True, encoding=facts.encoding)
    if additions.assemble is None:
        rows = _read(path, facts, {facts.id: ids, **schema}, sample)
        _check_ids(rows[facts.id], path)
    else:
        frames = _given(path, facts, additions, given or {}, sample)
        _check_ids(frames["test"][facts.id], path)
        where = str(additions.tables_file)
        rows = assemble_test(additions.assemble, frames, id_=facts.id, where=where)
        _check_types(rows, schema, where)
    return NewRows(ids=rows[facts.id], x=rows.select(list(schema)), sample=sample)


def _read(path: Path, facts: CompetitionFacts, schema: Schema, sample: Frame | None = None) -> Frame:
    """Return the columns of a file in the types that they had; with the sample submission's ids where it has none."""
    text = with_all_named(
        parse_csv(read_bytes(path), path, null_words=facts.null_words, as_text=True, encoding=facts.encoding)
    )
    if sample is not None:
        text = with_ids_of(sample, text, facts.id)
    in_file = set(text.columns)
    missing = [name for name in schema if name not in in_file]
    if missing:
        raise DataError(
            f"the column {missing[0]!r} is missing",
            hint="the file must have the columns that it had when the models were fitted",
            where=str(path),
        )
    return pl.DataFrame([in_type(text[name], dtype, path) for name, dtype in schema.items()])


def _given(
    test: Path, facts: CompetitionFacts, additions: Additions, given: Mapping[str, Schema], sample: Frame
) -> dict[str, Frame]:
    """Return what ``assemble`` is given: the new files, and of train the columns without any rows."""
    frames = {"train": pl.DataFrame(schema=given["train"]), "test": _read(test, facts, given["test"], sample)}
    for name, file in facts.tables.items():
        joined = name in additions.tables
        path = look_for_file(test.parent, file) if joined else find_file(test.parent, file)
        if path is not None:
            frames[name] = _read(path, facts, given[name])
    return frames


def _check_ids(ids: pl.Series, path: Path) -> None:
    if ids.null_count() or ids.is_duplicated().any():
        raise DataError("ids must be there and unique", hint="look for repeated or empty ids", where=str(path))


def _check_types(rows: Frame, schema: Schema, where: str) -> None:
    """Raise unless assembled rows have the columns and types that they had when the models were fitted."""
    for name, dtype in schema.items():
        if rows.schema.get(name) != dtype:
            raise DataError(
                f"assemble made {name!r} as {rows.schema.get(name, 'nothing')}, "
                f"and it was {dtype} when the models were fitted",
                hint="cast it in tables.py, so that its type does not depend on the rows",
                where=where,
            )


def in_type(column: pl.Series, dtype: pl.DataType, path: Path, hint: str = _FIT_AGAIN) -> pl.Series:
    """Return a column of text in a type that one of its name has elsewhere.

    Raises
    ------
    DataError
        A value does not fit; ``hint`` says what to do.
    """
    if dtype == pl.String:
        return column
    made = CONVERSIONS[dtype.base_type()](_whole(column) if dtype == pl.Int64 else column)
    lost = made.is_null() & column.is_not_null()
    if lost.any():
        raise DataError(
            f"{column.name!r} holds {column.filter(lost)[0]!r}, which is no {dtype}",
            hint=hint,
            where=str(path),
        )
    return made.set(~(made.abs() <= LARGEST), None) if dtype.is_float() else made


def _whole(text: pl.Series) -> pl.Series:
    """Return whole numbers without the point that pandas writes beside nulls: 3.0."""
    return text.str.replace(r"\.0+$", "")
