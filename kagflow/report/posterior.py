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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from kagflow.metrics import Array
from kagflow.report.answers import LEVEL, Sent
from kagflow.report.noise import RowNoise, Sizes, pair_variance, scatter_of

_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)
"""Of a standard deviation that is not known, in a unit that the data suggest."""

_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5)
"""Of the variance of submissions without an OOF, in the units of ``RowNoise.own``."""

_LARGE = 100  # submissions from which on every second value of the grid will do: the data are sharp, and time is short
_WIDE = 5.0  # of the offset, in standard errors of public minus CV
_NEGLIGIBLE = 1e-3  # weight of a point of the grid


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
    def same(self) -> Array:
        """(m, m) of 1 for two of the same lineage, else 0."""
        return np.equal.outer(self.lineage, self.lineage).astype(np.float64)


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


@dataclass(frozen=True, eq=False)
class _Spot:
    """One point of the grid: values of what is not known, and what follows from them alone."""

    share: float
    units: float
    own: float
    lineage: float
    prior: float
    error: Array  # (m,) of the CVs, expected given all CVs
    error_covariance: Array  # (m, m) of what is left of it
    evidence: float  # logarithm, of the CVs


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
    model = _Model(points, noise, sizes, scatter_of([s for s, out in zip(sent, aside, strict=True) if not out]), aside)
    spots = list(model.spots())
    seen = model.seen
    looks = [model.look(spot) for spot in spots]
    evidence, mean, sd, own_density = (np.array(part) for part in zip(*looks, strict=True))
    weight = _normalise(evidence)
    # What the others alone say of the grid, for each submission: its own public score is taken out again.
    without = np.where(np.isnan(points.public) | ~seen, evidence[:, None], evidence[:, None] - own_density)
    without = np.apply_along_axis(_normalise, 0, without)
    low, high = (_quantile(mean, sd, without, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    below = np.clip((without * norm.cdf((points.public - mean) / sd)).sum(axis=0), 1e-15, 1 - 1e-15)
    kept = np.flatnonzero(weight > _NEGLIGIBLE * weight.max())
    parts = [model.finish(spots[k]) for k in kept]
    share = weight[kept] / weight[kept].sum()
    private, covariance = _pool(share, [part[0] for part in parts], [part[1] for part in parts])
    offset, offset_covariance = _pool(share, [part[2] for part in parts], [part[3] for part in parts])
    public_noise = [noise.of(spots[k].units) / sizes.board(spots[k].share) for k in kept]
    return Posterior(
        expected=(without * mean).sum(axis=0),
        low=low,
        high=high,
        z=np.where(np.isnan(points.public), np.nan, norm.ppf(below)),
        private=private,
        covariance=covariance,
        offset=offset,
        offset_sd=np.sqrt(np.diag(offset_covariance)),
        gaps=np.tensordot(share, [model.gaps(spots[k]) for k in kept], axes=1),
        units=float(share @ [spots[k].units for k in kept]),
        public_noise=np.tensordot(share, public_noise, axes=1),
    )


@dataclass(frozen=True, eq=False)
class _Model:
    """The model of the module, for all that is not known at once."""

    points: Points
    noise: RowNoise
    sizes: Sizes
    scatter: float
    aside: NDArray[np.bool_]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(m,) whose public scores are looked at."""
        return ~np.isnan(self.points.public) & ~self.aside

    def spots(self) -> Iterator[_Spot]:
        """Yield the grid."""
        points, (skill, own, lineage) = self.points, self._units()
        step = 2 if len(points.cv) > _LARGE else 1
        repeated = len(np.unique(points.lineage)) < len(points.cv)
        several = points.lineage.max() > 0
        skills = [skill * level for level in _LEVELS[::step]] if repeated else [0.0]
        lineages = _prior(lineage, step) if several else [(0.0, 1.0)]
        for share, units in product(self.sizes.shares, _SHARES[::step] if self.noise.own.any() else (0.0,)):
            covariance = self.noise.of(units) / self.sizes.cv
            for spread in skills:
                error, left, evidence = self._cv_error(covariance, spread)
                for (at_own, p_own), (at_lineage, p_lineage) in product(_prior(own, step), lineages):
                    yield _Spot(share, units, at_own, at_lineage, p_own * p_lineage, error, left, evidence)

    def look(self, spot: _Spot) -> tuple[float, Array, Array, Array]:
        """Return the evidence for a spot, and the expected public scores, without their own, as mean and sd.

        With them come the (m,) logarithms of the density of each public score, given all others.
        """
        points, seen = self.points, self.seen
        start = self._start(spot)
        common = self._common(spot)
        board = common + self._board(spot, spot.share)
        inverse = np.linalg.inv(board[np.ix_(seen, seen)])
        apart = (points.public - start)[seen]
        pull = inverse @ apart
        mean, variance = start.copy(), np.diag(board).copy()
        cross = common[:, seen]
        mean += cross @ pull
        variance -= np.einsum("ij,jk,ik->i", cross, inverse, cross)
        # Leaving one out of a Gaussian is in closed form (Sundararajan and Keerthi, 2001).
        variance[seen] = 1 / np.diag(inverse)
        mean[seen] = points.public[seen] - pull * variance[seen]
        density = -0.5 * (np.log(variance) + (points.public - mean) ** 2 / variance)
        evidence = np.log(spot.prior) + spot.evidence + 0.5 * np.linalg.slogdet(inverse)[1] - 0.5 * apart @ pull
        return float(evidence), mean, np.sqrt(variance), density

    def finish(self, spot: _Spot) -> tuple[Array, Array, Array, Array]:
        """Return mean and covariance of the private scores, and of the lineages' offsets, for a spot."""
        points, known = self.points, ~np.isnan(self.points.public)
        start, common = self._start(spot), self._common(spot)
        # A public score that was set aside says where its own submission stands, and nothing of the others.
        loose = np.where(known & self.aside, (20 * np.abs(points.public - start)) ** 2, 0.0)
        tied = common + np.diag(loose)
        public, private = self._board(spot, spot.share), self._board(spot, 1 - spot.share)
        inverse = np.linalg.inv((tied + public)[np.ix_(known, known)])
        apart = (points.public - start)[known]
        cross = tied[:, known]
        mean = start + cross @ inverse @ apart
        covariance = tied + private - cross @ inverse @ cross.T

        # The board's luck with everyone is part of the offset that it shows.
        everyone = (self.noise.of(spot.units) / self.sizes.board(spot.share) + spot.error_covariance).mean(axis=0)
        which = (np.arange(points.lineage.max() + 1)[:, None] == points.lineage).astype(np.float64)
        to_points = self._wide(spot) ** 2 + spot.lineage**2 * which + everyone
        among = self._wide(spot) ** 2 + spot.lineage**2 * np.eye(len(which)) + everyone.mean()
        cross = to_points[:, known]
        averaging = which @ points.averaging / which.sum(axis=1)
        return (
            mean,
            covariance,
            averaging - spot.error.mean() + cross @ inverse @ apart,
            among - cross @ inverse @ cross.T,
        )

    def gaps(self, spot: _Spot) -> Array:
        """Return the (m, m) covariance of public minus CV, lineages' offsets left out."""
        return spot.error_covariance + np.diag(np.full(len(self.aside), spot.own**2)) + self._board(spot, spot.share)

    def _start(self, spot: _Spot) -> Array:
        return self.points.cv - spot.error + self.points.averaging

    def _common(self, spot: _Spot) -> Array:
        """Return the (m, m) covariance of what both sides of the board have in common, given the CVs."""
        offsets = self._wide(spot) ** 2 + spot.lineage**2 * self.points.same
        return offsets + spot.error_covariance + spot.own**2 * np.eye(len(self.aside))

    def _board(self, spot: _Spot, share: float) -> Array:
        """Return the (m, m) covariance of the errors of a side that has this share of the test rows."""
        return self.noise.of(spot.units) / self.sizes.board(share) + self.points.rounding * np.eye(len(self.aside))

    def _wide(self, spot: _Spot) -> float:
        error = np.diag(self.noise.known).mean() * (1 / self.sizes.cv + 1 / self.sizes.board(spot.share))
        return _WIDE * max(float(np.sqrt(error)), 2 * self.scatter, spot.lineage)

    def _units(self) -> tuple[float, float, float]:
        """Return the units of the standard deviations of skill, of submissions and of lineages."""
        points, public = self.points, self.sizes.board(self.sizes.middle)
        pair = pair_variance(self.noise.of(1.0)) / 2 * (1 / public + 1 / self.sizes.cv)
        least = float(np.sqrt(pair + 2 * points.rounding))
        own = max(self.scatter, least)
        gaps = (points.public - points.cv - points.averaging)[self.seen]
        codes = points.lineage[self.seen]
        middles = [float(np.mean(gaps[codes == code])) for code in np.unique(codes)]
        within = points.cv - points.same @ points.cv / points.same.sum(axis=1)
        freedom = max(1, len(within) - len(np.unique(points.lineage)))
        skill = max(float(np.sqrt((within**2).sum() / freedom)), least)
        return skill, own, max(own, float(np.std(middles)) if len(middles) > 1 else 0.0)

    def _cv_error(self, covariance: Array, skill: float) -> tuple[Array, Array, float]:
        """Return the CVs' errors that all CVs let expect, what is left of their covariance, and the evidence.

        A CV that is far ahead of its lineage owes part of that to luck, more so if skill differs little. The means of
        lineages are free, so that only distances within lineages count (restricted likelihood; Harville, 1974).
        """
        m = len(covariance)
        which = (self.points.lineage[:, None] == np.arange(self.points.lineage.max() + 1)).astype(np.float64)
        if which.shape[1] == m or not covariance.any():
            return np.zeros(m), covariance, 0.0
        total = covariance + skill**2 * np.eye(m) + 1e-9 * np.trace(covariance) / m * np.eye(m)
        inverse = np.linalg.inv(total)
        of_means = which.T @ inverse @ which
        only_within = inverse - inverse @ which @ np.linalg.solve(of_means, which.T @ inverse)
        pull = only_within @ self.points.cv
        evidence = -0.5 * (np.linalg.slogdet(total)[1] + np.linalg.slogdet(of_means)[1] + self.points.cv @ pull)
        return covariance @ pull, covariance - covariance @ only_within @ covariance, float(evidence)


def _prior(unit: float, step: int) -> list[tuple[float, float]]:
    """Return values of a standard deviation and their probabilities: half-Cauchy."""
    levels = np.array(_LEVELS[::step])
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [2 * levels[-1]]])
    share = np.diff(np.arctan(edges))
    return [(unit * level, p) for level, p in zip(levels.tolist(), (share / share.sum()).tolist(), strict=True)]


def _normalise(logarithms: Array) -> Array:
    weight = np.exp(logarithms - logarithms.max())
    return np.asarray(weight / weight.sum())


def _pool(share: Array, means: Sequence[Array], covariances: Sequence[Array]) -> tuple[Array, Array]:
    """Return mean and covariance of a mixture."""
    mean = np.tensordot(share, means, axes=1)
    apart = np.array(means) - mean
    return mean, np.tensordot(share, covariances, axes=1) + (share[:, None] * apart).T @ apart


def _quantile(mean: Array, sd: Array, weight: Array, level: float) -> Array:
    """Return the (m,) quantiles of m mixtures of Gaussians, each (spots, m)."""
    low, high = (mean - 40 * sd).min(axis=0), (mean + 40 * sd).max(axis=0)
    for _ in range(60):
        middle = (low + high) / 2
        under = (weight * norm.cdf((middle - mean) / sd)).sum(axis=0) < level
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return np.asarray((low + high) / 2)
