"""Mirroring a study: a run at Weights & Biases, of which every trial is a row and the best score so far a curve."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kagflow.competition import Competition
from kagflow.config import Experiment
from kagflow.tracking import Tracker
from kagflow.tuning.study import TrialBook
from kagflow.tuning.watch import Watcher


class StudyMirror:
    """Passes on what happens to whoever watches, and tells the tracker.

    Parameters
    ----------
    tracker
        Is started here.
    watcher
        Hears everything too.
    competition, book, experiment
        What is tuned.
    """

    def __init__(
        self, tracker: Tracker, watcher: Watcher, competition: Competition, book: TrialBook, experiment: Experiment
    ) -> None:
        self._tracker, self._watcher, self._book = tracker, watcher, book
        self._pick = min if competition.metric.direction == "minimize" else max
        self._scores = [float(trial.value) for trial in book.complete_trials() if trial.value is not None]
        self._lock = threading.Lock()
        config = experiment.model_dump(mode="json")
        tracker.start(f"study-{book.name}", group=competition.name, job_type="tune", config=config)

    def began(self, edition: str, folder: Path, trials: int | None, done: int) -> None:
        """Pass it on."""
        self._watcher.began(edition, folder, trials, done)

    def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
        """Add a row of the score, and of the best one so far."""
        with self._lock:
            if score is not None:
                self._scores.append(score)
                self._tracker.log({"score": score, "best": self._pick(self._scores)}, step=number)
            self._watcher.finished(number, state, score, params)

    def note(self, line: str) -> None:
        """Pass it on."""
        self._watcher.note(line)

    def finish(self, account: Mapping[str, Any]) -> None:
        """Add the table of all trials and what tuning brought, and end the run."""
        trials = [trial for trial in self._book.trials() if trial.state.name in ("COMPLETE", "PRUNED")]
        names = sorted({name for trial in trials for name in trial.params})
        rows = [
            [trial.number, trial.state.name.lower(), trial.value, *(trial.params.get(name) for name in names)]
            for trial in trials
        ]
        self._tracker.table("trials", ["number", "state", "score", *names], rows)
        known = {name: value for name, value in account.items() if value is not None}
        self._tracker.summary({"trials": len(trials), "best_trial": self._book.best().number, **known})
        self._tracker.finish()
