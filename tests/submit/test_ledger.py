"""The ledger: what it is given is on disk, and is what comes back."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from kagflow.errors import DataError
from kagflow.submit.ledger import Ledger, Submission, tag, team_best

PLAN = {
    "to": "kaggle",
    "file": "runs/toy/a/submission.csv",
    "file_hash": "ab",
    "run": "a",
    "cv": 0.5,
    "se": 0.1,
    "message": "try",
}


def plan(ledger: Ledger, **changes: object) -> Submission:
    return ledger.plan(**(PLAN | changes))


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "runs" / "toy" / "ledger.sqlite")


def test_a_row_read_back_is_what_was_written(ledger):
    written = plan(ledger)
    (read,) = Ledger.read(ledger.path)
    assert read == written
    assert (read.status, read.origin, read.number) == ("planned", "kagflow", 1)
    assert read.when.tzinfo is UTC
    assert datetime.now(UTC) - read.when < timedelta(minutes=1)
    assert read.described == f"try [kf-{read.nonce}]" == f"try {tag(read.nonce)}"


def test_changes_are_kept(ledger):
    row = plan(ledger)
    sent = ledger.update(row.number, status="complete", reference=77, public=0.25, rank=3)
    assert (sent.status, sent.reference, sent.public, sent.rank, sent.cv) == ("complete", 77, 0.25, 3, 0.5)
    assert Ledger.read(ledger.path) == [sent]


def test_no_ledger_has_no_rows_and_reading_makes_none(ledger):
    assert Ledger.read(ledger.path) == []
    assert not ledger.path.parent.exists()


def test_rows_are_in_the_order_of_time_wherever_they_came_from(ledger):
    plan(ledger)
    early = datetime(2020, 1, 1, 12, 0)  # naive moments are UTC
    ledger.add_elsewhere(to="kaggle", status="complete", when=early, file="x.csv", message="by hand", reference=5)
    first, second = Ledger.read(ledger.path)
    assert (first.origin, first.number, second.number) == ("elsewhere", 2, 1)
    assert first.when == early.replace(tzinfo=UTC)
    assert first.file_hash is None
    assert [row.number for row in ledger.rows("practice")] == []


def test_a_reference_stands_once_for_each_destination(ledger):
    first, second, third = plan(ledger), plan(ledger), plan(ledger, to="practice")
    ledger.update(first.number, reference=7)
    ledger.update(third.number, reference=7)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.update(second.number, reference=7)


def test_a_ledger_of_a_later_version_is_left_alone(ledger):
    plan(ledger)
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(DataError, match="version 2"):
        plan(ledger)


def test_a_file_that_is_no_ledger_is_named(ledger):
    ledger.path.parent.mkdir(parents=True)
    ledger.path.write_text("a,b\n" * 100)
    with pytest.raises(DataError, match="damaged") as caught:
        Ledger.read(ledger.path)
    assert str(ledger.path) in str(caught.value)


WRITER = """
import sys
from pathlib import Path
from kagflow.submit.ledger import Ledger
for _ in range(10):
    Ledger(Path(sys.argv[1])).plan(to="kaggle", file="f", file_hash="ab", run=None, cv=None, se=None, message="")
"""


def test_several_processes_write_one_ledger(ledger):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(ledger.path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    rows = Ledger.read(ledger.path)
    assert len(rows) == len({row.nonce for row in rows}) == 30


@pytest.mark.parametrize(("minimize", "reference"), [(True, 1), (False, 2)])
def test_the_best_is_by_the_metrics_direction(ledger, minimize, reference):
    for name, score in ((1, 0.1), (2, 0.2), (3, None)):
        ledger.update(plan(ledger).number, reference=name, public=score)
    best = team_best(ledger.rows(), minimize=minimize)
    assert best is not None
    assert best.reference == reference
    assert team_best([], minimize=minimize) is None
