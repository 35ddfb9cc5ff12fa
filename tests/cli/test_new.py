"""``kagflow new --slug``: the files from Kaggle, and what Kaggle says of them."""

import json

import pytest

from kagflow.submit.metric_names import kagflow_metric
from tests.conftest import Project
from tests.submit.faulty_kaggle import FaultyKaggle


def test_files_metric_and_deadline_come_from_kaggle(
    project: Project, kaggle: FaultyKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "planted-token-77aa")
    said = project.cli("new", "fetched", "--slug", "toy", "--json")
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert (result["facts"]["metric"], result["facts"]["slug"]) == ("rmse", "toy")
    assert result["evidence"]["metric"] == 'Kaggle calls it "Root Mean Squared Error"'
    assert result["kaggle"]["deadline"].startswith("2099-01-01")
    assert project.cli("fetch", "fetched").code == 0  # the files are Kaggle's, with their note


def test_without_credentials_it_says_how_to_go_on(project: Project, kaggle: FaultyKaggle) -> None:
    said = project.cli("new", "fetched", "--slug", "toy")
    assert said.code == 1
    assert "save a Kaggle token" in said.err
    assert not kaggle.asked
    assert "or Kaggle's competition with --slug" in project.cli("new", "fetched").err


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("MAP@{K}", "map@3"), ("MAP@5", "map@5"), ("F-Score", "f1"), ("Multiclass Loss", "log_loss"), ("Dice", None)],
)
def test_kaggles_names_of_metrics(theirs: str, ours: str | None) -> None:
    assert kagflow_metric(theirs) == ours
