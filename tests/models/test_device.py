"""On which device a fit runs. Where there is no GPU, the libraries' own refusals are what is tested."""

import importlib
import json

import catboost
import lightgbm
import numpy as np
import polars as pl
import pytest
import xgboost

from kagflow.config import ModelConfig
from kagflow.errors import ModelError
from kagflow.models import Batch, Problem, Resources, device, make_model, resolve_device
from kagflow.models import lightgbm as lightgbm_kind
from kagflow.models import xgboost as xgboost_kind
from kagflow.models.objective import OwnObjective
from kagflow.training import Layout, plan_layout

BOOSTING = ("lightgbm", "xgboost", "catboost")
VALUES = Problem("regression", (), "squared_error")
GPU = Resources(1, "cuda")

no_gpu = pytest.mark.skipif(device.sees_nvidia(), reason="tests what libraries say where there is no GPU")


TRIED = (device._refusal, lightgbm_kind._gpu)


@pytest.fixture(autouse=True)
def nothing_tried():
    yield
    for once_a_process in TRIED:
        once_a_process.cache_clear()


@pytest.fixture
def traces(monkeypatch):
    """Traces of a driver; whether the device behind them works is another matter."""
    monkeypatch.setattr(device, "sees_nvidia", lambda: True)


@pytest.fixture
def works(traces, monkeypatch):
    """A GPU on which a fit succeeds."""
    monkeypatch.setattr(device, "_refusal", lambda kind: "")


def rows():
    x = pl.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), schema=["a", "b"])
    return Batch(x, x["a"] + 1)


def fit(kind, resources, **params):
    model = make_model(ModelConfig(kind=kind, params=params), 2)
    return model.fit(rows(), None, problem=VALUES, resources=resources, seed=0)


# --- which device -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*BOOSTING, "sklearn"])
def test_without_traces_of_a_device_auto_is_the_cpu_and_nothing_is_tried(kind, monkeypatch):
    monkeypatch.setattr(device, "sees_nvidia", lambda: False)
    monkeypatch.setattr(device, "model_class", None)  # nothing is imported
    monkeypatch.setattr(device, "_refusal", None)  # nothing is fitted
    assert resolve_device(kind, "auto") == ("cpu", "")


@pytest.mark.parametrize("kind", BOOSTING)
def test_auto_takes_a_device_that_works_and_the_cpu_if_asked_to(kind, works):
    assert resolve_device(kind, "auto") == ("cuda", "")
    assert resolve_device(kind, "cuda") == ("cuda", "")
    assert resolve_device(kind, "cpu") == ("cpu", "")


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_device_is_not_seen(hidden, monkeypatch, tmp_path):
    monkeypatch.setattr(device, "_TRACES", (str(tmp_path),))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert device.sees_nvidia()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not device.sees_nvidia()


def test_no_trace_is_no_device(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "_TRACES", (str(tmp_path / "missing"),))
    monkeypatch.setattr(device.shutil, "which", lambda name: None)
    assert not device.sees_nvidia()


@no_gpu
@pytest.mark.parametrize("kind", BOOSTING)
def test_auto_falls_back_with_one_line_that_says_why(kind, traces, capfd):
    used, note = resolve_device(kind, "auto")
    assert used == "cpu"
    assert note.startswith(f"{kind} is fitted on the CPU, not the GPU: ")
    assert {"lightgbm": "CUDA", "xgboost": "found no GPU", "catboost": "CUDA"}[kind] in note
    assert "\n" not in note
    assert capfd.readouterr() == ("", "")  # what the libraries' own code says stays away


@no_gpu
@pytest.mark.parametrize("kind", BOOSTING)
def test_a_device_that_is_asked_for_and_not_there_is_an_error(kind):
    with pytest.raises(ModelError, match=f"{kind} cannot be fitted on a GPU: ") as caught:
        resolve_device(kind, "cuda")
    assert caught.value.where == "device"
    assert "no NVIDIA device is to be seen" in caught.value.hint


def test_a_device_is_tried_once(traces, monkeypatch):
    tried = []

    def tiny(self, *args, **rest):
        tried.append(self.kind)
        raise ModelError("it is broken")

    monkeypatch.setattr(importlib.import_module("kagflow.models.catboost").CatBoost, "fit", tiny)
    for _ in range(3):
        assert resolve_device("catboost", "auto")[1].endswith("it is broken")
    assert tried == ["catboost"]


def test_few_rows_are_not_worth_a_gpu_unless_it_is_asked_for(works):
    used, note = resolve_device("xgboost", "auto", rows=5_000)
    assert used == "cpu"
    assert "fewer than 100,000 rows" in note
    assert resolve_device("xgboost", "cuda", rows=5_000) == ("cuda", "")
    assert resolve_device("xgboost", "auto", rows=1_000_000) == ("cuda", "")


