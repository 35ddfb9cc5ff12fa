"""Reading a competition's files into one schema for train and test."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.agreement import agree, same_spelling
from kagflow.data.assemble import assemble_tables
from kagflow.data.derive import Additions
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.data.repeats import check_repeats
from kagflow.data.roles import check_columns, check_ids, folds_of, groups_of, require, times_of, weight_of
from kagflow.data.source import Source
from kagflow.data.table import Frame, Table, Target
from kagflow.data.targets import targets_and_classes
from kagflow.data.types import CONVERSIONS, lossless, narrowest, with_types

_NOTHING = Additions()


@dataclass(frozen=True)
class Dataset:
    """Train and test under one schema.

    Attributes
    ----------
    train, test
        Tables with the same feature columns and types; the target of train is the first, where there are several.
    targets
        (n, targets) all targets of train, each as ``train.y`` has it.
    sample
        The sample submission, as text: what a submission must look like.
    only_train
        Columns that test lacks; they are not features.
    classes
        Labels in class order, of every target; empty for regression.
    edition
        Where the files came from.
    fingerprint
        Hash of the files' contents, decompressed.
    tables
        The declared tables that steps name.
    repeated
        How many of train's rows such a table repeats, beside the target.
    given
        Names and types of the columns of every frame that ``assemble`` was given; empty without it.
    """

    train: Table
    test: Table
    targets: Frame
    sample: Frame
    only_train: tuple[str, ...]
    classes: tuple[str, ...]
    edition: str
    fingerprint: str
    tables: Mapping[str, Frame] = field(default_factory=dict)
    repeated: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, pl.DataType]] = field(default_factory=dict)


def read_dataset(source: Source, facts: CompetitionFacts, additions: Additions = _NOTHING) -> Dataset:
    """Read train, test and sample submission.

    Parameters
    ----------
    source, facts
        Which files, and what is true of them.
    additions
        What the competition's folder says of the rows besides: derived groups and time, a file of folds.

    Raises
    ------
    DataError
        A file is missing, empty or not CSV; the target or another named column is not there; ids repeat; the target
        has nulls or the wrong number of classes; groups, times, weights or folds are unusable.
    """
    paths = [find_file(source.folder, name) for name in (facts.train_file, facts.test_file, facts.sample_file)]
    table_paths = {name: find_file(source.folder, file) for name, file in facts.tables.items()}
    raw = [read_bytes(path) for path in (*paths, *table_paths.values())]
    sample = parse_csv(raw[2], paths[2], as_text=True, encoding=facts.encoding)
    train, test = agree(paths[:2], raw[:2], facts, sample)
    tables = {
        name: _in_types_of(
            train, parse_csv(content, path, null_words=facts.null_words, as_text=True, encoding=facts.encoding)
        )
        for (name, path), content in zip(table_paths.items(), raw[3:], strict=True)
    }
    given = {}
    if additions.assemble is not None:
        given = _given(train, test, tables, facts)
        known = train.select(facts.targets)
        where = str(additions.tables_file)
        train, test = assemble_tables(additions.assemble, given, id_=facts.id, where=where)
        train = train.with_columns(known.get_columns())
    check_columns(train, test, facts, paths)
    targets, classes = targets_and_classes(train, facts, paths[0])
    in_train, in_test, no_features = set(train.columns), set(test.columns), _not_features(facts)
    only_train = tuple(name for name in train.columns if name not in in_test and name not in facts.targets)
    features = [name for name in test.columns if name in in_train and name not in no_features]
    groups = groups_of((train, test), facts, additions, paths[:2])
    times = times_of((train, test), facts, additions, paths[:2])
    weight = weight_of(train, facts.weight, paths[0])
    for frame, path in zip((train, test), paths[:2], strict=True):
        check_ids(frame[facts.id], path)
    fold = folds_of(train, facts, additions, paths[0])
    for name in additions.metric_columns:
        require("metric", name, train, paths[0])
    further = train.select(additions.metric_columns) if additions.metric_columns else None
    labelled = train.with_columns(targets.get_columns())
    joined = {name: reduce(_with_labels, targets.get_columns(), tables[name]) for name in additions.tables}
    repeated = {
        name: check_repeats(name, table, labelled, id_=facts.id, targets=facts.targets, where=str(table_paths[name]))
        for name, table in joined.items()
    }
    return Dataset(
        train=Table(
            train[facts.id], train.select(features), targets.to_series(), groups[0], times[0], weight, fold, further
        ),
        test=Table(test[facts.id], test.select(features), None, groups[1], times[1]),
        targets=targets,
        sample=sample,
        only_train=only_train,
        classes=classes,
        edition=source.edition,
        fingerprint=_fingerprint(raw),
        tables=joined,
        repeated=repeated,
        given={name: dict(frame.schema) for name, frame in given.items()},
    )


def _given(train: Frame, test: Frame, tables: Mapping[str, Frame], facts: CompetitionFacts) -> dict[str, Frame]:
    """Return what ``assemble`` is given: every table by its name, and no target of train."""
    for role, name, frame, path in (
        ("id", facts.id, train, facts.train_file),
        ("id", facts.id, test, facts.test_file),
        *(("target", name, train, facts.train_file) for name in facts.targets),
    ):
        require(role, name, frame, Path(path))
    return {"train": train.drop(facts.targets), "test": test, **tables}


def _in_types_of(train: Frame, text: Frame) -> Frame:
    """Return a table of text in its types: those of train's columns of the same name, so that they can be joined.

    A column whose values train's type cannot hold has the narrowest type that can.
    """
    types = train.schema
    shared = [name for name in text.columns if name in types]
    words = [name for name in shared if types[name] == pl.String]
    _, text = same_spelling(train, text, words)
    (typed,) = with_types([text], words)
    converted = [lossless(CONVERSIONS[types[name].base_type()], text[name]) for name in shared if name not in words]
    return typed.with_columns(column for column in converted if column is not None).with_columns(
        pl.selectors.float().fill_nan(None)
    )


def _with_labels(table: Frame, y: Target) -> Frame:
    """Return a table whose column of the target, where it has one, is in the target's final form, if that suits it."""
    if y.name not in table.columns:
        return table
    own = table[y.name]
    if isinstance(y.dtype, pl.Enum):
        labels = own.cast(pl.String).cast(y.dtype, strict=False)
        final = labels if labels.null_count() == own.null_count() else narrowest([own.cast(pl.String)])[0]
        return table.with_columns(final)
    return table.with_columns(own.cast(y.dtype)) if own.dtype.is_numeric() else table


def _not_features(facts: CompetitionFacts) -> set[str | None]:
    return {*facts.targets, facts.weight, facts.fold, *facts.ignore}


def _fingerprint(raw: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for content in raw:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
