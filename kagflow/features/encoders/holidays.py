"""Public holidays: whether a day is one, and how far the nearest are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, present
from kagflow.features.encoders.dates import days_around, moments_of
from kagflow.features.encoders.settings import check_number
from kagflow.features.steps import RowStep

if TYPE_CHECKING:
    from holidays import HolidayBase

_MOST_DAYS = 180  # so that the years beside a day's own hold all that it can see
_ENGLISH = "en_US"


def holidays(
    column: str,
    country: str | None = None,
    subdivision: str | None = None,
    *,
    country_column: str | None = None,
    within: int = 30,
    names: bool = False,
    name: str = "holiday",
) -> RowStep:
    """Return a row function that says which days are public holidays, as the library ``holidays`` knows them.

    It makes ``<column>__<name>`` (Boolean), ``<column>__days_to_<name>`` and ``<column>__days_since_<name>`` (Int32, 0
    on such a day, at most ``within``); null where there is no date or no country.

    Parameters
    ----------
    column
        A column of dates or moments.
    country
        Name or code (ISO 3166): ``"Germany"``, ``"DE"``, ``"DEU"``.
    subdivision
        A part of the country with holidays of its own, by code or name: ``"BY"``, ``"Bayern"``.
    country_column
        Instead of ``country``, a column of text that says it row by row, by name or code.
    within
        The longest distance in days that is told apart, at most 180.
    names
        Whether to add ``<column>__<name>_name``, the holiday's name as a category (English where the library has it).
    name
        What they are called, to tell several countries apart that are no column.

    Raises
    ------
    FeatureError
        Not one of ``country`` and ``country_column`` is given; a country or subdivision is unknown; when it runs: a
        column is missing, or holds no dates.

    Examples
    --------
    >>> step = holidays("date", "Germany", "BY")
    >>> step = holidays("date", country_column="country")
    """
    return Holidays((column,), country, subdivision, country_column, within, names, name)


@dataclass(frozen=True)
class Holidays:
    """The row function of ``holidays``."""

    columns: tuple[str, ...]
    country: str | None
    subdivision: str | None
    country_column: str | None
    within: int
    names: bool
    name: str

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "within", 1)
        if self.within > _MOST_DAYS:
            raise FeatureError(f"within must be at most {_MOST_DAYS}, got {self.within}", where=where_is(self))
        if (self.country is None) == (self.country_column is None):
            raise FeatureError(
                "holidays are of one country, or of that in a column",
                hint='write country="Germany" or country_column="country"',
                where=where_is(self),
            )
        if self.country is None and self.subdivision is not None:
            raise FeatureError(
                "a subdivision belongs to one country", hint="name it as `country`", where=where_is(self)
            )
        if self.country is not None:
            self._calendar(self.country, ())  # an unknown one is told where it is written

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the columns beside it."""
        (column,) = self.columns
        country = (
            present(self, x, self.country_column).cast(pl.String)
            if self.country_column is not None
            else pl.repeat(self.country, x.height, dtype=pl.String, eager=True)
        )
        rows = pl.DataFrame([moments_of(self, x, column).dt.date().alias("day"), country.alias("country")])
        schema = {
            "country": pl.String,
            "day": pl.Date,
            f"{column}__{self.name}": pl.Boolean,
            f"{column}__days_to_{self.name}": pl.Int32,
            f"{column}__days_since_{self.name}": pl.Int32,
            f"{column}__{self.name}_name": pl.String,
        }
        known = pl.DataFrame(list(self._known(rows.unique().drop_nulls())), schema=schema, orient="row")
        found = rows.join(known, on=["day", "country"], how="left", maintain_order="left").drop("day", "country")
        return x.hstack(found if self.names else found[:, :-1])

    def _known(self, rows: Frame) -> Iterator[tuple[str, date, bool, int, int, str | None]]:
        """Yield what is known of each day of each country."""
        for (country,), own in rows.group_by("country"):
            days = own["day"].to_list()
            calendar = self._calendar(str(country), range(min(days).year - 1, max(days).year + 2))
            known = sorted(calendar)
            for day in days:
                to_next, since_last = map(self._bounded, days_around(known, day))
                yield str(country), day, day in calendar, to_next, since_last, calendar.get(day)

    def _bounded(self, days: int | None) -> int:
        return self.within if days is None else min(days, self.within)

    def _calendar(self, country: str, years: Iterable[int]) -> "HolidayBase":
        """Return the holidays of some years, and of no others."""
        import holidays as library

        code = self._code(country)
        kind = library.country_holidays(code)
        parts = {*kind.subdivisions, *kind.subdivisions_aliases}
        if self.subdivision is not None and self.subdivision not in parts:
            raise FeatureError(
                f"{country} has no subdivision {self.subdivision!r}",
                hint=did_you_mean(self.subdivision, parts),
                where=where_is(self),
            )
        # Without a language it would be that of the machine.
        return library.country_holidays(code, subdiv=self.subdivision, years=years, expand=False, language=_ENGLISH)

    def _code(self, country: str) -> str:
        """Return the two-letter code of a country, whose name may be written with or without spaces and capitals."""
        from holidays.registry import COUNTRIES

        codes = {_plain(word): words[1] for name, words in COUNTRIES.items() for word in (name, *words)}
        if _plain(country) not in codes:
            names = [name.replace("_", " ").title() for name in COUNTRIES]
            raise FeatureError(
                f"the holidays of {country!r} are not known", hint=did_you_mean(country, names), where=where_is(self)
            )
        return codes[_plain(country)]


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
