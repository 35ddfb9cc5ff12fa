"""What the statistics of the board say: plain numbers, ready for a page or for JSON.

Scores, offsets, standard errors and losses are in the metric's units. An offset is public minus CV, as it stands,
whatever the direction; a *loss* is never negative, in either direction. Intervals and bands are of 90 %. ``None`` is
unknown.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from kagflow.report.board.decisions import Choice, ShakeUp

LEVEL = 0.9
"""What every interval and band is to cover."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A submission that has a CV: what goes in.

    Attributes
    ----------
    name
        Of its own: a run's name, or a file.
    when
        When it was sent.
    cv
        Its CV.
    se
        The CV's standard error.
    public, private
        Its scores on the board, so far as they are known.
    lineage
        Name of its lineage, as ``lineages`` finds them.
    """

    name: str
    when: datetime
    cv: float
    se: float | None = None
    public: float | None = None
    private: float | None = None
    lineage: str = ""


@dataclass(frozen=True, kw_only=True)
class BoardNoise:
    """How far the board's scores are off by the rows that it happens to have.

    Attributes
    ----------
    cv, public, private
        Standard errors of a score on the OOF, and on so many rows.
    pair
        Standard error of the public difference of two submissions, the median over all pairs.
    public_rows, private_rows
        Rows that were taken to be public and private.
    public_low, public_high
        The public standard error if the share of public rows were the largest or the smallest that is usual, where the
        share is not known; else both are ``public``.
    source
        ``oof``: drawn from the OOF at that size; ``points``: read off the scatter of the points, which says nothing of
        what all submissions have in common.
    digits
        Decimals of the board's scores.
    """

    cv: float | None
    public: float | None
    private: float | None
    pair: float | None
    public_rows: int | None
    private_rows: int | None
    public_low: float | None
    public_high: float | None
    source: Literal["oof", "points"]
    digits: int


@dataclass(frozen=True, kw_only=True)
class LineageOffset:
    """How far the public scores of a lineage lie from their CVs.

    Attributes
    ----------
    lineage
        Its name.
    submissions
        How many have a public score.
    offset, low, high
        Public minus CV of an average submission, fitted: drawn towards the other lineages' where there are few points,
        and blind to points that were set aside.
    plain
        The mean of public minus CV, as it is; ``None`` without a public score.
    averaging
        What averaging the folds' models makes of it, where it was measured (``averaging_gain``).
    """

    lineage: str
    submissions: int
    offset: float
    low: float
    high: float
    plain: float | None
    averaging: float | None = None


@dataclass(frozen=True, kw_only=True)
class PointAnswer:
    """One submission on the chart.

    Attributes
    ----------
    name, lineage, cv, cv_se, public, private
        As they went in.
    expected, low, high
        The public score that its CV, its lineage and the other submissions let expect, without looking at its own, and
        the band of it.
    z
        How many standard deviations its public score lies from that; positive is better than expected.
    outside
        Whether it lies outside so far that one such point among all would surprise at 5 % (Bonferroni).
    set_aside
        Whether it lies so far outside that the others were fitted without its public score.
    private_expected, private_low, private_high
        The private score that everything known lets expect; private scores themselves are not looked at.
    """

    name: str
    lineage: str
    cv: float
    cv_se: float | None
    public: float | None
    private: float | None
    expected: float
    low: float
    high: float
    z: float | None
    outside: bool
    set_aside: bool
    private_expected: float
    private_low: float
    private_high: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Whether public scores run away from CV as time goes by, within lineages.

    Attributes
    ----------
    change, se
        Of the offset from the first to the last submission; positive is public getting *better* than CV.
    p
        Of no change at all, two-sided.
    fits_public
        Whether public gained on CV beyond chance (p below 5 %): a sign of fitting the public board.
    submissions
        How many were looked at.
    """

    change: float
    se: float
    p: float
    fits_public: bool
    submissions: int


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """Kendall's tau-b between CV and a side of the board, signed so that 1 is agreement, with its interval."""

    tau: float | None
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Whether CV and public order the submissions alike.

    Attributes
    ----------
    pooled
        Over all pairs of submissions.
    within
        Over pairs of the same lineage.
    ceiling
        What ``pooled`` would be on average, if CV were the truth and only the board's noise stood between.
    """

    pooled: Correlation
    within: Correlation
    ceiling: float | None


@dataclass(frozen=True, kw_only=True)
class AveragingGain:
    """What averaging the models of all folds on test is worth over the CV of one.

    Attributes
    ----------
    gain, se
        To be expected in public minus CV, signed as an offset; from averaging the OOFs of repeats.
    measured_on, members
        How many OOFs were averaged, and how many such predictions the test predictions are the mean of.
    """

    gain: float
    se: float
    measured_on: int
    members: int


@dataclass(frozen=True, kw_only=True)
class BoardAnswers:
    """Everything that CV against the leaderboard says; see each part.

    Attributes
    ----------
    metric, direction
        What the scores are.
    notes
        What was assumed or could not be said, in sentences.
    """

    metric: str
    direction: Literal["minimize", "maximize"]
    noise: BoardNoise | None = None
    points: Sequence[PointAnswer] = ()
    lineages: Sequence[LineageOffset] = ()
    agreement: Agreement | None = None
    drift: Drift | None = None
    choice: Choice | None = None
    shake_up: ShakeUp | None = None
    notes: Sequence[str] = field(default=())

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return asdict(self)
