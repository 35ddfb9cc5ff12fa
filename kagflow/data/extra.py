"""Extra rows: labelled rows that are trained on and never scored, and the files that they are read from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import CompetitionFacts, ExtraFile
from kagflow.data.derive import Additions, derive
from kagflow.data.files import look_for_file, read_bytes
from kagflow.data.new_rows import in_type
from kagflow.data.parsing import parse_csv
from kagflow.data.table import Frame, Rows, Table, Target
from kagflow.errors import DataError, did_you_mean

_FEW_WORDS = 100  # from there on a column may well hold names, which no two files share
_CAST = "write it as train has it, or list the column under `ignore`, so that it is null in these rows"


@dataclass(frozen=True, eq=False)
class FoldLabels:
    """What extra rows are in one fold, or in the fits on all rows.

    Attributes
    ----------
    y
        (m,) targets.
    weight
        (m,) weights; ``None`` when all are 1.
    joins
        (m,) which rows join the training rows.
    train
        Positions of the training rows that the labels are made of, at most: no other row's target is in them.
    """

    y: Target
    weight: pl.Series | None
    joins: NDArray[np.bool_]
    train: Rows


@dataclass(frozen=True, eq=False)
class Repeats:
    """Extra rows that must not repeat a row which is scored, or which tells when to stop.

    Attributes
    ----------
    rows
        (r,) their positions among the extra rows.
    own, known
        (r,) and (n,) the same number for an extra row and a training row with the same features.
    """

    rows: Rows
    own: NDArray[np.uint64]
    known: NDArray[np.uint64]

    @classmethod
    def between(cls, x: Frame, train: Frame) -> "Repeats":
        """Compare extra rows with train's, over the columns that both have."""
        in_train = set(train.columns)
        columns = [name for name in x.columns if name in in_train]
        return cls(np.arange(x.height), feature_hashes(x.select(columns)), feature_hashes(train.select(columns)))

    def of(self, apart: Rows) -> Rows:
        """Return the positions of extra rows that repeat one of some training rows."""
        again: Rows = self.rows[np.isin(self.own, self.known[apart])]
        return again


def feature_hashes(x: Frame) -> NDArray[np.uint64]:
    """Return (n,) a number a row, the same for rows with the same values."""
    return x.hash_rows(seed=1).to_numpy()


@dataclass(frozen=True, eq=False)
class ExtraRows:
    """Rows that join the training rows of folds.

    Attributes
    ----------
    table
        The m rows.
    joins
        (m,) which of them join every fold; the others join as ``of_fold`` says.
    repeats
        Which of them stay out where a row with the same features is scored, or tells when to stop.
    of_fold
        Targets that are others in every fold, by the fold's number; by ``None`` those of fits on all rows.
    """

    table: Table
    joins: NDArray[np.bool_]
    repeats: tuple[Repeats, ...] = ()
    of_fold: Mapping[int | None, FoldLabels] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, *repeats: Repeats) -> "ExtraRows":
        """Return rows that have the same targets in every fold."""
        return cls(table, np.ones(table.height, dtype=np.bool_), repeats)


def stack_weights(parts: Sequence[tuple[pl.Series | None, int]]) -> pl.Series | None:
    """Return the weights of all rows, of which parts (with their heights) may have none: these count as one."""
    if all(weight is None for weight, _ in parts):
        return None
    return pl.concat([pl.repeat(1.0, n, eager=True) if weight is None else weight for weight, n in parts])


@dataclass(frozen=True, eq=False)
class ExtraData:
    """What a file of extra rows holds.

    Attributes
    ----------
    table
        Its rows in train's columns and types.
    lacking
        Columns that the file lacks; they are null.
    digest
        Hash of its content.
    """

    table: Table
    lacking: tuple[str, ...]
    digest: str


def find_extra_file(name: str, folders: Sequence[Path]) -> Path:
    """Return the path of a file of extra rows in the first folder that has it; it may be ``.gz`` or ``.zip``.

    Raises
    ------
    DataError
        None has it.
    """
    found = (look_for_file(folder, name) for folder in folders)
    path = next((path for path in found if path is not None), None)
    if path is None:
        raise DataError(
            f"there is no file {name}",
            hint=f"looked for it in {', '.join(map(str, folders))}",
            where="extra.file",
        )
    return path


def read_extra_file(
    path: Path, asked: ExtraFile, train: Table, facts: CompetitionFacts, additions: Additions
) -> ExtraData:
    """Read a file of labelled rows as train's.

    Parameters
    ----------
    path, asked
        The file, and how its columns are to be understood.
    train
        Whose columns and types its rows get. Where `tables.py` assembles train, the file has assembled columns.
    facts, additions
        What is true of the competition's files.

    Raises
    ------
    DataError
        The file cannot be read, has no target or none of train's columns, holds a class or value that train cannot
        hold, or lacks a group or time where train has one.
    """
    raw = read_bytes(path)
    text = _renamed(
        parse_csv(raw, path, null_words=facts.null_words, as_text=True, encoding=facts.encoding), asked, path
    )
    y = _labels(text, train, facts, path)
    schema = train.x.schema
    named = {facts.id, facts.group, facts.time}
    if not any(name in schema and name not in named for name in text.columns):
        raise DataError(
            "the file has none of train's features",
            hint=f"name its columns as train does, by `rename`; it has {', '.join(text.columns[:10])}",
            where=str(path),
        )
    x = pl.DataFrame([_column(text, train.x[name], path) for name in schema])
    table = Table(
        ids=_ids(text, facts.id),
        x=x,
        y=y,
        groups=_known("group", facts.group, additions.group, text, x, train.groups, additions.where, path),
        time=_known("time", facts.time, additions.time, text, x, train.time, additions.where, path),
        weight=_weight(text, facts.weight, asked.weight, path),
    )
    in_file = set(text.columns)
    lacking = tuple(name for name in schema if name not in in_file and name not in named)
    return ExtraData(table, lacking, hashlib.sha256(raw).hexdigest())


