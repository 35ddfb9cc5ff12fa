"""How a run compares with the best one sent so far: better, worse, or not to be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kagflow.competition import Competition
from kagflow.errors import KagflowError
from kagflow.runs import Run, compare, list_runs
from kagflow.submit.ledger import SENT, Submission


@dataclass(frozen=True)
class Gate:
    """A run against the best one sent.

    Attributes
    ----------
    against
        The ledger's row of the best run sent, by CV; ``None`` where none is to be compared with.
    difference, se
        Score of the run minus that of the other, paired over the same rows, and its standard error.
    better
        Whether the run is better; ``None`` inside the noise, and where nothing is to be compared with.
    reason
        Why there is no comparison.
    """

    against: Submission | None = None
    difference: float | None = None
    se: float | None = None
    better: bool | None = None
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        against = None if self.against is None else self.against.run
        shown = {"difference": self.difference, "se": self.se, "better": self.better, "reason": self.reason}
        return {"against": against, **shown}


def compare_with_sent(competition: Competition, run: Run | None, rows: Sequence[Submission]) -> Gate:
    """Compare a run with the best one among those sent: by CV, which the public score of a few rows is no match for.

    Parameters
    ----------
    competition
        Whose metric.
    run
        What is about to be sent; ``None`` for a file of one's own.
    rows
        Of the ledger, for the same destination.
    """
    if run is None:
        return Gate(reason="a file without a run has no CV to compare")
    sent = {row.run: row for row in rows if row.status in SENT and row.run not in (None, run.name)}
    if not sent:
        return Gate(reason="no other run was sent before")
    rivals = [each for each in list_runs(competition.runs_folder) if each.name in sent and each.compares_with(run)]
    if not rivals:
        return Gate(reason="none of the runs sent before has the same data, folds and metric")
    sign = 1 if competition.metric.direction == "minimize" else -1
    best = min(rivals, key=lambda each: sign * each.scores["cv"])
    try:
        found = compare(run, best, competition.metric)
    except KagflowError as error:
        return Gate(sent[best.name], reason=error.problem)
    return Gate(sent[best.name], found.difference.value, found.se, found.better)
