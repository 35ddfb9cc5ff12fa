"""The columns that the facts name beside the targets: id, group, time, weight and fold of every row."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.derive import Additions, derive
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.data.table import Frame
from kagflow.errors import DataError, did_you_mean

_Pair = tuple[pl.Series | None, pl.Series | None]  # of train and of test


def check_columns(train: Frame, test: Frame, facts: CompetitionFacts, paths: Sequence[Path]) -> None:
    """Raise a DataError unless train has every column that the facts name; test needs the id only."""
    for name in facts.targets:
        require("target", name, train, paths[0])
    for role in ("id", "group", "time", "weight", "fold"):
        require(role, getattr(facts, role), train, paths[0])
    for role in ("categorical", "ignore"):
        for name in getattr(facts, role):
            require(role, name, train, paths[0])
    require("id", facts.id, test, paths[1])


def require(role: str, name: str | None, frame: Frame, path: Path) -> None:
    """Raise a DataError where a column that the facts name in a role is not there."""
    if name is not None and name not in frame.columns:
        raise DataError(
            f"there is no column {name!r}, which `{role}` names",
            hint=did_you_mean(name, frame.columns),
            where=str(path),
        )


def check_ids(ids: pl.Series, path: Path) -> None:
    """Raise a DataError unless every id is known and occurs once."""
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


def groups_of(frames: Sequence[Frame], facts: CompetitionFacts, additions: Additions, paths: Sequence[Path]) -> _Pair:
    """Return the groups of the rows of train and of test, where they have any."""
    return _known(frames, facts.group, paths, additions.group, f"{additions.where}, GROUP")[0]


def times_of(frames: Sequence[Frame], facts: CompetitionFacts, additions: Additions, paths: Sequence[Path]) -> _Pair:
    """Return the times of the rows of train and of test, where they have any: numbers or dates."""
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


def weight_of(frame: Frame, name: str | None, path: Path) -> pl.Series | None:
    """Return the (n,) positive weights of the rows, where a column holds them."""
    if name is None:
        return None
    weight = frame[name].cast(pl.Float64, strict=False)
    if weight.null_count() or not (weight.is_finite() & (weight > 0)).all():
        raise DataError("weights must be positive numbers", hint="look at these rows", where=f"{path}, column {name}")
    return weight


def folds_of(train: Frame, facts: CompetitionFacts, additions: Additions, path: Path) -> Frame | None:
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
    require("id", name, folds, path)
    folds = folds.with_columns(pl.col(name).cast(ids.dtype, strict=False)).drop_nulls(name)
    check_ids(folds[name], path)
    if folds.width < 2:
        raise DataError("there is no column of folds", hint="write one beside the id, one a repeat", where=str(path))
    return ids.to_frame().join(folds, on=name, how="left", maintain_order="left").drop(name)
