"""The bank: which runs are members, in whatever order they are named; the others are left out and said so."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import Bank, make_ensemble
from kagflow.errors import ConfigError
from kagflow.runs import Look, cross_validate

from .conftest import RIDGE


def bank_of(project, **settings):
    return Bank.of(load("toy", project.root), **settings)


def test_members_pair_row_by_row(banked):
    bank = bank_of(banked)
    assert [run.path for run in bank.members] == banked.complete()
    assert bank.known["id"].to_list() == list(range(60))
    for run, oof, test in zip(bank.members, bank.oof, bank.test, strict=True):
        np.testing.assert_array_equal(oof, run.oof()["prediction"])
        np.testing.assert_array_equal(test, run.test()["prediction"])


def test_a_quick_look_is_no_member(banked):
    competition = load("toy", banked.root)
    quick = cross_validate(competition, competition.experiment(None, RIDGE), look=Look(folds=(0,)))
    bank = bank_of(banked)
    assert bank.left_out == {quick.name: "a quick look"}
    assert bank.reasons == "1 run left out: 1 a quick look"
    with pytest.raises(ConfigError, match="cannot be a member: it is a quick look"):
        bank_of(banked, members=[quick.name])


def test_what_several_runs_predict_alike_counts_once(banked):
    ridge = bank_of(banked).names[0]
    again = banked.cv(*RIDGE, "rounds=7")  # which ridge does not have: another config, the same predictions
    bank = bank_of(banked)
    assert len(bank.members) == 3
    assert again.name in bank.names
    assert bank.left_out == {ridge: "the same predictions as a newer run"}
    assert bank_of(banked, members=[ridge, again.name]).names == [ridge, again.name], "unless both are asked for"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"splitter": {"kind": "kfold", "folds": 4}}, "of another set of folds"),
        ({"metric": "mae"}, "of another metric"),
        ({"weight": "w", "ignore": ["shop", "day"]}, "of another target, weight or group"),
    ],
)
def test_runs_that_do_not_pair_with_the_newest_are_left_out(banked, change, why):
    banked.facts(**change)
    newest = banked.cv(*RIDGE)
    bank = bank_of(banked)
    assert bank.names == [newest.name]
    assert list(bank.left_out.values()) == [why] * 3


def test_another_data_set_is_another_bank(banked):
    train = pl.read_csv(banked.raw / "train.csv")
    train.with_columns(pl.col("y") + 1).write_csv(banked.raw / "train.csv")
    with pytest.raises(ConfigError, match="none of the 3 runs can be used: of another data set") as caught:
        make_ensemble(load("toy", banked.root))
    assert caught.value.hint == "run `kagflow cv toy` on these data"


def test_members_are_named_by_config_or_a_part_of_their_name(banked):
    banked.write(
        "configs/toy/ridge.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.Ridge, params: {alpha: 2}}\n"
    )
    named = banked.cv(config="ridge")
    first = banked.complete()[0].name
    assert bank_of(banked, members=["ridge", first]).names == sorted([named.name, first])
    assert bank_of(banked, without=["ridge"]).names == [path.name for path in banked.complete()[:3]]
    with pytest.raises(ConfigError, match="there is no run 'rigde'") as caught:
        bank_of(banked, members=["rigde"])
    assert named.name in caught.value.hint


def test_the_best_few_are_told_by_their_scores(banked):
    bank = bank_of(banked, most=2)
    scores = {run.name: run.scores["cv"] for run in bank_of(banked).members}
    assert set(bank.names) == set(sorted(scores, key=scores.get)[:2])
    assert list(bank.left_out.values()) == ["not among the 2 best"]


def test_nothing_left_is_an_error(banked):
    with pytest.raises(ConfigError, match="no run is left"):
        bank_of(banked, without=[path.name for path in banked.complete()])


def test_of_many_predictions_seven_digits_are_kept(banked, monkeypatch):
    exact = bank_of(banked).oof
    monkeypatch.setattr("kagflow.ensemble.bank._MOST_EXACT", 10)
    short = bank_of(banked).oof
    assert (exact.dtype, short.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(short, exact, rtol=1e-6)


def test_on_a_scale_values_and_class_probabilities_pair(project):
    project.data("multiclass", {"y": ["low"] * 12})
    project.facts(task="multiclass", metric="quadratic_kappa")
    as_values = project.cv(*RIDGE, "target_transform=as_numbers")
    logistic = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    bank = bank_of(project)
    np.testing.assert_array_equal(bank.oof[0], as_values.oof()["prediction"])
    shares = logistic.oof().select("prediction_0", "prediction_1", "prediction_2").to_numpy()
    np.testing.assert_allclose(bank.oof[1], shares @ [0, 1, 2])
