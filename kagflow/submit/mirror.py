"""Telling W&B what came of a submission: a run of its own beside the run that was sent."""

from collections.abc import Iterable

from kagflow.competition import Competition
from kagflow.submit.ledger import Submission
from kagflow.tracking import Tracker

_SCORES = ("cv", "se", "public", "private", "rank")


def mirror_scores(competition: Competition, rows: Iterable[Submission], tracker: Tracker) -> None:
    """Mirror submissions that have a score, so that CV stands beside public and private in W&B's table of runs.

    Each is a W&B run of job type ``submission`` in the competition's group, named and tagged by the run that was sent.
    A submission whose scores come bit by bit (the private one at the end of a season) keeps one W&B run, for its id
    follows from the nonce.

    Parameters
    ----------
    competition
        Whose group.
    rows
        Of the ledger; those from elsewhere, or without a score, are left out.
    tracker
        Started and finished for each.
    """
    for row in rows:
        if row.nonce is None or row.public is None:
            continue
        tracker.start(
            f"submission-{row.run or row.nonce}",
            group=competition.name,
            job_type="submission",
            config={
                "run": row.run,
                "to": row.to,
                "reference": row.reference,
                "message": row.message,
                "file_hash": row.file_hash,
                "metric": competition.metric.name,
                "direction": competition.metric.direction,
            },
            tags=[row.to],
            id=f"submission-{row.nonce}",
        )
        scores = {name: getattr(row, name) for name in _SCORES}
        tracker.summary({name: value for name, value in scores.items() if value is not None})
        tracker.finish()
