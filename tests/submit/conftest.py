"""A faulty Kaggle, a home without credentials, and a client that does not wait long."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kagflow.submit import Credentials
from kagflow.submit.kaggle import Client
from kagflow.submit.wire import Patience
from tests.submit.faulty_kaggle import FaultyKaggle, serve

HASTE = Patience(connect=2, read=1, tries=3, first_wait=0.01, longest_wait=2)
USER, KEY = "me", "planted-key-5f3a"


@pytest.fixture
def serve_as() -> Iterator[Callable[[FaultyKaggle], FaultyKaggle]]:
    """Let a server listen until the test ends."""
    with ExitStack() as stack:
        yield lambda kaggle: stack.enter_context(serve(kaggle))


@pytest.fixture
def kaggle(serve_as: Callable[[FaultyKaggle], FaultyKaggle]) -> FaultyKaggle:
    return serve_as(FaultyKaggle())


@pytest.fixture
def client(kaggle: FaultyKaggle) -> Client:
    return Client.connect(kaggle.url, Credentials.key(USER, KEY), HASTE)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, where ``.kaggle`` is empty."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".kaggle").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def sent_file(tmp_path: Path) -> Path:
    path = tmp_path / "submission.csv"
    path.write_text("id,y\n2,1\n")
    return path
