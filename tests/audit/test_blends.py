"""The audit of an ensemble: what was planted is found, and a clean one passes."""

import json
from dataclasses import dataclass

import polars as pl
import pytest

from kagflow.audit.blends import Blending, RefittedMembers, audit_ensemble
from kagflow.audit.leverage import own_label_leverage
from kagflow.competition import load
from kagflow.ensemble import Bank, find_method, import_member, make_ensemble
from kagflow.ensemble.methods import Mean
from kagflow.training.postprocess import find_post

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")


@pytest.fixture
def banked(project):
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x2]")
    return project


@dataclass(frozen=True, kw_only=True)
class WeightedBefore(Mean):
    """Planted: weights fitted once on all rows, then used for every fold."""

    def prepare(self, level):
        self.__dict__["blend"] = find_method("weighted").fit_part(level.whole())

    def fit_part(self, part):
        return self.blend


def test_an_ensemble_of_clean_members_has_no_findings(banked):
    report, path = audit_ensemble(make_ensemble(load("toy", banked.root), methods=["weighted"]))
    assert [verdict.name for verdict in report.verdicts] == ["nothing changed", "valid targets", "members"]
    assert report.findings == []
    written = json.loads(path.read_text())
    assert path.parent == banked.runs
    assert written["findings"] == []
    assert written["subsampled"] == ["members were held fixed: what --leverage measures is not in this"]


@pytest.mark.parametrize("kind", ["single", "mean", "climb", "forward", "weighted", "ridge", "lightgbm"])
def test_no_method_lets_a_fold_see_its_own_targets(banked, kind):
    bank = Bank.of(load("toy", banked.root))
    assert Blending(bank, find_method(kind), find_post("clip", bank.competition.metric)).exact([0, 1, 2]) == []


def test_weights_fitted_on_all_rows_are_caught(banked):
    bank = Bank.of(load("toy", banked.root))
    (finding,) = Blending(bank, WeightedBefore(), None).exact([0, 2])
    assert (finding.code, finding.severity) == ("KF201", "error")
    assert "its blended predictions move" in finding.message


@pytest.mark.parametrize("post", [None, "threshold"])
def test_classes_and_their_thresholds_are_exact_too(project, post):
    project.data("binary", {"y": ["False"] * 12})
    project.facts(task="binary", metric="accuracy", splitter={"kind": "stratified", "folds": 3, "repeats": 2})
    project.cv(*LOGISTIC)
    project.cv(*LOGISTIC, "drop=[x2]")
    report, _ = audit_ensemble(make_ensemble(load("toy", project.root), methods=["logistic"], post=post))
    assert report.findings == []


def test_what_is_known_of_members_is_a_finding(banked, tmp_path):
    run = Bank.of(load("toy", banked.root)).members[0]
    for name, prediction in (("foreign", run.oof()["prediction"]), ("leak", run.oof()["y"])):
        oof, test = tmp_path / f"{name}.csv", tmp_path / f"{name}_test.csv"
        pl.DataFrame({"id": run.oof()["id"], "fold": run.oof()["fold"], "p": prediction}).write_csv(oof)
        run.test().select("id", "prediction").write_csv(test)
        import_member(load("toy", banked.root), oof, test, folds="fold" if name == "leak" else None)
    report, _ = audit_ensemble(make_ensemble(load("toy", banked.root), members=["foreign", "leak", run.name]))
    assert {finding.code for finding in report.findings} >= {"KF221", "KF222"}
    assert [finding.code for finding in report.leaks] == ["KF222"]
    without, _ = audit_ensemble(make_ensemble(load("toy", banked.root)))
    assert {finding.code for finding in without.findings} == {"KF221"}  # the leak is left out by itself


def test_an_ensemble_that_was_changed_on_disk_is_noticed(banked):
    made = make_ensemble(load("toy", banked.root), methods=["mean"])
    path = made.run.path / "oof.parquet"
    path.chmod(0o644)
    pl.read_parquet(path).with_columns(pl.col("prediction") + 0.1).write_parquet(path)
    report, _ = audit_ensemble(made)
    assert [finding.code for finding in report.findings] == ["KF200"]


def test_end_to_end_the_leverage_is_measured(banked):
    report, _ = audit_ensemble(make_ensemble(load("toy", banked.root), methods=["weighted"]), leverage=True)
    (finding,) = report.findings
    assert finding.code == "KF202"
    assert report.subsampled == ()


def test_the_leverage_of_weights_fitted_on_all_rows_is_larger(banked):
    bank = Bank.of(load("toy", banked.root))
    found = []
    for method in (find_method("weighted"), WeightedBefore()):
        subject = RefittedMembers.of(bank, Blending(bank, method, None), None)
        assert subject is not None
        found.append(own_label_leverage(subject, 0, seed=0, draws=3).value)
    assert found[1] > found[0]


def test_the_command_says_what_was_found(banked):
    said = banked.cli("ensemble", "toy")
    assert "audit    no leak found in 3 experiments; runs/toy/ensemble-" in said.out
    assert json.loads(banked.cli("ensemble", "toy", "--json").out)["findings"] == []
