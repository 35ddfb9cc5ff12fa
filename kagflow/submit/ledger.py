"""The ledger of a competition: what was sent where, under which CV, and what came back.

It is one table of SQLite in ``runs/<name>/ledger.sqlite``, and it is written *before* anything is sent: whatever
happens to the program afterwards, there is a row that says what may have been sent, with a nonce by which it is found
again in the server's own list.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from kagflow.errors import DataError

LEDGER = "ledger.sqlite"
_VERSION = 1
_PATIENCE = 30.0  # seconds that one process waits for another's transaction

Destination = Literal["kaggle", "practice"]
Origin = Literal["kagflow", "elsewhere"]
Status = Literal["planned", "sending", "unknown", "pending", "complete", "error", "refused", "lost"]

UNSETTLED: tuple[Status, ...] = ("planned", "sending", "unknown")
"""What a submission is whose fate is to be looked up before anything else is sent."""
SENT: tuple[Status, ...] = ("pending", "complete", "error")
"""What a submission is that the server has."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One row of the ledger.

    Attributes
    ----------
    number
        Counts the rows of a ledger, from 1.
    to
        Where it went: ``kaggle`` or ``practice``.
    origin
        ``kagflow``; or ``elsewhere``, where only the server's list knows it.
    status
        ``planned`` (written down, not yet sent), ``sending`` (it may be with the server), ``unknown`` (so it may, and
        the connection failed), ``pending`` (the server has it, without a score), ``complete``, ``error`` (it could
        not be scored), ``refused`` (the server did not take it), ``lost`` (it was looked for and is not there).
    when
        When it was written down, or of one from elsewhere when the server got it; UTC.
    file
        Name or path of the file.
    file_hash
        SHA-256 of its bytes; ``None`` for one from elsewhere.
    run
        Name of the run that it is of; ``None`` for a file of one's own.
    cv, se
        The run's score and its standard error.
    message
        As it was sent, without the nonce.
    nonce
        What it is found by in the server's list.
    reference
        The server's number of it.
    public, private
        Scores; ``None`` as long as they are not known.
    rank
        The team's rank by this submission, when last looked at.
    error
        Why it was refused, or could not be scored.
    """

    number: int
    to: Destination
    origin: Origin
    status: Status
    when: datetime
    file: str
    file_hash: str | None = None
    run: str | None = None
    cv: float | None = None
    se: float | None = None
    message: str = ""
    nonce: str | None = None
    reference: int | None = None
    public: float | None = None
    private: float | None = None
    rank: int | None = None
    error: str | None = None

    @property
    def described(self) -> str:
        """Message and nonce, as the server is told."""
        return f"{self.message} {tag(self.nonce)}".strip() if self.nonce else self.message

    def document(self) -> dict[str, Any]:
        """Return the row as JSON shows it."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**row, "when": self.when.isoformat(timespec="seconds")}


def tag(nonce: str) -> str:
    """Return a nonce as it stands at the end of a description."""
    return f"[kf-{nonce}]"


_QUOTED = {"to": '"to"', "when": '"when"'}  # words of SQL itself
_COLUMNS = tuple(field.name for field in fields(Submission))
_CREATE = f"""
CREATE TABLE submissions (
    number INTEGER PRIMARY KEY,
    "to" TEXT NOT NULL CHECK ("to" IN {get_args(Destination)}),
    origin TEXT NOT NULL CHECK (origin IN {get_args(Origin)}),
    status TEXT NOT NULL CHECK (status IN {get_args(Status)}),
    "when" TEXT NOT NULL,
    file TEXT NOT NULL,
    file_hash TEXT,
    run TEXT,
    cv REAL,
    se REAL,
    message TEXT NOT NULL,
    nonce TEXT UNIQUE,
    reference INTEGER,
    public REAL,
    private REAL,
    rank INTEGER,
    error TEXT,
    UNIQUE ("to", reference)
)
"""


