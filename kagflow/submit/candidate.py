"""What is to be submitted: a run's file, or a file of one's own."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from kagflow.competition import Competition
from kagflow.data import Edition, Frame, Source, find_source
from kagflow.data.parsing import parse_csv
from kagflow.data.source import practice_source
from kagflow.errors import ConfigError, DataError
from kagflow.runs import Run, best_run, list_runs, read_run
from kagflow.runs.record import open_run
from kagflow.runs.submission import SUBMISSION
from kagflow.submit.credentials import leads_elsewhere
from kagflow.submit.errors import KAGGLE
from kagflow.submit.ledger import Destination
from kagflow.submit.note import Note


@dataclass(frozen=True, eq=False)
class Candidate:
    """A file that may be sent; its bytes are read once, so that what is checked is what is sent.

    Attributes
    ----------
    path
        Where it lies.
    content
        Its bytes.
    run
        The run that it is of; ``None`` for a file of one's own.
    chosen
        Why it is this one, where nobody named it.
    """

    path: Path
    content: bytes
    run: Run | None
    chosen: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def cv(self) -> float | None:
        """Score of its run."""
        return None if self.run is None else self.run.scores["cv"]

    @property
    def se(self) -> float | None:
        """Standard error of that score."""
        return None if self.run is None else self.run.scores["se"]

    @property
    def file_name(self) -> str:
        """What the server calls the file: that of a run by the run's name, for all of these are called alike."""
        return self.path.name if self.run is None else f"{self.run.name}.csv"

    def frame(self) -> Frame:
        """Return the file's columns, as text.

        Raises
        ------
        DataError
            It is not CSV in UTF-8.
        """
        return parse_csv(self.content, self.path, as_text=True)


def find_candidate(
    competition: Competition, run: str | None = None, file: Path | None = None, to: Destination | None = None
) -> Candidate:
    """Return what is meant: a file, a run, or the best run that may go there.

    Parameters
    ----------
    competition
        Whose runs.
    run
        A run's name, its config, or a part of its name.
    file
        A file instead; one that lies in a run's folder is that run's.
    to
        Where it goes; of several runs, those on practice data go to the practice board only.

    Raises
    ------
    ConfigError
        There is no such run, no run at all, or a run and a file are named.
    DataError
        The file cannot be read.
    """
    if run is not None and file is not None:
        raise ConfigError(
            "a run and a file are named", hint="name one of the two: a run is sent with its own file", where="--file"
        )
    if file is not None:
        own = file.resolve().parent
        of_run = open_run(own) if (own / "run.json").is_file() and file.name == SUBMISSION else None
        return Candidate(file, _read(file), of_run)
    if run is not None:
        return _of_run(read_run(competition.runs_folder, run))
    known = [each for each in list_runs(competition.runs_folder) if not each.quick]
    suited = [each for each in known if to is None or (to == "practice") == (each.facts["edition"] == "practice")]
    if not suited:
        problem, how = "there are no runs yet", ""
        if known and to == "kaggle":
            problem = "all runs are on practice data, which are never sent to Kaggle"
        elif known:
            problem, how = "no run is on practice data", " --source practice"
        raise ConfigError(
            problem,
            hint=f"run `kagflow cv {competition.name}{how}`, or name a file with --file",
            where=str(competition.runs_folder),
        )
    best = best_run(suited)
    rivals = sum(each.compares_with(suited[-1]) for each in suited)
    return _of_run(best, "the only run" if rivals == 1 else f"the best CV of {rivals} runs")


def destination_of(competition: Competition, candidate: Candidate, source: Path | None) -> Destination:
    """Return where a candidate goes when nobody says: Kaggle, unless it is of no use there."""
    practice = not competition.facts.on_kaggle or _edition(competition, candidate, source) == "practice"
    return "practice" if practice else "kaggle"


def refuse_practice(competition: Competition, candidate: Candidate, source: Path | None) -> None:
    """Raise a ConfigError where what is meant for Kaggle is made of practice data, whose test rows are not Kaggle's."""
    edition = _edition(competition, candidate, source)
    if edition == "practice":
        raise ConfigError(
            "it is made of practice data, which are never sent to Kaggle",
            hint=f"leave --to kaggle out; or `kagflow fetch {competition.name}` with Kaggle credentials, then cv",
            where=str(candidate.path),
            code="KF425",
        )
    folder = competition.data_folder / "kaggle"
    note = Note.read(folder) if edition == "kaggle" else None
    if note is not None and not note.url.startswith(KAGGLE) and not leads_elsewhere():
        raise ConfigError(
            f"it is made of files that were fetched from another server than Kaggle, for {note.url}",
            hint=f"delete {folder}, then run `kagflow fetch {competition.name}` and cv",
            where=str(candidate.path),
            code="KF425",
        )


def source_of(competition: Competition, candidate: Candidate, source: Path | None) -> Source:
    """Return the files whose sample a candidate must look like."""
    if source is None and _edition(competition, candidate, source) == "practice":
        return practice_source(competition.name, competition.root)
    return find_source(competition.name, competition.facts, competition.root, source)


def _edition(competition: Competition, candidate: Candidate, source: Path | None) -> Edition:
    if candidate.run is not None:
        edition: Edition = candidate.run.facts["edition"]
        return edition
    return find_source(competition.name, competition.facts, competition.root, source).edition


def _of_run(run: Run, chosen: str = "") -> Candidate:
    path = run.path / SUBMISSION
    return Candidate(path, _read(path), run, chosen)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", hint="check the path", where=str(path)) from None
