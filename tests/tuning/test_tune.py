"""Tuning from the command line: a study, a config that says where it came from, a run, and what it was worth."""

import importlib
import json

import optuna
import polars as pl
import pytest
import yaml

from kagflow.competition import load
from kagflow.models import lightgbm
from kagflow.models.space import Choice, Range
from kagflow.runs import read_run
from kagflow.tuning.pruning import Pruner

TUNE = importlib.import_module("kagflow.tuning.tune")  # the package's own `tune` is the function
QUICK = ("tune", "toy", "--config", "quick", "--no-prune")


def study_of(project, name="quick"):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{project.runs / 'studies.sqlite'}")


def folder_of(project, number, study="quick"):
    return project.runs / "studies" / study / f"{number:05d}"


def tune(project, *words):
    said = project.cli(*QUICK, *words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out, parse_constant=pytest.fail)


def test_a_study_ends_in_a_config_a_run_and_an_account(project):
    made = tune(project, "--trials", "5")
    wanted = {"competition", "run", "metric", "direction", "cv", "se", "folds", "seconds", "study", "trials"}
    account = {"cv_before", "cv_tuned", "cv_corrected", "difference", "difference_se", "worth_it", "verdict"}
    assert wanted | account <= made.keys()
    assert made["trials"] == 5
    assert made["cv_tuned"] == min(trial.value for trial in study_of(project).trials)
    assert made["cv_tuned"] - made["cv_before"] == pytest.approx(made["difference"])
    config = yaml.safe_load((project.root / "configs/toy/quick_tuned.yaml").read_text())
    assert config["model"]["params"] == made["params"]
    assert config["rounds"] == 5
    run = read_run(project.runs, "quick_tuned")
    assert str(run.path) == made["run"]
    assert run.facts["chosen_by_looking"] == [f"parameters: study quick, trial {made['best_trial']} of 5"]


def test_the_run_is_that_of_cv(project):
    made = tune(project, "--trials", "3")
    again = project.cv(config="quick_tuned")
    assert again.scores["cv"] == made["cv"]
    assert again.name.rpartition("-")[2] == read_run(project.runs, made["run"]).name.rpartition("-")[2]


def test_the_first_trial_is_the_config_and_scores_as_its_run(project):
    tune(project, "--trials", "2")
    first = study_of(project).trials[0]
    assert first.user_attrs["point"] == "config"
    assert first.value == project.cv(config="quick").scores["cv"]


def test_what_did_well_elsewhere_is_tried_next_where_it_lies_inside(project, monkeypatch):
    monkeypatch.setattr(lightgbm.LightGBM, "known", ({"learning_rate": 0.25}, {"learning_rate": 0.9}))
    tune(project, "--trials", "3")
    trials = study_of(project).trials
    assert [trial.user_attrs.get("point") for trial in trials] == ["config", "known-0", None]
    assert trials[1].params["learning_rate"] == 0.25


def test_a_number_of_trials_is_a_total(project):
    tune(project, "--trials", "3")
    said = project.cli(*QUICK, "--trials", "3")
    assert "no trial is left to do" in said.err
    assert len(study_of(project).trials) == 3
    assert len(project.complete()) == 1
    assert tune(project, "--trials", "5")["trials_new"] == 2
    assert len(study_of(project).trials) == 5


def test_a_trial_has_the_predictions_of_every_fold_on_disk(project):
    tune(project, "--trials", "3")
    for trial in study_of(project).trials:
        frames = [pl.read_parquet(path) for path in sorted(folder_of(project, trial.number).iterdir())]
        assert sorted(pl.concat(frames)["row"]) == list(range(60))


def test_several_trials_side_by_side_give_the_same_scores(project):
    project.write("configs/toy/wide.yaml", "rounds: 5\nthreads: 2\n")
    tune(project, "--trials", "6")
    assert project.cli("tune", "toy", "--config", "wide", "--trials", "6").code == 0
    wide = study_of(project, "wide").trials
    assert sorted(trial.number for trial in wide) == list(range(6))
    assert wide[0].value == pytest.approx(study_of(project).trials[0].value)


def test_a_choice_comes_back_as_what_it_is(project, monkeypatch):
    space = {"extra_trees": Choice((True, False)), "max_bin": Choice((15, 63))}
    monkeypatch.setattr(lightgbm.LightGBM, "space", space)
    params = tune(project, "--trials", "4")["params"]
    assert all(isinstance(params.get(name, place.options[0]), type(place.options[0])) for name, place in space.items())


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes(project, task):
    classes = {"binary": {"y": [0] * 12}, "multiclass": {name: [0] * 12 for name in ("low", "mid", "top")}}
    project.facts(task=task, metric="log_loss", **({"positive": "True"} if task == "binary" else {}))
    project.data(task, classes[task])
    assert tune(project, "--trials", "3")["trials"] == 3


