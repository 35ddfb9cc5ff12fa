"""Weights that are not negative and add up to one, the best for the metric."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend
from kagflow.ensemble.methods.climb import Greedy
from kagflow.ensemble.rows import Array, Part
from kagflow.ensemble.scale import scale_of
from kagflow.ensemble.trails import Trail, aim_of, is_squared, products, start_trail

_FIRST_STEP, _LAST_STEP, _MOST_MOVES = 1 / 4, 1 / 256, 200
_JITTER = 1e-10  # of the mean square: members that are copies of each other share their weight


@dataclass(frozen=True, kw_only=True)
class Weighted(Greedy):
    """The weighted mean that is best on the rows, of all with weights that are not negative.

    Of metrics that are a function of mean squares it is exact, by non-negative least squares (Lawson and Hanson,
    1974). For any other, weight is moved to or from one member at a time as long as that helps, by steps that are
    halved when none does.
    """

    kind: ClassVar[str] = "weighted"

    def fit_target(self, part: Part) -> FittedBlend:
        """Find the weights; see ``Method.fit``."""
        level = part.level
        weights = (
            squares_weights(products(part))
            if is_squared(aim_of(level))
            else _searched(start_trail(part, aim_of(level)), len(part.names))
        )
        return LinearBlend(
            {name: float(weight) for name, weight in zip(part.names, weights, strict=True)}, scale_of(level.rows.metric)
        )


def squares_weights(mean_products: Array) -> Array:
    """Return the weights w >= 0 with sum one that make w' P w smallest.

    Without the sum, u >= 0 that makes u' P u / 2 - sum(u) smallest is a multiple of w; it is found by non-negative
    least squares of the Cholesky factor of P.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    size = float(np.trace(mean_products)) / len(mean_products)
    if size == 0:  # all members are right everywhere
        return np.full(len(mean_products), 1 / len(mean_products))
    factor = np.linalg.cholesky(mean_products / size + _JITTER * np.eye(len(mean_products)))
    found, _ = nnls(factor.T, solve_triangular(factor, np.ones(len(factor)), lower=True))
    weights: Array = found / found.sum()
    return weights


def _searched(trail: Trail, members: int) -> Array:
    """Return weights after moving along the trail while that helps, from the best member on."""
    losses = trail.losses(1.0, np.ones(members, dtype=np.bool_))
    weights = np.zeros(members)
    first = int(np.argmin(losses))
    best = float(losses[first])
    trail.move(first, 1.0)
    weights[first] = 1.0
    step, moves = _FIRST_STEP, 0
    while step >= _LAST_STEP and moves < _MOST_MOVES:
        member, by, loss = _best_move(trail, weights, step)
        if not loss < best:
            step /= 2
            continue
        trail.move(member, by)
        weights *= 1 - by
        weights[member] += by
        best, moves = loss, moves + 1
    kept = np.maximum(weights, 0.0)
    kept /= kept.sum()
    return kept


def _best_move(trail: Trail, weights: Array, step: float) -> tuple[int, float, float]:
    """Return the best member to move to or from, the step, and the loss after it; no weight falls below zero."""
    enough = weights * (1 + step) - step >= 0
    ways = {step: np.ones(len(weights), dtype=np.bool_)} | ({-step: enough} if enough.any() else {})
    moves = []
    for by, allowed in ways.items():
        losses = trail.losses(by, allowed)
        member = int(np.argmin(losses))
        moves.append((member, by, float(losses[member])))
    return min(moves, key=lambda move: move[2])
