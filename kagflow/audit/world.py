"""What a pipeline is given in an experiment: the real rows, some of them with other rows' targets or features.

Every change is "this row takes it from that row": values stay plausible, types stay what they are, and the same change
can be made to a polars frame, a pandas frame or an array.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kagflow.data import Rows

Values = NDArray[np.generic]

_FEW = 2  # the rows that others take their features from: so few that means, medians and extremes move


@dataclass(frozen=True, eq=False)
class World:
    """Where each row takes its target and its features from; from itself unless an experiment says otherwise.

    Attributes
    ----------
    y_from, x_from
        (n,) positions of training rows.
    test_from
        (m,) positions of test rows.
    """

    y_from: Rows
    x_from: Rows
    test_from: Rows

    @classmethod
    def unchanged(cls, n: int, m: int = 0) -> Self:
        """Return the world as it is, of n training rows and m test rows."""
        return cls(np.arange(n), np.arange(n), np.arange(m))

    @property
    def is_unchanged(self) -> bool:
        """Whether every row has its own target and features."""
        return all(np.array_equal(each, np.arange(len(each))) for each in (self.y_from, self.x_from, self.test_from))

    def with_targets(self, rows: Rows, donors: Rows) -> Self:
        """Return the world in which some rows have other rows' targets."""
        return replace(self, y_from=_put(self.y_from, rows, donors))

    def with_features(self, rows: Rows, rng: np.random.Generator) -> Self:
        """Return the world in which some rows all have the features of a few of them."""
        return replace(self, x_from=_put(self.x_from, rows, _few(rows, rng)))

    def with_test(self, rng: np.random.Generator) -> Self:
        """Return the world in which all test rows have the features of a few of them."""
        rows = np.arange(len(self.test_from))
        return replace(self, test_from=_few(rows, rng) if len(rows) else rows)


def _put(where: Rows, rows: Rows, donors: Rows) -> Rows:
    changed = where.copy()
    changed[rows] = donors
    return changed


def _few(rows: Rows, rng: np.random.Generator) -> Rows:
    """Return (rows,) donors, of which there are few, and none its own where that can be."""
    donors = rng.choice(rows, min(_FEW, len(rows)), replace=False)
    drawn: Rows = rng.choice(donors, len(rows))
    return drawn


def other_targets(y: Values, rows: Rows, rng: np.random.Generator, *, classes: bool) -> Rows:
    """Return (rows,) donors whose targets differ from the rows' own, and have another mean.

    Parameters
    ----------
    y
        (n,) values, or class codes.
    rows
        Whose targets are replaced.
    rng
        Of the draw.
    classes
        Whether ``y`` are class codes: the rarest one becomes the most frequent. Else the rows get the targets of the
        upper half of them.
    """
    pool = rows if len(np.unique(y[rows])) > 1 else np.arange(len(y))
    if classes:
        found, counts = np.unique(y[pool], return_counts=True)
        rare = y[pool] == found[np.argmin(counts)]
        share = np.where(rare, 0.75 / rare.sum(), 0.25 / max((~rare).sum(), 1))
        donors = rng.choice(pool, len(rows), p=share / share.sum())
    else:
        upper = pool[np.argsort(y[pool], kind="stable")][len(pool) // 2 :]
        donors = rng.choice(upper, len(rows))
    same: Rows = donors
    return same


def noisy_targets(y: Values, rows: Rows, rng: np.random.Generator, *, classes: bool) -> Rows:
    """Return (rows,) donors whose targets are near the rows' own: small independent noise, mean about zero.

    For values a neighbour within a tenth of the ranks on either side; of classes one row in ten gets another one.
    """
    if classes:
        flipped = rng.random(len(rows)) < 0.1
        return np.where(flipped, rng.choice(rows, len(rows)), rows)
    order = np.argsort(y[rows], kind="stable")
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows))
    width = max(len(rows) // 10, 1)
    drawn = np.clip(rank + rng.integers(-width, width + 1, len(rows)), 0, len(rows) - 1)
    near: Rows = rows[order[drawn]]
    return near


def farthest_target(y: Values, row: int) -> int:
    """Return the row whose target is farthest from a row's own."""
    return int(np.argmax(np.abs(y.astype(np.float64) - float(y[row]))))
