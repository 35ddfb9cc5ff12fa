"""Train and test under one schema: the same types, the same spelling, and ids in both."""

import operator
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.parsing import parse_csv
from kagflow.data.table import Frame
from kagflow.data.types import with_types
from kagflow.data.written import with_all_named
from kagflow.errors import DataError

LARGEST = 3.4e38  # that Float32 holds
_GLANCE_BYTES = 1_000_000
_LARGE_BYTES = 64 * 2**20  # from here on text takes too much memory to be read first


def agree(paths: Sequence[Path], raw: Sequence[bytes], facts: CompetitionFacts, sample: Frame) -> tuple[Frame, Frame]:
    """Parse train and test so that a column has one type in both."""
    labels = () if facts.task == "regression" else facts.targets
    as_it_came = (facts.id, *facts.categorical, *labels)  # ids and labels are written back just so
    floats = _floats_at_a_glance(raw, facts.null_words, as_it_came) if sum(map(len, raw)) > _LARGE_BYTES else []

    def parse(floats: Sequence[str]) -> list[Frame]:
        return [
            with_all_named(
                parse_csv(
                    content,
                    path,
                    null_words=facts.null_words,
                    as_text=True,
                    floats=floats,
                    encoding=facts.encoding,
                )
            )
            for path, content in zip(paths, raw, strict=True)
        ]

    train, test = parse(floats)
    if any(schema.get(name) == pl.String for schema in (train.schema, test.schema) for name in floats):
        train, test = parse([])  # a word, far down in one of the files
    train, test = with_ids(train, test, sample, facts.id)
    test = test.drop(facts.targets, strict=False)  # of no use, and it must not decide on the target's type
    shared = set(test.columns) & set(train.columns)
    train, test = with_types([train, test], as_it_came)
    train, test = same_spelling(train, test, [name for name in facts.categorical if name in shared])
    predicted = (*facts.targets, facts.weight)  # of which infinite ones are refused
    train, test = (frame.with_columns(_finite(predicted)) for frame in (train, test))
    return _whole_ids(train, test, facts.id) if facts.id in shared else (train, test)


def _finite(but: Sequence[str | None]) -> pl.Expr:
    """Return columns of numbers with null for those that are infinite, or would be in the Float32 that models take."""
    known = [name for name in but if name is not None]
    numbers = pl.selectors.float() - pl.selectors.by_name(known, require_all=False)
    return pl.when(numbers.abs() <= LARGEST).then(numbers)


def _floats_at_a_glance(raw: Sequence[bytes], null_words: Sequence[str], text_columns: Sequence[str]) -> list[str]:
    """Return the columns that hold numbers with a point in the first rows of every file that has them."""
    starts = [each[: each.rfind(b"\n", 0, _GLANCE_BYTES) + 1] for each in raw]
    try:
        typed = with_types(
            [parse_csv(each, Path(), null_words=null_words, as_text=True) for each in starts], text_columns
        )
    except DataError:  # a long text that was cut, or a file that cannot be read anyway
        return []
    schemas = [frame.schema for frame in typed]
    names = {name for schema in schemas for name in schema}
    return sorted(name for name in names if all(schema.get(name, pl.Float64) == pl.Float64 for schema in schemas))


def with_ids(train: Frame, test: Frame, sample: Frame, name: str) -> tuple[Frame, Frame]:
    """Return train and test with ids: those of the sample submission for test, numbers that test lacks for train."""
    test = with_ids_of(sample, test, name)
    if name in train.columns or name not in test.columns:
        return train, test
    numbers = test[name].cast(pl.Int64, strict=False)
    first = int(numbers.max() or 0) + 1  # type: ignore[arg-type]  # of whole numbers
    rows = pl.int_range(first, first + train.height, eager=True).cast(pl.String)
    ids = rows if not numbers.null_count() else "train_" + rows
    return train.select(ids.alias(name), pl.all()), test


def with_ids_of(sample: Frame, test: Frame, name: str) -> Frame:
    """Return test with the sample submission's ids, row by row, where it has none itself and as many rows."""
    if name in test.columns or name not in sample.columns or sample.height != test.height:
        return test
    return test.select(sample[name], pl.all())


def same_spelling(train: Frame, test: Frame, names: Sequence[str]) -> tuple[Frame, Frame]:
    """Write 3 in both where one file has 3 and the other 3.0, as pandas writes whole numbers beside nulls."""
    for name in names:
        columns = train[name], test[name]
        whole = [column.str.contains(r"^-?\d+$").all() for column in columns]
        pointed = [column.str.contains(r"^-?\d+\.0$").all() for column in columns]
        if not all(whole) and not all(pointed) and all(map(operator.or_, whole, pointed)):
            train, test = (frame.with_columns(pl.col(name).str.replace(r"\.0$", "")) for frame in (train, test))
    return train, test


def _whole_ids(train: Frame, test: Frame, name: str) -> tuple[Frame, Frame]:
    """Make numbers of ids where that loses nothing: ``007`` stays text."""
    for ids in (train[name], test[name]):
        if not ids.cast(pl.Int64, strict=False).cast(pl.String).equals(ids):
            return train, test
    return train.with_columns(pl.col(name).cast(pl.Int64)), test.with_columns(pl.col(name).cast(pl.Int64))
