"""Kaggle, as the command line meets it."""

import shutil
from collections.abc import Iterator

import pytest
from kagglesdk import kaggle_env

from kagflow.submit import kaggle as kaggle_module
from tests.conftest import Project
from tests.submit.conftest import HASTE
from tests.submit.faulty_kaggle import FaultyKaggle, serve


@pytest.fixture
def kaggle(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyKaggle]:
    """Kaggle, which has the project's files, while the project has none; nobody is signed in."""
    with serve(FaultyKaggle()) as server:
        server.files = {path.name: path.read_bytes() for path in project.raw.iterdir()}
        shutil.rmtree(project.raw.parent)
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, server.url)
        monkeypatch.setattr(kaggle_module, "PATIENCE", HASTE)
        yield server
