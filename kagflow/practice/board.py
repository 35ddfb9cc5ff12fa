"""A practice board: the submissions to one competition, its limits, and its leaderboards."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from kagflow.competition import Competition
from kagflow.errors import KagflowError
from kagflow.practice.records import Entry, Limits, Side, Submission, insert_submission, limits_after, read_row
from kagflow.practice.store import Store, to_moment, to_text
from kagflow.practice.submitted import MOST_BYTES, Rejected
from kagflow.practice.truth import Scores, Truth

Clock = Callable[[], datetime]
FINAL = 2  # submissions that a player may select for the private leaderboard
_UPLOADS_ARE_KEPT = timedelta(days=1)
_SENT = "SELECT * FROM submissions WHERE board = ? AND player = ? AND NOT baseline ORDER BY ref DESC"


class Refusal(KagflowError):
    """The board does not do what was asked.

    Parameters
    ----------
    problem, hint
        As for every error.
    status
        The HTTP status that says so.
    """

    def __init__(self, problem: str, hint: str = "", status: int = 400) -> None:
        super().__init__(problem, hint)
        self.status = status


class Board:
    """One competition's board, which is open from its first use on.

    Parameters
    ----------
    competition
        Its facts and metric.
    truth
        Returns the truth.
    row
        Its settings in the store, as they are now: a board is opened for one question, not kept.
    store, clock
        Where all is kept, and what time it is.
    """

    def __init__(
        self, competition: Competition, truth: Callable[[], Truth], row: sqlite3.Row, store: Store, clock: Clock
    ) -> None:
        self.competition = competition
        self.name, self.slug, self.title = competition.name, competition.facts.slug, competition.facts.title
        self.metric = competition.metric
        self.opened, self.deadline = to_moment(row["opened"]), to_moment(row["deadline"])
        self.ended = to_moment(row["ended"]) if row["ended"] else None
        self.daily_limit: int = row["daily_limit"]
        self._truth, self._store, self._clock = truth, store, clock

    @property
    def end(self) -> datetime:
        """When it ends, or has ended."""
        return min(self.deadline, self.ended) if self.ended else self.deadline

    @property
    def over(self) -> bool:
        """Whether it has ended, and the private side is shown."""
        return self._clock() >= self.end

    @property
    def rows(self) -> int:
        """How many test rows there are."""
        return self._truth().ids.len()

    @property
    def side(self) -> Side:
        """The leaderboard that counts now."""
        return "private" if self.over else "public"

    def start_upload(self, player: str, file_name: str, size: int) -> str:
        """Announce a file; return the token under which it is to be sent.

        Raises
        ------
        Refusal
            The file is empty or too large.
        """
        if not 0 < size <= MOST_BYTES:
            raise Refusal(f"A submission has 1 to {MOST_BYTES} bytes; this one has {size}")
        token, now = secrets.token_urlsafe(24), self._clock()
        with self._store.change() as db:
            db.execute("DELETE FROM uploads WHERE started < ?", (to_text(now - _UPLOADS_ARE_KEPT),))
            db.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (token, self.name, player, file_name, size, to_text(now)),
            )
        return token

    def submit(self, player: str, token: str, description: str) -> Submission:
        """Score a file that was uploaded, and enter it.

        Raises
        ------
        Refusal
            There is no such upload of this player (any more), or the day's submissions are used up.
        """
        found = self._store.rows(
            "SELECT * FROM uploads WHERE token = ? AND board = ? AND player = ? AND content IS NOT NULL",
            token, self.name, player,
        )  # fmt: skip
        if not found:
            raise Refusal("There is no such upload; a file can be submitted once")
        content: bytes = found[0]["content"]
        self._refuse_beyond_limit(self.limits(player))  # spares the work; what decides is asked again below
        outcome = self._outcome(content)
        with self._store.change() as db:
            self._refuse_beyond_limit(limits_after(self._of(player, db), self._clock(), self.daily_limit))
            if not db.execute("DELETE FROM uploads WHERE token = ?", (token,)).rowcount:
                raise Refusal("This upload was submitted already")
            file_name, now = found[0]["file_name"], self._clock()
            ref = insert_submission(db, self.name, player, outcome, file_name, description, now, len(content), self.end)
            return next(each for each in self._of(player, db) if each.ref == ref)

    def _outcome(self, content: bytes) -> Scores | str:
        try:
            return self._truth().score(content)
        except Rejected as error:
            return error.problem

    def _refuse_beyond_limit(self, limits: Limits) -> None:
        if limits.left <= 0:
            raise Refusal(
                f"You have used the {self.daily_limit} submissions of today (UTC); the next day begins at 00:00 UTC"
            )

    def submissions(self, player: str) -> list[Submission]:
        """Return a player's submissions, the newest first."""
        return [read_row(row) for row in self._store.rows(_SENT, self.name, player)]

    def _of(self, player: str, db: sqlite3.Connection) -> list[Submission]:
        return [read_row(row) for row in db.execute(_SENT, (self.name, player))]

    def limits(self, player: str) -> Limits:
        """Return how many submissions a player has left today; those without a score do not count."""
        return limits_after(self.submissions(player), self._clock(), self.daily_limit)

    def select(self, player: str, refs: Sequence[int]) -> list[Submission]:
        """Choose the submissions that count on the private leaderboard, in place of those chosen before.

        Raises
        ------
        Refusal
            There are more than two, one is not the player's, has no score or came late, or the board has ended.
        """
        if len(set(refs)) > FINAL:
            raise Refusal(f"At most {FINAL} submissions can be selected; these are {len(set(refs))}")
        with self._store.change() as db:
            if self.over:
                raise Refusal("The competition has ended: the selection stands")
            eligible = {each.ref for each in self._of(player, db) if not each.error and not each.late}
            if unknown := sorted(set(refs) - eligible):
                raise Refusal(f"{unknown[0]} is no scored submission of {player}", status=404)
            db.execute("UPDATE submissions SET selected = 0 WHERE board = ? AND player = ?", (self.name, player))
            db.executemany("UPDATE submissions SET selected = 1 WHERE ref = ?", [(ref,) for ref in set(refs)])
            return [each for each in self._of(player, db) if each.selected]

    def finish(self) -> None:
        """End the competition now; nothing happens where it has ended."""
        with self._store.change() as db:
            if not self.over:
                self.ended = self._clock()
                db.execute("UPDATE boards SET ended = ? WHERE name = ?", (to_text(self.ended), self.name))

    def leaderboard(self, side: Side | None = None) -> list[Entry]:
        """Return a leaderboard, the best first.

        Parameters
        ----------
        side
            ``public`` is by each player's best public score. ``private`` is by the best private score of the two
            submissions that each selected; where less than two are selected, the best public ones fill up. The one
            that counts now when absent.

        Raises
        ------
        Refusal
            The private side is asked for before the end.
        """
        side = side or self.side
        if side == "private" and not self.over:
            raise Refusal("The private leaderboard is hidden until the competition ends", status=403)
        rows = self._store.rows("SELECT * FROM submissions WHERE board = ? AND NOT late AND error = ''", self.name)
        teams: dict[tuple[str, bool], list[Submission]] = {}
        for each in map(read_row, rows):
            teams.setdefault((each.player, each.baseline), []).append(each)
        counting = [(self._counting(sent, side), sent) for sent in teams.values()]
        counting.sort(key=lambda line: self._place(line[0], side))
        return [
            Entry(
                rank=rank,
                team=min(each.ref for each in sent),
                player=best.player,
                baseline=best.baseline,
                best=best,
                score=_known(best.score(side)),
                se=best.se(side),
                entries=len(sent),
            )
            for rank, (best, sent) in enumerate(counting, start=1)
        ]

    def by_score(self, sent: Sequence[Submission], side: Side) -> list[Submission]:
        """Return submissions, the best first; those without a score last."""
        scored = [each for each in sent if not each.error]
        return [*sorted(scored, key=lambda each: self._place(each, side)), *(each for each in sent if each.error)]

    def _counting(self, sent: list[Submission], side: Side) -> Submission:
        """Return the one of a player's submissions that counts on a side."""
        by_public = self.by_score(sent, "public")
        if side == "public":
            return by_public[0]
        final = sorted(by_public, key=lambda each: not each.selected)[:FINAL]
        return self.by_score(final, side)[0]

    def _place(self, submission: Submission, side: Side) -> tuple[float, int]:
        score = _known(submission.score(side))
        return score if self.metric.direction == "minimize" else -score, submission.ref


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


def _known(score: float | None) -> float:
    assert score is not None
    return score
