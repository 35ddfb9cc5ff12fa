"""Reading a competition's files into one schema for train and test."""

import gzip
import hashlib
import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.source import Source
from kagflow.data.table import Frame, Table, Target
from kagflow.errors import DataError, did_you_mean

_SUFFIXES = ("", ".gz", ".zip")


@dataclass(frozen=True)
class Dataset:
    """Train and test under one schema.

    Attributes
    ----------
    train, test
        Tables with the same feature columns and types.
    sample
        The sample submission, as text: what a submission must look like.
    only_train
        Columns that test lacks; they are not features.
    classes
        Labels in class order; empty for regression.
    edition
        Where the files came from.
    fingerprint
        Hash of the files' bytes.
    """

    train: Table
    test: Table
    sample: Frame
    only_train: tuple[str, ...]
    classes: tuple[str, ...]
    edition: str
    fingerprint: str


def read_dataset(source: Source, facts: CompetitionFacts) -> Dataset:
    """Read train, test and sample submission.

    Raises
    ------
    DataError
        A file is missing, empty or not CSV; the target or another named column is not there; ids repeat; the target
        has nulls or the wrong number of classes.
    """
    paths = [find_file(source.folder, name) for name in (facts.train_file, facts.test_file, facts.sample_file)]
    raw = [read_bytes(path) for path in paths]
    train, test = _agree(paths[:2], raw[:2], facts)
    _check_columns(train, test, facts, paths)
    y, classes = _target(train, facts, paths[0])
    only_train = tuple(name for name in train.columns if name not in test.columns and name != facts.target)
    features = [name for name in test.columns if name in train.columns and name not in _not_features(facts)]
    return Dataset(
        train=_table(train, features, facts, y, paths[0]),
        test=_table(test, features, facts, None, paths[1]),
        sample=parse_csv(raw[2], paths[2], as_text=True),
        only_train=only_train,
        classes=classes,
        edition=source.edition,
        fingerprint=_fingerprint(raw),
    )


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a data file, which may be plain, ``.gz`` or ``.zip``.

    Raises
    ------
    DataError
        None of them is there.
    """
    for suffix in _SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    present = sorted(path.name for path in folder.iterdir() if path.is_file())
    raise DataError(
        f"{name} is missing (looked for {', '.join(name + suffix for suffix in _SUFFIXES)})",
        hint=f"the folder holds {', '.join(present) or 'no files'}",
        where=str(folder),
    )


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
    except (OSError, EOFError, zipfile.BadZipFile) as error:
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
) -> Frame:
    """Parse CSV; types come from all rows, not from the first ones.

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

    Raises
    ------
    DataError
        The file is empty, holds no rows, or is not CSV.
    """
    if not raw.strip():
        raise DataError("the file is empty", hint="fetch the file again", where=str(path))
    try:
        frame = pl.read_csv(
            io.BytesIO(raw),
            null_values=list(null_words),
            infer_schema=not as_text,
            infer_schema_length=None,
            schema_overrides={name: pl.String for name in text_columns},
            try_parse_dates=True,
        )
    except pl.exceptions.PolarsError as error:
        first_line = str(error).splitlines()[0]
        raise DataError(f"not readable as CSV: {first_line}", hint="open the file and look", where=str(path)) from None
    if frame.height == 0:
        raise DataError("the file has a header and no rows", hint="fetch the file again", where=str(path))
    return frame


def _agree(paths: Sequence[Path], raw: Sequence[bytes], facts: CompetitionFacts) -> tuple[Frame, Frame]:
    """Parse train and test so that a column has one type in both; where nothing else holds both, text does."""
    frames = [_parse(path, content, facts, ()) for path, content in zip(paths, raw, strict=True)]
    shared = [name for name in frames[1].columns if name in frames[0].columns]
    clashing = [name for name in shared if _common_type(frames[0][name], frames[1][name]) is None]
    if clashing:
        frames = [_parse(path, content, facts, clashing) for path, content in zip(paths, raw, strict=True)]
    types = {name: _common_type(frames[0][name], frames[1][name]) for name in shared}
    train, test = (frame.cast({name: dtype for name, dtype in types.items() if dtype is not None}) for frame in frames)
    return train, test


def _parse(path: Path, raw: bytes, facts: CompetitionFacts, clashing: Sequence[str]) -> Frame:
    header = pl.read_csv(io.BytesIO(raw), n_rows=0, infer_schema=False).columns if raw.strip() else []
    labels = () if facts.task == "regression" else (facts.target,)  # a label is written back just as it came
    text = [name for name in (*facts.categorical, *clashing, *labels) if name in header]
    return parse_csv(raw, path, null_words=facts.null_words, text_columns=text)


def _common_type(first: pl.Series, second: pl.Series) -> pl.DataType | None:
    """Return the type that holds the values of both columns, or ``None`` where only text does."""
    if first.dtype == second.dtype:
        return first.dtype
    for column, other in ((first, second), (second, first)):
        if column.null_count() == column.len():
            return other.dtype
    if first.dtype.is_integer() and second.dtype.is_integer():
        return pl.Int64()
    if first.dtype.is_numeric() and second.dtype.is_numeric():
        return pl.Float64()
    return None


def _check_columns(train: Frame, test: Frame, facts: CompetitionFacts, paths: Sequence[Path]) -> None:
    if facts.target not in train.columns:
        raise DataError(
            f"the target column {facts.target!r} is not in the file",
            hint=did_you_mean(facts.target, train.columns),
            where=str(paths[0]),
        )
    roles = [role for role in (facts.id, facts.group, facts.time) if role is not None]
    for frame, path in zip((train, test), paths, strict=False):
        for name in roles:
            if name not in frame.columns:
                raise DataError(
                    f"the column {name!r} is not in the file", hint=did_you_mean(name, frame.columns), where=str(path)
                )
    if facts.weight is not None and facts.weight not in train.columns:
        raise DataError(
            f"the weight column {facts.weight!r} is not in the file",
            hint=did_you_mean(facts.weight, train.columns),
            where=str(paths[0]),
        )
    for name in (*facts.categorical, *facts.ignore):
        if name not in train.columns:
            raise DataError(
                f"the facts name a column {name!r} that the file lacks",
                hint=did_you_mean(name, train.columns),
                where=str(paths[0]),
            )


def _not_features(facts: CompetitionFacts) -> set[str]:
    return {facts.target, *facts.ignore, *([facts.weight] if facts.weight else [])}


def _target(train: Frame, facts: CompetitionFacts, path: Path) -> tuple[Target, tuple[str, ...]]:
    """Return the target in its final form, and the classes."""
    y = train[facts.target]
    where = f"{path}, column {facts.target}"
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
        sample = ", ".join(repr(value) for value in y.unique().head(3).to_list())
        raise DataError(
            f"a regression target must be numbers; it holds {sample}",
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


def _table(frame: Frame, features: Sequence[str], facts: CompetitionFacts, y: Target | None, path: Path) -> Table:
    ids = frame[facts.id]
    _check_ids(ids, path)
    return Table(
        ids=ids,
        x=frame.select(features),
        y=y,
        groups=_role(frame, facts.group, path),
        time=_role(frame, facts.time, path),
        weight=_weight(frame, facts.weight, path) if y is not None else None,
    )


def _check_ids(ids: pl.Series, path: Path) -> None:
    if ids.null_count():
        raise DataError(f"{ids.null_count()} ids are null", hint="check `id`", where=f"{path}, column {ids.name}")
    repeated = ids.filter(ids.is_duplicated())
    if repeated.len():
        raise DataError(
            f"ids must be unique; {repeated.n_unique()} occur more than once, the first is {repeated[0]!r}",
            hint="check `id`, or remove the duplicates",
            where=f"{path}, column {ids.name}",
        )


def _role(frame: Frame, name: str | None, path: Path) -> pl.Series | None:
    if name is None:
        return None
    if frame[name].null_count():
        raise DataError(
            f"{frame[name].null_count()} rows are null", hint="groups and time must be known", where=f"{path}, {name}"
        )
    return frame[name]


def _weight(frame: Frame, name: str | None, path: Path) -> pl.Series | None:
    if name is None:
        return None
    weight = frame[name].cast(pl.Float64)
    if weight.null_count() or not (weight > 0).all():
        raise DataError("weights must be positive numbers", hint="look at these rows", where=f"{path}, column {name}")
    return weight


def _fingerprint(raw: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for content in raw:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
