"""What is ordinary elsewhere is so here: several targets, groups, weights, the practice editions, a mirror."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kagflow
from kagflow.competition import load
from kagflow.ensemble import import_member, make_ensemble
from kagflow.runs import cross_validate, list_runs
from kagflow.tracking import NoTracker

from .conftest import RIDGE

CODE = Path(kagflow.__file__).parents[1]


@pytest.fixture
def building(project):
    """Two targets, and a sample that names them in another order."""
    project.facts(target=["heating", "cooling"], metric="mcrmse")
    train = pl.read_csv(project.raw / "train.csv")
    both = {"heating": pl.col("y") + 20, "cooling": pl.col("x1") * 2 + pl.col("day")}
    train.with_columns(**both).drop("y").write_csv(project.raw / "train.csv")
    sample = pl.DataFrame({"id": range(60, 72), "cooling": 0.0, "heating": 0.0})
    sample.write_csv(project.raw / "sample_submission.csv")
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x2]")
    return project


def test_each_of_several_targets_is_blended_by_itself(building):
    made = make_ensemble(load("toy", building.root), methods=["weighted"])
    oof = made.run.oof()
    assert {"prediction__heating", "prediction__cooling", "y__heating"} <= set(oof.columns)
    assert made.run.scores["targets"].keys() == {"heating", "cooling"}
    assert [set(each) for each in made.document["fitted"]] == [{"targets"}]
    submission = pl.read_csv(made.run.path / "submission.csv")
    np.testing.assert_allclose(submission["heating"], made.run.test()["prediction__heating"])
    assert building.cli("ensemble", "toy", "-m", "weighted").code == 0


def test_members_of_several_targets_are_imported(building, write_files):
    run = list_runs(building.runs)[0]
    names = {"prediction__heating": "heating", "prediction__cooling": "cooling"}
    oof = run.oof().select("id", "fold", *names).rename(names)
    paths = write_files(oof, run.test().select("id", *names).rename(names))
    member = import_member(load("toy", building.root), *paths, folds="fold")
    np.testing.assert_allclose(member.oof()["prediction__cooling"], run.oof()["prediction__cooling"])
    assert member.scores["cv"] == pytest.approx(run.scores["cv"])


def test_groups_are_the_units_of_the_noise_and_weights_count(project):
    project.facts(group="shop", weight="w", ignore=["day"], splitter={"kind": "group", "folds": 3})
    run = project.cv(*RIDGE)
    made = make_ensemble(load("toy", project.root))
    assert made.run.scores["units"] == "groups"
    assert made.run.scores["cv"] == pytest.approx(run.scores["cv"])
    assert made.run.scores["se"] == pytest.approx(run.scores["se"])
    assert {"unit", "weight"} <= set(made.run.oof().columns)


def test_on_a_practice_edition_from_raw_files_to_a_submission(tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(CODE / folder / "house_prices", tmp_path / folder / "house_prices")
    competition = load("house_prices", tmp_path)
    ridge = cross_validate(competition, competition.experiment("ridge"), config="ridge")
    trees = cross_validate(competition, competition.experiment("lgbm", ("rounds=15", "seeds=1")), config="lgbm")
    made = make_ensemble(competition)
    assert {member["config"] for member in made.run.facts["members"]} == {"ridge", "lgbm"}
    assert made.run.facts["edition"] == "practice"
    single = next(each for each in made.document["candidates"] if each["method"] == "single")
    assert single["cv_fitted"] == pytest.approx(min(ridge.scores["cv"], trees.scores["cv"]))
    submission, other = (pl.read_csv(run.path / "submission.csv", infer_schema=False) for run in (made.run, ridge))
    assert submission.columns == other.columns
    assert submission.to_series(0).equals(other.to_series(0))


class Remembering(NoTracker):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def start(self, name, *, group, job_type, config, tags=()):
        self.told.append((name, group, job_type, config))

    def summary(self, values):
        self.told.append(values)

    def table(self, key, columns, rows):
        self.told.append((key, columns, len(rows)))
        json.dumps(rows)


def test_an_ensemble_is_mirrored_as_a_run_is(banked):
    tracker = Remembering()
    made = make_ensemble(load("toy", banked.root), methods=["climb"], tracker=tracker)
    (name, group, kind, config), summary, candidates, members = tracker.told
    assert (name, group, kind) == (made.run.name, "toy", "ensemble")
    assert len(config["members"]) == 3
    assert summary["cv"] == made.run.scores["cv"]
    assert (candidates[0], candidates[2]) == ("candidates", 2)
    assert members == ("members", ["member", "weight"], 3)
