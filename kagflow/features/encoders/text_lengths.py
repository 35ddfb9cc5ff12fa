"""How long a text is, and what it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names, present
from kagflow.features.steps import RowStep

_COUNTS: Mapping[str, pl.Expr] = {
    "characters": pl.all().str.len_chars(),
    "words": pl.all().str.count_matches(r"\S+"),
    "digits": pl.all().str.count_matches(r"\p{Nd}"),
    "capitals": pl.all().str.count_matches(r"\p{Lu}"),
}


def text_lengths(columns: str | Sequence[str]) -> RowStep:
    """Return a row function that counts what a text is made of.

    It makes ``<column>__characters``, ``<column>__words`` (parts between white space), ``<column>__digits`` and
    ``<column>__capitals`` (UInt32; letters and digits of any script); null stays null.

    Parameters
    ----------
    columns
        Columns of text or categories.

    Raises
    ------
    FeatureError
        When it runs: a column is missing, or holds no text.

    Examples
    --------
    >>> step = text_lengths(["title", "description"])
    """
    return TextLengths(columns)  # type: ignore[arg-type]  # made a tuple by fix_names


@dataclass(frozen=True)
class TextLengths:
    """The row function of ``text_lengths``."""

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fix_names(self, "columns")

    def __call__(self, x: Frame) -> Frame:
        """Return the frame with the counts of each column beside it."""
        texts = pl.DataFrame([text_of(self, x, column) for column in self.columns])
        counts = (texts.select(count.name.suffix(f"__{name}")) for name, count in _COUNTS.items())
        return pl.concat([x, *counts], how="horizontal")


def text_of(step: object, x: Frame, name: str) -> pl.Series:
    """Return a column of text or categories as text.

    Raises
    ------
    FeatureError
        The column is missing, or holds something else.
    """
    column = present(step, x, name)
    if not isinstance(column.dtype, pl.String | pl.Enum | pl.Categorical):
        raise FeatureError(
            f"expected text in {name!r}, found {column.dtype}",
            hint="make text of it in `rows`, or leave it out",
            where=where_is(step),
        )
    return column.cast(pl.String)
