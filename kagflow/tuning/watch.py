"""Who is told how a study goes on."""

from pathlib import Path
from typing import Any, Protocol


class Watcher(Protocol):
    """Hears of a study's trials; from several threads, where they run side by side."""

    def began(self, edition: str, folder: Path, trials: int | None, done: int) -> None:
        """Hear that the data are known, how many trials there are to be, and how many are done."""

    def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
        """Hear that a trial is ``COMPLETE``, ``PRUNED`` or ``FAIL``, and on disk."""

    def note(self, line: str) -> None:
        """Hear something worth knowing."""


class Nobody:
    """Hears everything, and does nothing."""

    def began(self, edition: str, folder: Path, trials: int | None, done: int) -> None:
        """Do nothing."""

    def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
        """Do nothing."""

    def note(self, line: str) -> None:
        """Do nothing."""
