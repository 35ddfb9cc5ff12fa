"""A refit: test is predicted by models of all rows, with rounds scaled from the folds; the score stays the folds'."""

import json

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.errors import ConfigError
from kagflow.models.lightgbm import LightGBM
from kagflow.models.neural import Network
from kagflow.models.tabm import TabM
from kagflow.runs import cross_validate

TREES = ("rounds.limit=60", "rounds.patience=5", "model.params.min_data_in_leaf=3", "model.params.learning_rate=0.2")
SAMPLED = ("model.params.bagging_fraction=0.5", "model.params.bagging_freq=1")
ALL = "refit.rows=all"


def rounds_of(run, which):
    return [rounds for name, rounds in run.facts["rounds"].items() if name.startswith("all") == (which == "all")]


def test_rounds_grow_with_the_rows(project):
    run = project.cv(*TREES, ALL)
    found = rounds_of(run, "folds")
    assert len(set(found)) > 1
    assert rounds_of(run, "all") == [round(np.mean(found) * 60 / 40)]  # three folds: each trains on 40 of 60 rows
    assert run.facts["test_predicted_by"] == {
        "models": "refitted on all rows; the score is that of the folds",
        "rows": 60,
        "seeds": [0],
        "rounds": rounds_of(run, "all"),
    }


def test_a_number_of_rounds_is_taken_as_it_is(project):
    run = project.cv("rounds=7", ALL)
    assert rounds_of(run, "all") == [7]
    assert run.facts["test_predicted_by"]["rounds"] == [None]


def test_the_score_is_that_of_the_folds(project):
    refitted, plain = project.cv(*TREES, ALL), project.cv(*TREES)
    assert refitted.scores == plain.scores
    assert refitted.oof().equals(plain.oof())
    assert not refitted.test()["prediction"].equals(plain.test()["prediction"])
    assert plain.facts["test_predicted_by"] == {"models": "those of the folds"}


def test_its_seeds_are_its_own(project):
    run = project.cv(*TREES, *SAMPLED, "refit.seeds=3")
    assert [name for name in run.facts["rounds"] if name.startswith("all")] == [f"all-seed{seed}" for seed in range(3)]
    assert len([name for name in run.facts["rounds"] if not name.startswith("all")]) == 3
    test = run.test()
    assert test.columns[2:] == ["all-seed0", "all-seed1", "all-seed2"]
    np.testing.assert_allclose(test["prediction"], test[:, 2:].mean_horizontal())
    assert test["all-seed0"].n_unique() > 1
    assert not test["all-seed0"].equals(test["all-seed1"])


def test_without_a_number_it_has_as_many_seeds_as_a_fold(project):
    run = project.cv("rounds=5", "seeds=2", ALL)
    assert run.facts["test_predicted_by"]["seeds"] == [0, 1]
    assert "seeds: 2\n" in run.experiment().partition("refit:")[2]


def test_forward_in_time_rounds_grow_by_the_mean_rows_of_a_fold(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3})
    run = project.cv(*TREES, ALL, "model.params.min_data_in_leaf=1")
    rows = run.oof().group_by("fold").len().sort("fold")["len"].to_list()
    first = 60 - sum(rows)
    trained = [first, first + rows[0], first + rows[0] + rows[1]]
    assert rounds_of(run, "all") == [round(np.mean(rounds_of(run, "folds")) * 60 / np.mean(trained))]


def test_an_interrupted_refit_goes_on_with_the_folds_that_are_done(project):
    whole = project.cv(*TREES, ALL, config="default")

    class Stops:
        def began(self, *_):
            pass

        def finished(self, result):
            if result.task.fold == 2:
                raise KeyboardInterrupt

    competition = load("toy", project.root)
    experiment = competition.experiment(None, (*TREES, ALL))
    with pytest.raises(KeyboardInterrupt):
        cross_validate(competition, experiment, config="again", listener=Stops())
    run = cross_validate(competition, experiment, config="again")
    assert run.facts["continued"]
    assert run.test().equals(whole.test())


