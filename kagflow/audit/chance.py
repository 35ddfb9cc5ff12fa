"""What chance alone would do: the yardstick of every finding about how rows were drawn.

Each limit in this room is a rate of false alarms, stated where it is set, or a size that is said to be a convention.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import norm, poisson

from kagflow.data import Rows

Floats = NDArray[np.float64]

FALSE_ALARMS = 1e-4
"""How many data sets in which nothing is wrong may be accused by one kind of test, over all of its columns."""

_RARE = 0.1  # share of a class
_MOST_Z = 37.0  # beyond it a double holds no probability
_TILTS = np.geomspace(0.01, 100.0, 81)


def log_tail(log_miss: Floats, count: float) -> float:
    """Return the logarithm of a bound of P(S <= count), S being a sum of independent events.

    Parameters
    ----------
    log_miss
        (k,) logarithm of each event's probability not to happen.
    count
        How many happened.

    Notes
    -----
    Chernoff (1952): the least, over t > 0, of exp(t * count) * E[exp(-t S)]; exact where nothing happened.
    """
    if count == 0:
        return float(log_miss.sum())
    log_hit = np.log(np.maximum(-np.expm1(log_miss), np.finfo(float).tiny))
    bounds = [t * count + np.logaddexp(log_miss, log_hit - t).sum() for t in _TILTS]
    return min(0.0, *map(float, bounds))


def log_whole(sizes: Floats, share: float) -> Floats:
    """Return (k,) the logarithm of the probability that a group's rows all fall on one side.

    Parameters
    ----------
    sizes
        (k,) rows of each group.
    share
        Of all rows that are drawn for one of the two sides, in (0, 1).
    """
    whole: Floats = np.minimum(np.logaddexp(sizes * np.log(share), sizes * np.log1p(-share)), 0.0)
    return whole


def alone(sizes: Floats, share: float) -> tuple[float, float]:
    """Return the expected share of drawn rows whose group was drawn whole, and its standard deviation.

    These are the rows whose value the other side lacks, were rows drawn independently of it.

    Parameters
    ----------
    sizes, share
        As for ``log_whole``.

    Notes
    -----
    A ratio of two sums over groups: rows of groups drawn whole, and rows drawn. Its variance is, to first order, that
    of the sum of their differences, the latter times the ratio (Cochran, 1977, chapter 6).
    """
    whole = share**sizes
    total = sizes.sum() * share
    ratio = float((sizes * whole).sum() / total)
    of_whole, of_drawn = sizes**2 * whole * (1 - whole), sizes * share * (1 - share)
    together = sizes**2 * whole * (1 - share)
    variance = float((of_whole + ratio**2 * of_drawn - 2 * ratio * together).sum())
    return ratio, float(np.sqrt(max(variance, 0.0)) / total)


def serial_z(codes: Floats) -> float:
    """Return how many standard deviations neighbours are more alike than in a random order.

    Parameters
    ----------
    codes
        (n,) values in the order that is asked about.

    Notes
    -----
    Wald and Wolfowitz (1943): the serial correlation over all orders of the same values, which has the mean
    -1 / (n - 1) and about the variance 1 / n. Ranks or indicators keep outliers from ruling it. Of a rare class the
    pairs of neighbours are counted instead, which are about Poisson distributed: the normal's tail would be too thin.
    """
    rare = codes if codes.mean() < 0.5 else 1 - codes
    if rare.mean() < _RARE and np.isin(codes, (0, 1)).all():
        pairs, expected = float(rare[:-1] @ rare[1:]), float(rare.sum() * (rare.sum() - 1) / len(rare))
        tail = float(poisson.sf(pairs - 1, expected))
        return float(np.clip(norm.isf(tail), 0, _MOST_Z))
    centred = codes - codes.mean()
    square = float(centred @ centred)
    if square == 0:
        return 0.0
    n = len(codes)
    return float(((centred[:-1] @ centred[1:]) / square + 1 / n) * np.sqrt(n))


def trend_z(codes: Floats) -> float:
    """Return how many standard deviations values and their positions are correlated beyond a random order."""
    if len(codes) < 3 or codes.std() == 0:
        return 0.0
    positions = np.arange(len(codes), dtype=np.float64)
    return float(np.corrcoef(codes, positions)[0, 1] * np.sqrt(len(codes) - 1))


def log_last(rows: int, others: int, last: int) -> float:
    """Return the logarithm of the probability that the last of all rows, in a random order, are of one side.

    Parameters
    ----------
    rows, others
        How many are of that side, and of the other.
    last
        How many of the last; at most ``rows``.
    """
    ways = [gammaln(n + 1) - gammaln(n - last + 1) for n in (rows, rows + others)]
    return float(ways[0] - ways[1])


def counts_of(codes: Rows, rows: Rows, values: int) -> Floats:
    """Return (values,) how many of some rows hold each value; rows without a value (-1) count for none."""
    held = codes[rows]
    counts: Floats = np.bincount(held[held >= 0], minlength=values).astype(np.float64)
    return counts
