"""What came of a submission, in Weights & Biases: offline in files, online at a server, and one run for each."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kagflow.competition import load
from kagflow.submit.ledger import Submission
from kagflow.submit.mirror import mirror_scores
from kagflow.tracking import WandbTracker
from tests.wandb_stub import SavedRun, WandbStub

SENT = Submission(
    number=1,
    to="kaggle",
    origin="kagflow",
    status="complete",
    when=datetime(2026, 1, 2, tzinfo=UTC),
    file="submission.csv",
    file_hash="ab",
    run="20260101T000000-ridge-0123456789",
    cv=0.5,
    se=0.1,
    message="first",
    nonce="1a2b3c4d",
    reference=7,
    public=0.25,
    rank=3,
)


@pytest.fixture(autouse=True)
def no_wandb_of_the_users(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def mirror(project, mode, *rows):
    said = []
    mirror_scores(load("toy", project.root), rows, WandbTracker(mode, project.runs, "kagflow", said.append))
    assert said == []


def test_offline_scores_stand_beside_the_cv(project):
    mirror(project, "offline", SENT)
    (folder,) = project.runs.glob("wandb/*run-*-*")
    saved = SavedRun(folder)
    assert saved.run.display_name == "submission-20260101T000000-ridge-0123456789"
    assert (saved.run.run_group, saved.run.job_type, list(saved.run.tags)) == ("toy", "submission", ["kaggle"])
    assert saved.run.run_id == "submission-1a2b3c4d"
    assert {"cv": 0.5, "se": 0.1, "public": 0.25, "rank": 3}.items() <= saved.summary.items()
    assert "private" not in saved.summary
    assert saved.config["reference"] == 7


def test_what_has_no_score_or_came_from_elsewhere_is_left_out(project):
    mirror(project, "offline", replace(SENT, public=None), replace(SENT, origin="elsewhere", nonce=None))
    assert not list(project.runs.glob("wandb/*run-*-*"))


def test_online_the_private_score_joins_the_same_run(project, monkeypatch):
    with WandbStub() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", "planted0secret0" * 3)
        mirror(project, "online", SENT)
        assert server.summary["public"] == 0.25
        mirror(project, "online", replace(SENT, private=0.75))
        assert server.summary["private"] == 0.75
    assert {bucket["name"] for bucket in server.buckets} == {"submission-1a2b3c4d"}
    assert server.buckets[0]["groupName"] == "toy"  # what goes on keeps its group


def test_a_server_that_is_down_leaves_it_offline(project, monkeypatch):
    with WandbStub(status=401) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", "planted0secret0" * 3)
        said = []
        tracker = WandbTracker("online", project.runs, "kagflow", said.append)
        mirror_scores(load("toy", project.root), [SENT], tracker)
    (line,) = said
    assert line.startswith("W&B: this run is mirrored offline: ")
    assert any(SavedRun(folder).summary.get("public") == 0.25 for folder in project.runs.glob("wandb/offline-run-*-*"))
