"""What Kaggle tells: competitions, files, submissions, limits and places; times in UTC, scores as numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["pending", "complete", "error"]


@dataclass(frozen=True)
class CompetitionInfo:
    """A competition, as Kaggle has it.

    Attributes
    ----------
    slug, title, url
        Its name in addresses and for people, and its page.
    metric
        What Kaggle calls the metric: free text, ``""`` where it has none.
    deadline
        Last moment of a submission that ranks; ``None`` where there is none.
    max_daily_submissions, max_team_size
        0 where Kaggle does not say.
    entered
        Whether the user joined and accepted the rules; ``None`` where nobody is signed in.
    rank, teams
        The user's own place and the number of teams; the rank is ``None`` without a score.
    awards_points
        Whether it counts for Kaggle's ranking.
    notebooks_only
        Whether it takes no files, only notebooks.
    closed
        Whether it takes no submissions at all.
    """

    slug: str
    title: str
    url: str
    metric: str
    deadline: datetime | None
    max_daily_submissions: int
    max_team_size: int
    entered: bool | None
    rank: int | None
    teams: int
    awards_points: bool
    notebooks_only: bool
    closed: bool


@dataclass(frozen=True)
class RemoteFile:
    """One of a competition's files, by its path there."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Sent:
    """A submission, as Kaggle has it.

    Attributes
    ----------
    reference
        Kaggle's number of it.
    file, bytes, message
        Name and size of the file, and the description that was sent with it.
    date
        When Kaggle took it.
    status
        ``pending`` until it is scored.
    public, private
        Scores; ``None`` while there is none, or while Kaggle hides it.
    error
        Why it could not be scored; ``""`` where Kaggle does not say.
    url
        Its page.
    team, submitted_by
        Who sent it.
    """

    reference: int
    file: str
    bytes: int
    message: str
    date: datetime | None
    status: Status
    public: float | None
    private: float | None
    error: str
    url: str
    team: str
    submitted_by: str


@dataclass(frozen=True)
class DailyLimits:
    """How many submissions are left.

    Attributes
    ----------
    used_today, used_in_all
        How many were counted.
    left_now
        How many Kaggle would take now.
    limited_in_all
        Whether it is not the day's limit but that of the whole competition which is near.
    """

    used_today: int
    used_in_all: int
    left_now: int
    limited_in_all: bool


@dataclass(frozen=True)
class Place:
    """A row of the leaderboard; the rank counts from 1, in Kaggle's order."""

    rank: int
    team: str
    score: float | None
    date: datetime | None
