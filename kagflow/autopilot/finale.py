"""The last act: of all members the ensemble with the best honest score, or the best member."""

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
