"""The file that holds what happened on the practice boards: ``data/practice.sqlite``.

One file for all boards, so that a submission's number is never given twice, not even after a board was begun anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

STORE = Path("data") / "practice.sqlite"
_WAIT = 30.0  # seconds for another process that writes
_VERSION = 1

_SCHEMA = """
CREATE TABLE boards (
    name TEXT PRIMARY KEY,
    folder TEXT,                 -- of the files; null for a bundled edition
    opened TEXT NOT NULL,
    deadline TEXT NOT NULL,
    ended TEXT,                  -- before the deadline, by hand
    daily_limit INTEGER NOT NULL,
    classes TEXT NOT NULL,       -- JSON: labels in class order
    truth TEXT NOT NULL          -- hash of the file of the truth
);
CREATE TABLE uploads (
    token TEXT PRIMARY KEY,
    board TEXT NOT NULL REFERENCES boards ON DELETE CASCADE,
    player TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    started TEXT NOT NULL,
    content BLOB                 -- null until it has come in whole
);
CREATE TABLE submissions (
    ref INTEGER PRIMARY KEY AUTOINCREMENT,
    board TEXT NOT NULL REFERENCES boards ON DELETE CASCADE,
    player TEXT NOT NULL,
    baseline INTEGER NOT NULL,
    file_name TEXT NOT NULL,
    description TEXT NOT NULL,
    submitted TEXT NOT NULL,
    size INTEGER NOT NULL,
    error TEXT NOT NULL,         -- why it has no scores; empty where it has
    public REAL,
    public_se REAL,
    private REAL,
    private_se REAL,
    late INTEGER NOT NULL,       -- came after the end: scored, but on no board
    selected INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX submissions_of ON submissions (board, player);
"""


class Store:
    """Access to the file, from any thread and any number of processes; every change is made whole or not at all.

    Parameters
    ----------
    root
        The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / STORE
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock"), timeout=_WAIT), closing(self._connect()) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with closing(self._connect()) as db:
            return db.execute(query, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold the only right to write; what was done is kept when the block ends without an error."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        return db


def to_text(moment: datetime) -> str:
    """Write a moment so that text is in order of time, and as Kaggle's client reads it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_moment(text: str) -> datetime:
    """Read what `to_text` writes."""
    return datetime.fromisoformat(text)
