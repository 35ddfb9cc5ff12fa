"""What is kept of a submission, and what a leaderboard says of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from kagflow.practice.store import to_moment, to_text
from kagflow.practice.truth import Scores

Side = Literal["public", "private"]


@dataclass(frozen=True)
class Submission:
    """A file that somebody sent, and what it scored.

    Attributes
    ----------
    ref
        Its number, given once.
    player, baseline
        Who sent it; a baseline was computed when the board was opened.
    file_name, description, submitted, size
        As sent; ``size`` in bytes.
    error
        Why it has no scores; empty where it has.
    public, private, public_se, private_se
        Scores and their standard errors, if any.
    late
        Whether it came after the end: then it is scored, and counts nowhere.
    selected
        Whether its player chose it for the private leaderboard.
    """

    ref: int
    player: str
    baseline: bool
    file_name: str
    description: str
    submitted: datetime
    size: int
    error: str
    public: float | None
    public_se: float | None
    private: float | None
    private_se: float | None
    late: bool
    selected: bool

    def score(self, side: Side) -> float | None:
        """Return the public or the private score."""
        return self.public if side == "public" else self.private

    def se(self, side: Side) -> float | None:
        """Return that score's standard error."""
        return self.public_se if side == "public" else self.private_se


@dataclass(frozen=True)
class Entry:
    """A line of a leaderboard.

    Attributes
    ----------
    rank
        From 1; of equal scores the older stands above.
    team
        Number of the team: that of its first submission.
    player, baseline
        Whose line it is.
    best
        The submission that counts.
    score, se
        Its score on this side, and the standard error.
    entries
        Submissions that have a score and came in time.
    """

    rank: int
    team: int
    player: str
    baseline: bool
    best: Submission
    score: float
    se: float | None
    entries: int


@dataclass(frozen=True)
class Limits:
    """How many submissions a player has made, and may still make today (UTC)."""

    today: int
    total: int
    left: int


def insert_submission(
    db: sqlite3.Connection,
    board: str,
    player: str,
    outcome: Scores | str,
    file_name: str,
    description: str,
    now: datetime,
    size: int,
    end: datetime | None = None,
) -> int:
    """Enter a submission, and return its number.

    Parameters
    ----------
    db
        Of `Store.change`.
    board, player, file_name, description, now, size
        What is entered.
    outcome
        Its scores, or why it has none.
    end
        Of the board; absent for a baseline.
    """
    scores: tuple[Any, ...] = ("", *(None,) * 4)
    if isinstance(outcome, str):
        scores = (outcome, *(None,) * 4)
    else:
        scores = ("", *(getattr(part, key) for part in (outcome.public, outcome.private) for key in ("value", "se")))
    late = end is not None and now >= end
    ref = db.execute(
        "INSERT INTO submissions (board, player, baseline, file_name, description, submitted, size,"
        " error, public, public_se, private, private_se, late) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (board, player, end is None, file_name, description, to_text(now), size, *scores, late),
    ).lastrowid
    assert ref is not None
    return ref


def limits_after(sent: Sequence[Submission], now: datetime, daily_limit: int) -> Limits:
    """Return what is left of a day's submissions; those without a score do not count."""
    scored = [each for each in sent if not each.error]
    today = sum(each.submitted.date() == now.astimezone(UTC).date() for each in scored)
    return Limits(today, len(scored), max(daily_limit - today, 0))


def read_row(row: sqlite3.Row) -> Submission:
    """Return a submission as the store has it."""
    kept = {key: row[key] for key in row.keys() if key != "board"}  # noqa: SIM118
    truths = {key: bool(kept[key]) for key in ("baseline", "late", "selected")}
    return Submission(**kept | truths | {"submitted": to_moment(kept["submitted"])})
