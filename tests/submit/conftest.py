"""A faulty Kaggle, a home without credentials, and a client that does not wait long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kagflow.submit import Credentials
from kagflow.submit.kaggle import Client
from kagflow.submit.wire import Patience
from tests.submit.faulty_kaggle import FaultyKaggle, serve

HASTE = Patience(connect=2, read=0.3, tries=3, first_wait=0.01, longest_wait=2)
USER, KEY = "me", "planted-key-5f3a"


@pytest.fixture
def kaggle() -> Iterator[FaultyKaggle]:
    with serve(FaultyKaggle()) as server:
        yield server


@pytest.fixture
def client(kaggle: FaultyKaggle) -> Client:
    return Client.connect(kaggle.url, Credentials.key(USER, KEY), HASTE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, where ``.kaggle`` is empty."""
    folder = tmp_path / "home"
    (folder / ".kaggle").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def sent_file(tmp_path: Path) -> Path:
    path = tmp_path / "submission.csv"
    path.write_text("id,y\n2,1\n")
    return path
