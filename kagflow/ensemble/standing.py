"""How members stand to each other: what each has in common with the best blend, and what it adds to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble.bank import Bank
from kagflow.ensemble.candidates import Candidate, finite, levels_of, score_method
from kagflow.ensemble.methods import Climb
from kagflow.ensemble.rows import Level
from kagflow.metrics import RowMean
from kagflow.runs import Run

_MOST_MEMBERS, _MOST_NUMBERS = 60, 5_000_000
_RANKED = 5  # times as long as a mean over rows takes a metric that looks at all of them together, an AUC say
_ROUNDING = 1e-12  # of a score, below which a difference is none


@dataclass(frozen=True)
class Standing:
    """What a member is to the best blend.

    Attributes
    ----------
    run
        The member.
    weight
        In the blend of all rows.
    correlation
        Of its OOF with the blend's; of classes or targets the mean. ``None`` where one of them is constant.
    adds, adds_se
        Cross-fitted score of the blend minus that of the best one without the member, paired, with its noise. Of a
        member without weight it is 0.
    """

    run: Run
    weight: float
    correlation: float | None
    adds: float
    adds_se: float | None

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "weight": self.weight,
            "correlation": self.correlation,
            "adds": self.adds,
            "adds_se": self.adds_se,
        }


@dataclass(frozen=True)
class Standings:
    """All members beside the best blend of them."""

    blend: Candidate
    members: tuple[Standing, ...]

    def document(self) -> dict[str, Any]:
        """Return the blend as JSON shows it."""
        return {
            "method": self.blend.method.kind,
            "members": len(self.members),
            "cv_fitted": self.blend.cv_fitted,
            "cv_crossfitted": self.blend.cv_crossfitted,
            "se": self.blend.se,
        }


def is_quick(bank: Bank) -> bool:
    """Say whether the standings of a bank are a matter of seconds."""
    members = len(bank.members)
    times = 1 if isinstance(bank.competition.metric.function, RowMean) else _RANKED
    return members <= _MOST_MEMBERS and members * bank.known.height * times <= _MOST_NUMBERS


def standings(bank: Bank) -> Standings:
    """Return what members have in common with the best blend, and add to it.

    The blend is climbed to, with and without each member; it is not post-processed.

    Parameters
    ----------
    bank
        At least two members.
    """
    levels = levels_of(bank)
    blend = score_method(Climb(), levels)
    weights = blend.weights or {}
    found = []
    for k, run in enumerate(bank.members):
        weight = weights.get(run.name, 0.0)
        value, se = 0.0, None
        if weight:
            difference = blend.against(score_method(Climb(), [_without(level, run.name) for level in levels]))
            if abs(difference.value) > _ROUNDING * abs(blend.cv_crossfitted):
                value, se = difference.value, finite(difference.se)
        found.append(Standing(run, weight, _correlation(bank.oof[k, bank.repeats[0]], blend.repeats[0].oof), value, se))
    return Standings(blend, tuple(found))


def _without(level: Level, name: str) -> Level:
    """Return the level without a member."""
    kept = [(each, member) for each, member in zip(level.names, level.members, strict=True) if each != name]
    return Level(level.rows, [member for _, member in kept], [each for each, _ in kept])


def _correlation(member: NDArray[Any], blend: NDArray[Any]) -> float | None:
    columns: Sequence[tuple[NDArray[Any], NDArray[Any]]] = list(
        zip(member.reshape(len(member), -1).T, blend.reshape(len(blend), -1).T, strict=True)
    )
    if any(np.ptp(column) == 0 for pair in columns for column in pair):
        return None
    return float(np.mean([np.corrcoef(*pair)[0, 1] for pair in columns]))