def test_seeds_are_averaged_in_trials_and_in_the_run(project):
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 1\nmodel: {params: {bagging_fraction: 0.5}}\n")
    made = tune(project, "--trials", "2", "--seeds", "2")
    assert read_run(project.runs, made["run"]).facts["seeds"] == [0, 1]
    assert study_of(project).trials[0].value == project.cv("seeds=2", config="quick").scores["cv"]


def test_rounds_are_found_without_a_refit_and_the_run_refits(project):
    project.write("configs/toy/quick.yaml", "rounds: {limit: 20, patience: 3}\nthreads: 1\n")
    made = tune(project, "--trials", "2")
    assert "refit: true" in read_run(project.runs, made["run"]).experiment()
    assert study_of(project).trials[0].value == project.cv("rounds.refit=false", config="quick").scores["cv"]


def test_parameters_that_cannot_be_fitted_count_as_tried(project, monkeypatch):
    monkeypatch.setattr(lightgbm.LightGBM, "space", {"max_depth": Range(3, 4), "boosting": Choice(("gbdt", "gbt?"))})
    said = project.cli(*QUICK, "--trials", "12", "--json")
    assert said.code == 0, said.err
    assert "cannot be fitted" in said.err
    assert json.loads(said.out)["trials"] == 12
    assert json.loads(said.out)["params"].get("boosting") != "gbt?"


def test_a_config_that_was_edited_is_not_replaced(project):
    tune(project, "--trials", "2")
    path = project.root / "configs/toy/quick_tuned.yaml"
    tune(project, "--trials", "3")  # its own file it replaces
    path.write_text(path.read_text().replace("rounds: 5", "rounds: 6"))
    said = project.cli(*QUICK, "--trials", "4")
    assert said.code == 1
    assert "edited by hand" in said.err
    assert "rounds: 6" in path.read_text()
    assert len(study_of(project).trials) == 3


def test_a_study_of_other_things_is_refused_and_says_what_differs(project):
    tune(project, "--trials", "2")
    for words, differing in ((("--set", "rounds=6"), "experiment (rounds)"), (("--set", "drop=[x1]"), "drop")):
        said = project.cli(*QUICK, *words)
        assert said.code == 1
        assert differing in said.err
        assert "optuna delete-study" in said.err
    project.features("FEATURES = FeatureSet(drop=['x2'])\n")
    assert "features" in project.cli(*QUICK).err
    project.facts(splitter={"kind": "kfold", "folds": 4, "seed": 1})
    assert "folds" in project.cli(*QUICK).err


def test_a_study_without_any_trial_is_begun_anew(project):
    assert project.cli(*QUICK, "--budget", "0.001s").code == 1
    assert project.cli(*QUICK, "--trials", "2", "--set", "rounds=6").code == 0


