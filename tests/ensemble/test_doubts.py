"""A member from elsewhere whose OOF knows the target is found out, and left out unless it is named."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import Bank, import_member, make_ensemble
from kagflow.ensemble.doubts import doubt_test

from .conftest import RIDGE

LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")


def files(run, prediction, write):
    oof = run.oof().select("id", "fold").with_columns(prediction=prediction)
    return write(oof, run.test().select("id", "prediction"))


def imported(project, run, prediction, write):
    """Import OOF predictions with the project's folds: by what is said of it, it is a full member."""
    return import_member(load("toy", project.root), *files(run, prediction, write), folds="fold")


def test_oof_that_is_the_target_is_left_out(banked, write_files):
    run = next(iter(Bank.of(load("toy", banked.root)).members))
    leak = imported(banked, run, run.oof()["y"], write_files)
    told: list[str] = []
    made = make_ensemble(load("toy", banked.root), note=told.append)
    assert leak.name not in {member["run"] for member in made.run.facts["members"]}
    assert "too good to be true" in told[0]
    assert told[1].startswith(f"{leak.name}: it misses 0.0% of what the best member made here misses")
    named = make_ensemble(load("toy", banked.root), members=[leak.name, run.name])
    assert leak.name in named.bank.names
    assert [doubt.kind for doubt in named.bank.doubts] == ["too good"]


def test_oof_that_is_half_the_target_is_doubted(banked, write_files):
    run = next(iter(Bank.of(load("toy", banked.root)).members))
    half = imported(banked, run, 0.7 * run.oof()["y"] + 0.3 * run.oof()["prediction"], write_files)
    bank = Bank.of(load("toy", banked.root))
    assert half.name in bank.names
    assert [doubt.kind for doubt in bank.doubts] == ["good"]


def test_a_member_as_good_as_others_is_not_doubted(banked, write_files):
    run = next(iter(Bank.of(load("toy", banked.root)).members))
    imported(banked, run, run.oof()["prediction"] * 1.01, write_files)
    assert Bank.of(load("toy", banked.root)).doubts == ()


@pytest.mark.parametrize(
    ("task", "metric", "sample"),
    [("binary", "auc", {"y": [0] * 12}), ("multiclass", "accuracy", {"y": ["low"] * 12})],
)
def test_classes_are_looked_at_too(project, write_files, task, metric, sample):
    project.data(task, sample)
    project.facts(task=task, metric=metric)
    run = project.cv(*LOGISTIC)
    oof, codes = run.oof(), run.oof()["y"].to_physical()
    shares = [name for name in oof.columns if name.startswith("prediction")]
    honest = oof.with_columns(pl.col(name) * 0.99 + 0.001 for name in shares)
    if task == "binary":
        leak = oof.with_columns(prediction=codes * 2.0 - 7)  # any order will do
    else:
        leak = oof.with_columns((codes == k).cast(pl.Float64).alias(name) for k, name in enumerate(shares))
    for name, frame in (("honest", honest), ("leak", leak)):
        paths = write_files(frame.select("id", "fold", *shares), run.test().select("id", *shares), name)
        import_member(load("toy", project.root), *paths, name=name, folds="fold")
    bank = Bank.of(load("toy", project.root))
    assert [run.facts["config"] for run in bank.members] == ["default", "honest"]
    assert {doubt.kind for doubt in bank.doubts if "leak" in doubt.member} >= {"too good"}


def test_alone_it_is_held_against_a_constant(project, write_files):
    run = project.cv(*RIDGE)
    leak = imported(project, run, run.oof()["y"], write_files)
    bank = Bank.of(load("toy", project.root), members=[leak.name])
    assert [doubt.kind for doubt in bank.doubts] == ["too good"]


def test_test_predictions_of_other_units_are_noticed():
    rng = np.random.default_rng(0)
    oof, test = rng.normal(size=2000), rng.normal(size=1000)
    usual = [(oof, test + 0.05)]
    assert doubt_test("same", (oof, test), usual) is None
    found = doubt_test("logarithms", (oof, np.exp(test)), usual)
    assert found is not None
    assert found.kind == "unlike"
    assert doubt_test("drift", (oof, test + 1), [(oof, test + 1.1)]) is None  # test differs for all members
