"""What comes of a flight: members, the chosen result, and the submission."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagflow.runs import Run


@dataclass(frozen=True)
class Finale:
    """The chosen result.

    Attributes
    ----------
    run
        The folder of its run.
    document
        What is said of it: scores, members, and what it was chosen among.
    """

    run: Path
    document: dict[str, Any]


def single(run: Run) -> Finale:
    """Return the result of a single member: its score is cross-validated, with nothing fitted on top."""
    document = {
        **run.result(),
        "members": [run.name],
        "cv_fitted": run.scores["cv"],
        "cv_crossfitted": run.scores["cv"],
    }
    return Finale(run.path, document)


@dataclass(frozen=True)
class Flight:
    """What came of it.

    Attributes
    ----------
    competition
        Its name.
    members
        Runs that were there in the end, the best first.
    failed
        Why members failed, by name.
    left_out
        Names of the members that did not fit into the time.
    finale
        The chosen result, and what it was chosen among.
    submission
        The file to send.
    seconds
        Of the whole flight.
    """

    competition: str
    members: tuple[Run, ...]
    failed: dict[str, str]
    left_out: tuple[str, ...]
    finale: Finale
    submission: Path
    seconds: float

    def result(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            **self.finale.document,
            "competition": self.competition,
            "seconds": round(self.seconds, 2),
            "trained": [
                {"name": run.facts["config"], "run": str(run.path), "cv": run.scores["cv"], "se": run.scores["se"]}
                for run in self.members
            ],
            "failed": [{"name": name, "problem": problem} for name, problem in self.failed.items()],
            "left_out": list(self.left_out),
            "submission": str(self.submission),
        }
