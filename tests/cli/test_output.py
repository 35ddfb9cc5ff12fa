"""What the program prints: exact text, and JSON."""

import json
import re

import pytest

RIDGE = ("--set", "model.kind=sklearn", "--set", "model.estimator=sklearn.linear_model.Ridge")


def stable(project, text):
    """Return text without paths, run names and seconds."""
    text = text.replace(str(project.root), "<root>")
    text = re.sub(r"\d{8}T\d{6}(?:\.\d+)?-(\w+)-[0-9a-f]{10}", r"<utc>-\1-<hash>", text)
    text = re.sub(r"ensemble-[0-9a-f]{10}\.audit", "ensemble-<hash>.audit", text)
    text = re.sub(r"(?m)(seconds  )[\d.]+", r"\1<s>", text)
    table = text.startswith("run ")
    lines = (re.sub(r"  +", "  ", line.rstrip()) if table else line for line in text.splitlines())
    return "\n".join(re.sub(r"  [\d.]+$", "  <s>", line) if table else line for line in lines)


@pytest.mark.parametrize("verb", ["", "fetch", "check", "cv", "tune", "ensemble", "run", "runs", "submit", "report"])
def test_help(project, snapshot, verb):
    said = project.cli(*filter(None, [verb]), "--help")
    assert said.code == 0
    assert said.out == snapshot


def test_text_of_the_verbs(project, snapshot):
    first = project.cli("cv", "toy", *RIDGE)
    second = project.cli("cv", "toy", *RIDGE, "--set", "drop=[x1]")
    assert first.err == second.err == ""
    newest, oldest = (path.name for path in reversed(project.complete()))
    said = {
        "cv": first.out,
        "fetch": project.cli("fetch", "toy").out,
        "check": project.cli("check", "toy").out,
        "runs": project.cli("runs", "toy").out,
        "ensemble": project.cli("ensemble", "toy").out,
        "against": project.cli("runs", "toy", newest, "--against", oldest).out,
    }
    assert {verb: stable(project, text) for verb, text in said.items()} == snapshot


def test_text_of_errors(project, snapshot):
    said = [project.cli("cv", "toi"), project.cli("cv", "toy", "--set", "sede=1"), project.cli("runs", "toy")]
    assert [stable(project, each.err) for each in said] == snapshot


def test_json_of_cv(project):
    project.write("configs/toy/good.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.Ridge}\n")
    project.write("configs/toy/bad.yaml", (project.root / "configs/toy/good.yaml").read_text() + "drop: [x1]\n")
    said = project.cli("cv", "toy", "-c", "good", "-c", "bad", "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out, parse_constant=pytest.fail)
    wanted = {"competition", "run", "metric", "direction", "cv", "se", "folds", "seconds", "edition", "submission"}
    assert all(wanted <= result.keys() for result in document["results"])
    assert [result["config"] for result in document["results"]] == ["good", "bad"]
    assert {name: document[name] for name in wanted} == {name: document["results"][0][name] for name in wanted}


def test_json_of_runs_and_check(project):
    project.cv(*RIDGE[1::2])
    assert json.loads(project.cli("runs", "toy", "--json").out)["results"]
    against = json.loads(project.cli("runs", "toy", "--against", "default", "--json").out)
    assert (against["difference"], against["better"], against["moved"]) == (0, None, [])
    checked = json.loads(project.cli("check", "toy", "--json").out)
    assert [finding["code"] for finding in checked["findings"]] == ["KF143"]
    assert checked["advice"]["splitter"] == {"kind": "kfold", "folds": 3, "seed": 1}


def test_text_of_a_check_that_finds_the_folds_at_fault(project, snapshot):
    project.facts(ignore=["shop", "w"])  # test has the latest days
    said = project.cli("check", "toy")
    assert said.code == 1
    assert stable(project, said.out) == snapshot
    document = json.loads(project.cli("check", "toy", "--json").out, parse_constant=pytest.fail)
    assert document["advice"]["time"] == "day"


def test_a_finding_of_severity_error_is_one(project):
    sample = project.raw / "sample_submission.csv"
    sample.write_text(sample.read_text().replace("71,", "99,"))
    said = project.cli("check", "toy")
    assert said.code == 1
    assert "error: KF101" in said.out


def test_a_long_run_name_is_not_cut(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    run = project.cv(*RIDGE[1::2])
    assert run.name in project.cli("runs", "toy").out


def test_the_default_mirrors_offline_beside_the_runs(project, monkeypatch):
    monkeypatch.delenv("KAGFLOW_TRACK")
    said = project.cli("cv", "toy", *RIDGE)
    assert said.code == 0, said.err
    assert list((project.runs / "wandb").glob("offline-run-*"))
    assert "wandb" not in project.cli("runs", "toy").out
