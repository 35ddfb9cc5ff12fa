"""What CVs and public scores let expect of scores not seen yet: a Gaussian model, averaged over what it does not know.

The model. Submission i of lineage l has a skill t_i, its score on endless rows of the test's kind. Then::

    CV_i      = t_i - o_l - u_i + c_i    skill within a lineage: N(free mean, skill²)
    public_i  = t_i + p_i                offset of a lineage:    o_l ~ N(o, lineage²), o ~ N(averaging, wide²)
    private_i = t_i + q_i                of a submission:        u_i ~ N(0, own²)

c, p and q are what the rows happen to do: independent of each other, each Gaussian with the covariance of one row
(``RowNoise``) over the number of rows. That covariance comes from the OOFs, and what submissions have in common
cancels in every comparison of two: this is what tells an outlier from a board that is kind to everyone, and two
submissions that fail together from two that do not. ``u`` is whatever else comes between a CV and the board for one
submission alone: a CV that was selected for, another way of averaging. It is there on both sides of the board; so is
the offset.

The standard deviations skill, lineage and own, the share of public rows where it is not known, and the units of noise
of submissions without an OOF (``RowNoise.own``) are not known. They take all values of a grid, each weighted by how
well it explains CVs and public scores (prior: half-Cauchy; Gelman, 2006), so that few points make wide bands.

What it takes for granted: test rows are alike on both sides of the board, and as noisy as those of the OOF.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kagflow.metrics import Array
from kagflow.report.board.noise import RowNoise, Sizes, pair_variance

_LEVELS = 8  # of a standard deviation that is not known
_SKILLS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5)  # in the standard deviation of CVs within lineages

_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5)
"""Of the variance of submissions without an OOF, in the units of ``RowNoise.own``."""

_LARGE = 50  # submissions from which on every second value of the grid will do: the data are sharp, and time is short
_WIDE = 5.0  # of the offset, in standard errors of public minus CV
_ASIDE = 20.0  # freedom of a point that was set aside, in its distance from where it should be


@dataclass(frozen=True, eq=False)
class Points:
    """The submissions as arrays.

    Attributes
    ----------
    cv, public
        (m,) scores; NaN is unknown.
    lineage
        (m,) codes of their lineages.
    averaging
        (m,) offset that averaging explains.
    rounding
        Variance of rounding the board's scores.
    """

    cv: Array
    public: Array
    lineage: NDArray[np.int64]
    averaging: Array
    rounding: float

    @property
    def known(self) -> NDArray[np.bool_]:
        """(m,) whether there is a public score."""
        return ~np.isnan(self.public)

    @property
    def same(self) -> Array:
        """(m, m) of 1 for two of the same lineage, else 0."""
        return np.equal.outer(self.lineage, self.lineage).astype(np.float64)

    @property
    def members(self) -> Array:
        """(lineages, m) of 1 where a submission is the lineage's, else 0."""
        return np.equal.outer(np.arange(self.lineage.max() + 1), self.lineage).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Block:
    """Points of the grid that differ in ``own`` and ``lineage`` only, and what follows from the rest of them.

    Attributes
    ----------
    share, units
        Of public rows, and of ``RowNoise.own``.
    own, lineage, prior
        (b,) standard deviations of submissions and lineages, and logarithms of their probabilities.
    error, left
        (m,) of the CVs, expected given all CVs, and (m, m) covariance of what is left of it.
    evidence
        Logarithm of the density of the CVs.
    """

    share: float
    units: float
    own: Array
    lineage: Array
    prior: Array
    error: Array
    left: Array
    evidence: float


@dataclass(frozen=True, eq=False)
class Look:
    """What b points of a grid let expect of public scores.

    Attributes
    ----------
    evidence
        (b,) logarithms of their probabilities, but for a constant.
    mean, sd
        (b, m) of each public score, given all others that are looked at.
    density
        (b, m) logarithms of the density of each at its value; 0 where it was not looked at.
    """

    evidence: Array
    mean: Array
    sd: Array
    density: Array


