"""Whether CV and public order the submissions alike, and whether they part as time goes by."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from kagflow.metrics import Array
from kagflow.report.board.answers import LEVEL, Agreement, Correlation, Drift
from kagflow.report.board.gaussian import Points
from kagflow.report.board.posterior import Posterior

_DRAWS = 400


def agreement(points: Points, posterior: Posterior, seed: int) -> Agreement | None:
    """Return whether CV and public order the submissions alike; ``None`` with fewer than two public scores."""
    there = points.known
    if there.sum() < 2:
        return None
    cv, public, same = points.cv[there], points.public[there], points.same[np.ix_(there, there)]
    lineages = len(np.unique(points.lineage[there]))
    rng = np.random.default_rng(seed)
    noise = posterior.public_noise[np.ix_(there, there)]
    drawn = cv + rng.multivariate_normal(np.zeros(len(cv)), noise, _DRAWS, method="eigh")
    taus = kendall(cv, drawn)
    return Agreement(
        pooled=_correlation(cv, public, np.ones_like(same), len(cv)),
        within=_correlation(cv, public, same, len(cv) - lineages + 1),
        ceiling=float(np.nanmean(taus)) if np.isfinite(taus).any() else None,
    )


def kendall(first: Array, second: Array, same: Array | None = None) -> Array:
    """Return Kendall's tau-b of (m,) scores with (..., m) others, over all pairs or those that ``same`` marks.

    NaN where all are tied.
    """
    a, b = np.triu_indices(len(first), 1)
    if same is not None:
        kept = same[a, b] > 0
        a, b = a[kept], b[kept]
    one, other = np.sign(first[a] - first[b]), np.sign(second[..., a] - second[..., b])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (one * other).sum(axis=-1) / np.sqrt(np.abs(one).sum(axis=-1) * np.abs(other).sum(axis=-1))
    return np.asarray(found)


def _correlation(cv: Array, public: Array, same: Array, n: int) -> Correlation:
    """Return tau-b with its interval on Fisher's scale, of n independent points (Fieller et al., 1957)."""
    pairs = int((np.triu(same, 1) > 0).sum())
    tau = float(kendall(cv, public, same)) if pairs else float("nan")
    if not np.isfinite(tau):
        return Correlation(tau=None, low=None, high=None, pairs=pairs)
    if n < 5:
        return Correlation(tau=tau, low=None, high=None, pairs=pairs)
    edge = 1 - 1 / (pairs + 1)  # all pairs agreeing is no proof that all pairs ever will
    middle = np.arctanh(np.clip(tau, -edge, edge))
    reach = norm.ppf((1 + LEVEL) / 2) * np.sqrt(0.437 / (n - 4))
    return Correlation(tau=tau, low=float(np.tanh(middle - reach)), high=float(np.tanh(middle + reach)), pairs=pairs)


def drift(points: Points, posterior: Posterior, when: Array, *, sign: int, aside: NDArray[np.bool_]) -> Drift | None:
    """Return whether public minus CV moves with time within lineages, by generalised least squares.

    ``None`` where no lineage has two public scores at different times, or too few are left to tell.

    Parameters
    ----------
    points, posterior
        The submissions, and how their public minus CV vary together.
    when
        (m,) times, in any unit.
    sign
        1 if more is better, else -1.
    aside
        (m,) whether a point is not looked at.
    """
    there = points.known & ~aside
    codes, when = points.lineage[there], when[there]
    lineages = np.unique(codes)
    freedom = len(codes) - len(lineages) - 1
    means = (codes[:, None] == lineages).astype(np.float64)
    if freedom < 1 or np.ptp(when) == 0:
        return None
    time = (when - when.min()) / np.ptp(when)
    if np.allclose(time, means @ (means.T @ time / means.sum(axis=0))):
        return None
    inverse = np.linalg.inv(posterior.gaps[np.ix_(there, there)])
    design = np.column_stack([means, time])
    covariance = np.linalg.inv(design.T @ inverse @ design)
    change = sign * float((covariance @ design.T @ inverse @ (points.public - points.cv)[there])[-1])
    se = float(np.sqrt(covariance[-1, -1]))
    p = float(2 * t.sf(abs(change) / se, freedom))
    return Drift(change=change, se=se, p=p, fits_public=change > 0 and p < 0.05, submissions=len(codes))
