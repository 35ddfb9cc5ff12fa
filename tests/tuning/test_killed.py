"""A study that is killed at any moment loses at most the trials under way; several processes may work on one."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import optuna
import polars as pl

from kagflow.tuning.oof import TrialFolder

KILLS, TRIALS = 10, 45
COMMAND = ("tune", "toy", "--config", "quick", "--trials", str(TRIALS), "--no-prune")
PROGRAM = """
from kagflow.models import lightgbm
from kagflow.models.space import Range
lightgbm.LightGBM.known = ()
lightgbm.LightGBM.space = {
    "learning_rate": Range(0.02, 0.5, log=True),
    "num_leaves": Range(2, 16, log=True),
    "min_data_in_leaf": Range(2, 20),
}
from kagflow.cli import main
main()
"""


def start(project):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-c", PROGRAM, *COMMAND]
    return subprocess.Popen(program, cwd=project.root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def finish(project, child):
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err.decode()
    return out.decode(), err.decode()


def known(project):
    storage = f"sqlite:///{project.runs / 'studies.sqlite'}"
    return optuna.load_study(study_name="quick", storage=storage).trials


def complete(project):
    return {trial.number: trial.value for trial in known(project) if trial.state.name == "COMPLETE"}


def trial_folders(project):
    return {path.name for path in project.runs.glob("studies/quick/[0-9]*")}


def has_whole_oof(project, number):
    folder = TrialFolder(project.runs / "studies" / "quick", number)
    frames = [pl.read_parquet(folder.path / f"{fold}.parquet") for fold in range(3)]
    return sorted(pl.concat(frames)["row"]) == list(range(60))


def kill_after_a_while(project, delay):
    """Kill a call so many seconds after it began its first trial; say whether it was still running."""
    before = trial_folders(project)
    child = start(project)
    while child.poll() is None and not trial_folders(project) - before:
        time.sleep(0.005)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    return child.returncode == -signal.SIGKILL


def test_killed_ten_times_it_ends_with_every_trial_once(project):
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 2\n")  # two trials side by side
    rng, done, killed = np.random.default_rng(0), {}, 0
    for _ in range(KILLS):
        killed += kill_after_a_while(project, rng.uniform(0, 0.25))
        now = complete(project)
        assert done.items() <= now.items()
        assert all(has_whole_oof(project, number) for number in now)
        done = now
    assert killed == KILLS
    finish(project, start(project))
    assert done.items() <= complete(project).items()
    assert len(complete(project)) == TRIALS
    assert all(has_whole_oof(project, number) for number in complete(project))
    assert trial_folders(project) == {f"{number:05d}" for number in complete(project)}
    states = [trial.state.name for trial in known(project)]
    assert set(states) <= {"COMPLETE", "FAIL"}
    config = [t for t in known(project) if t.state.name == "COMPLETE" and t.user_attrs.get("point") == "config"]
    assert len(config) == 1


def test_two_processes_share_a_study(project):
    children = [start(project), start(project)]
    said = [finish(project, child) for child in children]
    assert len(complete(project)) == TRIALS
    assert {trial.state.name for trial in known(project)} == {"COMPLETE"}
    assert len(project.complete()) == 1
    assert all(f"{TRIALS} trials" in out for out, _ in said)


def test_an_interrupt_says_how_to_go_on(project):
    child = start(project)
    while not trial_folders(project):
        assert child.poll() is None, child.communicate()
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"the same command continues" in err
    assert not (project.root / "configs/toy/quick_tuned.yaml").exists()


def test_negative_control_without_owners_a_dead_trial_is_never_finished(project, monkeypatch):
    from kagflow.tuning.study import TrialBook

    kill_after_a_while(project, 0.0)
    monkeypatch.setattr(TrialBook, "_is_orphan", lambda self, trial: False)
    monkeypatch.setattr(TrialBook, "others_run", lambda self: False)
    states = {trial.state.name for trial in known(project)}
    assert "RUNNING" in states
    assert project.cli(*COMMAND).code == 0
    assert len(complete(project)) < TRIALS
