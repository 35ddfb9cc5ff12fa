"""Binned data that a batch keeps: fits are quicker, and models the same to the bit."""

import importlib
from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import ModelError
from kagflow.models import Batch, Problem, Resources, load_model, make_model
from kagflow.models import base as models_base
from kagflow.models.objective import OwnObjective, StopScore
from kagflow.testing import check_model

N, TRAIN, STOP = 500, slice(0, 350), slice(350, 500)
COLORS = pl.Enum(["blue", "green", "red", "unseen"])
NUMBERS = ["a", "b", "rare", "counts"]

# Several sets in turn, with what decides on bins changing back and forth.
SETS = {
    "lightgbm": [
        {},
        {"max_bin": 15},
        {"num_leaves": 7, "min_data_in_leaf": 2},
        {"max_bin": 15, "min_data_in_leaf": 60},
        {"min_data_in_bin": 20, "extra_trees": True},
        {"feature_pre_filter": True, "min_data_in_leaf": 60},
        {"feature_pre_filter": True, "min_data_in_leaf": 2},
        {"linear_tree": True},
        {"enable_bundle": False, "cat_smooth": 1.0},
        {"use_missing": False},
        {},
    ],
    "xgboost": [
        {},
        {"max_bin": 16},
        {"max_depth": 3, "reg_lambda": 10.0},
        {"max_bin": 16, "min_child_weight": 20.0},
        {"grow_policy": "lossguide", "max_leaves": 9},
        {"tree_method": "approx", "max_bin": 16},
        {"max_cat_to_onehot": 1},
        {},
    ],
    "catboost": [
        {},
        {"border_count": 16},
        {"depth": 3, "l2_leaf_reg": 10.0},
        {"border_count": 16, "one_hot_max_size": 10},
        {"nan_mode": "Max", "random_strength": 3.0},
        {"grow_policy": "Depthwise", "min_data_in_leaf": 10},
        {"feature_border_type": "Median"},
        {"ignored_features": [0]},
        {},
    ],
}


def frame():
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "a": rng.normal(size=N),
            "b": [None if k % 7 == 0 else float(value) for k, value in enumerate(rng.normal(size=N))],
            "rare": rng.random(N) < 0.03,  # a feature that a filter of LightGBM's would drop
            "counts": rng.integers(0, 40, N),
            "color": pl.Series(rng.choice(["red", "blue", "green", None], N).tolist(), dtype=COLORS),
        }
    )


def target(x, task):
    signal = x["a"] + x["counts"] / 20 + (x["color"] == "red").fill_null(False)
    signal += pl.Series(np.random.default_rng(1).normal(size=N))
    if task == "regression":
        return 100 + signal
    labels = ["no", "yes"] if task == "binary" else ["0", "1", "2"]
    cuts = [1.5] if task == "binary" else [0.5, 2.0]
    return pl.Series([labels[k] for k in np.digitize(signal, cuts)], dtype=pl.Enum(labels))


def problem(task, own=None):
    classes = {"regression": (), "binary": ("no", "yes"), "multiclass": ("0", "1", "2")}[task]
    objective = "squared_error" if task == "regression" else "log_loss"
    return Problem(task, classes, objective, own=None if own is None else OwnObjective(own))


def batches(columns, task, weighted=False):
    x = frame().select(columns)
    y = target(frame(), task)
    weight = np.linspace(1, 5, N) if weighted else None
    return [Batch(x[rows], y[rows], None if weight is None else weight[rows], kept={}) for rows in (TRAIN, STOP)]


def fit(kind, params, train, stop, of, rounds=8, seed=0):
    model = make_model(ModelConfig(kind=kind, params={"learning_rate": 0.2, **params}), rounds)
    return model.fit(train, stop, problem=of, resources=Resources(), seed=seed)


def without(batch):
    return None if batch is None else replace(batch, kept=None)


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", SETS)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("columns", [NUMBERS, [*NUMBERS, "color"]], ids=["numbers", "categories"])
@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
def test_models_are_the_same_to_the_bit(kind, task, columns, weighted):
    train, stop = batches(columns, task, weighted)
    search = RoundsConfig(limit=20, patience=3)
    for params, (rounds, held_out) in product(SETS[kind], [(8, None), (search, stop)]):
        first, again, plain = (
            fit(kind, params, *rows, problem(task), rounds)
            for rows in ((train, held_out), (train, held_out), (without(train), without(held_out)))
        )
        predicted = plain.predict(stop.x).tobytes()
        assert first.predict(stop.x).tobytes() == predicted, params
        assert again.predict(stop.x).tobytes() == predicted, params
        assert first.rounds == again.rounds == plain.rounds
    assert train.kept
    assert stop.kept


def test_a_model_of_kept_data_is_saved_as_any_other(kind, tmp_path):
    """Also where what it writes is made only when it is saved, after it has predicted."""
    train, stop = batches([*NUMBERS, "color"], "binary")
    search = RoundsConfig(limit=20, patience=3)
    made = fit(kind, {}, train, stop, problem("binary"), search)
    predicted = made.predict(stop.x).tobytes()
    made.save(tmp_path / "model")
    assert load_model(kind, tmp_path / "model").predict(stop.x).tobytes() == predicted