@dataclass(frozen=True, eq=False)
class Model:
    """The model, for all values of what is not known.

    Attributes
    ----------
    points, noise, sizes
        The submissions, and the noise of rows.
    scatter
        Of public minus CV, as ``scatter_of`` reads it off.
    aside
        (m,) whose public scores say nothing of the others.
    """

    points: Points
    noise: RowNoise
    sizes: Sizes
    scatter: float
    aside: NDArray[np.bool_]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(m,) whose public scores are looked at."""
        return self.points.known & ~self.aside

    def grid(self) -> Iterator[Block]:
        """Yield the grid."""
        points, step = self.points, 2 if len(self.points.cv) > _LARGE else 1
        noise, own, lineage = self._spreads()
        skill = max(noise, self._cv_spread())
        repeated = len(np.unique(points.lineage)) < len(points.cv)
        lineages = half_cauchy(noise, lineage, step) if points.lineage.max() > 0 else [(0.0, 0.0)]
        inner = np.array([(*of_own, *of_all) for of_own, of_all in product(half_cauchy(noise, own, step), lineages)])
        for share, units in product(self.sizes.shares, _SHARES[::step] if self.noise.own.any() else (0.0,)):
            for level in _SKILLS[::step] if repeated else (0.0,):
                error = self._cv_error(self.noise.of(units) / self.sizes.cv, level * skill)
                yield Block(share, units, inner[:, 0], inner[:, 2], inner[:, 1] + inner[:, 3], *error)

    def look(self, block: Block) -> Look:
        """Return what a block lets expect of public scores without a look at their own."""
        points, seen = self.points, self.seen
        start, common = self._start(block), self._common(block)
        board = common + self._side(block, block.share)
        inverse = np.linalg.inv(board[:, seen][:, :, seen])
        apart = (points.public - start)[seen]
        pull = inverse @ apart
        cross = common[:, :, seen]
        mean = start + np.einsum("bij,bj->bi", cross, pull)
        variance = np.einsum("bii->bi", board) - np.einsum("bij,bij->bi", cross @ inverse, cross)
        # Leaving one out of a Gaussian is in closed form (Sundararajan and Keerthi, 2001).
        variance[:, seen] = 1 / np.einsum("bii->bi", inverse)
        mean[:, seen] = points.public[seen] - pull * variance[:, seen]
        density = np.zeros_like(mean)
        density[:, seen] = -0.5 * (np.log(variance) + (points.public - mean) ** 2 / variance)[:, seen]
        evidence = block.prior + block.evidence + 0.5 * (np.linalg.slogdet(inverse)[1] - pull @ apart)
        return Look(evidence, mean, np.sqrt(variance), density)

    def private(self, block: Block) -> tuple[Array, Array]:
        """Return the (b, m) means and (b, m, m) covariances of the private scores."""
        tied, inverse, apart = self._conditioned(block)
        cross = tied[:, :, self.points.known]
        mean = self._start(block) + np.einsum("bij,bj->bi", cross, inverse @ apart)
        left = tied - cross @ inverse @ cross.transpose(0, 2, 1)
        return mean, left + self._side(block, 1 - block.share)

    def offsets(self, block: Block) -> tuple[Array, Array]:
        """Return (b, l) means and (b, l, l) covariances of public minus CV of an average submission of each lineage.

        The board's luck with everyone is part of the offset that it shows.
        """
        points = self.points
        _, inverse, apart = self._conditioned(block)
        everyone = (self.noise.of(block.units) / self.sizes.board(block.share) + block.left).mean(axis=0)
        wide, lineage = (self._wide(block) ** 2)[:, None, None], (block.lineage**2)[:, None, None]
        cross = (wide + lineage * points.members + everyone)[:, :, points.known]
        among = wide + lineage * np.eye(len(points.members)) + everyone.mean()
        start = points.members @ points.averaging / points.members.sum(axis=1) - block.error.mean()
        mean = start + np.einsum("bij,bj->bi", cross, inverse @ apart)
        return mean, among - cross @ inverse @ cross.transpose(0, 2, 1)

    def gaps(self, block: Block) -> Array:
        """Return the (b, m, m) covariances of public minus CV, lineages' offsets left out."""
        own = (block.own**2)[:, None, None] * np.eye(len(self.aside))
        return block.left + own + self._side(block, block.share)

    def _conditioned(self, block: Block) -> tuple[Array, Array, Array]:
        """Return the covariance of what both sides share, and what the public scores say of it, those aside as well.

        A public score that was set aside says where its own submission stands, and nothing of the others.
        """
        known = self.points.known
        apart = self.points.public - self._start(block)
        tied = self._common(block) + np.diag(np.where(known & self.aside, (_ASIDE * apart) ** 2, 0.0))
        board = tied + self._side(block, block.share)
        return tied, np.linalg.inv(board[:, known][:, :, known]), apart[known]

    def _start(self, block: Block) -> Array:
        return self.points.cv - block.error + self.points.averaging

    def _common(self, block: Block) -> Array:
        """Return the (b, m, m) covariance of what both sides of the board have in common, given the CVs."""
        wide, lineage, own = ((sd**2)[:, None, None] for sd in (self._wide(block), block.lineage, block.own))
        return np.asarray(wide + lineage * self.points.same + own * np.eye(len(self.aside)) + block.left)

    def _side(self, block: Block, share: float) -> Array:
        """Return the (m, m) covariance of the errors of a side that has this share of the test rows."""
        rounding = self.points.rounding * np.eye(len(self.aside))
        return self.noise.of(block.units) / self.sizes.board(share) + rounding

    def _wide(self, block: Block) -> Array:
        row = np.diag(self.noise.known).mean()
        error = float(np.sqrt(row * (1 / self.sizes.cv + 1 / self.sizes.board(block.share))))
        return _WIDE * np.maximum(max(error, 2 * self.scatter), block.lineage)

    def _spreads(self) -> tuple[float, float, float]:
        """Return standard deviations of public minus CV: by noise alone, and at most of submissions and of lineages."""
        points, rows = self.points, self.sizes.board(self.sizes.middle)
        pair = pair_variance(self.noise.of(1.0)) / 2 * (1 / rows + 1 / self.sizes.cv)
        least = float(np.sqrt(pair + 2 * points.rounding))
        gaps = (points.public - points.cv - points.averaging)[self.seen]
        codes = points.lineage[self.seen]
        middles = [float(np.mean(gaps[codes == code])) for code in np.unique(codes)]
        apart = float(np.std(middles)) if len(middles) > 1 else 0.0
        return least, 4 * max(self.scatter, least), 4 * max(apart, self.scatter, least)

    def _cv_spread(self) -> float:
        """Return the standard deviation of CVs within lineages."""
        points = self.points
        within = points.cv - points.same @ points.cv / points.same.sum(axis=1)
        freedom = max(1, len(within) - len(np.unique(points.lineage)))
        return float(np.sqrt((within**2).sum() / freedom))

    def _cv_error(self, covariance: Array, skill: float) -> tuple[Array, Array, float]:
        """Return the CVs' errors that all CVs let expect, what is left of their covariance, and the evidence.

        A CV that is far ahead of its lineage owes part of that to luck, more so if skill differs little. The means of
        lineages are free, so that only distances within lineages count (restricted likelihood; Harville, 1974).
        """
        m, members = len(covariance), self.points.members
        if len(members) == m or not covariance.any():
            return np.zeros(m), covariance, 0.0
        total = covariance + (skill**2 + 1e-9 * np.trace(covariance) / m) * np.eye(m)
        inverse = np.linalg.inv(total)
        of_means = members @ inverse @ members.T
        only_within = inverse - inverse @ members.T @ np.linalg.solve(of_means, members @ inverse)
        pull = only_within @ self.points.cv
        evidence = -0.5 * (np.linalg.slogdet(total)[1] + np.linalg.slogdet(of_means)[1] + self.points.cv @ pull)
        return covariance @ pull, covariance - covariance @ only_within @ covariance, float(evidence)


def half_cauchy(unit: float, most: float, step: int) -> list[tuple[float, float]]:
    """Return values of a standard deviation up to the most, and logarithms of their probabilities."""
    values = np.concatenate([[0.0], np.geomspace(0.3 * unit, most, _LEVELS // step)])
    edges = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [2 * most]])
    share = np.diff(np.arctan(edges / unit))
    return list(zip(values.tolist(), np.log(share / share.sum()).tolist(), strict=True))
