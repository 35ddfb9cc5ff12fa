"""Which runs are a lineage."""

import polars as pl
import pytest
import yaml

from kagflow.report.board.lineage import lineages
from kagflow.runs import Run

TEN = [f"f{k}" for k in range(10)]


@pytest.fixture
def run(tmp_path):
    """Return a function that makes a run's folder, as far as its lineage looks at it."""

    def make(name, kind="lightgbm", features="default", columns=(), estimator=None):
        folder = tmp_path / name
        folder.mkdir()
        document = {"features": features, "model": {"kind": kind, "estimator": estimator}, "gone": "of an old version"}
        (folder / "experiment.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        if columns:
            pl.DataFrame({"feature": columns}).write_parquet(folder / "importance.parquet")
        return Run(folder, {"kind": kind}, {})

    return make


def test_another_kind_of_model_or_another_feature_set_starts_a_lineage(run):
    runs = [
        run("a", columns=TEN),
        run("b", kind="xgboost", columns=TEN),
        run("c", features="linear", kind="sklearn", estimator="sklearn.linear_model.Ridge"),
        run("d", columns=TEN),
    ]
    assert lineages(runs) == {
        "a": "lightgbm on default",
        "b": "xgboost on default",
        "c": "Ridge on linear",
        "d": "lightgbm on default",
    }


def test_one_more_feature_is_no_new_set_but_many_are(run):
    runs = [run("a", columns=TEN), run("b", columns=[*TEN, "one"]), run("c", columns=[*TEN, "one", "two", "three"])]
    found = lineages(runs)
    assert found["b"] == found["a"]
    assert found["c"] == "lightgbm on default (2)"


def test_what_has_no_experiment_is_a_lineage_by_its_kind(tmp_path):
    runs = [Run(tmp_path / name, {"kind": kind}, {}) for name, kind in (("a", "ensemble"), ("b", "imported"))]
    assert lineages(runs) == {"a": "ensemble", "b": "imported"}
