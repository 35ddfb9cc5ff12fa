"""Kaggle's own client, unmodified, against the practice server: as a command, and in process."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kagflow.practice import Practice, serving
from tests.practice.faults import Faults
from tests.practice.players import SLUG, Clock, submission, toy_folder

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def url(tmp_path: Path, faults: Faults) -> Iterator[str]:
    clock = Clock()
    Practice(tmp_path, clock).add(toy_folder(tmp_path))
    with serving(tmp_path, clock=clock, wrap=faults) as address:
        yield address


@pytest.fixture
def kaggle(url: str, tmp_path: Path) -> Command:
    """The command, in a home without anything, pointed at the server as `kagflow practice serve` says."""
    home = tmp_path / "home"
    (home / ".kaggle").mkdir(parents=True)
    surroundings = {
        "HOME": str(home),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "http_proxy": url,
        "no_proxy": "",
        "KAGGLE_USERNAME": "ann",
        "KAGGLE_KEY": "any",
    }
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}

    def run(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from kaggle.cli import main; main()", "competitions", *words],
            env=kept | surroundings | changes,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def table(said: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert said.returncode == 0, said.stderr
    rows: list[dict[str, Any]] = json.loads(said.stdout[said.stdout.index("[") :])
    return rows


def test_a_whole_season_by_the_command(kaggle: Command, tmp_path: Path) -> None:
    assert kaggle("download", SLUG, "-p", "data").returncode == 0
    names = zipfile.ZipFile(tmp_path / "data" / f"{SLUG}.zip").namelist()
    assert sorted(names) == ["sample_submission.csv", "test.csv", "train.csv"]

    (tmp_path / "made.csv").write_bytes(submission(2.5))
    said = kaggle("submit", SLUG, "-f", "made.csv", "-m", "off by 2.5")
    assert "Successfully submitted to Toy Cup" in said.stdout
    assert "4 submissions remaining today" in said.stdout

    (made,) = table(kaggle("submissions", SLUG, "--format", "json"))
    assert {key: made[key] for key in ("description", "publicScore", "privateScore")} == {
        "description": "off by 2.5",
        "publicScore": "2.50000",
        "privateScore": "",
    }
    board = table(kaggle("leaderboard", SLUG, "--show", "--format", "json"))
    assert ("ann", "2.50000") in [(line["teamName"], line["score"]) for line in board]

    Practice(tmp_path, Clock()).board("toy").finish()
    (made,) = table(kaggle("submissions", SLUG, "--format", "json"))
    assert made["privateScore"] == "2.50000"


def test_a_download_that_is_cut_goes_on_where_it_stopped(kaggle: Command, faults: Faults, tmp_path: Path) -> None:
    faults.add("GET", cut="within")
    said = kaggle("download", SLUG, "-p", "data")
    assert said.returncode == 0, said.stderr
    assert "Resuming from" in said.stdout
    assert zipfile.ZipFile(tmp_path / "data" / f"{SLUG}.zip").testzip() is None


def test_a_token_of_the_new_kind_is_taken(kaggle: Command) -> None:
    said = kaggle("submission-limits", SLUG, KAGGLE_API_TOKEN="KGAT_0123456789abcdef")
    assert "Remaining today: 5" in said.stdout


def test_in_process(url: str, tmp_path: Path) -> None:
    from kagglesdk import KaggleClient, KaggleEnv
    from kagglesdk.competitions.types import competition_api_service as types

    client = KaggleClient(env=KaggleEnv.LOCAL, username="ann", password="any")
    client.http_client()._endpoint = url
    competitions = client.competitions.competition_api_client

    request = types.ApiGetCompetitionRequest()
    request.competition_name = SLUG
    competition = competitions.get_competition(request)
    assert (competition.title, competition.max_daily_submissions, competition.evaluation_metric) == (
        "Toy Cup",
        5,
        "rmse",
    )
    assert competition.user_has_entered
    assert competition.deadline.isoformat() == "2026-03-31T23:59:59"

    listed = competitions.list_competitions(types.ApiListCompetitionsRequest())
    assert [each.ref.rpartition("/")[2] for each in listed.competitions] == [SLUG]
    pages = types.ApiListCompetitionPagesRequest()
    pages.competition_name = SLUG
    told = {page.name: page.content for page in competitions.list_competition_pages(pages).pages}
    assert "rmse: less is better" in told["evaluation"]
