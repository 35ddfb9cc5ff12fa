"""Nested tuning: the score of tuning itself; no target of an outer fold is in reach of what is chosen for it."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import find_source
from kagflow.runs.plan import make_plan
from kagflow.tuning.nested import inner_plan

NESTED = ("tune", "toy", "--config", "quick", "--trials", "3", "--nested", "--no-prune", "--json")


def nested(project):
    said = project.cli(*NESTED)
    assert said.code == 0, said.err
    return json.loads(said.out, parse_constant=pytest.fail)


def outer(project, fold):
    return pl.read_parquet(project.runs / f"studies/quick/outer-{fold}.parquet")


def plan_of(project):
    competition = load("toy", project.root)
    origin = find_source("toy", competition.facts, project.root, None)
    return make_plan(competition, competition.experiment("quick"), "quick", origin)


def test_it_gives_one_score_with_its_noise_and_goes_on_where_it_was(project):
    made = nested(project)
    assert {"cv_nested", "se_nested"} <= made.keys()
    assert len(made["folds_nested"]) == len(made["params_nested"]) == 3
    before = {path: path.stat().st_mtime_ns for path in project.runs.glob("studies/quick*/**/*.parquet")}
    assert len(before) == 3 * 3 + 3 * 3 * 2 + 3  # trials by folds: of the study, of three inner ones; outer folds
    (project.runs / "studies/quick/outer-1.json").unlink()  # killed before that
    again = nested(project)
    assert (again["cv_nested"], again["params_nested"]) == (made["cv_nested"], made["params_nested"])
    now = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if now[path] != before[path]} == {"outer-1.parquet"}


def poisoned(project, rows):
    train = pl.read_csv(project.raw / "train.csv")
    y = np.array(train["y"])
    y[rows] = np.random.default_rng(1).normal(100, 50, len(rows))
    train.with_columns(pl.Series("y", y)).write_csv(project.raw / "train.csv")
    shutil.rmtree(project.runs)


@pytest.mark.parametrize("own", [True, False])
def test_what_is_chosen_for_an_outer_fold_does_not_depend_on_its_targets(project, own):
    first = nested(project)
    fold, predictions = plan_of(project).setup.folds.folds[1], outer(project, 1)
    poisoned(project, fold.valid if own else fold.train[:20])
    (project.root / "configs/toy/quick_tuned.yaml").unlink()
    second = nested(project)
    assert (first["folds_nested"][1] != second["folds_nested"][1]) or not own  # negative control: the truth did change
    assert outer(project, 1).equals(predictions) == own
    assert (first["params_nested"][1] == second["params_nested"][1]) or not own


def test_an_inner_plan_has_no_row_of_the_outer_fold(project):
    plan = plan_of(project)
    for fold in plan.setup.folds:
        inner = inner_plan(plan, fold).setup.folds
        assert len(inner) == 2
        assert all(np.isin(part.train, fold.train).all() and np.isin(part.valid, fold.train).all() for part in inner)
        assert sorted(np.concatenate([part.valid for part in inner])) == fold.train.tolist()


def test_folds_forward_in_time_leave_too_little(project):
    project.facts(time="day", ignore=["shop", "w"], splitter={"kind": "forward", "folds": 3})
    said = project.cli(*NESTED)
    assert said.code == 1, said.err
    assert "folds to tune on" in said.err
