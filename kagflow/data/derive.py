"""Groups and time that no column holds as they are: expressions over columns, written in the competition's folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from kagflow.data.assemble import Assemble
from kagflow.data.same import same_values
from kagflow.data.table import Frame
from kagflow.errors import DataError, did_you_mean

_MOST_ROWS = 500
_SEED = 20_011


@dataclass(frozen=True, eq=False)
class Additions:
    """What a competition's folder says of the rows beyond the columns that its facts name.

    Attributes
    ----------
    group, time
        Expressions over the columns that train and test share: ``GROUP`` and ``TIME`` of `features.py`.
    metric_columns
        Columns that the metric looks at beside target and weight.
    assemble
        Makes one row an id of several tables: ``assemble`` of `tables.py`.
    tables
        Names of the declared tables that steps ask for.
    where
        Path of the folder's file that holds the expressions, for messages.
    fold_file
        A file of folds, one row an id.
    """

    group: pl.Expr | None = None
    time: pl.Expr | None = None
    metric_columns: tuple[str, ...] = ()
    assemble: Assemble | None = None
    tables: tuple[str, ...] = ()
    where: str = "features.py"
    fold_file: Path | None = None

    @property
    def tables_file(self) -> Path:
        """Path of the folder's file that defines ``assemble``, for messages."""
        return Path(self.where).with_name("tables.py")


def derive(frames: Sequence[Frame], expression: pl.Expr, where: str) -> list[pl.Series]:
    """Return the values of an expression for the rows of each frame.

    Parameters
    ----------
    frames
        (n, ...) train and (m, ...) test; the expression sees the columns that both have.
    expression
        One value a row, of that row alone.
    where
        File and name, for messages.

    Raises
    ------
    DataError
        The expression raises, looks at other rows, or makes lists or structs.
    """
    names = [set(frame.columns) for frame in frames]
    shared = [name for name in frames[0].columns if all(name in known for known in names)]
    made = [_of_each_row(frame.select(shared), expression, where) for frame in frames]
    if made[0].dtype.is_nested():
        raise DataError(
            f"must make one plain value a row, got {made[0].dtype}",
            hint="take one element (.list.first()), or join several values with pl.concat_str",
            where=where,
        )
    return made


def _of_each_row(frame: Frame, expression: pl.Expr, where: str) -> pl.Series:
    values = _evaluate(expression, frame, where)
    size = min(_MOST_ROWS, frame.height // 2)
    order = np.random.default_rng(_SEED).choice(frame.height, 2 * size, replace=False)
    # Two parts: at least one of them lacks the one row that holds a maximum.
    parts = (order[:size], order[size:])
    if len(values) != frame.height or not all(
        same_values(values[part], _evaluate(expression, frame[part], where)) for part in parts
    ):
        raise DataError(
            f"is not row-wise: run on {size} of {frame.height} rows alone, it gives other values",
            hint="use only what stands in the row itself: no mean, rank, shift or count",
            where=where,
        )
    return values


def _evaluate(expression: pl.Expr, frame: Frame, where: str) -> pl.Series:
    try:
        made = frame.select(expression)
    except pl.exceptions.ColumnNotFoundError as error:
        name = re.search(r'"(.*?)"', str(error))
        unknown = name.group(1) if name else "?"
        raise DataError(
            f"there is no column {unknown!r} in both train and test",
            hint=did_you_mean(unknown, frame.columns),
            where=where,
        ) from None
    except Exception as error:  # a function inside the expression may raise anything
        first_line = next(iter(str(error).splitlines()), "")
        raise DataError(
            f"raised {type(error).__name__}: {first_line}", hint="try it on the files in a notebook", where=where
        ) from error
    if made.width != 1:
        raise DataError(f"makes {made.width} columns", hint="join them with pl.concat_str", where=where)
    column = made.to_series()
    return column.fill_nan(None) if column.dtype.is_float() else column
