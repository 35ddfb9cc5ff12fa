"""`kagflow run` keeps its budget, survives what members do, goes on after a kill, and always leaves a submission."""

import json
import os
import signal
import time

import polars as pl
import pytest

from kagflow.autopilot import schedule

FOLDS = 3


def run(project, *words):
    return project.cli("run", "toy", *words)


def members(*names):
    return [word for name in names for word in ("--members", name)]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, child=None):
    while not condition():
        assert child is None or child.poll() is None, child.communicate()
        time.sleep(0.02)


def whole_submission(project):
    made = pl.read_csv(project.runs / "submission.csv")
    sample = pl.read_csv(project.raw / "sample_submission.csv")
    return made.columns == sample.columns and made["id"].equals(sample["id"]) and not made["y"].is_null().any()


def test_from_data_to_a_submission_with_no_further_word(project, plant):
    plant("marking")
    said = run(project, "--budget", "90s", *members("marking", "auto_linear", "auto_svm"))
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("data: kaggle edition")
    assert lines[1].startswith("plan: 90s, 2 processes of 1 thread; 3 members")
    assert [line.split()[0] for line in lines[2:5]] == ["marking", "auto_linear", "auto_svm"]
    assert any(line.split()[:1] == ["single"] for line in lines) and any(
        "cross-fitted ± s.e." in line for line in lines
    )
    assert lines[-1] == "  submit   runs/toy/submission.csv"
    assert whole_submission(project)


def test_the_json_document(project, plant):
    plant("marking", "raising")
    said = run(project, "--budget", "90s", "--json", *members("marking", "raising", "auto_svm"))
    document = json.loads(said.out)
    assert document["results"][0].items() <= document.items()
    wanted = "competition run metric direction cv se folds seconds members cv_fitted cv_crossfitted submission".split()
    assert set(wanted) <= set(document)
    assert len(document["folds"]) == FOLDS
    assert document["cv"] == document["cv_crossfitted"]
    assert {each["name"] for each in document["trained"]} == {"marking", "auto_svm"}
    assert document["failed"] == [{"name": "raising", "problem": document["failed"][0]["problem"]}]
    assert "planted: this never fits" in document["failed"][0]["problem"]
    assert document["submission"] == str(project.runs / "submission.csv")


def test_a_member_that_stalls_is_killed_and_the_others_are_blended(project, plant):
    plant("marking", "stalling")
    said = run(project, "--budget", "20s", *members("marking", "stalling", "auto_svm"))
    assert said.code == 0, said.err
    (hung,) = plant.fits("stalling")
    assert not is_alive(hung)
    assert {path.name.split("-")[1] for path in project.complete()} == {"marking", "auto_svm", "ensemble"}
    assert whole_submission(project)


def test_a_member_that_stalls_does_not_keep_the_only_process(project, plant):
    plant("marking", first="stalling")
    said = run(project, "--jobs", "1", "--budget", "20s", *members("first", "marking"))
    assert said.code == 0, said.err
    assert "first is stopped: 0 of its 3 fits are done" in said.err
    assert not is_alive(plant.fits("stalling")[0])
    assert len(plant.fits("marking")) == FOLDS


def test_a_member_whose_process_dies_is_named_and_the_rest_goes_on(project, plant):
    plant("crashing", "marking")
    said = run(project, "--budget", "90s", *members("crashing", "marking"))
    assert said.code == 0, said.err
    assert "failed: crashing: its process ended with code 9" in said.err
    assert "  failed   crashing" in said.out
    assert whole_submission(project)


def test_without_any_member_it_says_why_and_fails(project, plant):
    plant("raising")
    said = run(project, "--budget", "90s", *members("raising"))
    assert said.code == 1
    assert "all members failed; the first was raising: " in said.err
    made = pl.read_csv(project.runs / "submission.csv")
    assert whole_submission(project) and made["y"].n_unique() == 1  # the mean of train, for want of anything better


def test_killed_it_leaves_nothing_running_and_goes_on_with_what_is_done(project, plant):
    plant("marking", "slow")
    command = ("run", "toy", "--jobs", "1", "--budget", "90s", *members("marking", "slow"))
    child = project.start(*command)
    wait_for(lambda: plant.fits("slow"), child)  # one member is done, and of the other a fold
    child.send_signal(signal.SIGKILL)
    child.communicate()
    worker = plant.fits("slow")[0]
    wait_for(lambda: not is_alive(worker))
    assert whole_submission(project)
    done = len(plant.fits("slow"))
    said = project.cli(*command)
    assert said.code == 0, said.err
    assert "was there" in said.err
    assert len(plant.fits("marking")) == FOLDS
    assert len(plant.fits("slow")) <= FOLDS + 1 and done >= 1


def test_interrupted_it_keeps_the_submission_and_stops_its_processes(project, plant):
    plant("marking", "stalling")
    child = project.start("run", "toy", "--jobs", "1", "--budget", "60s", *members("marking", "stalling"))
    wait_for(lambda: plant.fits("stalling"), child)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "the same command continues" in err
    assert not is_alive(plant.fits("stalling")[0])
    assert whole_submission(project)


def test_the_best_library_is_tuned_and_the_users_configs_stay_theirs(project, monkeypatch):
    monkeypatch.setattr(schedule, "_MEMBERS_FIRST", 1)
    monkeypatch.setattr(schedule, "_LEAST_TUNING", 1.0)
    monkeypatch.setattr(schedule, "_FEWEST_TRIALS", 1)
    project.write("configs/toy/quick.yaml", "rounds: 5\n")
    said = run(project, "--jobs", "1", "--budget", "30s", "--json", *members("quick", "quick_tuned"))
    document = json.loads(said.out)
    assert "note: tuning quick for " in said.err
    trained = {each["name"] for each in document["trained"]}
    assert trained == {"quick"} | (set() if "tuning quick found nothing better" in said.err else {"quick_tuned"})
    assert (project.runs / "autopilot" / "quick_tuned.yaml").is_file()
    assert [path.name for path in (project.root / "configs/toy").iterdir()] == ["quick.yaml"]


def test_what_it_made_up_is_run_again_by_its_config(project, plant):
    plant("marking")
    run(project, "--budget", "90s", *members("marking", "auto_svm"))
    (made,) = [path for path in project.complete() if "auto_svm" in path.name]
    said = project.cli("cv", "toy", "--config", "runs/toy/autopilot/auto_svm.yaml", "--json")
    again = json.loads(said.out)
    assert again["config"] == "auto_svm"
    assert again["cv"] == json.loads((made / "scores.json").read_text())["cv"]


def test_an_unknown_member_is_refused_with_the_known_ones(project):
    said = run(project, "--budget", "20s", "--members", "nobody")
    assert said.code == 1
    assert "no member is called nobody" in said.err
    assert "auto_lightgbm" in said.err


@pytest.mark.parametrize("budget", ["soon", "0s"])
def test_a_budget_that_is_no_time_is_refused(project, budget):
    said = run(project, "--budget", budget)
    assert said.code == 1
    assert "write 90s, 20m or 1h30m" in said.err