BAD = {
    "unknown parameter": (("--set", "space.num_leafs=[2, 9]"), "has no parameter 'num_leafs'"),
    "low above high": (("--set", "space.num_leaves=[9, 2]"), "`low` must lie below `high`"),
    "no space": (
        ("--set", "model={kind: sklearn, estimator: sklearn.linear_model.LinearRegression}"),
        "no parameters to look",
    ),
    "no time": (("--budget", "soon"), "'soon' is no time"),
    "nothing": (("--trials", "0"), "at least 1"),
    "no driver or server": (("--storage", "postgresql+psycopg2://me:secret@127.0.0.1:1/x"), "--storage|driver|reached"),
    "no folder": (("--storage", "sqlite:////no/such/folder/x.sqlite"), "cannot be reached"),
    "no URL": (("--storage", "somewhere"), "cannot be reached"),
    "budget": (("--budget", "0.001s"), "too small for one trial"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_explained(project, case):
    words, problem = BAD[case]
    said = project.cli(*QUICK, *words)
    assert said.code == 1
    assert any(each in said.err for each in problem.split("|")), said.err
    assert "hint: " in said.err or case == "nothing"
    assert "secret" not in said.err
    assert not (project.root / "configs/toy/quick_tuned.yaml").exists()


def test_a_space_of_the_config_narrows_and_fixes(project):
    space = "space: {num_leaves: [3, 4], learning_rate: 0.3, extra_trees: null, lambda_l2: [0.5, 2]}"
    model = "model: {params: {min_data_in_leaf: 3}}"
    project.write("configs/toy/quick.yaml", f"rounds: 5\nthreads: 1\n{model}\n{space}\n")
    made = tune(project, "--trials", "6")
    first, *others = study_of(project).trials
    assert set(first.params) == {"num_leaves", "lambda_l2"}
    assert all(trial.params["num_leaves"] in (3, 4) for trial in others)
    assert made["params"]["learning_rate"] == 0.3
    assert made["params"]["min_data_in_leaf"] == 3
    assert "space" not in (project.root / "configs/toy/quick_tuned.yaml").read_text()


def test_trials_that_are_clearly_behind_are_stopped_and_count(project, monkeypatch):
    project.write("configs/toy/quick.yaml", "rounds: 20\nthreads: 1\nmodel: {params: {min_data_in_leaf: 3}}\n")
    monkeypatch.setattr(lightgbm.LightGBM, "space", {"learning_rate": Range(1e-9, 0.5, log=True)})
    monkeypatch.setattr(lightgbm.LightGBM, "known", ({"learning_rate": 0.5},))
    said = project.cli("tune", "toy", "--config", "quick", "--trials", "15", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["trials_pruned"] > 0
    states = [trial.state.name for trial in study_of(project).trials]
    assert len(states) == 15
    assert states[0] == "COMPLETE"
    for trial in study_of(project).trials:
        folds = len(list(folder_of(project, trial.number).iterdir()))
        assert (folds == 3) == (trial.state.name == "COMPLETE")


def test_a_budget_ends_the_call_and_the_next_one_goes_on(project):
    first = tune(project, "--budget", "3s", "--trials", "1000")["trials"]
    assert first < 1000
    assert tune(project, "--trials", str(first + 2))["trials"] == first + 2


def test_from_python(project):
    from kagflow.tuning import Limits, tune

    competition = load("toy", project.root)
    tuned = tune(competition, competition.experiment("quick"), config="quick", limits=Limits(trials=2))
    assert tuned.trials == 2
    assert tuned.account is not None


def test_trials_run_side_by_side_as_many_as_asked_for_and_never_more_than_folds():
    from kagflow.training import Layout, plan_layout

    assert plan_layout(5, 1000, 4, jobs=2) == Layout(2, 2)
    assert plan_layout(5, 1_000_000, 4, jobs=4) == Layout(4, 1)
    assert plan_layout(3, 1000, 8, jobs=16) == Layout(3, 2)


def test_jobs_do_not_change_what_the_config_scores(project):
    made = tune(project, "--trials", "4", "--jobs", "3")
    assert made["trials"] == 4
    assert study_of(project).trials[0].value == project.cv(config="quick").scores["cv"]
    assert project.cli(*QUICK, "--jobs", "0").code == 2


def test_features_are_kept_unless_told_otherwise(project, monkeypatch):
    kept = []
    monkeypatch.setattr(TUNE, "with_frames", lambda plan: kept.append(plan) or plan)
    tune(project, "--trials", "2", "--no-cache")
    assert not kept
    tune(project, "--trials", "3")
    assert len(kept) == 1


def test_a_study_that_is_continued_knows_how_far_folds_vary(project, monkeypatch):
    seen = {}

    class Remembering(Pruner):
        def learn(self, trial, best):
            seen.setdefault(id(self), []).append([result.score for result in trial])
            super().learn(trial, best)

    monkeypatch.setattr(TUNE, "Pruner", Remembering)
    words = ("tune", "toy", "--config", "quick", "--trials")
    assert project.cli(*words, "4").code == 0
    (first,) = seen.values()
    assert len(first) == 3  # the first trial has none to be compared with
    assert project.cli(*words, "5").code == 0
    assert list(seen.values())[1][:3] == first


def test_what_averaging_over_seeds_bought_is_shown(project):
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 1\nmodel: {params: {bagging_fraction: 0.5}}\n")
    run = project.cv("seeds=2", config="quick")
    alone = [project.cv(f"seed={seed}", config="quick").scores["cv"] for seed in (0, 1)]
    assert run.scores["seeds_alone"] == alone
    said = project.cli("cv", "toy", "--config", "quick", "--set", "seeds=2")
    assert "alone; averaging 2 bought" in said.out
    assert "seeds_alone" not in project.cv("seed=1", config="quick").scores
