"""What the statistics of the board say of decisions: which two to choose, what the end may bring, what a look can tell.

Plain numbers, as in ``answers``: losses and standard errors are in the metric's units; a loss is never negative.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two submissions to select (or one, where there is no other).

    Attributes
    ----------
    names
        The one to expect more of first.
    expected
        The better private score of the two, expected.
    loss
        What is expected to be lost on the best private score of all submissions.
    """

    names: tuple[str, ...]
    expected: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which two submissions to choose, and what other rules would choose.

    Attributes
    ----------
    best
        The pair whose better private score is expected to be the best.
    by_public, by_cv
        The two with the best public scores, which Kaggle takes when nothing is selected, where there are public scores;
        the two with the best CVs.
    gain_over_public, gain_over_cv
        How much better ``best`` is expected to be than either; not negative.
    correlation
        Between the errors of the two chosen ones' expected private scores.
    """

    best: Pair
    by_public: Pair | None
    by_cv: Pair
    gain_over_public: float | None
    gain_over_cv: float
    correlation: float | None


@dataclass(frozen=True, kw_only=True)
class ShakeUp:
    """What to expect when the private board is shown.

    Attributes
    ----------
    change, change_low, change_high
        Private minus public of the submission with the best public score, expected.
    first_again
        Probability that the best public one is the best private one among one's own.
    tau
        Kendall's correlation of one's own public and private scores, expected.
    rank_now, rank, rank_low, rank_high
        Place on the public board, and on the private one with the chosen two, expected (median); ``None`` without a
        leaderboard.
    teams
        Teams on it.
    """

    change: float
    change_low: float
    change_high: float
    first_again: float
    tau: float | None
    rank_now: int | None = None
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    teams: int | None = None


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Whether the public board can tell two runs apart.

    Attributes
    ----------
    difference, se
        Of the first's OOF score minus the second's, and its standard error, paired.
    public_se
        Standard error of the same difference on the public rows.
    right
        Probability that the public board puts the two in the order in which their OOFs stand, if that is the truth.
    resolved
        Whether the difference is beyond two of ``public_se``, and shows in the board's digits.
    rows_needed
        Public rows from which on it would be; ``None`` where there is no difference.
    """

    difference: float
    se: float
    public_se: float
    right: float
    resolved: bool
    rows_needed: int | None