def _renamed(text: Frame, asked: ExtraFile, path: Path) -> Frame:
    """Return the file's columns by train's names."""
    for key, names in (("rename", [*asked.rename]), ("ignore", [*asked.ignore])):
        for name in names:
            if name not in text.columns:
                raise DataError(
                    f"there is no column {name!r}, which `{key}` names",
                    hint=did_you_mean(name, text.columns),
                    where=str(path),
                )
    text = text.drop(asked.ignore)
    names = [asked.rename.get(name, name) for name in text.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"two columns are called {twice!r} once they are renamed", hint="`ignore` one of them", where=str(path)
        )
    return text.rename(dict(zip(text.columns, names, strict=True)))


def _labels(text: Frame, train: Table, facts: CompetitionFacts, path: Path) -> Target:
    """Return the targets as train has them."""
    assert train.y is not None
    name = facts.targets[0]
    if name not in text.columns:
        raise DataError(
            f"extra rows need a target, and the file has no column {name!r}",
            hint=f"{did_you_mean(name, text.columns)}; `rename: {{its name: {name}}}`",
            where=str(path),
        )
    own, where = text[name], f"{path}, column {name}"
    if own.null_count():
        raise DataError(f"the target is null in {own.null_count()} of {own.len()} rows", "remove these rows", where)
    if isinstance(train.y.dtype, pl.Enum):
        return _classes(own, train.y.dtype, where)
    values = own.cast(pl.Float64, strict=False)
    if values.null_count() or not values.is_finite().all():
        unknown = own.filter(values.is_null() | ~values.is_finite())
        raise DataError(f"a target must be a number; {unknown[0]!r} is none", "remove these rows", where)
    return values


def _classes(labels: pl.Series, dtype: pl.Enum, where: str) -> Target:
    """Return labels as classes; 1.0 is the class 1 where there is no class 1.0."""
    classes = dtype.categories
    if not labels.is_in(classes.implode()).all():
        labels = labels.str.replace(r"\.0+$", "")
    unknown = labels.filter(~labels.is_in(classes.implode())).unique(maintain_order=True)
    if unknown.len():
        raise DataError(
            f"{unknown[0]!r} is no class of train's target",
            hint=f"the classes are {', '.join(classes.head(10))}; write these rows' labels so, or remove the rows",
            where=where,
        )
    return labels.cast(dtype)


def _column(text: Frame, known: pl.Series, path: Path) -> pl.Series:
    """Return a column in train's type; null where the file lacks it."""
    name = known.name
    if name not in text.columns:
        return pl.repeat(None, text.height, dtype=known.dtype, eager=True).alias(name)
    if known.dtype != pl.String:
        return in_type(text[name], known.dtype, path, hint=_CAST)
    column = text[name]
    if known.str.contains(r"^-?\d+$").all() and column.str.contains(r"^-?\d+\.0$").all():
        column = column.str.replace(r"\.0$", "")  # as pandas writes whole numbers beside nulls
    words = known.drop_nulls().unique()
    present = column.drop_nulls()
    if 0 < words.len() <= _FEW_WORDS and present.len() and not present.is_in(words.implode()).any():
        raise DataError(
            f"no value of {name!r} is one of train's: it holds {present[0]!r}, train holds {words.sort()[0]!r}",
            hint="write the values as train does, `rename` another column, or `ignore` it, so that it is null",
            where=str(path),
        )
    return column


def _ids(text: Frame, name: str) -> pl.Series:
    """Return the ids, by which a row is kept from folds that score the same id; without any, none of them is known."""
    if name in text.columns:
        return text[name]
    return pl.repeat(None, text.height, dtype=pl.String, eager=True).alias(name)


def _known(
    role: str,
    name: str | None,
    expression: pl.Expr | None,
    text: Frame,
    x: Frame,
    train: pl.Series | None,
    origin: str,
    path: Path,
) -> pl.Series | None:
    """Return groups or times, which every row must have where train's rows have them."""
    if train is None:
        return None
    if expression is not None:
        values = derive([x], expression, f"{origin}, {role.upper()}")[0]
    elif name is not None and name in text.columns:
        values = in_type(text[name], train.dtype, path, hint="write it as train has it")
    else:
        raise DataError(
            f"extra rows need a {role} as train's have, and the file has no column {name!r}",
            hint="add it: it keeps rows out of folds that score the same group, or an earlier time",
            where=str(path),
        )
    if values.null_count():
        raise DataError(
            f"the {role} of {values.null_count()} of {values.len()} extra rows is not known",
            hint="add it, or remove these rows",
            where=str(path),
        )
    return values.cast(train.dtype)


def _weight(text: Frame, name: str | None, factor: float, path: Path) -> pl.Series | None:
    """Return the weights; ``None`` where all are 1."""
    if name is None or name not in text.columns:
        return None if factor == 1 else pl.repeat(factor, text.height, dtype=pl.Float64, eager=True)
    weight = text[name].cast(pl.Float64, strict=False)
    if weight.null_count() or not (weight.is_finite() & (weight > 0)).all():
        raise DataError("weights must be positive numbers", hint="look at these rows", where=f"{path}, column {name}")
    return weight * factor
