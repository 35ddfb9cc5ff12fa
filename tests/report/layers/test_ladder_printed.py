"""The ladder in a terminal, and as JSON."""

import json

import pytest


@pytest.fixture
def said(planted):
    planted.run("first", 1.0)
    planted.run("default", 0.8, features="more")
    planted.run("quick", 0.1, facts={"quick_look": {"sample": 0.1}})
    return lambda *words: planted.project.cli("report", "toy", "--ladder", *words)


def test_a_line_a_layer_and_where_to_stop(said):
    text = said().out
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "layer rmse ± s.e. gained ± s.e. over min verdict of made of run"
    assert lines[1].startswith("baseline 0.957 ± 0.028 1.0 the start 1 lightgbm 20260101T000001-first")
    assert "baseline 1.0 bought something: stop here 1 lightgbm, features more" in lines[2]
    assert "seeds: no run yet; for one: kagflow cv toy --set seeds=5" in " ".join(lines)
    assert "Stop at the features: rmse " in text
    assert "left out: 1 run (a quick look)" in text


def test_one_json_document(said):
    document = json.loads(said("--json").out, parse_constant=pytest.fail)
    assert [rung["layer"] for rung in document["results"]][:2] == ["baseline", "features"]
    assert document["stop"] == "features"
    assert document["results"][1]["gain"] < 0
    assert document["results"][2]["todo"] == "kagflow cv toy --set model.kind=xgboost"


def test_without_runs_it_says_what_to_do(project):
    said = project.cli("report", "toy", "--ladder")
    assert said.code == 0
    assert "`kagflow cv toy` makes the first" in said.out
