"""Reading a competition's files into one schema for train and test."""

import csv
import gzip
import hashlib
import math
import operator
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.assemble import assemble_tables
from kagflow.data.derive import Additions, derive
from kagflow.data.repeats import check_repeats
from kagflow.data.source import Source
from kagflow.data.table import Frame, Table, Target
from kagflow.data.written import header_of, in_utf8, with_all_named, with_decimal_points
from kagflow.errors import DataError, did_you_mean

_LIKE_NO_WORD = re.compile(r"\s*([-+.\d]|true|false|nan|inf|$)", re.IGNORECASE)
_HUGE_INTEGER = r"^\s*[-+]?\d{19,}\s*$"
_SUFFIXES = ("", ".gz", ".zip")
_Pair = tuple[pl.Series | None, pl.Series | None]  # of train and of test
LARGEST = 3.4e38  # that Float32 holds
_GLANCE, _GLANCE_BYTES = 1000, 1_000_000
_LARGE_BYTES = 64 * 2**20  # from here on text takes too much memory to be read first
_NOTHING = Additions()
_LOOK = "open the file and look; where it is in another encoding, write it into competition.yaml: `encoding: cp1252`"


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
    train, test = _agree(paths[:2], raw[:2], facts, sample)
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
    _check_columns(train, test, facts, paths)
    targets, classes = _targets(train, facts, paths[0])
    in_train, in_test, no_features = set(train.columns), set(test.columns), _not_features(facts)
    only_train = tuple(name for name in train.columns if name not in in_test and name not in facts.targets)
    features = [name for name in test.columns if name in in_train and name not in no_features]
    groups = _groups((train, test), facts, additions, paths[:2])
    times = _times((train, test), facts, additions, paths[:2])
    weight = _weight(train, facts.weight, paths[0])
    for frame, path in zip((train, test), paths[:2], strict=True):
        _check_ids(frame[facts.id], path)
    fold = _fold(train, facts, additions, paths[0])
    for name in additions.metric_columns:
        _require("metric", name, train, paths[0])
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
        _require(role, name, frame, Path(path))
    return {"train": train.drop(facts.targets), "test": test, **tables}


