"""What a config says of tuning and of the device, as far as a run is concerned."""

from kagflow.audit.pipeline import with_few_rounds
from kagflow.competition import load
from kagflow.config import Experiment
from kagflow.data import find_source
from kagflow.runs import plan as planning

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


def test_where_tune_looks_is_no_part_of_a_run(project):
    plain = project.cv(*RIDGE)
    assert project.cv(*RIDGE, "space.alpha=[1, 10]").name.rpartition("-")[2] == plain.name.rpartition("-")[2]


def test_a_wrong_word_in_the_space_is_found_at_once(project):
    words = [word for each in (*RIDGE, "space.alhpa=[1, 10]") for word in ("--set", each)]
    made = project.cli("cv", "toy", *words)
    assert made.code == 1
    assert "space.alhpa: sklearn.linear_model.Ridge has no parameter 'alhpa'" in made.err
    assert project.complete() == []


def make_plan(project, *overrides):
    competition = load("toy", project.root)
    origin = find_source(competition.name, competition.facts, competition.root, None)
    return planning.make_plan(competition, competition.experiment(None, overrides), "default", origin)


def test_a_run_says_where_it_was_fitted_and_why_not_elsewhere(project, monkeypatch):
    run = project.cv(*RIDGE, "device=cpu")
    assert run.facts["device"] == {"asked": "cpu", "used": "cpu", "note": ""}
    asked = []

    def refuse(kind, device, *, rows, lacks):
        asked.append((kind, device, rows, lacks))
        return "cpu", "the GPU is broken"

    monkeypatch.setattr(planning, "resolve_device", refuse)
    said = project.cli("cv", "toy", "--set", RIDGE[0], "--set", RIDGE[1], "--set", "seed=1")
    assert asked == [("sklearn", "auto", 60, "")]
    assert said.err == "note: the GPU is broken\n"


def test_the_device_that_is_used_is_a_part_of_what_a_run_is(project, monkeypatch):
    keys = {}
    for used in ("cpu", "cuda"):
        monkeypatch.setattr(planning, "resolve_device", lambda *asked, used=used, **rest: (used, ""))
        plans = [make_plan(project, "model.kind=lightgbm", f"device={word}", "threads=2") for word in ("auto", used)]
        assert plans[0].setup.resources.device == used
        assert plans[0].layout.jobs == (1 if used == "cuda" else 2)
        assert plans[0].key == plans[1].key  # whether it was asked for or found
        keys[used] = plans[0].key
    assert keys["cpu"] != keys["cuda"]


def test_a_stop_metric_that_catboost_takes_on_the_cpu_only_is_known_before(project, monkeypatch):
    said = []

    def note(kind, device, *, rows, lacks):
        said.append(lacks)
        return "cpu", ""

    monkeypatch.setattr(planning, "resolve_device", note)
    make_plan(project, "model.kind=catboost", "stop_metric=mae")
    make_plan(project, "model.kind=catboost", "stop_metric=mae", "rounds=5")
    assert ["stop metrics" in lacks for lacks in said] == [True, False]


def test_an_audit_compares_bits_and_so_fits_on_the_cpu():
    assert with_few_rounds(Experiment(device="cuda")).device == "cpu"
