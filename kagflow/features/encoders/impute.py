"""Missing values get a usual one."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.data import Frame
from kagflow.features.encoders.columns import categories, fix_names, numbers, present
from kagflow.features.encoders.settings import check_word
from kagflow.features.steps import FoldStep

_MOST_FREQUENT = "most_frequent"
_STATISTICS = ("median", "mean", _MOST_FREQUENT)


@dataclass(frozen=True)
class Impute(FoldStep):
    """The column with a statistic of the training rows in place of null, as ``<column>__imputed``.

    Numbers become Float64 (NaN counts as null), categories keep their type. A column that holds nothing in the
    training rows stays as it is.

    Parameters
    ----------
    columns
        Columns of numbers; for ``most_frequent`` also categorical ones.
    statistic
        ``median``, ``mean``, or ``most_frequent`` (of several, the smallest number or first category).
    indicator
        Whether to make ``<column>__missing`` (UInt8, 0 or 1) too.

    Raises
    ------
    FeatureError
        A column is missing or of another kind, or there is no such statistic.
    """

    columns: tuple[str, ...]
    statistic: str = "median"
    indicator: bool = True

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_word(self, "statistic", self.statistic, _STATISTICS)

    def fit(self, x: Frame) -> "FittedImpute":
        """Learn what to put in."""
        return FittedImpute(self, pl.DataFrame([self._usual(self.values_of(x, column)) for column in self.columns]))

    def values_of(self, x: Frame, column: str) -> pl.Series:
        """Return (n,) a column's values, null where one is missing."""
        if self.statistic == _MOST_FREQUENT and isinstance(present(self, x, column).dtype, pl.Enum):
            return categories(self, x, column)
        return numbers(self, x, column, hint=f"categories need Impute(statistic={_MOST_FREQUENT!r})")

    def _usual(self, values: pl.Series) -> pl.Series:
        """Return (1,) what to put in; null where there is nothing to learn from."""
        if self.statistic == _MOST_FREQUENT:
            usual = values.drop_nulls().mode().sort().head(1)
        else:
            usual = values.to_frame().select(getattr(pl.all(), self.statistic)()).to_series()
        return usual if usual.len() else values.clear(1)


@dataclass(frozen=True)
class FittedImpute:
    """One row of what to put in, by column."""

    step: Impute
    usual: Frame

    def transform(self, x: Frame) -> Frame:
        """Return one column for each that was named, or two."""
        made = []
        for usual in self.usual:
            values = self.step.values_of(x, usual.name)
            filled = values if usual.null_count() else values.fill_null(usual.item())
            made.append(filled.alias(f"{usual.name}__imputed"))
            if self.step.indicator:
                made.append(values.is_null().cast(pl.UInt8).alias(f"{usual.name}__missing"))
        return pl.DataFrame(made)

    def tables(self) -> Mapping[str, Frame]:
        """Return what is put in, one row."""
        return {"imputed": self.usual}
