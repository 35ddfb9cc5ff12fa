"""Which two submissions to choose, and what to expect when the private board is shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from kagflow.metrics import Array
from kagflow.report.board.agreement import kendall
from kagflow.report.board.answers import LEVEL
from kagflow.report.board.decisions import Choice, Pair, ShakeUp
from kagflow.report.board.gaussian import Points
from kagflow.report.board.noise import pair_variance
from kagflow.report.board.posterior import Posterior

_DRAWS = 2000
_ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


def draw_private(posterior: Posterior, seed: int) -> Array:
    """Return (draws, m) private scores as they may turn out."""
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(posterior.private, posterior.covariance, _DRAWS, method="eigh")


def choose(names: Sequence[str], points: Points, posterior: Posterior, drawn: Array, sign: int) -> Choice:
    """Return the two whose better private score is expected to be the best, and what other rules would choose.

    Two that fail on the same rows are worth little more than one, and the better of two that do not is better than
    either: for two Gaussians that is in closed form (Clark, 1961).

    Parameters
    ----------
    names, points, posterior
        The submissions.
    drawn
        (draws, m) private scores, as ``draw_private`` returns them.
    sign
        1 if more is better, else -1.
    """
    better = best_of_two(sign * posterior.private, posterior.covariance)
    best_of_all = float((sign * drawn).max(axis=1).mean())
    pairs = better.copy()
    if len(names) > 1:  # a second one costs nothing, even where it is of no use
        np.fill_diagonal(pairs, -np.inf)
    top = np.unravel_index(int(np.argmax(pairs)), pairs.shape)
    # The draws' own noise must not make a loss of nothing.
    least = float(best_of_all - (sign * drawn)[:, list(top)].max(axis=1).mean())

    def pair(chosen: Sequence[int]) -> Pair:
        first, second = sorted(chosen, key=lambda k: -sign * posterior.private[k])
        expected = float(better[first, second])
        return Pair(
            names=tuple(names[k] for k in dict.fromkeys((first, second))),
            expected=sign * expected,
            loss=max(0.0, least) + float(better[top]) - expected,
        )

    def first_two(scores: Array) -> list[int]:
        # Of equal scores, the earlier.
        order = np.argsort(np.where(np.isnan(scores), np.inf, -sign * scores), kind="stable").tolist()
        return [order[0], order[min(1, int((~np.isnan(scores)).sum()) - 1)]]

    best, by_cv = pair([int(k) for k in top]), pair(first_two(points.cv))
    by_public = pair(first_two(points.public)) if not np.isnan(points.public).all() else None
    spread = np.sqrt(np.diag(posterior.covariance))
    one, other = top
    return Choice(
        best=best,
        by_public=by_public,
        by_cv=by_cv,
        gain_over_public=None if by_public is None else by_public.loss - best.loss,
        gain_over_cv=by_cv.loss - best.loss,
        correlation=float(posterior.covariance[top] / (spread[one] * spread[other])) if one != other else None,
    )


def best_of_two(mean: Array, covariance: Array) -> Array:
    """Return the (m, m) expected larger one of every two Gaussians; on the diagonal that of one alone."""
    variance = np.diag(covariance)
    apart = np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 1e-12 * variance.max()))
    ahead = (mean[:, None] - mean) / apart
    found = mean[:, None] * norm.cdf(ahead) + mean * norm.cdf(-ahead) + apart * norm.pdf(ahead)
    np.fill_diagonal(found, mean)
    return np.asarray((found + found.T) / 2)  # the same to the last digit, whichever comes first


def shake_up(
    points: Points,
    posterior: Posterior,
    drawn: Array,
    *,
    sign: int,
    chosen: Sequence[int],
    others: Array,
    digits: int,
    seed: int,
) -> ShakeUp | None:
    """Return what to expect when the private board is shown; ``None`` where nothing has a public score.

    Parameters
    ----------
    points, posterior, drawn, sign
        As for ``choose``.
    chosen
        The one or two submissions that are selected.
    others
        Public scores of the other teams.
    digits
        Decimals of the board's scores.
    seed
        Of what is drawn for the other teams.
    """
    public = points.public
    there = np.flatnonzero(~np.isnan(public))
    if not len(there):
        return None
    first = int(there[np.argmax(sign * public[there])])
    change = drawn[:, first] - public[first]
    low, high = np.quantile(change, _ENDS)
    taus = kendall(public[there], drawn[:, there]) if len(there) > 1 else np.array([np.nan])
    return ShakeUp(
        change=float(change.mean()),
        change_low=float(low),
        change_high=float(high),
        first_again=float((there[np.argmax(sign * drawn[:, there], axis=1)] == first).mean()),
        tau=float(np.nanmean(taus)) if np.isfinite(taus).any() else None,
        **_places(points, posterior, drawn, sign, chosen, others, there, digits, seed),
    )


def _places(
    points: Points,
    posterior: Posterior,
    drawn: Array,
    sign: int,
    chosen: Sequence[int],
    others: Array,
    there: NDArray[np.int64],
    digits: int,
    seed: int,
) -> dict[str, int | None]:
    """Return the places now and then.

    The other teams' scores change by what one's own change by on average, and by noise of their own: as far as two of
    one's own submissions differ in it, which for strangers is too little rather than too much.
    """
    if not len(others):
        return {}
    public = points.public[there]
    noise = pair_variance(posterior.public_noise) / 2 + points.rounding
    private = pair_variance(posterior.covariance) / 2
    rng = np.random.default_rng(seed)
    start = _towards_the_field(sign * others, float(np.sqrt(noise)))
    common = sign * (drawn[:, there] - public).mean(axis=1)
    mine = np.round((sign * drawn[:, list(chosen)]).max(axis=1), digits)
    places = np.empty(len(drawn))
    for k in range(len(drawn)):
        theirs = start + common[k] + np.sqrt(private) * rng.standard_normal(len(others))
        places[k] = 1 + (np.round(theirs, digits) > mine[k]).sum()
    low, high = np.quantile(places, _ENDS)
    return {
        "rank_now": 1 + int((np.round(sign * others, digits) > np.round((sign * public).max(), digits)).sum()),
        "rank": round(float(np.median(places))),
        "rank_low": round(float(low)),
        "rank_high": round(float(high)),
        "teams": len(others) + 1,
    }


def _towards_the_field(scores: Array, noise: float) -> Array:
    """Return what (teams,) scores with that noise stand for: where teams get rare, scores are luck (Efron, 2011).

    By Tweedie's formula the expectation lies ``noise**2`` times the slope of the logarithm of the scores' density away.
    """
    spread = 1.4826 * float(np.median(np.abs(scores - np.median(scores))))
    width = max(noise, 1.06 * spread * len(scores) ** -0.2)
    if noise == 0 or width == 0:
        return scores
    middles = np.empty(len(scores))
    for k, score in enumerate(scores):
        near = np.exp(-0.5 * ((scores - score) / width) ** 2)
        middles[k] = (near * scores).sum() / near.sum()
    return np.asarray(scores + (noise / width) ** 2 * (middles - scores))
