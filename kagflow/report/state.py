"""What the report is about: runs, what was sent, the practice board and the data, read once and when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from kagflow.competition import Competition
from kagflow.data import Dataset, find_source, read_dataset
from kagflow.data.source import PRACTICE, practice_source
from kagflow.errors import KagflowError
from kagflow.report.board_now import BoardNow, ask_board
from kagflow.runs import Run, best_run, list_runs
from kagflow.runs.directory import PARTIAL
from kagflow.submit.ledger import LEDGER, SENT, Ledger, Submission

_NO_MODELS = ("ensemble", "imported")


@dataclass(frozen=True, eq=False)
class State:
    """A competition as it stands.

    Attributes
    ----------
    competition
        Its facts and metric.
    runs
        Complete runs, oldest first.
    begun
        Names of runs that were begun and are not complete.
    best
        The best run whose score makes a claim; ``None`` without a score.
    sent
        Rows of the ledger of that run's kind of board, oldest first.
    now
        The time of the report.
    """

    competition: Competition
    runs: tuple[Run, ...]
    begun: tuple[str, ...]
    best: Run | None
    sent: tuple[Submission, ...]
    now: datetime

    @property
    def board(self) -> BoardNow | None:
        """What the leaderboard says; ``None`` where it was not or could not be asked."""
        return self._board[0]

    @property
    def no_board(self) -> str:
        """Why it could not be asked; ``""`` where there was no reason to."""
        return self._board[1]

    @cached_property
    def _board(self) -> tuple[BoardNow | None, str]:
        to = next((row.to for row in self.sent), None)
        if to is None:
            return None, ""
        try:
            return ask_board(self.competition, to), ""
        except KagflowError as error:
            return None, str(error)

    @property
    def data(self) -> Dataset | None:
        """Train and test of the best run; ``None`` where they cannot be read."""
        return self._data[0]

    @property
    def no_data(self) -> str:
        """Why there are none."""
        return self._data[1]

    @cached_property
    def _data(self) -> tuple[Dataset | None, str]:
        return _read_data(self.competition, self.best)

    @property
    def alike(self) -> list[Run]:
        """The runs whose scores compare with that of the best one, oldest first."""
        return [run for run in self.runs if self.best is not None and run.compares_with(self.best)]

    @property
    def learner(self) -> Run | None:
        """The best run, or (it has no models of its own) the best one that has; ``None`` without one."""
        if self.best is None or self.best.kind not in _NO_MODELS:
            return self.best
        sign = 1 if self.minimize else -1
        own = [each for each in self.alike if each.kind not in _NO_MODELS]
        return min(own, key=lambda each: sign * each.scores["cv"], default=None)

    @property
    def minimize(self) -> bool:
        """Whether less is better."""
        return self.competition.metric.direction == "minimize"

    @property
    def on_board(self) -> list[Submission]:
        """The ledger's rows that the board has, oldest first."""
        return [row for row in self.sent if row.status in SENT]

    def sent_runs(self) -> dict[str, Submission]:
        """Return the newest row of each run that the board has."""
        return {row.run: row for row in self.on_board if row.run}


def read_state(competition: Competition, now: datetime | None = None) -> State:
    """Read all that the report is about; of networks only a leaderboard's is asked, and later."""
    runs = tuple(list_runs(competition.runs_folder))
    scored = [run for run in runs if run.scored and not run.quick]
    best = best_run(scored) if scored else None
    rows = Ledger.read(competition.runs_folder / LEDGER)
    to = "practice" if (best is not None and best.facts["edition"] == PRACTICE) or not _any_kaggle(rows) else "kaggle"
    sent = tuple(row for row in rows if row.to == to)
    return State(competition, runs, _begun(competition), best, sent, now or datetime.now(UTC))


def _any_kaggle(rows: Sequence[Submission]) -> bool:
    """Say whether anything went to Kaggle."""
    return any(row.to == "kaggle" for row in rows)


def _begun(competition: Competition) -> tuple[str, ...]:
    folder = competition.runs_folder
    return tuple(sorted(path.name for path in folder.glob(f"*{PARTIAL}") if path.is_dir())) if folder.is_dir() else ()


def _read_data(competition: Competition, best: Run | None) -> tuple[Dataset | None, str]:
    """Return the data of the best run, or why there are none."""
    try:
        if best is not None and best.facts["edition"] == PRACTICE:
            source = practice_source(competition.name, competition.root)
        else:
            source = find_source(competition.name, competition.facts, competition.root)
        data = read_dataset(source, competition.facts, competition.additions)
    except KagflowError as error:
        return None, str(error)
    if best is not None and best.facts["fingerprints"]["data"] != data.fingerprint:
        return None, f"the best run was made on other data than those in {source.folder}"
    return data, ""
