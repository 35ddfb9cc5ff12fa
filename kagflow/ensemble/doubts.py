"""Whether a member made elsewhere can be what it says: OOF that knows the target, or test that is another model's.

Members made here are proved by other means. Of a file nothing is known but its numbers, which tell this much.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kagflow.ensemble.rows import Rows

# Conventions. A model half as wrong as the best other one is rare; one a tenth as wrong is none.
_FAR, _TOO_FAR = 0.5, 0.1
_NOTHING = 1e-3  # of what a constant misses, where there is no other model
_UNLIKE = 0.05

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Doubt:
    """What is odd about a member.

    Attributes
    ----------
    member
        Its name.
    kind
        ``too good``: left out unless it is named; ``good`` and ``unlike``: look at it.
    message
        In words, with numbers.
    size
        Its error as a share of the best other member's; or how far test is from OOF.
    """

    member: str
    kind: Literal["too good", "good", "unlike"]
    message: str
    size: float


def doubt_score(name: str, rows: Rows, oof: Values, others: list[Values]) -> Doubt | None:
    """Return a doubt where a member is far nearer to the target than any other.

    Parameters
    ----------
    name
        Of the member.
    rows
        The rows of one repeat.
    oof
        Its predictions of them.
    others
        Those of the members that were made here.
    """
    own, best = _missed(rows, oof), min((_missed(rows, other) for other in others), default=None)
    if best is None:
        if own < _NOTHING:
            return Doubt(name, "too good", f"it misses {own:.2%} of what a constant misses", own)
        return None
    if best == 0 or own >= _FAR * best:
        return None
    share = own / best
    message = f"it misses {share:.1%} of what the best member made here misses; does its OOF know the target?"
    return Doubt(name, "too good" if share < _TOO_FAR else "good", message, share)


def doubt_test(name: str, own: tuple[Values, Values], others: list[tuple[Values, Values]]) -> Doubt | None:
    """Return a doubt where a member's test predictions are spread unlike its OOF, and those of others are not.

    Parameters
    ----------
    name
        Of the member.
    own
        Its OOF and test predictions.
    others
        Those of the members that were made here.
    """
    n, m = len(own[0]), len(own[1])
    noise = 3 * np.sqrt((n + m) / (n * m))
    found, usual = _apart(*own), max((_apart(*other) for other in others), default=0.0)
    if found <= usual + noise + _UNLIKE:
        return None
    message = (
        f"its predictions of test are spread unlike its OOF (largest difference of shares {found:.2f}, "
        f"of other members {usual:.2f}); are both of the same model, and in the same units?"
    )
    return Doubt(name, "unlike", message, found)


def _missed(rows: Rows, prediction: Values) -> float:
    """Return how much of the target is missed: 0 for nothing, about 1 for what a constant misses."""
    y = rows.y
    if rows.task == "regression" or rows.metric.several:
        truth = y.astype(np.float64)
        spread = np.abs(truth - np.median(truth, axis=0)).mean()
        return float(np.abs(truth - prediction).mean() / spread) if spread else 1.0
    if prediction.ndim == 1:  # any order of two classes will do: the share of pairs that are out of it
        ranks, hit = stats.rankdata(prediction), y == y.max()
        positive, negative = hit.sum(), (~hit).sum()
        below = ranks[hit].sum() - positive * (positive + 1) / 2
        return float(2 * (1 - below / max(positive * negative, 1)))
    total = np.maximum(prediction.sum(axis=1), 1e-12)
    said = prediction[np.arange(len(y)), y.astype(np.int64)] / total
    shares = np.bincount(y.astype(np.int64)) / len(y)
    return float((1 - said).mean() / max(1 - float((shares**2).sum()), 1e-12))


def _apart(oof: Values, test: Values) -> float:
    """Return the largest difference between the distributions of OOF and test, over their columns."""
    columns = zip(oof.reshape(len(oof), -1).T, test.reshape(len(test), -1).T, strict=True)
    return max(float(stats.ks_2samp(*column, method="asymp").statistic) for column in columns)
