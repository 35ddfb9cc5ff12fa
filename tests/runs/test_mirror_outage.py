"""A server of Weights & Biases that dies in the middle of the work costs the mirror, one line, and nothing else."""

import os

import pytest

from kagflow.competition import load
from kagflow.runs import cross_validate
from kagflow.tracking import WandbTracker
from kagflow.tuning import Limits, tune
from kagflow.tuning.watch import Nobody
from tests.wandb_stub import WandbStub

KEY = "planted0secret0" * 3


@pytest.fixture
def stub(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("WANDB_") or name == "NETRC"]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with WandbStub() as stub:
        monkeypatch.setenv("WANDB_BASE_URL", stub.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield stub


class Stops(Nobody):
    """Stops the server as soon as the first fit, or trial, is done."""

    def __init__(self, stub):
        self.stub, self.stopped = stub, False

    def finished(self, *_):
        if not self.stopped:
            self.stub.stop()
        self.stopped = True


def test_an_outage_in_the_middle_of_a_cross_validation(project, stub):
    said, listener = [], Stops(stub)
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 1\n")
    alone = project.cv(config="quick")
    competition = load("toy", project.root)
    tracker = WandbTracker("online", project.root / "mirror", "kagflow", said.append, patience=5)
    run = cross_validate(
        competition, competition.experiment("quick"), config="quick", tracker=tracker, listener=listener
    )
    assert listener.stopped
    assert len(said) == 1
    assert "W&B" in said[0]
    assert KEY not in said[0]
    for file in ("oof.parquet", "test.parquet", "scores.json", "submission.csv"):
        assert (run.path / file).read_bytes() == (alone.path / file).read_bytes()


def test_an_outage_in_the_middle_of_a_study(project, stub):
    said, watcher = [], Stops(stub)
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 1\n")
    competition = load("toy", project.root)
    tracker = WandbTracker("online", project.root / "mirror", "kagflow", said.append, patience=5)
    tuned = tune(
        competition,
        competition.experiment("quick"),
        config="quick",
        limits=Limits(trials=3),
        tracker=tracker,
        watcher=watcher,
    )
    assert watcher.stopped
    assert tuned.trials == 3
    assert tuned.run.scores["cv"]
    assert len(said) <= 2  # of the study's mirror, and of the run's
    assert all("W&B" in line and KEY not in line for line in said)
