"""What a desk asks of a server, and what it puts before the user ahead of sending anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kagflow.audit.findings import Finding
from kagflow.submit.candidate import Candidate
from kagflow.submit.gate import Gate
from kagflow.submit.ledger import Submission
from kagflow.submit.records import CompetitionInfo, DailyLimits, Place, Sent


class Board(Protocol):
    """What a desk asks of Kaggle, or of a server that speaks as Kaggle does; `kaggle.Client` is one."""

    def competition(self, slug: str) -> CompetitionInfo:
        """Return what the board knows of a competition."""

    def limits(self, slug: str) -> DailyLimits:
        """Return how many submissions are left."""

    def submit(self, slug: str, path: Path, message: str) -> int:
        """Send a file and return its number; raises `NotSent` or `FateUnknown`."""

    def submissions(self, slug: str) -> list[Sent]:
        """Return all submissions of the team."""

    def submission(self, reference: int) -> Sent:
        """Return one submission."""

    def leaderboard(self, slug: str) -> list[Place]:
        """Return the leaderboard."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """What is about to be sent, and what speaks for and against it.

    Attributes
    ----------
    candidate
        The file.
    info
        The competition, as the server knows it.
    limits
        Submissions that are left; ``None`` where the server lets nobody ask.
    findings
        What speaks against it.
    accepted
        What the competition's file accepts of that, with its reasons.
    gate
        Against the best run sent so far.
    settled
        Submissions whose fate was unknown, as they were found now.
    sent
        This very file, where its fate was unknown and the server turns out to have it: there is nothing to send.
    """

    candidate: Candidate
    info: CompetitionInfo
    limits: DailyLimits | None
    findings: list[Finding]
    accepted: list[tuple[Finding, str]]
    gate: Gate
    settled: list[Submission]
    sent: Submission | None = None

    @property
    def refused(self) -> bool:
        """Whether something speaks against it that nobody accepted."""
        return any(finding.severity == "error" for finding in self.findings)
