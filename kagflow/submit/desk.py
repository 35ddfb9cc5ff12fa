"""The desk where submissions of one competition are handed in: looked at, written down, sent once, and followed.

The order is what keeps a submission from being sent twice. A row with a nonce is on disk before the first byte leaves;
whatever happens then (an error, a cut connection, SIGKILL), the row is there, and before anything else is sent the
server's own list is searched for its nonce. What is not in that list for `GRACE` is lost, and only then may the same
file be sent again, by another command of the user's.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kagflow.audit.findings import accepted
from kagflow.competition import Competition
from kagflow.data import Dataset, Source
from kagflow.errors import ConfigError
from kagflow.submit.candidate import Candidate
from kagflow.submit.errors import FateUnknown, KaggleError, NotSent
from kagflow.submit.gate import compare_with_sent
from kagflow.submit.ledger import LEDGER, UNSETTLED, Destination, Ledger, Submission, tag, team_best
from kagflow.submit.preflight import file_findings, ledger_findings, run_findings, sent_before, server_findings
from kagflow.submit.proposal import Board, Proposal
from kagflow.submit.records import Sent

GRACE = timedelta(minutes=2)
"""How long a submission of unknown fate may still turn up in the server's list."""
_LOOKS = (0.5, 1.5, 4.0)  # pauses in seconds before each look for a submission of unknown fate
_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 1.0, 1.5, 30.0  # seconds between questions for a score
_PASSING = frozenset({"too-many-requests", "kaggle-down", "no-answer", "offline", "cut", "garbled"})