class Ledger:
    """The ledger of one competition.

    Every method is a transaction of its own, on disk when it returns. Several processes may use one ledger.

    Parameters
    ----------
    path
        The file; made with its folder when the first row is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def read(cls, path: Path) -> list[Submission]:
        """Return all rows, oldest first; none where there is no ledger.

        Raises
        ------
        DataError
            The file is no ledger, or one of a later kagflow.
        """
        if not path.is_file():
            return []
        with cls(path)._open() as connection:
            return [_submission(row) for row in connection.execute('SELECT * FROM submissions ORDER BY "when", number')]

    def rows(self, to: Destination | None = None) -> list[Submission]:
        """Return all rows, or those of one destination, oldest first."""
        return [row for row in self.read(self.path) if to in (None, row.to)]

    def plan(
        self,
        *,
        to: Destination,
        file: str,
        file_hash: str,
        run: str | None,
        cv: float | None,
        se: float | None,
        message: str,
    ) -> Submission:
        """Write down what is about to be sent, and return it with a new nonce."""
        return self._insert(
            to=to,
            origin="kagflow",
            status="planned",
            when=datetime.now(UTC),
            file=file,
            file_hash=file_hash,
            run=run,
            cv=cv,
            se=se,
            message=message,
            nonce=secrets.token_hex(4),
        )

    def add_elsewhere(self, **known: Any) -> Submission:
        """Write down a submission that only the server's list knew."""
        return self._insert(origin="elsewhere", **known)

    def update(self, number: int, **changes: Any) -> Submission:
        """Change columns of a row, and return it."""
        names = ", ".join(f"{_QUOTED.get(name, name)} = ?" for name in changes)
        with self._open() as connection, connection:
            connection.execute(
                f"UPDATE submissions SET {names} WHERE number = ?", [*map(_stored, changes.values()), number]
            )
            return _one(connection, number)

    def _insert(self, **values: Any) -> Submission:
        names = ", ".join(_QUOTED.get(name, name) for name in values)
        marks = ", ".join("?" * len(values))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection, connection:
            added = connection.execute(
                f"INSERT INTO submissions ({names}) VALUES ({marks})", list(map(_stored, values.values()))
            )
            assert added.lastrowid is not None
            return _one(connection, added.lastrowid)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection:
                connection.row_factory = sqlite3.Row
                self._prepare(connection)
                yield connection
        except sqlite3.OperationalError as error:
            hint = "end it, or wait for it" if "locked" in str(error) else "check permissions, and room on the disk"
            raise DataError(f"the ledger cannot be used: {error}", hint=hint, where=str(self.path)) from None
        except sqlite3.IntegrityError:  # a bug of kagflow's
            raise
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"the ledger is damaged: {error}",
                hint="move it away; `kagflow submit NAME --sync` makes a new one of the server's list, without CVs",
                where=str(self.path),
            ) from None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the table where there is none; refuse what a later kagflow wrote."""
        version = _version(connection)
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                if _version(connection) == 0:  # nor was another process faster
                    connection.execute(_CREATE)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version > _VERSION:
            raise DataError(
                f"the ledger is of version {version}; this kagflow knows {_VERSION}",
                hint="use the kagflow that wrote it",
                where=str(self.path),
            )
        connection.execute("PRAGMA synchronous = FULL")  # a row outlives a power cut before anything is sent


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _one(connection: sqlite3.Connection, number: int) -> Submission:
    return _submission(connection.execute("SELECT * FROM submissions WHERE number = ?", [number]).fetchone())


def _submission(row: sqlite3.Row) -> Submission:
    values = {name: row[name] for name in _COLUMNS}
    return Submission(**{**values, "when": datetime.fromisoformat(values["when"])})


def _stored(value: object) -> object:
    """Return a value as SQLite holds it: moments as UTC text, which sorts as they do."""
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat(timespec="milliseconds")
    return value


def team_best(rows: Sequence[Submission], *, minimize: bool) -> Submission | None:
    """Return the row with the best public score; ``None`` where none has a score."""
    scored = [row for row in rows if row.public is not None]
    sign = 1 if minimize else -1
    return min(scored, key=lambda row: sign * (row.public or 0.0), default=None)
