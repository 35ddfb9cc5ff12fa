"""Whether classes that are whole numbers are grades, with an order, or bare names."""

import re
from collections.abc import Collection

import numpy as np
import polars as pl

from kagflow.scaffold.files import Files

_FOLLOWS = 0.5  # of what the means of the classes tell of columns, what a straight line must tell
_BEYOND_CHANCE = 4.0  # times what the means of classes would tell of noise


def are_grades(labels: Collection[str]) -> bool:
    """Say whether labels are whole numbers, as grades are."""
    return all(re.fullmatch(r"\d+", label) for label in labels)


def in_order(files: Files, target: str) -> str:
    """Return the column that says most plainly that classes are in order; nothing where the columns do not say so.

    The classes differ in the means of some columns. Where these means follow the classes' numbers, a straight line
    tells most of what the means tell (r squared beside the correlation ratio, Pearson 1905); of classes whose numbers
    are bare names it tells little.
    """
    y = files.train[target].cast(pl.Int64, strict=False)
    by_chance = (y.n_unique() - 1) / len(y)
    told = {}
    in_test = set(files.test.columns)
    for name in files.train.columns:
        if name != target and name in in_test:
            by_line, by_means = _told(files.train[name].cast(pl.Float64, strict=False), y)
            if by_means > _BEYOND_CHANCE * by_chance:
                told[name] = by_line, by_means
    lines, means = (sum(each[k] for each in told.values()) for k in (0, 1))
    return max(told, key=lambda name: told[name][0]) if told and lines > _FOLLOWS * means else ""


def _told(x: pl.Series, y: pl.Series) -> tuple[float, float]:
    """Return the shares of a column's variance that a straight line of the classes' numbers tells, and their means."""
    both = pl.DataFrame({"x": x, "y": y}).drop_nulls().filter(pl.col("x").is_finite())
    if both.height < 3 or both["x"].n_unique() < 2 or both["y"].n_unique() < 2:
        return 0.0, 0.0
    values, means = both["x"].to_numpy(), both.select(pl.col("x").mean().over("y"))["x"].to_numpy()
    return float(np.corrcoef(values, both["y"].to_numpy())[0, 1] ** 2), float(means.var() / values.var())
