"""What stacks look at: members as columns, features beside them, and the mean of the members, where they start.

Stacking (Wolpert, 1992) fits a model of level 2 on the members' OOF predictions. Each of ours starts from the mean of
the members and learns what to change about it, so that on few rows, or of members that all say the same, it stays near
the mean. How much it may change is chosen across the folds that it is fitted on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kagflow.ensemble.rows import Array, Level, Values
from kagflow.ensemble.scale import AsIs, Scale, log_odds, scale_of


@dataclass(frozen=True, eq=False)
class Design:
    """The columns of level 2.

    Attributes
    ----------
    members, features
        Names, in the order of the columns; a member of several classes has a column for each.
    odds
        Whether members are probabilities, which are looked at as log-odds.
    scale
        Of members that are values.
    """

    members: tuple[str, ...]
    features: tuple[str, ...]
    odds: bool
    scale: Scale

    @classmethod
    def of(cls, level: Level) -> "Design":
        """Return the columns of a level."""
        scale = AsIs() if level.are_probabilities else scale_of(level.rows.metric)
        return cls(level.names, tuple(level.features), level.are_probabilities, scale)

    def start(self, rows: Mapping[str, Values]) -> Array:
        """Return (n,) or (n, k) mean of the members, as log-odds or on the metric's scale."""
        total: Array | float = 0.0
        for name in self.members:
            total = total + self.scaled(rows[name])
        mean: Array = np.asarray(total) / len(self.members)
        return mean

    def columns(self, rows: Mapping[str, Values], start: Array) -> Array:
        """Return (n, columns): how each member differs from the mean, and the features."""
        members = [(self.scaled(rows[name]) - start).reshape(len(start), -1) for name in self.members]
        features = [rows[name].astype(np.float64)[:, np.newaxis] for name in self.features]
        return np.concatenate([*members, *features], axis=1)

    def scaled(self, member: Values) -> Array:
        """Return a member's predictions as a stack looks at them."""
        return log_odds(member) if self.odds else self.scale.forward(member).astype(np.float64)