class Desk:
    """Hands in the submissions of one competition.

    Parameters
    ----------
    competition
        Whose slug, metric, runs and ledger.
    board
        Where they go.
    to
        What the ledger calls that.
    """

    def __init__(self, competition: Competition, board: Board, to: Destination) -> None:
        self._competition, self._board, self._to = competition, board, to
        self._slug = competition.facts.slug
        self.ledger = Ledger(competition.runs_folder / LEDGER)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that hands in submissions of this competition.

        Raises
        ------
        ConfigError
            Another process is at it.
        """
        self._competition.runs_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._competition.runs_folder / ".submit.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ConfigError(
                f"another process is submitting for {self._competition.name}",
                hint="wait until it has sent its file, or end it",
                where=lock.lock_file,
            ) from None
        try:
            yield
        finally:
            lock.release()

    # --- before ------------------------------------------------------------------------------------------------------

    def propose(self, candidate: Candidate, data: Dataset, source: Source) -> Proposal:
        """Look at a file from all sides; under the lock.

        Parameters
        ----------
        candidate
            What is to be sent.
        data, source
            The files whose sample it must look like.

        Raises
        ------
        KaggleError
            The server cannot be asked, or does not let the user submit.
        ConfigError
            Whether this very file was sent shortly before is not known yet.
        """
        listed = self._board.submissions(self._slug)
        settled = self._settle(listed)
        rows = [row for row in self.ledger.rows(self._to) if _is_known(row, listed)]
        self._refuse_unsettled(candidate, rows)
        info = self._board.competition(self._slug)
        limits = None if info.entered is False else self._board.limits(self._slug)
        found = [
            *file_findings(self._competition, candidate, data),
            *run_findings(self._competition, candidate.run, data, source),
            *ledger_findings(candidate, rows),
            *server_findings(info, limits),
        ]
        known = sent_before(candidate, settled)
        gate = compare_with_sent(self._competition, candidate.run, rows)
        return Proposal(candidate, info, limits, *accepted(found, self._competition.facts), gate, settled, known)

    def _settle(self, listed: Sequence[Sent]) -> list[Submission]:
        """Look up every submission of unknown fate in the server's list; return those whose fate is known now."""
        unsettled = [row for row in self.ledger.rows(self._to) if row.status in UNSETTLED]
        rows = [self._settled(row, listed) for row in unsettled]
        return [row for row in rows if row.status not in UNSETTLED]

    def _settled(self, row: Submission, listed: Sequence[Sent]) -> Submission:
        assert row.nonce is not None
        found = next((each for each in listed if tag(row.nonce) in each.message), None)
        if found is not None:
            return self.ledger.update(row.number, **_told(found))
        if row.status == "planned":
            return self.ledger.update(row.number, status="lost", error="stopped before it was sent")
        if datetime.now(UTC) - row.when > GRACE:
            return self.ledger.update(row.number, status="lost", error="it never turned up in the server's list")
        return row

    def _refuse_unsettled(self, candidate: Candidate, rows: Sequence[Submission]) -> None:
        for row in rows:
            if row.status in UNSETTLED and row.file_hash == candidate.hash:
                raise ConfigError(
                    f"whether this very file was sent at {row.when:%H:%M:%S} UTC is not known: "
                    f"the server's list does not have it, and may be late",
                    hint=f"run the same command again after {row.when + GRACE:%H:%M:%S} UTC: it looks once more, "
                    "and sends only if it is still not there",
                    where=row.described,
                )

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, candidate: Candidate, message: str) -> Submission:
        """Write a submission down, send it once, and return it as the ledger has it; under the lock.

        Parameters
        ----------
        candidate
            What is sent: the bytes that were looked at.
        message
            Description; the nonce is put behind it.

        Raises
        ------
        NotSent
            The server did not take it.
        FateUnknown
            Nobody knows whether it did, and its list does not have it so far.
        """
        planned = self.ledger.plan(
            to=self._to,
            file=str(candidate.path),
            file_hash=candidate.hash,
            run=None if candidate.run is None else candidate.run.name,
            cv=candidate.cv,
            se=candidate.se,
            message=message,
        )
        row = self.ledger.update(planned.number, status="sending")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / candidate.file_name
            file.write_bytes(candidate.content)
            try:
                reference = self._board.submit(self._slug, file, row.described)
            except NotSent as error:
                self.ledger.update(row.number, status="refused", error=str(error))
                raise
            except FateUnknown as error:
                return self._look_for(self.ledger.update(row.number, status="unknown", error=str(error)), error)
        return self.ledger.update(row.number, status="pending", reference=reference)

    def _look_for(self, row: Submission, error: FateUnknown) -> Submission:
        """Look a few times for a submission of unknown fate; raise the error where it does not turn up."""
        for pause in _LOOKS:
            time.sleep(pause)
            try:
                row = self._settled(row, self._board.submissions(self._slug))
            except KaggleError:
                continue
            if row.status not in UNSETTLED:
                return self.ledger.update(row.number, error=None) if row.status != "error" else row
        error.hint = (
            f"run the same command again after {row.when + GRACE:%H:%M:%S} UTC: it first looks for this submission "
            f"by {tag(row.nonce or '')}, and never sends it twice"
        )
        raise error

    # --- after -------------------------------------------------------------------------------------------------------

    def wait(self, row: Submission, seconds: float, note: Callable[[str], None]) -> Submission:
        """Ask for the score with growing pauses, and return the row with it; without it when the time is over.

        Parameters
        ----------
        row
            Of the ledger; it has a reference.
        seconds
            How long to wait at most.
        note
            Is told, once, when the server cannot be asked.
        """
        assert row.reference is not None
        end, pause, noted = time.monotonic() + seconds, _FIRST_PAUSE, False
        while True:
            try:
                row = self.ledger.update(row.number, **_told(self._board.submission(row.reference)))
            except KaggleError as error:
                if not noted:
                    note(f"the file was sent, but its score cannot be asked for: {error.problem}")
                noted = True
                if error.pain not in _PASSING:
                    return row
            if row.status != "pending":
                return self._with_rank(row)
            left = end - time.monotonic()
            if left <= 0:
                return row
            time.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    def synchronise(self) -> list[Submission]:
        """Bring the ledger up to the server's list, its own rows and others; return the rows that changed."""
        listed = self._board.submissions(self._slug)
        before = {row.number: row for row in self.ledger.rows(self._to)}
        self._settle(listed)
        for sent in listed:
            self._take(sent, list(before.values()))
        best = team_best(self.ledger.rows(self._to), minimize=self._competition.metric.direction == "minimize")
        if best is not None:
            self._with_rank(best)
        return [row for row in self.ledger.rows(self._to) if before.get(row.number) != row]

    def _take(self, sent: Sent, rows: Sequence[Submission]) -> None:
        """Write down what the server says of one submission."""
        own = [row for row in rows if row.nonce and tag(row.nonce) in sent.message]
        known = own or [row for row in rows if row.reference == sent.reference]  # a description can be edited
        if known:
            self.ledger.update(known[0].number, **_told(sent))
            return
        when = sent.date or datetime.now(UTC)
        self.ledger.add_elsewhere(to=self._to, when=when, file=sent.file, message=sent.message, **_told(sent))

    def _with_rank(self, row: Submission) -> Submission:
        """Write the team's rank to the row that it has it by: the one with the best public score."""
        best = team_best(self.ledger.rows(self._to), minimize=self._competition.metric.direction == "minimize")
        if best is None or best.number != row.number:
            return row
        try:
            rank = self._rank(row)
        except KaggleError:  # a rank is no more than nice to know
            return row
        return row if rank is None else self.ledger.update(row.number, rank=rank)

    def _rank(self, row: Submission) -> int | None:
        rank = self._board.competition(self._slug).rank
        if rank is not None or row.reference is None:
            return rank
        team = self._board.submission(row.reference).team
        return next((place.rank for place in self._board.leaderboard(self._slug) if place.team == team), None)


def _is_known(row: Submission, listed: Sequence[Sent]) -> bool:
    """Say whether the server has a row, or may yet have it: a practice board that is begun anew forgets all of them."""
    young = datetime.now(UTC) - row.when <= GRACE
    return row.reference is None or young or any(each.reference == row.reference for each in listed)


def _told(sent: Sent) -> dict[str, Any]:
    """Return the columns of the ledger that the server knows; what it does not say (any more) stays as it was."""
    said = {
        "status": sent.status,
        "reference": sent.reference,
        "public": sent.public,
        "private": sent.private,
        "error": sent.error or None,
    }
    return {name: value for name, value in said.items() if value is not None}