def _in_types_of(train: Frame, text: Frame) -> Frame:
    """Return a table of text in its types: those of train's columns of the same name, so that they can be joined.

    A column whose values train's type cannot hold has the narrowest type that can.
    """
    types = train.schema
    shared = [name for name in text.columns if name in types]
    words = [name for name in shared if types[name] == pl.String]
    _, text = _same_spelling(train, text, words)
    (typed,) = _with_types([text], words)
    converted = [_lossless(CONVERSIONS[types[name].base_type()], text[name]) for name in shared if name not in words]
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
        final = labels if labels.null_count() == own.null_count() else _narrowest([own.cast(pl.String)])[0]
        return table.with_columns(final)
    return table.with_columns(own.cast(y.dtype)) if own.dtype.is_numeric() else table


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a data file, which may be plain, ``.gz`` or ``.zip``.

    Raises
    ------
    DataError
        None of them is there.
    """
    path = look_for_file(folder, name)
    if path is not None:
        return path
    present = sorted(path.name for path in folder.iterdir() if path.is_file())
    raise DataError(
        f"{name} is missing (looked for {', '.join(name + suffix for suffix in _SUFFIXES)})",
        hint=f"the folder holds {', '.join(present) or 'no files'}",
        where=str(folder),
    )


def look_for_file(folder: Path, name: str) -> Path | None:
    """Return the path of a data file as ``find_file`` does, or ``None`` where it is not there."""
    paths = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def read_bytes(path: Path) -> bytes:
    """Return a file's contents, decompressed; a zip holds exactly one file.

    Raises
    ------
    DataError
        The file cannot be read or decompressed.
    """
    try:
        if path.suffix == ".gz":
            return gzip.decompress(path.read_bytes())
        if path.suffix == ".zip":
            return _only_member(path)
        return path.read_bytes()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        # zipfile raises the last two for a method that it does not know, and for a password
        raise DataError(f"cannot be read: {error}", hint="fetch the file again", where=str(path)) from None


def _only_member(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if len(members) != 1:
            raise DataError(
                f"expected one file in the archive, found {len(members)}", hint="unzip it by hand", where=str(path)
            )
        return archive.read(members[0])


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
    (typed,) = _with_types([frame], text_columns)
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


def _agree(paths: Sequence[Path], raw: Sequence[bytes], facts: CompetitionFacts, sample: Frame) -> tuple[Frame, Frame]:
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
    train, test = _with_types([train, test], as_it_came)
    train, test = _same_spelling(train, test, [name for name in facts.categorical if name in shared])
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
        typed = _with_types(
            [parse_csv(each, Path(), null_words=null_words, as_text=True) for each in starts], text_columns
        )
    except DataError:  # a long text that was cut, or a file that cannot be read anyway
        return []
    schemas = [frame.schema for frame in typed]
    names = {name for schema in schemas for name in schema}
    return sorted(name for name in names if all(schema.get(name, pl.Float64) == pl.Float64 for schema in schemas))


def _with_types(frames: Sequence[Frame], text_columns: Sequence[str]) -> list[Frame]:
    """Give each column the narrowest type that holds its values in every frame that has it.

    Reading everything as text first is faster than polars' own inference over all rows (dates above all), and a type
    is decided once for all files.
    """
    headers = [dict.fromkeys(frame.columns) for frame in frames]
    text = set(text_columns).union(*map(_surely_text, frames))
    typed = {}
    for name in {name: None for header in headers for name in header}:
        columns = [frame[name] for frame, header in zip(frames, headers, strict=True) if name in header]
        typed[name] = iter(columns if name in text else _narrowest(columns))
    found = [pl.DataFrame({name: next(typed[name]) for name in header}) for header in headers]
    return [frame.with_columns(pl.selectors.float().fill_nan(None)) for frame in found]


def _narrowest(columns: Sequence[pl.Series]) -> Sequence[pl.Series]:
    """Return columns of text in the first of the types that holds all their values, or as they are."""
    if columns[0].dtype == pl.Float64:  # of large files, which were not read as text
        return columns
    for convert in CONVERSIONS.values():
        converted = [_lossless(convert, column) for column in columns]
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


def _lossless(convert: Callable[[pl.Series], pl.Series], column: pl.Series) -> pl.Series | None:
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


def _same_spelling(train: Frame, test: Frame, names: Sequence[str]) -> tuple[Frame, Frame]:
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


def _check_columns(train: Frame, test: Frame, facts: CompetitionFacts, paths: Sequence[Path]) -> None:
    """Raise a DataError unless train has every column that the facts name; test needs the id only."""
    for name in facts.targets:
        _require("target", name, train, paths[0])
    for role in ("id", "group", "time", "weight", "fold"):
        _require(role, getattr(facts, role), train, paths[0])
    for role in ("categorical", "ignore"):
        for name in getattr(facts, role):
            _require(role, name, train, paths[0])
    _require("id", facts.id, test, paths[1])


def _require(role: str, name: str | None, frame: Frame, path: Path) -> None:
    if name is not None and name not in frame.columns:
        raise DataError(
            f"there is no column {name!r}, which `{role}` names",
            hint=did_you_mean(name, frame.columns),
            where=str(path),
        )


def _not_features(facts: CompetitionFacts) -> set[str | None]:
    return {*facts.targets, facts.weight, facts.fold, *facts.ignore}


def _targets(train: Frame, facts: CompetitionFacts, path: Path) -> tuple[Frame, tuple[str, ...]]:
    """Return the targets in their final form, and the classes, which are the same for all."""
    made = [_target(train[name], facts, f"{path}, column {name}") for name in facts.targets]
    classes = made[0][1]
    for y, own in made:
        if own != classes:
            raise DataError(
                f"the targets have different labels: {made[0][0].name} has {', '.join(classes)}, "
                f"{y.name} has {', '.join(own)}",
                hint="write them alike in the file, 0 and 1 for example",
                where=str(path),
            )
    return pl.DataFrame([y for y, _ in made]), classes


def _target(y: pl.Series, facts: CompetitionFacts, where: str) -> tuple[Target, tuple[str, ...]]:
    """Return a target in its final form, and its classes."""
    if y.null_count() == y.len():
        raise DataError("the target is null in every row", hint="check `target` and `null_words`", where=where)
    if y.null_count():
        raise DataError(
            f"the target is null in {y.null_count()} of {y.len()} rows",
            hint="remove these rows from the file, or check `null_words`",
            where=where,
        )
    if facts.task == "regression":
        return _numeric_target(y, where), ()
    classes = _class_order(y, facts, where)
    return y.cast(pl.Enum(list(classes))), classes


def _numeric_target(y: pl.Series, where: str) -> Target:
    if not y.dtype.is_numeric():
        text = y.cast(pl.String)
        words = text.filter(text.cast(pl.Float64, strict=False).is_null()).unique(maintain_order=True)
        raise DataError(
            f"a regression target must be numbers; it holds {', '.join(map(repr, words.head(3)))}",
            hint="check `task` in competition.yaml",
            where=where,
        )
    values = y.cast(pl.Float64)
    if not values.is_finite().all():
        raise DataError("the target holds values that are not finite", hint="look at these rows", where=where)
    return values


def _class_order(y: pl.Series, facts: CompetitionFacts, where: str) -> tuple[str, ...]:
    """Return the labels in order (numbers by size, words by alphabet), the positive one last where it is named."""
    labels = y.unique().to_list()
    labels.sort(key=_by_number if all(_is_number(label) for label in labels) else str)
    if len(labels) < 2 or (facts.task == "binary" and len(labels) != 2):
        wanted = "two classes" if facts.task == "binary" else "at least two classes"
        shown = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        raise DataError(
            f"a {facts.task} target must have {wanted}; it has {len(labels)} ({shown})",
            hint="check `task` and `target` in competition.yaml",
            where=where,
        )
    if facts.positive is not None:
        if facts.positive not in labels:
            raise DataError(
                f"`positive: {facts.positive}` is no label of the target",
                hint=did_you_mean(facts.positive, labels),
                where=where,
            )
        labels.sort(key=lambda label: label == facts.positive)
    return tuple(labels)


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _by_number(label: str) -> tuple[float, str]:
    return float(label), label


def _check_ids(ids: pl.Series, path: Path) -> None:
    if ids.null_count():
        raise DataError(
            f"{ids.null_count()} ids are null", hint="check `id` and `null_words`", where=f"{path}, column {ids.name}"
        )
    repeated = ids.filter(ids.is_duplicated())
    if repeated.len():
        raise DataError(
            f"ids must be unique; {repeated.n_unique()} occur more than once, the first is {repeated[0]!r}",
            hint="check `id`, or remove the duplicates",
            where=f"{path}, column {ids.name}",
        )


def _groups(frames: Sequence[Frame], facts: CompetitionFacts, additions: Additions, paths: Sequence[Path]) -> _Pair:
    return _known(frames, facts.group, paths, additions.group, f"{additions.where}, GROUP")[0]


def _times(frames: Sequence[Frame], facts: CompetitionFacts, additions: Additions, paths: Sequence[Path]) -> _Pair:
    times, places = _known(frames, facts.time, paths, additions.time, f"{additions.where}, TIME")
    for time, where in zip(times, places, strict=True):
        if time is not None and not (time.dtype.is_numeric() or time.dtype.is_temporal()):
            raise DataError(
                f"times must be numbers or dates, which have an order; the first is {str(time[0])!r}",
                hint="dates are read when they are written as in 2024-01-31 or 2024-01-31 23:59:00",
                where=where,
            )
    return times


def _known(
    frames: Sequence[Frame], name: str | None, paths: Sequence[Path], expression: pl.Expr | None, origin: str
) -> tuple[_Pair, Sequence[str]]:
    """Return a column (of train and of test, which may lack it) or an expression's values, and where each is from."""
    columns: Sequence[pl.Series | None]
    if expression is not None:
        columns, places = derive(frames, expression, origin), [origin, origin]
    else:
        columns = [frame[name] if name is not None and name in frame.columns else None for frame in frames]
        places = [f"{path}, column {name}" for path in paths]
    for column, where in zip(columns, places, strict=True):
        if column is not None and column.null_count():
            raise DataError(
                f"{column.null_count()} of {column.len()} rows are null",
                hint="group and time of every row must be known",
                where=where,
            )
    return (columns[0], columns[1]), places


