"""CV against the leaderboard: what the submissions and their OOFs say of the board, and which two to choose.

Beside it stand ``lineages`` and ``averaging_gain`` (``lineage``), ``resolve`` (``noise``: can the board tell two runs
apart), ``explain_rank`` and ``medals`` (``places``). The model is described in ``model``.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from kagflow.metrics import Metric
from kagflow.metrics.base import Values
from kagflow.report.board.agreement import agreement, drift
from kagflow.report.board.answers import LEVEL, BoardAnswers, LineageOffset, PointAnswer, Sent
from kagflow.report.board.choice import choose, draw_private, shake_up
from kagflow.report.board.gaussian import Points
from kagflow.report.board.noise import USUAL_SHARES, RowNoise, Sizes, board_noise, measure_rows
from kagflow.report.board.posterior import Posterior, expect
from kagflow.runs.scores import Known

_SURPRISE = 0.05  # of one point or more outside, among all
_REACH = float(norm.ppf((1 + LEVEL) / 2))
_USUAL_DIGITS = 5
_MOST_DIGITS = 10


def study_board(
    metric: Metric,
    sent: Sequence[Sent],
    *,
    rows: Known | None = None,
    oof: Mapping[str, Values] | None = None,
    test_rows: int | None = None,
    public_share: float | None = None,
    others: Sequence[float] = (),
    averaging: Mapping[str, float] | None = None,
    seed: int = 0,
) -> BoardAnswers:
    """Return what CV against the leaderboard says.

    Parameters
    ----------
    metric
        The competition's.
    sent
        Submissions that have a CV, in any order; those without a public score are expected, and may be chosen.
    rows, oof
        What is known of the rows of one repeat (``Known.of(frame)``), and (n, ...) their OOF predictions by the
        submission's name. Submissions without one are taken to be as noisy as the others.
    test_rows, public_share
        Of the competition. Without a share, all that is usual on Kaggle is thought possible.
    others
        Public scores of the other teams.
    averaging
        What averaging explains of the offset, by lineage.
    seed
        Of all that is drawn.
    """
    sent = sorted(sent, key=lambda each: each.when)
    if not sent:
        return BoardAnswers(metric=metric.name, direction=metric.direction, notes=("Nothing was sent yet.",))
    sizes, notes = _sizes(rows, test_rows, public_share)
    noise = measure_rows(metric, sent, rows, oof or {}, sizes, seed)
    if noise is None:
        notes.append("There is neither an OOF nor a standard error, and too few scores to tell their noise.")
        return BoardAnswers(metric=metric.name, direction=metric.direction, notes=notes)
    notes += _doubts(sent, noise)

    digits = board_digits([each.public for each in sent if each.public is not None] + [*others])
    points, names = _points(sent, averaging or {}, digits)
    posterior, outside, aside = _set_aside(points, noise, sizes, sent)
    sign = 1 if metric.direction == "maximize" else -1
    drawn = draw_private(posterior, seed)
    choice = choose([each.name for each in sent], points, posterior, drawn, sign)
    chosen = [k for k, each in enumerate(sent) if each.name in choice.best.names]
    when = np.array([each.when.timestamp() for each in sent])
    return BoardAnswers(
        metric=metric.name,
        direction=metric.direction,
        noise=board_noise(noise, posterior.units, sizes, digits, counted=test_rows is not None),
        points=_point_answers(sent, posterior, sign, outside, aside),
        lineages=_lineage_answers(names, points, posterior, averaging or {}),
        agreement=agreement(points, posterior, seed),
        drift=drift(points, posterior, when, sign=sign, aside=aside),
        choice=choice,
        shake_up=shake_up(
            points,
            posterior,
            drawn,
            sign=sign,
            chosen=chosen,
            others=np.array(others, dtype=np.float64),
            digits=digits,
            seed=seed,
        ),
        notes=notes,
    )


def board_digits(scores: Sequence[float]) -> int:
    """Return how many decimals the board shows: the most that one of its scores has."""
    shown = [f"{score:.{_MOST_DIGITS}f}".rstrip("0").partition(".")[2] for score in scores]
    return max(map(len, shown), default=_USUAL_DIGITS) or 1


def _sizes(rows: Known | None, test_rows: int | None, share: float | None) -> tuple[Sizes, list[str]]:
    notes = []
    if test_rows is None:
        notes.append("How many rows the test set has is not known; it is taken to be as large as the training set.")
    if share is None:
        low, _, high = USUAL_SHARES
        notes.append(f"Which share of the test rows is public is not known; {low:.0%} to {high:.0%} are usual.")
    cv = len(rows.y) if rows is not None else test_rows or 1
    return Sizes(cv=cv, test=test_rows or cv, share=share), notes


def _doubts(sent: Sequence[Sent], noise: RowNoise) -> list[str]:
    """Return what is missing, in sentences."""
    notes = []
    missing = int((noise.own > 0).sum())
    if noise.source == "points":
        notes.append("There is no OOF: noise is read off the scatter of the points.")
        if not noise.known.any():
            notes.append(
                "What all submissions have in common on one side of the board is not known either; it is not in the "
                "bands of private scores."
            )
    elif missing:
        notes.append(f"{missing} of {len(sent)} submissions have no OOF; they are taken to be as noisy as the others.")
    if all(each.public is None for each in sent):
        notes.append("There is no public score yet; what is expected rests on CV alone.")
    return notes


def _points(sent: Sequence[Sent], averaging: Mapping[str, float], digits: int) -> tuple[Points, list[str]]:
    """Return the submissions as arrays, and the lineages' names."""
    names = list(dict.fromkeys(each.lineage for each in sent))
    points = Points(
        cv=np.array([each.cv for each in sent]),
        public=np.array([np.nan if each.public is None else each.public for each in sent]),
        lineage=np.array([names.index(each.lineage) for each in sent]),
        averaging=np.array([averaging.get(each.lineage, 0.0) for each in sent]),
        rounding=10.0 ** (-2 * digits) / 12,
    )
    return points, names


