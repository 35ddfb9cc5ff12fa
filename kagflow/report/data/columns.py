"""The columns at a glance: what they hold, what is missing, and whether test has the same."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import chi2

from kagflow.data import Dataset, Frame, Table
from kagflow.report.models.distributions import chance_of, kolmogorov_distance

_MOST_VALUES, _SEED = 20_000_000, 20_011
_FALSE_ALARMS, _WORTH = 1e-4, 0.05  # over all columns together; a distance that is worth a word
_COMMON = 50  # categories that are compared one by one; the rest is one
_LEAST_EXPECTED = 5.0  # rows: fewer are no matter for a chi-square


@dataclass(frozen=True)
class Glance:
    """A column.

    Attributes
    ----------
    name, type
        Its name; ``number``, ``whole number``, ``category``, ``yes or no``, ``date`` or ``text``.
    missing_train, missing_test
        Shares of nulls.
    unique
        Different values among the rows of train that were looked at.
    middle
        Its median, or its most frequent value with the latter's share.
    distance
        Between train and test, 0 to 1: the largest difference of shares below a value, or half the sum of the
        differences between the categories' shares; a null counts as a value.
    chance
        How often chance alone makes it as large.
    """

    name: str
    type: str
    missing_train: float
    missing_test: float
    unique: int
    middle: str
    distance: float
    chance: float
    drifts: bool


@dataclass(frozen=True)
class Columns:
    """All columns that models may see.

    Attributes
    ----------
    all
        In the order of the file.
    rows
        How many rows of train were looked at.
    sampled
        Whether that is a sample.
    """

    all: tuple[Glance, ...]
    rows: int
    sampled: bool

    @property
    def drifting(self) -> list[Glance]:
        """Those that differ between train and test beyond chance and by enough, the farthest first."""
        return sorted((each for each in self.all if each.drifts), key=lambda each: -each.distance)

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        drifting = self.drifting
        if not drifting:
            return "No column of test differs from train by itself, beyond chance and by enough to matter."
        names = ", ".join(each.name for each in drifting[:3]) + (
            f" and {len(drifting) - 3} more" if len(drifting) > 3 else ""
        )
        return (
            f"{names} {'differs' if len(drifting) == 1 else 'differ'} between train and test: try a run without "
            f"{'it' if len(drifting) == 1 else 'them'} (`drop`), or put a rank or a difference in the place."
        )


def glance_at(data: Dataset) -> Columns:
    """Return what each column holds, on a sample of the rows where there is much; the id is left out."""
    names = [name for name in data.train.x.columns if name != data.train.ids.name]
    most = max(_MOST_VALUES // max(len(names), 1), 100)
    train, test = (_some(table, most) for table in (data.train, data.test))
    limit = _FALSE_ALARMS / max(len(names), 1)
    units = [_units(table) for table in (train, test)]
    found = tuple(_glance(train.x[name], test.x[name], units, limit) for name in names)
    return Columns(found, train.height, train.height < data.train.height)


def _some(table: Table, most: int) -> Table:
    if table.height <= most:
        return table
    return table.take(np.sort(np.random.default_rng(_SEED).choice(table.height, most, replace=False)))


def _units(table: Table) -> int:
    """Return how many independent rows there are: groups, where they were drawn as such."""
    return table.height if table.groups is None else table.groups.n_unique()


def _glance(train: pl.Series, test: pl.Series, units: list[int], limit: float) -> Glance:
    numeric = train.dtype.is_numeric() and test.dtype.is_numeric()
    if numeric or train.dtype.is_temporal():
        distance, chance = _of_numbers(train, test, units)
    else:
        distance, chance = _of_categories(train.cast(pl.String), test.cast(pl.String), units)
    return Glance(
        train.name,
        _type(train),
        train.null_count() / max(train.len(), 1),
        test.null_count() / max(test.len(), 1),
        train.drop_nulls().n_unique(),
        _middle(train),
        distance,
        chance,
        bool(chance < limit and distance > _WORTH),
    )


def _of_numbers(train: pl.Series, test: pl.Series, units: list[int]) -> tuple[float, float]:
    sides = [column.to_physical().cast(pl.Float64).fill_null(-np.inf).to_numpy() for column in (train, test)]
    distance = kolmogorov_distance(*sides)
    return distance, chance_of(distance, *units)


def _of_categories(train: pl.Series, test: pl.Series, units: list[int]) -> tuple[float, float]:
    """Return the distance between shares, and the chance of it by the chi-square of both samples (Pearson, 1900)."""
    sides = [column.fill_null("").value_counts(name="n").rename({column.name: "v"}) for column in (train, test)]
    both = sides[0].join(sides[1], on="v", how="full", coalesce=True).fill_null(0)
    both = both.with_columns(all=pl.col("n") + pl.col("n_right")).sort(["all", "v"], descending=[True, False])
    counts = both.select("n", "n_right").to_numpy().astype(np.float64)
    if len(counts) > _COMMON:  # being new or rare is no drift: all rare ones are one category
        counts = np.vstack([counts[:_COMMON], counts[_COMMON:].sum(axis=0)])
    shares = counts / counts.sum(axis=0)
    distance = float(np.abs(shares[:, 0] - shares[:, 1]).sum() / 2)
    # As many rows as there are independent ones, of the same shares.
    counts = shares * np.array(units)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    usual = expected.min(axis=1) >= _LEAST_EXPECTED
    if usual.sum() < 2:
        return distance, 1.0
    statistic = float(((counts - expected) ** 2 / expected)[usual].sum())
    return distance, float(chi2.sf(statistic, usual.sum() - 1))


def _type(column: pl.Series) -> str:
    dtype = column.dtype
    if dtype == pl.Boolean:
        return "yes or no"
    if dtype.is_temporal():
        return "date"
    if dtype.is_integer():
        return "whole number"
    if dtype.is_numeric():
        return "number"
    there = column.drop_nulls()
    return "text" if there.len() and there.n_unique() > there.len() / 2 else "category"


def _middle(column: pl.Series) -> str:
    there = column.drop_nulls()
    if not there.len():
        return ""
    if column.dtype.is_numeric():
        return f"{np.median(there.to_numpy()):.4g}"
    if column.dtype.is_temporal():
        return str(there.sort()[there.len() // 2])
    counts: Frame = there.cast(pl.String).value_counts(name="n").sort(["n", column.name], descending=[True, False])
    return f"{counts[0, 0]} ({counts[0, 1] / there.len():.0%})"
