"""What is expected of public and private scores, averaged over what the model does not know."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from kagflow.metrics import Array
from kagflow.report.board.answers import LEVEL, Sent
from kagflow.report.board.gaussian import Block, Model, Points
from kagflow.report.board.noise import RowNoise, Sizes, scatter_of

_NEGLIGIBLE = 1e-3  # weight of a point of the grid, as a share of the heaviest one's
_ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is expected.

    Attributes
    ----------
    expected, low, high
        (m,) public score without a look at it, and the band of it.
    z
        (m,) of the public score; NaN where it is not known.
    private, covariance
        (m,) and (m, m): the private scores, as one Gaussian.
    offset, offset_sd
        (lineages,) public minus CV of an average submission on this board.
    gaps
        (m, m) covariance of public minus CV within lineages.
    units
        Of ``RowNoise.own``.
    public_noise
        (m, m) covariance of the public scores' errors.
    """

    expected: Array
    low: Array
    high: Array
    z: Array
    private: Array
    covariance: Array
    offset: Array
    offset_sd: Array
    gaps: Array
    units: float
    public_noise: Array


def expect(points: Points, noise: RowNoise, sizes: Sizes, sent: Sequence[Sent], aside: NDArray[np.bool_]) -> Posterior:
    """Return what CVs and public scores let expect.

    Parameters
    ----------
    points, sent
        The submissions.
    noise, sizes
        Of a row, and how many there are.
    aside
        (m,) whose public scores say nothing of the others; they do of their own private scores.
    """
    scatter = scatter_of([each for each, out in zip(sent, aside, strict=True) if not out])
    model = Model(points, noise, sizes, scatter, aside)
    blocks = list(model.grid())
    looks = [model.look(block) for block in blocks]
    evidence, mean, sd, density = (
        np.concatenate([getattr(look, name) for look in looks]) for name in ("evidence", "mean", "sd", "density")
    )
    # What the others alone say of the grid, for each submission: the density of its own public score is taken out.
    without = _normalise(evidence[:, None] - density)
    below = (without * ndtr((points.public - mean) / sd)).sum(axis=0)

    weight = _normalise(evidence)
    weights = np.split(weight, np.cumsum([len(block.own) for block in blocks])[:-1])
    kept = [_heavy(block, own, weight.max()) for block, own in zip(blocks, weights, strict=True)]
    kept = [(block, own) for block, own in kept if len(own)]
    private, covariance = _pool([(own, *model.private(block)) for block, own in kept])
    offset, offset_covariance = _pool([(own, *model.offsets(block)) for block, own in kept])
    of_blocks = np.array([own.sum() for _, own in kept]) / sum(own.sum() for _, own in kept)
    gaps = sum(np.tensordot(own, model.gaps(block), axes=1) for block, own in kept)
    return Posterior(
        expected=(without * mean).sum(axis=0),
        low=_quantile(mean, sd, without, _ENDS[0]),
        high=_quantile(mean, sd, without, _ENDS[1]),
        z=ndtri(np.clip(below, 1e-15, 1 - 1e-15)),
        private=private,
        covariance=covariance,
        offset=offset,
        offset_sd=np.sqrt(np.diag(offset_covariance)),
        gaps=gaps / sum(own.sum() for _, own in kept),
        units=float(of_blocks @ [block.units for block, _ in kept]),
        public_noise=np.tensordot(
            of_blocks, [noise.of(block.units) / sizes.board(block.share) for block, _ in kept], axes=1
        ),
    )


def _heavy(block: Block, weight: Array, most: float) -> tuple[Block, Array]:
    """Return the part of a block that counts, and its weights."""
    heavy = weight > _NEGLIGIBLE * most
    part = replace(block, own=block.own[heavy], lineage=block.lineage[heavy], prior=block.prior[heavy])
    return part, weight[heavy]


def _normalise(logarithms: Array) -> Array:
    """Return weights along the first axis."""
    weight = np.exp(logarithms - logarithms.max(axis=0))
    return np.asarray(weight / weight.sum(axis=0))


def _pool(parts: Sequence[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    """Return mean and covariance of a mixture of Gaussians: weights, means and covariances, block by block."""
    total = sum(weight.sum() for weight, _, _ in parts)
    mean = sum(np.tensordot(weight, means, axes=1) for weight, means, _ in parts) / total
    within = sum(np.tensordot(weight, covariances, axes=1) for weight, _, covariances in parts)
    between = sum((weight[:, None] * (means - mean)).T @ (means - mean) for weight, means, _ in parts)
    return np.asarray(mean), np.asarray((within + between) / total)


def _quantile(mean: Array, sd: Array, weight: Array, level: float) -> Array:
    """Return the (m,) quantiles of m mixtures of Gaussians, each (b, m)."""
    low, high = (mean - 40 * sd).min(axis=0), (mean + 40 * sd).max(axis=0)
    for _ in range(36):  # to 1e-9 of a standard deviation
        middle = (low + high) / 2
        under = (weight * ndtr((middle - mean) / sd)).sum(axis=0) < level
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return np.asarray((low + high) / 2)
