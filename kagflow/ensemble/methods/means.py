"""Methods that learn next to nothing: the best member, and means on three scales."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend, Method
from kagflow.ensemble.rows import Array, Level, Part, Values
from kagflow.ensemble.scale import log_odds, probabilities, scale_of
from kagflow.ensemble.trails import is_squared, products, start_trail

_KNOTS = 10_001  # of the way from predictions to ranks; more are kept only where fewer would do
_OF_ORDER = ("auc", "auc_ovr", "average_precision", "gini", "concordance", "stratified_concordance")


@dataclass(frozen=True, kw_only=True)
class Single(Method):
    """The member that is best on the rows; its cross-fitted score is that of choosing it."""

    kind: ClassVar[str] = "single"

    def prepare(self, level: Level) -> None:
        """See ``Method.prepare``."""
        if is_squared(level.rows.metric):
            products(level.whole())

    def fit_target(self, part: Part) -> FittedBlend:
        """Choose on the rows; see ``Method.fit``."""
        metric = part.level.rows.metric
        losses = start_trail(part, metric).losses(1.0, np.ones(len(part.names), dtype=np.bool_))
        best = part.names[int(np.argmin(losses))]
        return LinearBlend({name: float(name == best) for name in part.names}, scale_of(metric))


@dataclass(frozen=True, kw_only=True)
class Mean(Method):
    """The mean of all members, on the metric's scale."""

    kind: ClassVar[str] = "mean"

    def fit_target(self, part: Part) -> FittedBlend:
        """Return the mean; see ``Method.fit``."""
        return LinearBlend(_equal(part), scale_of(part.level.rows.metric))


@dataclass(frozen=True, kw_only=True)
class RankMean(Method):
    """The mean of the members' ranks, for metrics that look at the order of rows only.

    A prediction's rank is the share of the rows of the fit that lie below it, so that each row is ranked by itself:
    a blend of new rows does not hang on which others come with them.
    """

    kind: ClassVar[str] = "rank_mean"

    def suits(self, level: Level) -> bool:
        """Say whether the metric looks at the order only."""
        return level.rows.metric.name.partition("@")[0] in _OF_ORDER

    def fit_target(self, part: Part) -> FittedBlend:
        """Rank the rows; see ``Method.fit``."""
        return RankBlend({name: _ranks(member) for name, member in zip(part.names, part.members(), strict=True)})


Knots = tuple[tuple[Array, Array], ...]
"""For each column of a member: ascending predictions, and their ranks between 0 and 1."""


@dataclass(frozen=True, eq=False)
class RankBlend:
    """The mean of ranks.

    Attributes
    ----------
    ranks
        By member: the way from its predictions to ranks.
    """

    ranks: Mapping[str, Knots]

    @property
    def weights(self) -> Mapping[str, float]:
        """All the same, of ranks."""
        return {name: 1 / len(self.ranks) for name in self.ranks}

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return the mean rank of each row, between 0 and 1; see ``FittedBlend.apply``."""
        total: Array | float = 0.0
        for name, knots in self.ranks.items():
            columns = members[name].astype(np.float64).reshape(len(members[name]), -1).T
            ranked = [np.interp(column, *own) for column, own in zip(columns, knots, strict=True)]
            total = total + np.stack(ranked, axis=1).reshape(members[name].shape)
        mean: Array = np.asarray(total) / len(self.ranks)
        return mean

    def document(self) -> dict[str, Any]:
        """Return the weights."""
        return {"weights": dict(self.weights)}


def _ranks(member: Values) -> Knots:
    return tuple(_knots(column) for column in member.reshape(len(member), -1).T)


def _knots(column: Values) -> tuple[Array, Array]:
    """Return different predictions and their ranks; a tie has the middle one."""
    distinct, counts = np.unique(column, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / len(column)
    kept = np.unique(np.linspace(0, len(distinct) - 1, min(_KNOTS, len(distinct))).astype(np.int64))
    return distinct[kept].astype(np.float64), shares[kept]


@dataclass(frozen=True, kw_only=True)
class LogitMean(Method):
    """The mean of the members' log-odds: of probabilities, where those near 0 and 1 count more."""

    kind: ClassVar[str] = "logit_mean"

    def suits(self, level: Level) -> bool:
        """Say whether members are probabilities."""
        return level.are_probabilities

    def fit_target(self, part: Part) -> FittedBlend:
        """Return the mean; see ``Method.fit``."""
        return LogitBlend(_equal(part))


@dataclass(frozen=True, eq=False)
class LogitBlend:
    """A weighted sum of log-odds, as probabilities.

    Attributes
    ----------
    weights
        By member.
    """

    weights: Mapping[str, float]

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return probabilities; see ``FittedBlend.apply``."""
        total: Array | float = 0.0
        for name, weight in self.weights.items():
            total = total + weight * log_odds(members[name])
        return probabilities(np.asarray(total))

    def document(self) -> dict[str, Any]:
        """Return the weights."""
        return {"weights": dict(self.weights)}


def _equal(part: Part) -> dict[str, float]:
    return {name: 1 / len(part.names) for name in part.names}
