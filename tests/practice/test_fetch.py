"""The practice server's files by ``kagflow fetch``, as if it were Kaggle."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from kagflow.competition import load
from kagflow.data import find_source
from kagflow.practice import serving
from kagflow.submit import Credentials
from kagflow.submit.download import CHUNK
from kagflow.submit.fetch import fetch
from kagflow.submit.kaggle import Client
from tests.conftest import Project

REPOSITORY = Path(__file__).parents[2]
NAME = "churn"


@pytest.fixture
def practice(tmp_path: Path) -> Project:
    (tmp_path / "competitions" / NAME).mkdir(parents=True)
    shutil.copy(REPOSITORY / "competitions" / NAME / "competition.yaml", tmp_path / "competitions" / NAME)
    return Project(tmp_path)


def test_its_files_come_whole_and_without_the_truth(practice: Project, tmp_path: Path) -> None:
    competition = load(NAME, practice.root)
    with serving(practice.root) as address:
        client = Client.connect(address, Credentials.key("me", "any"))
        note = fetch(client, competition.facts, tmp_path / "kaggle")
    bundled = find_source(NAME, competition.facts, practice.root).folder
    assert set(note.files) == {"train.csv", "test.csv", "sample_submission.csv"}
    for name in note.files:
        fetched = (tmp_path / "kaggle" / "raw" / name).read_bytes()
        assert fetched == gzip.decompress((bundled / f"{name}.gz").read_bytes())


def test_a_cut_download_goes_on(practice: Project, tmp_path: Path) -> None:
    slug = load(NAME, practice.root).facts.slug
    with serving(practice.root) as address:
        client = Client.connect(address, Credentials.key("me", "any"))
        whole = client.download(slug, tmp_path / "whole")
        came: list[int] = []

        def stop(bytes_: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client.download(slug, tmp_path / "cut", stop)
        assert json.loads((tmp_path / "cut" / f"{slug}.part.json").read_text())["bytes"] == whole.stat().st_size
        again = client.download(slug, tmp_path / "cut", lambda bytes_, total: came.append(bytes_))
    assert again.read_bytes() == whole.read_bytes()
    assert CHUNK < whole.stat().st_size < 2 * CHUNK
    assert came == [whole.stat().st_size], "only the second of two pieces came"
