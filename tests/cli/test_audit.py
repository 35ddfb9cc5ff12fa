"""`kagflow audit` through the command line: exit codes, text, JSON, and an audit that is interrupted."""

import json
import re
import signal
import time

import pytest

FEW = ("--set", "rounds=3", "--set", "threads=1", "--set", "model.params.min_data_in_leaf=3")
LEAKY = """
from dataclasses import dataclass
from kagflow.features import TargetStep

CACHE = {}

@dataclass(frozen=True)
class Mean:
    table: pl.DataFrame

    def transform(self, x):
        return x.select("color").join(self.table, on="color", how="left", maintain_order="left").select("color__mean")

    def tables(self):
        return {}

@dataclass(frozen=True)
class CachedMean(TargetStep):
    def fit(self, x, y):
        table = x.select("color", y=y).group_by("color", maintain_order=True).agg(color__mean=pl.col("y").mean())
        return CACHE.setdefault("means", Mean(table))

FEATURES = FeatureSet(target=[CachedMean()])
"""
SLOW = """
import time
from dataclasses import dataclass
from pathlib import Path
from kagflow.features import FoldStep

@dataclass(frozen=True)
class Nothing:
    def transform(self, x):
        return x.select(x1__same=pl.col("x1"))

    def tables(self):
        return {}

@dataclass(frozen=True)
class Slow(FoldStep):
    def fit(self, x):
        Path("begun").touch()
        while Path("slow").exists():
            time.sleep(0.01)
        return Nothing()

FEATURES = FeatureSet(fold=[Slow()])
"""


def stable(project, text):
    """Return text without paths, seconds and the hash of a run."""
    text = text.replace(str(project.root), "<root>")
    text = re.sub(r"-[0-9a-f]{10}\.audit", "-<hash>.audit", text)
    text = re.sub(r"(?m) +\d+\.\d$", " <s>", text)
    return re.sub(r"\d+\.\d s;", "<s> s;", text)


def test_a_clean_pipeline_passes(project, snapshot):
    said = project.cli("audit", "toy", *FEW)
    assert (said.code, said.err) == (0, "")
    assert stable(project, said.out) == snapshot


def test_a_leak_is_one_and_its_findings_are_numbered(project, snapshot):
    project.features(LEAKY)
    said = project.cli("audit", "toy", *FEW)
    assert said.code == 1
    assert stable(project, said.out) == snapshot


def test_json(project):
    project.features(LEAKY)
    said = project.cli("audit", "toy", *FEW, "--json")
    assert said.code == 1
    document = json.loads(said.out, parse_constant=pytest.fail)
    wanted = {"competition", "config", "seconds", "experiments", "declared", "subsampled", "findings", "accepted"}
    assert wanted <= document.keys()
    assert {"code", "severity", "message", "where", "columns", "size", "interval", "hint"} <= document["findings"][
        0
    ].keys()
    assert document["findings"][0]["columns"] == ["color__mean"]
    (kept,) = project.runs.glob("*.audit.json")
    assert json.loads(kept.read_text())["findings"] == document["findings"]


def test_what_the_competition_accepts_is_no_leak(project):
    project.features(LEAKY)
    project.facts(accept=dict.fromkeys(("KF201", "KF203", "KF204", "KF208"), "known since the first day"))
    said = project.cli("audit", "toy", *FEW)
    assert said.code == 0
    assert "accepted: KF201" in said.out
    assert "reason: known since the first day" in said.out


def test_an_audit_that_is_stopped_leaves_nothing_half_written(project):
    project.features(SLOW)
    project.write("slow", "")
    child = project.start("audit", "toy", *FEW)
    while not (project.root / "begun").exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode not in (0, 3)
    assert not project.runs.exists() or list(project.runs.iterdir()) == []
    (project.root / "slow").unlink()
    assert project.cli("audit", "toy", *FEW).code == 0
