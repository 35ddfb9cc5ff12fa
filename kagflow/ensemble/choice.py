"""Which of several ensembles to take: the best by its honest score, and what to do where that tells them not apart."""

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar

from kagflow.ensemble.methods import METHODS, Method
from kagflow.ensemble.rows import Rows
from kagflow.stats import Difference

_LEVEL = 0.25  # standard errors of a difference, below which nothing is lost
_LEVEL_OF_LABELS = 1.0  # the same, where what labels are made from tells more than they do
_BLENDS = ("mean", "rank_mean", "logit_mean", "forward", "climb", "weighted")
SIMPLICITY = (*_BLENDS, *(kind for kind in METHODS if kind not in _BLENDS))
"""Kinds of methods, the first preferred where scores do not tell them apart.

Means learn nothing. The best single member stands behind all blends: it is the luckiest of many, too, and a mean of
several errs less on rows that nobody has looked at.
"""


class Candidate(Protocol):
    """What can be chosen: a ``Scored``, or several, one a repeat of the folds."""

    @property
    def method(self) -> Method:
        """How members were blended."""

    @property
    def rows(self) -> Rows:
        """Of its score; the first repeat's."""

    @property
    def cv_crossfitted(self) -> float:
        """Its score."""

    def against(self, other: Any) -> Difference:
        """Return its score minus that of another candidate, on the same rows."""

    def before_labels(self) -> Self | None:
        """Return the same, scored by what its labels are made from; ``None`` where there is no such score."""


Chosen = TypeVar("Chosen", bound=Candidate)


def choose(candidates: Sequence[Chosen], simplicity: Sequence[str] = SIMPLICITY) -> Chosen:
    """Return the ensemble with the best cross-fitted score, or a simpler one that is as good as that.

    A simpler one is taken where it is worse by less than a quarter of the standard error of the paired difference; of
    those the simplest. Of equally simple ones the better. A whole standard error would be kinder to the simple ones
    than they deserve: what is worse by that much is worse on new rows in five cases of six.

    Metrics of labels tell little: of few rows hardly any label differs, and the best is the luckiest. Those within a
    whole standard error of it are told apart by what labels are made from, the log loss most often: the simplest is
    taken that is within a standard error of the best by that.

    Parameters
    ----------
    candidates
        On the same rows; at least one.
    simplicity
        Kinds of methods, the simplest first.
    """
    best = _ranked(candidates)[0]
    if best.before_labels() is None:
        return _simplest(candidates, simplicity, _LEVEL)
    level = [each for each in candidates if _is_level(each, best, _LEVEL_OF_LABELS)]
    softer = [(each, soft) for each in level if (soft := each.before_labels()) is not None]
    chosen = _simplest([soft for _, soft in softer], simplicity, _LEVEL_OF_LABELS)
    return next(each for each, soft in softer if soft is chosen)


def why(chosen: Chosen, candidates: Sequence[Chosen]) -> str:
    """Return in a few words why ``choose`` took a candidate."""
    best, soft = _ranked(candidates)[0], chosen.before_labels()
    if chosen is best:
        return "the best"
    if soft is None:
        return "level with the best and simpler,"
    return f"level with the best by {chosen.rows.metric.name} and taken by {soft.rows.metric.name},"


def _simplest(candidates: Sequence[Chosen], simplicity: Sequence[str], errors: float) -> Chosen:
    """Return the best by its score, or the simplest that is worse by less than so many standard errors."""

    def place(candidate: Candidate) -> int:
        return simplicity.index(candidate.method.kind)

    best, *others = _ranked(candidates)
    simpler = [each for each in others if place(each) < place(best)]
    return min([*(each for each in simpler if _is_level(each, best, errors)), best], key=place)


def _ranked(candidates: Sequence[Chosen]) -> list[Chosen]:
    """Return them by their scores, the best first."""
    sign = 1.0 if candidates[0].rows.metric.direction == "minimize" else -1.0
    return sorted(candidates, key=lambda each: sign * each.cv_crossfitted)


def _is_level(candidate: Candidate, best: Candidate, errors: float) -> bool:
    """Say whether a candidate is worse than the best by less than so many standard errors of the difference."""
    if candidate is best:
        return True
    difference = candidate.against(best)
    return abs(difference.value) < errors * difference.se