def _set_aside(
    points: Points, noise: RowNoise, sizes: Sizes, sent: Sequence[Sent]
) -> tuple[Posterior, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what is expected, which points lie outside, and which of them the others were fitted without.

    A point far outside makes the scatter look larger than it is, and hides the next one; so the farthest is set aside
    and all is fitted again, as long as there is one, up to a third of the points.
    """
    aside = np.zeros(len(sent), dtype=bool)
    known = points.known
    limit = -norm.ppf(_SURPRISE / 2 / max(1, known.sum()))
    while True:
        posterior = expect(points, noise, sizes, sent, aside)
        far = np.where(known, np.abs(np.nan_to_num(posterior.z)), 0.0)
        outside = far > limit
        fresh = np.where(aside, 0.0, far)
        if fresh.max() <= limit or aside.sum() >= known.sum() // 3:
            return posterior, outside, aside
        aside[np.argmax(fresh)] = True


def _point_answers(
    sent: Sequence[Sent], posterior: Posterior, sign: int, outside: NDArray[np.bool_], aside: NDArray[np.bool_]
) -> list[PointAnswer]:
    private_sd = np.sqrt(np.diag(posterior.covariance))
    return [
        PointAnswer(
            name=each.name,
            lineage=each.lineage,
            cv=each.cv,
            cv_se=each.se,
            public=each.public,
            private=each.private,
            expected=float(posterior.expected[k]),
            low=float(posterior.low[k]),
            high=float(posterior.high[k]),
            z=None if each.public is None else sign * float(posterior.z[k]),
            outside=bool(outside[k]),
            set_aside=bool(aside[k]),
            private_expected=float(posterior.private[k]),
            private_low=float(posterior.private[k] - _REACH * private_sd[k]),
            private_high=float(posterior.private[k] + _REACH * private_sd[k]),
        )
        for k, each in enumerate(sent)
    ]


def _lineage_answers(
    names: Sequence[str], points: Points, posterior: Posterior, averaging: Mapping[str, float]
) -> list[LineageOffset]:
    answers = []
    for code, name in enumerate(names):
        gaps = (points.public - points.cv)[(points.lineage == code) & points.known]
        reach = _REACH * posterior.offset_sd[code]
        answers.append(
            LineageOffset(
                lineage=name,
                submissions=len(gaps),
                offset=float(posterior.offset[code]),
                low=float(posterior.offset[code] - reach),
                high=float(posterior.offset[code] + reach),
                plain=float(gaps.mean()) if len(gaps) else None,
                averaging=averaging.get(name),
            )
        )
    return answers