def test_other_kinds_are_fitted_on_the_cpu(works):
    assert resolve_device("sklearn", "auto") == ("cpu", "sklearn is fitted on the CPU, not the GPU: it knows no other")
    with pytest.raises(ModelError, match="sklearn cannot be fitted on a GPU") as caught:
        resolve_device("sklearn", "cuda")
    assert "use lightgbm, xgboost or catboost" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "params", "own", "scored", "lacks"),
    [
        ("catboost", {}, True, False, "from Python on the CPU only"),
        ("catboost", {}, False, True, "from Python on the CPU only"),
        ("catboost", {"rsm": 0.5}, False, False, "`rsm`"),
        ("xgboost", {"tree_method": "exact"}, False, False, "exact trees"),
        ("lightgbm", {"linear_tree": True}, False, False, "linear trees"),
        *((kind, {}, False, False, "") for kind in BOOSTING),
        *((kind, {}, True, True, "") for kind in ("lightgbm", "xgboost")),
    ],
)
def test_what_a_library_has_on_the_cpu_only_stays_there(kind, params, own, scored, lacks, works):
    objective = OwnObjective(lambda y, prediction, weight: (prediction - y, weight)) if own else None
    problem = Problem("regression", (), "squared_error", own=objective)
    said = make_model(ModelConfig(kind=kind, params=params), 5).gpu_lacks(problem, scored=scored)
    assert lacks in said
    assert bool(said) == bool(lacks)
    assert resolve_device(kind, "auto", lacks=said)[0] == ("cpu" if lacks else "cuda")


def test_on_a_gpu_tasks_run_one_at_a_time():
    assert plan_layout(5, 1000, 4) == Layout(4, 1)
    assert plan_layout(5, 1000, 4, "cuda") == Layout(1, 4)


# --- what the libraries are told --------------------------------------------------------------------------------------


class Told(Exception):
    """Carries what a library was told."""


@pytest.fixture
def told(monkeypatch):
    """Fits that go no further than their parameters."""

    def tell(params, *args, **rest):
        raise Told(params)

    def tell_method(self, *args, **rest):
        raise Told(self.get_params())

    monkeypatch.setattr(lightgbm, "train", tell)
    monkeypatch.setattr(xgboost, "train", tell)
    monkeypatch.setattr(catboost.CatBoost, "fit", tell_method)
    monkeypatch.setattr(lightgbm_kind, "_gpu", lambda: "cuda")


@pytest.mark.parametrize(
    ("kind", "name", "on_cpu", "on_gpu"),
    [
        ("lightgbm", "device_type", None, "cuda"),
        ("xgboost", "device", "cpu", "cuda"),
        ("catboost", "task_type", "CPU", "GPU"),
    ],
)
def test_the_device_is_passed_on_and_nothing_else_changes(kind, name, on_cpu, on_gpu, told, monkeypatch):
    if kind == "lightgbm":  # binning, too, would need the GPU
        monkeypatch.setattr(lightgbm_kind, "_dataset", lambda *args, **rest: None)
    passed = []
    for resources in (Resources(), GPU):
        with pytest.raises(Told) as caught:
            fit(kind, resources)
        passed.append(dict(caught.value.args[0]))
    assert [params.pop(name, None) for params in passed] == [on_cpu, on_gpu]
    assert passed[0] == passed[1]


def test_lightgbm_takes_the_part_that_was_built(monkeypatch):
    for built, found in ((("cuda", "gpu"), "cuda"), (("gpu",), "gpu")):

        def train(params, *args, built=built, **rest):
            if params["device_type"] not in built:
                raise lightgbm.basic.LightGBMError(f"{params['device_type']} was not enabled\nrecompile")

        monkeypatch.setattr(lightgbm, "train", train)
        lightgbm_kind._gpu.cache_clear()
        assert lightgbm_kind._gpu() == found


@no_gpu
def test_xgboost_that_silently_took_the_cpu_is_found_out():
    with pytest.raises(ModelError, match="found no GPU"):
        fit("xgboost", GPU)
    xgboost_kind._check_device(_Booster("cuda:0"))  # the other way round: a real one passes


class _Booster:
    def __init__(self, name):
        self.name = name

    def save_config(self):
        return json.dumps({"learner": {"generic_param": {"device": self.name}}})


# --- a GPU without enough memory --------------------------------------------------------------------------------------

OUT_OF_MEMORY = {
    "lightgbm": lightgbm.basic.LightGBMError("[CUDA] out of memory /src/cuda_utils.hu 37"),
    "xgboost": xgboost.core.XGBoostError("Memory allocation error on worker 0: std::bad_alloc: out of memory"),
    "catboost": catboost.CatBoostError("catboost/cuda/cuda_lib/cuda_base.h:281: CUDA error 2: out of memory"),
}


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize("resources", [GPU, Resources()], ids=["gpu", "cpu"])
def test_too_little_memory_says_what_to_lower(kind, resources, told, monkeypatch):
    def fails(*args, **rest):
        raise OUT_OF_MEMORY[kind]

    monkeypatch.setattr(lightgbm_kind, "_dataset", lambda *args, **rest: None)
    monkeypatch.setattr(lightgbm, "train", fails)
    monkeypatch.setattr(xgboost, "train", fails)
    monkeypatch.setattr(catboost.CatBoost, "fit", fails)
    with pytest.raises(ModelError) as caught:
        fit(kind, resources)
    if resources is GPU:
        assert "the memory of the GPU is too small" in caught.value.problem
        assert ("border_count or depth" if kind == "catboost" else "max_bin or") in caught.value.hint
        assert caught.value.where == "device"
    else:  # elsewhere it is an error like any other
        assert "GPU" not in caught.value.problem
        assert caught.value.where == "model.params"
