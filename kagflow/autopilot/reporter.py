"""Who is told how a flight goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kagflow.autopilot.portfolio import Member
from kagflow.runs import Run


@dataclass(frozen=True)
class Planned:
    """A member of the plan, and the seconds that it is expected to take where it runs."""

    member: Member
    seconds: float


class Reporter(Protocol):
    """Hears of the plan, and of every member."""

    def began(self, edition: str, folder: Path) -> None:
        """Hear that the data are known."""

    def planned(self, plan: Sequence[Planned], seconds: float, workers: int, threads: int) -> None:
        """Hear what is planned for so many seconds, by so many processes of so many threads each."""

    def finished(self, name: str, run: Run, seconds: float, found: bool) -> None:
        """Hear that a member is done after so many seconds of the flight, or was found done."""

    def failed(self, name: str, problem: str) -> None:
        """Hear why a member failed; the rest goes on."""

    def note(self, line: str) -> None:
        """Hear something worth knowing."""


class Nobody:
    """Hears everything, and does nothing."""

    def began(self, edition: str, folder: Path) -> None:
        """Do nothing."""

    def planned(self, plan: Sequence[Planned], seconds: float, workers: int, threads: int) -> None:
        """Do nothing."""

    def finished(self, name: str, run: Run, seconds: float, found: bool) -> None:
        """Do nothing."""

    def failed(self, name: str, problem: str) -> None:
        """Do nothing."""

    def note(self, line: str) -> None:
        """Do nothing."""
