"""How far scores are off by the rows that they happen to be of: on the OOF, and on the two sides of the board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from kagflow.metrics import Array, Metric
from kagflow.metrics.base import Values
from kagflow.report.board.answers import BoardNoise, Sent
from kagflow.report.board.decisions import Resolution
from kagflow.runs.scores import Known
from kagflow.stats import draw_scores, paired_difference

USUAL_SHARES = (0.2, 0.32, 0.5)
"""Of the test rows that are public on Kaggle: the least and the most that are usual, and their middle (geometric)."""

_ROWS = 50_000  # more rows are thinned to so many: what counts here is the noise of one row
_SCORED_ROWS = 200_000_000  # draws times rows times submissions


@dataclass(frozen=True, eq=False)
class Sizes:
    """How many rows scores are of, as far as it is known; only their ratios matter where none is.

    Attributes
    ----------
    cv, test
        Rows of the OOF, and of the test set.
    share
        Of the test rows that are public; ``None`` where it is not known.
    """

    cv: float
    test: float
    share: float | None

    @property
    def shares(self) -> tuple[float, ...]:
        """The share, or the shares that are possible."""
        return USUAL_SHARES if self.share is None else (self.share,)

    @property
    def middle(self) -> float:
        """The share, or the middle of what is usual."""
        return USUAL_SHARES[1] if self.share is None else self.share

    def board(self, share: float) -> float:
        """Return the rows of a side of the board that has this share; none at all would be noise without end."""
        return self.test * max(share, 0.001)


@dataclass(frozen=True, eq=False)
class RowNoise:
    """The noise of m submissions' scores on one row: divided by n it is the noise of their scores on n rows.

    That holds to first order for every metric that is smooth in the distribution of the rows, and exactly for means.

    Attributes
    ----------
    known
        (m, m) covariance. Submissions have most of it in common, for they are right and wrong on the same rows.
    own
        (m,) unit of the further variance of a submission without an OOF, which is its own; 0 where there is an OOF.
        How many of these units it has is left to the board to tell.
    source
        ``oof`` or ``points``, as in ``BoardNoise``.
    """

    known: Array
    own: Array
    source: Literal["oof", "points"]

    def of(self, units: float) -> Array:
        """Return the (m, m) covariance with so many units of further variance."""
        return self.known + np.diag(units * self.own)


def measure_rows(
    metric: Metric, sent: Sequence[Sent], rows: Known | None, oof: Mapping[str, Values], sizes: Sizes, seed: int
) -> RowNoise | None:
    """Return the noise of a row: from the OOFs, or what standard errors and the scatter of the points say of it.

    ``None`` where nothing says anything.
    """
    there = [k for k, each in enumerate(sent) if each.name in oof]
    scatter = scatter_of(sent)
    if rows is not None and there:
        made = row_covariance(metric, rows, [oof[sent[k].name] for k in there], seed)
        if made is not None:
            return _filled(made, there, len(sent))
    ses = [each.se for each in sent if each.se is not None]
    if not ses and not scatter:
        return None
    shared = float(np.median(ses)) ** 2 * sizes.cv if ses else 0.0
    own = scatter**2 * sizes.board(sizes.middle) if scatter else 0.1 * shared
    m = len(sent)
    return RowNoise(np.full((m, m), shared), np.full(m, own), "points")


def row_covariance(metric: Metric, rows: Known, predictions: Sequence[Values], seed: int) -> Array | None:
    """Return the (k, k) covariance of the scores of k predictions on one row, from draws that all of them share.

    ``None`` where the rows have no noise to draw: there are fewer than two independent units.
    """
    kept = _thin(rows, seed)
    draws = int(np.clip(_SCORED_ROWS // (len(kept) * len(predictions)), 100, 400))
    drawn = draw_scores(
        metric,
        rows.y[kept],
        [prediction[kept] for prediction in predictions],
        None if rows.weight is None else rows.weight[kept],
        None if rows.units is None else rows.units[kept],
        None if rows.further is None else {name: column[kept] for name, column in rows.further.items()},
        seed,
        draws,
    )
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    if len(drawn) < 2:
        return None
    return np.atleast_2d(np.cov(drawn, rowvar=False)) * len(kept)


def _thin(rows: Known, seed: int) -> NDArray[np.int64]:
    """Return the positions of at most so many rows as are needed, whole units of them."""
    n = len(rows.y)
    if n <= _ROWS:
        return np.arange(n)
    rng = np.random.default_rng(seed)
    if rows.units is None:
        return np.sort(rng.choice(n, _ROWS, replace=False))
    codes = np.unique(rows.units)
    return np.flatnonzero(np.isin(rows.units, rng.permutation(codes)[: max(2, len(codes) * _ROWS // n)]))


def _filled(made: Array, there: Sequence[int], m: int) -> RowNoise:
    """Give submissions without an OOF the errors that the others have on average, and further ones of their own."""
    share = np.full((m, len(there)), 1 / len(there))
    share[there] = np.eye(len(there))
    pair = pair_variance(made)
    own = np.full(m, pair / 2 if pair else 0.1 * made[0, 0])
    own[there] = 0.0
    return RowNoise(share @ made @ share.T, own, "oof")


def pair_variance(covariance: Array) -> float:
    """Return the variance of a difference of two scores, the median over all pairs; 0 with fewer than two."""
    if len(covariance) < 2:
        return 0.0
    variances = np.diag(covariance)
    first, second = np.triu_indices(len(covariance), 1)
    return float(max(0.0, np.median(variances[first] + variances[second] - 2 * covariance[first, second])))


def scatter_of(sent: Sequence[Sent]) -> float:
    """Return the usual distance of public minus CV from its lineage's middle, as a standard deviation.

    Where no lineage has two, from the middle of all; 0 where fewer than two have a public score.
    """
    gaps: dict[str, list[float]] = {}
    for each in sent:
        if each.public is not None:
            gaps.setdefault(each.lineage, []).append(each.public - each.cv)
    groups = [np.array(group) for group in gaps.values() if len(group) > 1]
    groups = groups or [np.array([gap for group in gaps.values() for gap in group])]
    if len(groups[0]) < 2:
        return 0.0
    apart = np.concatenate([(group - np.median(group)) / np.sqrt(1 - 1 / len(group)) for group in groups])
    usual = 1.4826 * float(np.median(np.abs(apart)))
    return usual or float(np.sqrt(np.mean(apart**2)))


def board_noise(noise: RowNoise, units: float, sizes: Sizes, digits: int, *, counted: bool) -> BoardNoise:
    """Return the noise of scores on all sides of the board.

    Parameters
    ----------
    noise, units
        Of a row, with so many units of further variance.
    sizes, digits
        Rows, and decimals of the board's scores.
    counted
        Whether the sizes are numbers of rows, and not just their ratios.
    """
    covariance = noise.of(units)
    row, pair = float(np.median(np.diag(covariance))), pair_variance(covariance)
    share = sizes.middle

    def error(rows: float, variance: float = row) -> float | None:
        return float(np.sqrt(variance / rows)) if variance > 0 and rows > 0 else None

    return BoardNoise(
        cv=error(sizes.cv),
        public=error(sizes.board(share)),
        private=error(sizes.test * (1 - share)),
        pair=error(sizes.board(share), pair),
        public_rows=round(sizes.test * share) if counted else None,
        private_rows=round(sizes.test * (1 - share)) if counted else None,
        public_low=error(sizes.board(max(sizes.shares))),
        public_high=error(sizes.board(min(sizes.shares))),
        source=noise.source,
        digits=digits,
    )


def resolve(
    metric: Metric, rows: Known, first: Values, second: Values, *, public_rows: int, digits: int = 5
) -> Resolution:
    """Return whether the public board can tell two runs apart, that is, whether sending the second says anything.

    Parameters
    ----------
    metric, rows
        The competition's, and what is known of the rows of the OOFs.
    first, second
        (n, ...) OOF predictions of the two, of the same rows.
    public_rows, digits
        Rows of the public board, and decimals of its scores.

    Notes
    -----
    Both are scored on the same public rows, so that what counts is the noise of the paired difference, which for
    similar models is far smaller than that of either score.
    """
    found = paired_difference(metric, rows.y, first, second, weight=rows.weight, units=rows.units, further=rows.further)
    public_se = found.se * float(np.sqrt(len(rows.y) / public_rows))
    distance = abs(found.value)
    shows = distance >= 10.0**-digits
    return Resolution(
        difference=found.value,
        se=found.se,
        public_se=public_se,
        right=float(norm.cdf(distance / public_se)) if public_se > 0 else 1.0 if distance > 0 else 0.5,
        resolved=bool(distance > 2 * public_se and shows),
        rows_needed=int(np.ceil((2 * found.se / distance) ** 2 * len(rows.y))) if distance > 0 else None,
    )
