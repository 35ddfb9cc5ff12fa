"""A project whose default model is fitted in a moment, and whose space is small."""

import pytest

from kagflow.models import lightgbm
from kagflow.models.space import Range

SPACE = {
    "learning_rate": Range(0.02, 0.5, log=True),
    "num_leaves": Range(2, 16, log=True),
    "min_data_in_leaf": Range(2, 20),
}


@pytest.fixture(autouse=True)
def small_space(monkeypatch):
    monkeypatch.setattr(lightgbm.LightGBM, "space", SPACE)
    monkeypatch.setattr(lightgbm.LightGBM, "known", ())


@pytest.fixture
def project(project):
    project.write("configs/toy/quick.yaml", "rounds: 5\nthreads: 1\n")
    return project
