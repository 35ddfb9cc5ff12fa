"""What a date says: its parts, its place in a cycle, and how far the days that matter are."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import tau

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, numbers, present
from kagflow.features.encoders.settings import check_number, check_word
from kagflow.features.steps import RowStep

_PARTS: Mapping[str, pl.Expr] = {
    "year": pl.all().dt.year(),
    "quarter": pl.all().dt.quarter(),
    "month": pl.all().dt.month(),
    "week": pl.all().dt.week(),
    "day": pl.all().dt.day(),
    "day_of_year": pl.all().dt.ordinal_day(),
    "weekday": pl.all().dt.weekday(),
    "weekend": pl.all().dt.weekday() >= 6,
    "month_start": pl.all().dt.day() == 1,
    "month_end": pl.all().dt.day() == pl.all().dt.month_end().dt.day(),
    "days": pl.all().dt.date().dt.epoch("d"),
    "hour": pl.all().dt.hour(),
    "minute": pl.all().dt.minute(),
    "second": pl.all().dt.second(),
}
_OF_THE_DAY = ("hour", "minute", "second")


def dates(
    columns: str | Sequence[str],
    parts: str | Sequence[str] = ("year", "month", "day", "weekday", "week", "day_of_year"),
) -> RowStep:
    """Return a row function that makes ``<column>__<part>`` (Int32) of dates and moments; null stays null.

    Parameters
    ----------
    columns
        Columns of dates or moments.
    parts
        Some of ``year``, ``quarter``, ``month``, ``week`` (ISO 8601), ``day`` (of the month), ``day_of_year``,
        ``weekday`` (1 is Monday), ``weekend``, ``month_start``, ``month_end`` (0 or 1), ``days`` (since 1970), and, of
        moments only, ``hour``, ``minute``, ``second``.

    Raises
    ------
    FeatureError
        There is no such part; when it runs: a column is missing, or holds no dates.

    Examples
    --------
    >>> step = dates(["sold"], parts=["year", "month"])
    """
    return DateParts(columns, parts)  # type: ignore[arg-type]  # made tuples by fix_names


@dataclass(frozen=True)
class DateParts:
    """The row function of ``dates``."""

    columns: tuple[str, ...]
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("columns", "parts"):
            fix_names(self, field)
        for part in self.parts:
            check_word(self, "parts", part, _PARTS)

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the parts of each column beside it."""
        return x.with_columns(
            self._values(x, column)
            .to_frame()
            .select(_PARTS[part].cast(pl.Int32))
            .to_series()
            .alias(f"{column}__{part}")
            for column in self.columns
            for part in self.parts
        )

    def _values(self, x: Frame, column: str) -> pl.Series:
        values = moments_of(self, x, column)
        of_the_day = [part for part in self.parts if part in _OF_THE_DAY]
        if values.dtype == pl.Date and of_the_day:
            raise FeatureError(
                f"the dates in {column!r} have no {of_the_day[0]}",
                hint=f"leave {of_the_day[0]!r} out of parts for this column",
                where=where_is(self),
            )
        return values


def days_to(column: str, dates: Iterable[date], name: str = "event") -> RowStep:
    """Return a row function that counts the days between a row and the days that matter: holidays, paydays, launches.

    It makes ``<column>__days_to_<name>`` (Int32, to the next such day), ``<column>__days_since_<name>`` (Int32, from
    the last one) and ``<column>__is_<name>`` (UInt8, 0 or 1); on such a day they are 0, 0 and 1. Null where there is no
    next one, no last one, or no date.

    Parameters
    ----------
    column
        A column of dates or moments.
    dates
        The days that matter; they must be known in advance for test rows too.
    name
        What they are called.

    Raises
    ------
    FeatureError
        There are no dates; when it runs: the column is missing, or holds no dates.

    Examples
    --------
    >>> step = days_to("sold", [date(2024, 12, 25), date(2025, 12, 25)], name="christmas")
    """
    return DaysTo((column,), tuple(dates), name)


@dataclass(frozen=True)
class DaysTo:
    """The row function of ``days_to``."""

    columns: tuple[str, ...]
    dates: tuple[date, ...]
    name: str

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        if not self.dates or not all(isinstance(day, date) for day in self.dates):
            raise FeatureError(
                f"dates must be a list of dates, got {self.dates[:3]!r}",
                hint="write them as datetime.date(2024, 12, 25)",
                where=where_is(self),
            )
        days = {day.date() if isinstance(day, datetime) else day for day in self.dates}
        object.__setattr__(self, "dates", tuple(sorted(days)))

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the three columns beside it."""
        (column,) = self.columns
        day = moments_of(self, x, column).dt.date()
        distinct = day.unique().drop_nulls()
        around_each = [(one, *days_around(self.dates, one)) for one in distinct]
        rows = [(one, to_next, since_last, int(to_next == 0)) for one, to_next, since_last in around_each]
        names = [f"{column}__{what}_{self.name}" for what in ("days_to", "days_since", "is")]
        schema = {"day": pl.Date, names[0]: pl.Int32, names[1]: pl.Int32, names[2]: pl.UInt8}
        around = pl.DataFrame(rows, schema=schema, orient="row")
        found = day.alias("day").to_frame().join(around, on="day", how="left", maintain_order="left")
        return x.hstack(found.select(names))


def days_around(dates: Sequence[date], day: date) -> tuple[int | None, int | None]:
    """Return the days to the next of some dates in order, and those since the last; 0 on such a day."""
    following, past = bisect_left(dates, day), bisect_right(dates, day)
    to_next = (dates[following] - day).days if following < len(dates) else None
    return to_next, (day - dates[past - 1]).days if past else None


def cyclic(columns: str | Sequence[str], period: float) -> RowStep:
    """Return a row function that puts numbers on a circle, so that the last of a cycle is next to the first.

    It makes ``<column>__sin_<period>`` and ``<column>__cos_<period>`` (Float64); null stays null.

    Parameters
    ----------
    columns
        Columns of numbers, such as ``sold__month``.
    period
        How many make a full cycle: 12 months, 7 weekdays, 24 hours.

    Raises
    ------
    FeatureError
        The period is not positive; when it runs: a column is missing, or holds no numbers.

    Examples
    --------
    >>> step = cyclic("sold__month", period=12)
    """
    return Cyclic(columns, period)  # type: ignore[arg-type]  # made a tuple by fix_names


@dataclass(frozen=True)
class Cyclic:
    """The row function of ``cyclic``."""

    columns: tuple[str, ...]
    period: float

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "period", 1e-9)

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with sine and cosine of each column beside it."""
        angles = [
            numbers(self, x, column, hint="make numbers of dates with dates(...)") * (tau / self.period)
            for column in self.columns
        ]
        return x.with_columns(
            getattr(angle, of)().alias(f"{angle.name}__{of}_{self.period:g}")
            for angle in angles
            for of in ("sin", "cos")
        )


def moments_of(step: object, x: Frame, name: str) -> pl.Series:
    """Return a column of dates or moments.

    Raises
    ------
    FeatureError
        The column is missing, or holds something else.
    """
    column = present(step, x, name)
    if not isinstance(column.dtype, pl.Date | pl.Datetime):
        raise FeatureError(
            f"expected dates in {name!r}, found {column.dtype}",
            hint=f"make dates of it in `rows`, as with pl.col({name!r}).str.to_date('%d.%m.%Y')",
            where=where_is(step),
        )
    return column