def pulls_up(y, prediction, weight):
    cost = weight * np.where(prediction < y, 3.0, 1.0)
    return cost * (prediction - y), cost


def log_loss(y, prediction, weight):
    p = 1 / (1 + np.exp(-prediction))
    return weight * (p - y), weight * p * (1 - p)


@pytest.mark.parametrize(("task", "own"), [("regression", pulls_up), ("binary", log_loss)])
def test_an_own_objective_and_a_stop_metric_leave_nothing_behind(kind, task, own):
    train, stop = batches([*NUMBERS, "color"], task)
    scored = replace(stop, score=StopScore("spread", True, lambda prediction: float(np.std(prediction))))
    search = RoundsConfig(limit=10, patience=3)
    for of, held_out in [*product((problem(task), problem(task, own)), (scored, None)), (problem(task), stop)]:
        rounds = 8 if held_out is None else search
        made = fit(kind, {}, train, held_out, of, rounds).predict(stop.x)
        plain = fit(kind, {}, without(train), without(held_out), of, rounds).predict(stop.x)
        assert made.tobytes() == plain.tobytes()


def test_another_seed_finds_its_own(kind):
    train, _ = batches([*NUMBERS, "color"], "binary")
    for seed in (0, 1, 0):
        made, plain = (fit(kind, {}, rows, None, problem("binary"), seed=seed) for rows in (train, without(train)))
        assert made.predict(train.x).tobytes() == plain.predict(train.x).tobytes()


def test_other_training_rows_bin_the_stop_rows_anew(kind):
    train, stop = batches(NUMBERS, "regression")
    search = RoundsConfig(limit=10, patience=3)
    for rows in (slice(0, 350), slice(0, 200), slice(0, 350)):
        some = Batch(train.x[rows], train.y[rows], kept={})
        made = fit(kind, {}, some, stop, problem("regression"), search).predict(stop.x)
        plain = fit(kind, {}, without(some), without(stop), problem("regression"), search).predict(stop.x)
        assert made.tobytes() == plain.tobytes()


def test_a_fit_that_failed_leaves_nothing_behind(kind):
    train, stop = batches([*NUMBERS, "color"], "regression")
    depth = "depth" if kind == "catboost" else "max_depth"
    with pytest.raises(ModelError):
        fit(kind, {depth: "much"}, train, None, problem("regression"))
    made = fit(kind, {}, train, None, problem("regression")).predict(stop.x)
    assert made.tobytes() == fit(kind, {}, without(train), None, problem("regression")).predict(stop.x).tobytes()


def test_what_is_binned_is_binned_once(kind, monkeypatch):
    made = []
    original, module = models_base.kept, importlib.import_module(f"kagflow.models.{kind}")
    monkeypatch.setattr(
        module, "kept", lambda batch, key, make: original(batch, key, lambda: made.append(key) or make())
    )
    train, stop = batches(NUMBERS, "regression")
    search = RoundsConfig(limit=5, patience=3)
    for rate in (0.1, 0.2, 0.3):
        fit(kind, {"learning_rate": rate}, train, stop, problem("regression"), search)
    assert len(made) == 2  # training and stop rows
    fit(kind, {"border_count" if kind == "catboost" else "max_bin": 9}, train, stop, problem("regression"), search)
    assert len(made) > 2


def test_the_same_tests_would_see_bins_of_other_parameters(kind, monkeypatch):
    """The negative control: what is kept is taken whatever decides on it."""
    original, module = models_base.kept, importlib.import_module(f"kagflow.models.{kind}")
    monkeypatch.setattr(module, "kept", lambda batch, key, make: original(batch, "all the same", make))
    train, stop = batches(NUMBERS, "regression")
    few = {"border_count" if kind == "catboost" else "max_bin": 4}
    fit(kind, {}, train, None, problem("regression"))
    try:
        made = fit(kind, few, train, None, problem("regression")).predict(stop.x)
    except ModelError:
        return  # the library itself sees that the bins are others
    assert made.tobytes() != fit(kind, few, without(train), None, problem("regression")).predict(stop.x).tobytes()


def test_only_a_few_are_kept(kind):
    train, _ = batches(NUMBERS, "regression")
    for bins in range(10, 20):
        fit(kind, {"border_count" if kind == "catboost" else "max_bin": bins}, train, None, problem("regression"), 1)
    assert len(train.kept) == 4


def test_check_model_catches_a_model_that_what_is_kept_changes(kind):
    """The negative control: a model whose second fit on the kept data is another one."""
    x, y = frame().select(NUMBERS), target(frame(), "regression")
    model = make_model(ModelConfig(kind=kind), 5)
    check_model(model, x, y, problem("regression"))

    class Polluted(type(model)):
        def fit(self, train, stop, **rest):
            if train.kept is not None:
                train = replace(train, y=train.y + len(train.kept))
                train.kept[len(train.kept)] = None
            return super().fit(replace(train, kept=None), stop, **rest)

    with pytest.raises(AssertionError, match="what a batch keeps"):
        check_model(Polluted({}, 5), x, y, problem("regression"))
