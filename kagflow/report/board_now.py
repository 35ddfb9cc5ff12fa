"""What the leaderboard says now, and what it said when it last was different."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from kagflow.competition import Competition
from kagflow.errors import DataError
from kagflow.practice import connected
from kagflow.submit import Sent
from kagflow.submit.kaggle import Client
from kagflow.submit.ledger import Destination
from kagflow.submit.wire import Patience

_PATIENCE = Patience(connect=5, read=20, tries=1)  # the page can do without
FINAL = 2
"""How many submissions may be selected for the end: Kaggle's usual rule."""


@dataclass(frozen=True, kw_only=True)
class BoardNow:
    """What a leaderboard says, at the moment of the report.

    Attributes
    ----------
    to
        Which one it is.
    end
        When it ends, or has ended; ``None`` where it does not.
    left_today, daily_limit
        Submissions; a limit of 0 is unknown.
    team
        One's own name on it; ``""`` as long as nothing was sent.
    rank, teams
        One's place and how many there are; ``None`` without a score.
    scores
        Of all teams on it.
    selected
        References of the submissions that are selected for the end.
    medals
        Whether the competition awards them.
    page
        Where submissions are selected.
    """

    to: Destination
    end: datetime | None
    left_today: int
    daily_limit: int
    team: str
    rank: int | None
    teams: int
    scores: Mapping[str, float]
    selected: tuple[int, ...]
    medals: bool
    page: str

    def over(self, now: datetime) -> bool:
        """Say whether it has ended."""
        return self.end is not None and self.end <= now


def ask_board(competition: Competition, to: Destination) -> BoardNow:
    """Return what a board says now.

    Raises
    ------
    KagflowError
        It cannot be asked: no credentials, no network, rules not accepted.
    """
    slug = competition.facts.slug
    with connected(competition.root, to, _PATIENCE) as client:
        info, limits = client.competition(slug), client.limits(slug)
        sent, places = client.submissions(slug), client.leaderboard(slug)
        team = _team(sent, client)
        return BoardNow(
            to=to,
            end=info.deadline,
            left_today=limits.left_now,
            daily_limit=info.max_daily_submissions,
            team=team,
            rank=info.rank or next((place.rank for place in places if team and place.team == team), None),
            teams=max(info.teams, len(places)),
            scores={place.team: place.score for place in places if place.score is not None},
            selected=tuple(one.reference for one in client.selected(slug)),
            medals=info.awards_points,
            page=f"{info.url}/submissions" if to == "kaggle" else "the page that kagflow practice opens",
        )


def _team(sent: list[Sent], client: Client) -> str:
    """Return the name of one's own team; only a submission tells it."""
    return client.submission(sent[0].reference).team or sent[0].team if sent else ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the leaderboard looked like once.

    Attributes
    ----------
    when
        When it was looked at first.
    team, rank
        One's own name and place.
    scores
        Of all teams.
    """

    when: datetime
    team: str
    rank: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Looks:
    """The leaderboard as it is now, and as it was when it last was different; ``None`` where there was no such look."""

    now: Look
    before: Look | None


def remember(path: Path, board: BoardNow, when: datetime) -> Looks | None:
    """Keep in a file what the leaderboard looks like, and return it with what it looked like before.

    Parameters
    ----------
    path
        The file; it need not be there.
    board, when
        What it says now, and when that is.

    Returns
    -------
    Looks or None
        ``None`` without a place of one's own.

    Raises
    ------
    DataError
        The file is damaged.
    """
    if board.rank is None or board.team not in board.scores:
        return None
    now = Look(when=when, team=board.team, rank=board.rank, scores=dict(board.scores))
    kept = _read(path)
    if kept and (kept[-1].rank, kept[-1].scores) == (now.rank, now.scores):
        return Looks(kept[-1], kept[-2] if len(kept) > 1 else None)
    before = kept[-1] if kept and kept[-1].team == board.team else None
    path.parent.mkdir(parents=True, exist_ok=True)
    looks = [each for each in (before, now) if each is not None]
    path.write_text(json.dumps([asdict(each) for each in looks], default=str), encoding="utf-8")
    return Looks(now, before)


def _read(path: Path) -> list[Look]:
    if not path.is_file():
        return []
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [Look(**{**each, "when": datetime.fromisoformat(each["when"]).astimezone(UTC)}) for each in kept]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"what the leaderboard looked like cannot be read: {error}", hint="delete the file", where=str(path)
        ) from None
