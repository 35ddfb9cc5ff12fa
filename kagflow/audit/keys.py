"""Keys: what may hold rows together. Columns, parts of ids such as ``0001`` in ``0001_02``, and units of time."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.data import Frame, Rows
from kagflow.data.table import dense_codes
from kagflow.data.types import CONVERSIONS

UNITS = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo", "year": "1y"}
_SEPARATORS = ("_", "-", "/", ":", "|", ".")
_MOST_PARTS = 4
_TIME_WORD = re.compile(
    r"(?:^|[_\W])(?:date|datetime|time|timestamp|day|week|month|quarter|year|hour|period|epoch)s?(?:[_\W]|$)|(?:dt|date|time|timestamp)$"
    r"|(?:block|date|day|week|month|time|year)_?(?:num|number|index|idx|id)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Key:
    """A value for every row of train and test, as a code.

    Attributes
    ----------
    name
        For people: a column, or ``PassengerId before "_"``.
    column
        The column that it is made of.
    codes
        (n + m,) codes from 0, train first; -1 where the value is null.
    values
        How many there are.
    train
        Number of training rows, n.
    expression
        What makes it of the column, as it would stand in `features.py`; empty where it is the column itself.
    unit
        Unit of time, where it is one.
    """

    name: str
    column: str
    codes: Rows
    values: int
    train: int
    expression: str = ""
    unit: str = ""

    @property
    def made_of(self) -> str:
        """The expression, or the column's name."""
        return self.expression or self.column

    @property
    def complete(self) -> bool:
        """Whether every row has a value."""
        return bool((self.codes >= 0).all())


def same_types(train: Frame, test: Frame) -> tuple[Frame, Frame]:
    """Return both frames with one type a column; text that holds dates in both becomes dates.

    What kagflow has read is so already. Other readers judge each file by itself.
    """
    pairs = [_same_type(train[name], test[name]) for name in train.columns]
    return pl.DataFrame([pair[0] for pair in pairs]), pl.DataFrame([pair[1] for pair in pairs])


def _same_type(*columns: pl.Series) -> Sequence[pl.Series]:
    if len({column.dtype for column in columns}) > 1 and not all(column.dtype.is_numeric() for column in columns):
        columns = tuple(column.cast(pl.String) for column in columns)
    if any(column.dtype != pl.String or column.null_count() == column.len() for column in columns):
        return columns
    for kind in (pl.Date, pl.Datetime):
        made = [CONVERSIONS[kind](column) for column in columns]
        if all(new.null_count() == old.null_count() for new, old in zip(made, columns, strict=True)):
            return made
    return columns


def looks_like_time(name: str, dtype: pl.DataType) -> bool:
    """Say whether a column is of dates, or of numbers under the name of a time."""
    return dtype in (pl.Date, pl.Datetime) or (dtype.is_numeric() and _TIME_WORD.search(name) is not None)


def find_keys(train: Frame, test: Frame, id_: str) -> list[Key]:
    """Return every key that the columns of both frames offer; one partition of the rows is offered once.

    Left out are columns that are constant, or different in every row, and fractions.
    """
    found: list[Key] = []
    in_test = set(test.columns)
    fractions = _with_fractions(train) | _with_fractions(test)
    for name in train.columns:
        if name in in_test and name not in fractions:
            for key in _keys_of(train[name], test[name], is_id=name == id_):
                if not any(key.values == known.values and (key.codes == known.codes).all() for known in found):
                    found.append(key)
    return found


def encode(train: pl.Series, test: pl.Series) -> tuple[Rows, int]:
    """Return (n + m,) codes of values in the order of their first row, -1 for null, and how many values there are."""
    frames = [column.alias("both").to_frame() for column in (train, test)]
    both = pl.concat(frames, how="vertical_relaxed").to_series()
    known = both.is_not_null().to_numpy()
    codes = np.full(len(both), -1, dtype=np.int64)
    if known.any():
        ranks = dense_codes(both.drop_nulls())
        _, first, ranks = np.unique(ranks, return_index=True, return_inverse=True)
        codes[known] = np.argsort(np.argsort(first))[ranks]
    return codes, int(codes.max()) + 1


def _keys_of(train: pl.Series, test: pl.Series, *, is_id: bool) -> Iterator[Key]:
    dtype, name = train.dtype, train.name
    if dtype in (pl.Date, pl.Datetime):
        units = UNITS if dtype == pl.Datetime else {unit: step for unit, step in UNITS.items() if unit != "hour"}
        for unit, step in units.items():
            yield from _key(f"{unit} of {name}", name, train.dt.truncate(step), test.dt.truncate(step), unit=unit)
    elif not is_id and (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum) or dtype.is_float()):
        yield from _key(name, name, train, test)
    if dtype == pl.String:
        yield from _parts(train, test)


def _key(
    name: str, column: str, train: pl.Series, test: pl.Series, expression: str = "", unit: str = ""
) -> Iterator[Key]:
    codes, values = encode(train, test)
    rows = np.count_nonzero(codes >= 0)
    if 1 < values < rows:
        yield Key(name, column, codes, values, len(train), expression, unit)


def _with_fractions(frame: Frame) -> set[str]:
    """Return the columns of floats that hold more than whole numbers, which codes beside nulls are."""
    floats = frame.select(pl.selectors.float())
    found = floats.select((pl.all() != pl.all().round()).any())
    return {name for name in floats.columns if found[name].item()}


def _parts(train: pl.Series, test: pl.Series) -> Iterator[Key]:
    """Yield the parts of ids: what stands between separators, where all rows have as many of them."""
    for separator in _SEPARATORS:
        both = pl.concat([train, test]).drop_nulls()
        counts = both.str.count_matches(separator, literal=True).unique()
        if len(counts) != 1 or not 0 < counts[0] < _MOST_PARTS:
            continue
        halves = [column.str.split(separator) for column in (train, test)]
        for part in range(counts[0] + 1):
            which = ".list.first()" if part == 0 else f".list.get({part})"
            column = json.dumps(train.name, ensure_ascii=False)  # as Python writes it, too
            expression = f'pl.col({column}).str.split("{separator}"){which}'
            name = (
                f'{train.name} before "{separator}"'
                if part == 0
                else f'part {part + 1} of {train.name} by "{separator}"'
            )
            yield from _key(name, train.name, halves[0].list.get(part), halves[1].list.get(part), expression)