def test_it_is_told_beside_the_score(project):
    said = project.cli("cv", "toy", *(word for each in (*TREES, ALL) for word in ("--set", each)))
    run = json.loads((project.complete()[0] / "run.json").read_text())
    rounds = run["test_predicted_by"]["rounds"][0]
    line = f"  refit    test is predicted by models of all rows ({rounds} rounds); the score is that of the folds\n"
    assert line in said.out


def test_a_model_that_always_needs_stop_rows_is_refused(project, monkeypatch):
    monkeypatch.setattr("kagflow.models.neural._check_installed", lambda: None)
    assert not TabM.refits
    with pytest.raises(ConfigError, match="tabm needs stop rows in every fit") as refused:
        project.cv("model.kind=tabm", ALL)
    assert refused.value.where == "refit"


def test_test_predictions_are_those_of_a_model_of_all_rows(project):
    ridge = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
    train = pl.read_csv(project.raw / "train.csv")
    project.features('FEATURES = FeatureSet(drop=["x2", "color"])')
    by_hand = np.polynomial.polynomial.polyfit(train["x1"], train["y"], 1)
    run = project.cv(*ridge, "model.params.alpha=1e-12", ALL)
    test = pl.read_csv(project.raw / "test.csv")
    np.testing.assert_allclose(run.test()["prediction"], by_hand[0] + by_hand[1] * test["x1"], rtol=1e-6)


def test_epochs_do_not_grow_for_each_goes_over_all_rows(project, monkeypatch):
    assert not Network.rounds_grow
    monkeypatch.setattr(LightGBM, "rounds_grow", False)
    run = project.cv(*TREES, ALL)
    assert rounds_of(run, "all") == [round(np.mean(rounds_of(run, "folds")))]


# --- where nobody asked -----------------------------------------------------------------------------------------------

FORWARD = {"time": "day", "splitter": {"kind": "forward", "folds": 3}, "ignore": ["shop", "w"]}


def test_folds_that_learn_from_few_rows_do_not_predict_test(project):
    project.facts(**FORWARD)
    run = project.cv(*TREES)
    assert run.facts["test_predicted_by"]["rows"] == 60
    assert [name for name in run.facts["rounds"] if name.startswith("all")] == ["all-seed0"]
    assert "refit:\n  rows: all\n  seeds: 1\n" in run.experiment()


def test_the_user_has_the_last_word(project):
    project.facts(**FORWARD)
    run = project.cv(*TREES, "refit=null")
    assert run.facts["test_predicted_by"] == {"models": "those of the folds"}
    assert "refit: null\n" in run.experiment()


@pytest.mark.parametrize(("folds", "refitted"), [(2, True), (3, False)])
def test_folds_that_learn_from_most_rows_do(project, folds, refitted):
    run = project.cv(*TREES, f"splitter.folds={folds}")
    assert ("rows" in run.facts["test_predicted_by"]) == refitted


def test_models_that_need_stop_rows_predict_test_by_folds_where_nobody_asked(project, monkeypatch):
    monkeypatch.setattr(LightGBM, "refits", False)
    assert "rows" not in project.cv(*TREES, "splitter.folds=2").facts["test_predicted_by"]


def test_a_quick_look_fits_no_more_than_it_looks_at(project):
    project.facts(**FORWARD)
    settings = [word for each in TREES for word in ("--set", each)]
    said = project.cli("cv", "toy", "--only-folds", "0", *settings, "--json")
    assert said.code == 0, said.err
    (run,) = project.complete()
    assert [*json.loads((run / "run.json").read_text())["task_seconds"]] == ["0-seed0"]


def test_what_models_of_all_rows_are_worth_where_time_goes_on(project):
    """The target grows with time: the first fold's models have seen the smallest values only."""
    project.facts(**FORWARD)
    path = project.raw / "train.csv"
    pl.read_csv(path).with_columns(y=pl.col("id").cast(pl.Float64)).write_csv(path)
    later, apart = (project.cv(*TREES, setting).test()["prediction"].mean() for setting in ("refit=auto", "refit=null"))
    assert later > apart + 5
