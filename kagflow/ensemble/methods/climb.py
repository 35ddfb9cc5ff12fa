"""Greedy searches: a blend that takes the member that helps it most, again and again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend, Method
from kagflow.ensemble.rows import Array, Level, Part
from kagflow.ensemble.scale import scale_of
from kagflow.ensemble.trails import Mask, Trail, aim_of, prepare_trails, start_trail
from kagflow.errors import KagflowError

_EQUAL = 1e-12  # by less than this share of its size a loss is not smaller


class Greedy(Method):
    """A search along a trail."""

    def prepare(self, level: Level) -> None:
        """Make what all trails share; see ``Method.prepare``."""
        prepare_trails(level)


@dataclass(frozen=True, kw_only=True)
class Climb(Greedy):
    """Hill climbing: members are added with replacement, all with the same weight (Caruana et al., 2004).

    Of all the blends on the way the best is taken, and of equals the first.

    Parameters
    ----------
    picks
        Members to add at most, repetitions counted.
    negative
        Whether a member may be pushed away from as well: weights may then be below zero.
    bags
        How many climbs are averaged, each over a part of the members; with one, over all.
    share
        Share of the members that each of several bags draws.
    seed
        Of the draws.
    """

    kind: ClassVar[str] = "climb"
    picks: int = 40
    negative: bool = False
    bags: int = 1
    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.picks < 1 or self.bags < 1 or not 0 < self.share <= 1:
            raise KagflowError(
                f"hill climbing needs at least one pick and one bag, and a share of members above 0 and up to 1; "
                f"it has picks={self.picks}, bags={self.bags}, share={self.share}",
                where="ensemble",
            )

    def fit_target(self, part: Part) -> FittedBlend:
        """Climb on the rows; see ``Method.fit``."""
        climbs = [
            self._climb(start_trail(part, aim_of(part.level)), allowed) for allowed in self._draw(len(part.names))
        ]
        picks = [[part.names[member] for member, _ in steps] for steps in climbs]
        weights = np.mean([_weights(steps, len(part.names)) for steps in climbs], axis=0)
        return LinearBlend(
            {name: float(weight) for name, weight in zip(part.names, weights, strict=True)},
            scale_of(part.level.rows.metric),
            {"picks": picks if self.bags > 1 else picks[0]},
        )

    def _draw(self, members: int) -> list[Mask]:
        """Return (members,) for each bag: whether a member takes part."""
        if self.bags == 1:
            return [np.ones(members, dtype=np.bool_)]
        rng, size = np.random.default_rng(self.seed), max(1, round(self.share * members))
        drawn = [rng.choice(members, size, replace=False) for _ in range(self.bags)]
        return [np.isin(np.arange(members), each) for each in drawn]

    def _climb(self, trail: Trail, allowed: Mask) -> list[tuple[int, float]]:
        """Return the members and steps of the best blend on the way."""
        steps: list[tuple[int, float]] = []
        best, length = np.inf, 0
        for number in range(1, self.picks + 1):
            ways = [1 / number] if not self.negative or number == 1 else [1 / number, -1 / number]
            losses = np.stack([trail.losses(step, allowed) for step in ways])
            way, member = np.unravel_index(int(np.argmin(losses)), losses.shape)
            loss = float(losses[way, member])
            if not np.isfinite(loss):
                break
            trail.move(int(member), ways[way])
            steps.append((int(member), ways[way]))
            if not steps[1:] or loss < best - _EQUAL * abs(best):
                best, length = loss, number
        return steps[:length]


def _weights(steps: list[tuple[int, float]], members: int) -> Array:
    weights = np.zeros(members)
    for member, step in steps:
        weights *= 1 - step
        weights[member] += step
    return weights


@dataclass(frozen=True, kw_only=True)
class Forward(Greedy):
    """Forward selection: the mean of a few members, each taken at most once, while it becomes better.

    Parameters
    ----------
    most
        Members at most.
    """

    kind: ClassVar[str] = "forward"
    most: int = 20

    def fit_target(self, part: Part) -> FittedBlend:
        """Select on the rows; see ``Method.fit``."""
        trail, left = start_trail(part, aim_of(part.level)), np.ones(len(part.names), dtype=np.bool_)
        chosen: list[int] = []
        best = np.inf
        for number in range(1, min(self.most, len(part.names)) + 1):
            losses = trail.losses(1 / number, left)
            member = int(np.argmin(losses))
            if chosen and not losses[member] < best - _EQUAL * abs(best):
                break
            trail.move(member, 1 / number)
            chosen.append(member)
            best, left[member] = float(losses[member]), False
        weights = {name: 1 / len(chosen) if number in chosen else 0.0 for number, name in enumerate(part.names)}
        picks = [part.names[member] for member in chosen]
        return LinearBlend(weights, scale_of(part.level.rows.metric), {"picks": picks})
