"""The competitions that can be practised, and their boards, each opened when it is first asked for."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from kagflow.competition import FACTS, Competition, load, open_folder
from kagflow.config import CompetitionFacts, read_facts
from kagflow.data import Source, read_dataset
from kagflow.data.files import look_for_file
from kagflow.errors import ConfigError, did_you_mean
from kagflow.practice.baselines import baselines
from kagflow.practice.board import Board, Clock, Refusal, utc_now
from kagflow.practice.building import EDITIONS
from kagflow.practice.records import Submission, insert_submission
from kagflow.practice.store import Store, to_text
from kagflow.practice.submitted import Rejected
from kagflow.practice.truth import SOLUTION, Truth, read_truth

DAILY_LIMIT, DAYS = 5, 30


@dataclass(frozen=True)
class Ground:
    """A competition that can be practised.

    Attributes
    ----------
    name
        As in ``competitions/<name>``.
    folder
        Holds train, test, sample submission and truth.
    facts
        What is true of it.
    given
        Whether the folder was given by the user; otherwise it is a bundled edition.
    """

    name: str
    folder: Path
    facts: CompetitionFacts
    given: bool = False


class Practice:
    """All that can be practised in a project.

    Parameters
    ----------
    root
        The project's folder, which holds ``competitions`` and ``data``.
    clock
        What time it is, with its zone.
    """

    def __init__(self, root: Path, clock: Clock = utc_now) -> None:
        self.root, self.clock = root, clock
        self.store = Store(root)
        self._competitions: dict[str, Competition] = {}
        self._truths: dict[str, Truth] = {}

    def grounds(self) -> list[Ground]:
        """Return what can be practised, by name: bundled editions, and folders that a board was opened for."""
        editions = [path.parent for path in sorted((self.root / "competitions").glob(f"*/{FACTS}"))]
        found = {
            folder.name: Ground(folder.name, EDITIONS / folder.name, read_facts(folder / FACTS))
            for folder in editions
            if look_for_file(EDITIONS / folder.name, SOLUTION)
        }
        for row in self.store.rows("SELECT name, folder FROM boards WHERE folder IS NOT NULL"):
            folder = Path(row["folder"])
            if not folder.is_dir():  # moved or removed since: the other boards go on
                continue
            found[row["name"]] = Ground(row["name"], folder, self._facts(row["name"], folder), given=True)
        return [found[name] for name in sorted(found)]

    def ground(self, name: str) -> Ground:
        """Return what is called so, by its name (hyphens allowed) or by Kaggle's.

        Raises
        ------
        Refusal
            Nothing is.
        """
        known = self.grounds()
        for each in known:
            if name in (each.name, each.name.replace("_", "-"), each.facts.slug):
                return each
        raise Refusal(f"there is no practice competition {name!r}", did_you_mean(name, [k.name for k in known]), 404)

    def boards(self) -> list[Board]:
        """Return all boards."""
        return [self.board(ground.name) for ground in self.grounds()]

    def board(self, name: str) -> Board:
        """Return a competition's board as it is now; it is opened where it is not.

        Raises
        ------
        Refusal
            There is no such practice competition.
        KagflowError
            Its files are not what they must be.
        """
        ground = self.ground(name)
        row = self._row(ground.name) or self._open(ground)
        classes = tuple(json.loads(row["classes"]))
        return Board(
            self._competition(ground), lambda: self._truth(ground, classes, row["truth"]), row, self.store, self.clock
        )

    def receive(self, token: str, content: bytes) -> None:
        """Keep an uploaded file until it is submitted.

        Raises
        ------
        Refusal
            No such file was announced, or it has another size.
        """
        with self.store.change() as db:
            announced = db.execute("SELECT size FROM uploads WHERE token = ?", (token,)).fetchone()
            if announced is None:
                raise Refusal("no such upload was announced", status=404)
            if announced["size"] != len(content):
                raise Refusal(f"{announced['size']} bytes were announced, {len(content)} came")
            db.execute("UPDATE uploads SET content = ? WHERE token = ?", (content, token))

    def submit(self, name: str, player: str, file: Path, description: str = "") -> Submission:
        """Send a file to a board from the same process, without a server; its day's limit holds all the same.

        Parameters
        ----------
        name
            Of the competition.
        player
            Who sends it.
        file
            What is sent, such as a run's ``submission.csv``.
        description
            What is written beside it.

        Returns
        -------
        Submission
            With its scores, or the error why it has none.

        Raises
        ------
        Refusal
            There is no such practice competition, or the day's submissions are used up.
        """
        board, content = self.board(name), file.read_bytes()
        token = board.start_upload(player, file.name, len(content))
        self.receive(token, content)
        return board.submit(player, token, description)

    def find_submission(self, ref: int, player: str) -> tuple[Board, Submission]:
        """Return a player's own submission to whichever board.

        Raises
        ------
        Refusal
            The player has none of that number.
        """
        for row in self.store.rows("SELECT board FROM submissions WHERE ref = ? AND player = ?", ref, player):
            board = self.board(row["board"])
            for each in board.submissions(player):
                if each.ref == ref:
                    return board, each
        raise Refusal(f"there is no submission {ref} of yours", status=404)

    def add(self, folder: Path) -> Board:
        """Open the board of a folder: train, test and sample submission, and ``solution.csv`` beside them.

        Its facts stand in a ``competition.yaml`` there, or in ``competitions/<name>``, where the folder is called by
        the competition's name or Kaggle's.

        Raises
        ------
        ConfigError
            There are no facts, or another board has that name.
        KagflowError
            The files are not what they must be.
        """
        folder = folder.resolve()
        name = self._name_of(folder)
        row = self._row(name)
        if row is None:
            self._open(Ground(name, folder, self._facts(name, folder), given=True))
        elif row["folder"] != str(folder):
            raise ConfigError(
                f"the board of {name} is open for {row['folder'] or 'the bundled edition'}, not for {folder}",
                hint="rename the folder, or write a competition.yaml with another name into it",
            )
        return self.board(name)

    def reset(self, name: str, daily_limit: int = DAILY_LIMIT, days: int = DAYS) -> Board:
        """Begin a board anew, with the truth as it is now: its submissions are forgotten.

        Raises
        ------
        KagflowError
            There is no such competition, or its files are not what they must be; then the old board stays.
        """
        ground = self.ground(name)
        self._truths.pop(ground.name, None)
        self._open(ground, daily_limit, days, anew=True)
        return self.board(ground.name)

    def _row(self, name: str) -> sqlite3.Row | None:
        return next(iter(self.store.rows("SELECT * FROM boards WHERE name = ?", name)), None)

    def _open(
        self, ground: Ground, daily_limit: int = DAILY_LIMIT, days: int = DAYS, *, anew: bool = False
    ) -> sqlite3.Row:
        """Open a board with its baselines, unless another process is faster."""
        competition = self._competition(ground)
        data = read_dataset(Source("folder", ground.folder), competition.facts, competition.additions)
        truth = read_truth(competition, ground.folder, data.classes)
        now = self.clock()
        scored = []
        for name, what, made in baselines(data, competition):
            with contextlib.suppress(Rejected):  # a metric may have no score for one value alone
                scored.append((name, what, truth.score_frame(made)))
        with self.store.change() as db:
            if anew:
                db.execute("DELETE FROM boards WHERE name = ?", (ground.name,))
            opened = db.execute(
                "INSERT OR IGNORE INTO boards VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
                (
                    ground.name,
                    str(ground.folder) if ground.given else None,
                    to_text(now),
                    to_text(_end_of_day(now + timedelta(days=days))),
                    daily_limit,
                    json.dumps(data.classes),
                    truth.fingerprint,
                ),
            ).rowcount
            for name, what, scores in scored if opened else ():
                insert_submission(db, ground.name, name, scores, "", what, now, 0)
        row = self._row(ground.name)
        assert row is not None
        return row

    def _truth(self, ground: Ground, classes: Sequence[str], fingerprint: str) -> Truth:
        """Return the truth, read once.

        Raises
        ------
        Refusal
            It is another than when the board was opened.
        """
        if ground.name not in self._truths:
            truth = read_truth(self._competition(ground), ground.folder, tuple(classes))
            if truth.fingerprint != fingerprint:
                raise Refusal(
                    f"the truth of {ground.name} has changed since its board was opened: scores cannot be compared",
                    hint=f"begin anew: `kagflow practice reset {ground.name}`",
                    status=500,
                )
            self._truths[ground.name] = truth
        return self._truths[ground.name]

    def _competition(self, ground: Ground) -> Competition:
        if ground.name not in self._competitions:
            own = ground.given and (ground.folder / FACTS).is_file()
            self._competitions[ground.name] = (
                open_folder(ground.folder, ground.name, self.root) if own else load(ground.name, self.root)
            )
        return self._competitions[ground.name]

    def _facts(self, name: str, folder: Path) -> CompetitionFacts:
        own = folder / FACTS
        return read_facts(own if own.is_file() else self.root / "competitions" / name / FACTS)

    def _name_of(self, folder: Path) -> str:
        if (folder / FACTS).is_file():
            return folder.name.replace("-", "_")
        known = {path.parent.name: path for path in (self.root / "competitions").glob(f"*/{FACTS}")}
        for name, path in known.items():
            if folder.name.replace("-", "_") == name or read_facts(path).slug == folder.name:
                return name
        raise ConfigError(
            f"it holds no {FACTS}, and no competition is called {folder.name!r}: which one is it?",
            hint=f"write its {FACTS} into the folder; {did_you_mean(folder.name, known)}",
            where=str(folder),
        )


def _end_of_day(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(23, 59, 59), tzinfo=moment.tzinfo)
