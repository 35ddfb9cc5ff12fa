"""The submission that knows no features."""

import numpy as np
import pytest

import kagflow
from kagflow.autopilot.baseline import baseline_submission
from kagflow.config import Experiment
from kagflow.data import find_source
from kagflow.runs.plan import make_plan


def submitted(project):
    competition = kagflow.load("toy", project.root)
    origin = find_source(competition.name, competition.facts, competition.root)
    plan = make_plan(competition, Experiment(), "default", origin)
    return plan, baseline_submission(plan).drop("id")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("rmse", np.mean), ("mae", np.median), ("medae", np.median)],
)
def test_values_get_what_the_metric_likes_best(project, metric, expected):
    project.data("regression")
    project.facts(metric=metric)
    plan, made = submitted(project)
    assert made["y"].n_unique() == 1
    assert made["y"][0] == pytest.approx(expected(plan.data.train.y.to_numpy()))


def test_two_classes_get_the_share_of_the_positive_one(project):
    project.data("binary")
    project.facts(task="binary", metric="auc")
    plan, made = submitted(project)
    assert made["y"].unique().to_list() == [pytest.approx(plan.data.train.y.to_physical().mean())]