def _weight(frame: Frame, name: str | None, path: Path) -> pl.Series | None:
    if name is None:
        return None
    weight = frame[name].cast(pl.Float64, strict=False)
    if weight.null_count() or not (weight.is_finite() & (weight > 0)).all():
        raise DataError("weights must be positive numbers", hint="look at these rows", where=f"{path}, column {name}")
    return weight


def _fold(train: Frame, facts: CompetitionFacts, additions: Additions, path: Path) -> Frame | None:
    """Return (n, repeats) folds from a column of train, or from the competition's own file."""
    if facts.fold is not None:
        folds = train.select(facts.fold)
    elif additions.fold_file is not None:
        path = find_file(additions.fold_file.parent, additions.fold_file.name)
        folds = _fold_file(path, train[facts.id])
    else:
        return None
    for column in folds:
        if column.null_count():
            raise DataError(
                f"{column.null_count()} of {column.len()} rows of train have no fold",
                hint="every row must be in a fold",
                where=f"{path}, column {column.name}",
            )
    return folds


def _fold_file(path: Path, ids: pl.Series) -> Frame:
    """Return the columns of a file of folds, in the order of the ids; null where it lacks one."""
    name = ids.name
    folds = parse_csv(read_bytes(path), path, text_columns=(name,))
    _require("id", name, folds, path)
    folds = folds.with_columns(pl.col(name).cast(ids.dtype, strict=False)).drop_nulls(name)
    _check_ids(folds[name], path)
    if folds.width < 2:
        raise DataError("there is no column of folds", hint="write one beside the id, one a repeat", where=str(path))
    return ids.to_frame().join(folds, on=name, how="left", maintain_order="left").drop(name)


def _fingerprint(raw: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for content in raw:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
