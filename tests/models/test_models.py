"""Every model keeps the same promises, whatever its library."""

import importlib
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import ModelError
from kagflow.models import Batch, Model, Problem, Resources, make_model
from kagflow.models.lightgbm import LightGBM

COLORS = pl.Enum(["blue", "green", "red", "unseen"])
CLASSES = ("a", "b", "c")
PROBLEMS = {
    "regression": Problem("regression", (), "squared_error"),
    "binary": Problem("binary", ("no", "yes"), "log_loss"),
    "multiclass": Problem("multiclass", CLASSES, "log_loss"),
}


@dataclass(frozen=True)
class Kind:
    """A model of a kind, by task."""

    name: str

    def make(self, task: str, **params: Any) -> Model:
        if self.name == "lightgbm":
            small = {"min_data_in_leaf": 3, "min_data_per_group": 3}
            return make_model(ModelConfig(kind="lightgbm", params=small | params), 10)
        estimator = "Ridge" if task == "regression" else "LogisticRegression"
        config = ModelConfig(kind="sklearn", estimator=f"sklearn.linear_model.{estimator}", params=params)
        return make_model(config, RoundsConfig())


@pytest.fixture(params=["lightgbm", "sklearn"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


def frame(rows: int = 80) -> pl.DataFrame:
    """Numbers with nulls, booleans, and categories with nulls and a level that no training row has."""
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            'size "m", [{}]:': rng.normal(size=rows),
            "some null": [None if k % 5 == 0 else float(k % 7) for k in range(rows)],
            "old": rng.random(rows) > 0.5,
            "color": pl.Series(["red", "green", "blue", None] * (rows // 4), dtype=COLORS),
        }
    )


def target(x: pl.DataFrame, task: str) -> pl.Series:
    signal = x.to_series(0) + 2.0 * (x["color"] == "red").fill_null(False)
    if task == "regression":
        return signal
    labels = PROBLEMS[task].classes
    cuts = [0.5] if task == "binary" else [0.0, 1.0]
    return pl.Series([labels[k] for k in np.digitize(signal, cuts)], dtype=pl.Enum(labels))


def fit(model: Model, task: str, x: pl.DataFrame, y: pl.Series, weight: Any = None, seed: int = 0) -> Any:
    return model.fit(Batch(x, y, weight), None, problem=PROBLEMS[task], resources=Resources(), seed=seed)


@pytest.mark.parametrize("task", PROBLEMS)
def test_learns_and_is_deterministic(kind, task):
    x = frame()
    y = target(x, task)
    first, second = (fit(kind.make(task), task, x, y).predict(x) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    if task == "regression":
        assert np.corrcoef(first, y)[0, 1] > 0.8
    elif task == "binary":
        assert first.shape == (80,)
        assert first[(y == "yes").to_numpy()].mean() > first[(y == "no").to_numpy()].mean()
    else:
        np.testing.assert_allclose(first.sum(axis=1), 1)
        assert (first.argmax(axis=1) == y.to_physical().to_numpy()).mean() > 0.6


@pytest.mark.parametrize("task", PROBLEMS)
def test_null_and_unseen_categories_are_ordinary(kind, task):
    x = frame()
    fitted = fit(kind.make(task), task, x, target(x, task))
    strange = x.head(3).with_columns(
        pl.Series("color", ["unseen", None, "red"], dtype=COLORS), pl.lit(None, dtype=pl.Float64).alias("some null")
    )
    assert np.isfinite(fitted.predict(strange)).all()


def test_a_class_without_training_rows_keeps_its_column(kind):
    x = frame()
    y = target(x, "multiclass")
    rows = (y != "b").to_numpy()
    predicted = fit(kind.make("multiclass"), "multiclass", x.filter(rows), y.filter(rows)).predict(x)
    assert predicted.shape == (80, 3)
    assert predicted[:, 1].max() < 0.01
    assert (predicted[rows].argmax(axis=1) == y.to_physical().to_numpy()[rows]).mean() > 0.7


def test_weights_change_the_fit(kind):
    x = frame()
    y = target(x, "regression")
    even, heavy = (fit(kind.make("regression"), "regression", x, y, w) for w in (np.ones(80), np.geomspace(1, 100, 80)))
    assert not np.allclose(even.predict(x), heavy.predict(x))


@pytest.mark.parametrize("columns", [["color"], ["some null"], ["old"]])
def test_columns_of_one_type_only(kind, columns):
    x = frame()
    fitted = fit(kind.make("regression"), "regression", x.select(columns), target(x, "regression"))
    assert len(fitted.predict(x.select(columns))) == 80
    assert set(fitted.importance()["feature"]) == set(columns)


def test_importance_is_of_the_features_by_their_own_names(kind):
    x = frame()
    importance = fit(kind.make("regression"), "regression", x, target(x, "regression")).importance()
    assert sorted(importance["feature"]) == sorted(x.columns)
    number = importance.columns[1]
    assert importance.sort(number, descending=True)["feature"][:2].sort().to_list() == sorted([x.columns[0], "color"])


def test_a_saved_model_predicts_the_same_in_another_process(kind, tmp_path):
    x = frame()
    fitted = fit(kind.make("binary"), "binary", x, target(x, "binary"))
    fitted.save(tmp_path / "model")
    module = f"kagflow.models.{kind.name}"
    loaded = importlib.import_module(module).load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
    x.write_ipc(tmp_path / "x.arrow")
    code = (
        f"import numpy, polars; from {module} import load; from pathlib import Path; p = Path({str(tmp_path)!r})\n"
        "numpy.save(p / 'made', load(p / 'model').predict(polars.read_ipc(p / 'x.arrow')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    np.testing.assert_array_equal(np.load(tmp_path / "made.npy"), fitted.predict(x))


@pytest.mark.parametrize("name", ["seed", "random_state", "num_threads", "nthreads", "n_estimators", "early_stopping"])
def test_lightgbm_is_not_given_what_kagflow_owns(name):
    with pytest.raises(ModelError, match="is set by kagflow"):
        Kind("lightgbm").make("regression", **{name: 1})


@pytest.mark.parametrize("name", ["random_state", "n_jobs"])
def test_sklearn_is_not_given_what_kagflow_owns(name):
    with pytest.raises(ModelError, match="is set by kagflow"):
        Kind("sklearn").make("regression", **{name: 1})


def test_an_alias_wins_over_the_default_of_its_main_name():
    model = LightGBM({"colsample_bytree": 0.9}, 5)
    assert {**model.defaults, **model.params}["feature_fraction"] == 0.9


def test_names_that_lightgbm_cannot_hold_stay_apart():
    x = frame().rename({"some null": "a b", "old": "a,b"}).with_columns(pl.lit(1.0).alias("a_b"))
    fitted = fit(Kind("lightgbm").make("regression"), "regression", x, target(x, "regression"))
    assert fitted.importance()["feature"].to_list() == x.columns


@pytest.mark.parametrize(
    ("estimator", "params", "problem"),
    [
        (None, {}, "needs an estimator"),
        ("Ridge", {}, "cannot be imported"),
        ("sklearn.nothing.Ridge", {}, "cannot be imported"),
        ("sklearn.linear_model", {}, "has no estimator"),
        ("os.system", {}, "has no estimator"),
        ("sklearn.linear_model.Ridge", {"alhpa": 1}, "alhpa"),
        ("sklearn.linear_model.Ridge", {"alpha": "much"}, "alpha"),
    ],
)
def test_what_is_no_estimator_is_explained(estimator, params, problem):
    model = make_model(ModelConfig(kind="sklearn", estimator=estimator, params=params), 1)
    x = frame()
    with pytest.raises(ModelError, match=problem):
        fit(model, "regression", x, target(x, "regression"))


def test_a_classifier_without_probabilities_and_one_without_weights_are_refused():
    x = frame()
    ridge = make_model(ModelConfig(kind="sklearn", estimator="sklearn.linear_model.Ridge"), 1)
    with pytest.raises(ModelError, match="gives no probabilities"):
        fit(ridge, "binary", x, target(x, "binary"))
    neighbours = make_model(ModelConfig(kind="sklearn", estimator="sklearn.neighbors.KNeighborsRegressor"), 1)
    with pytest.raises(ModelError, match="takes no weights"):
        fit(neighbours, "regression", x, target(x, "regression"), np.ones(80))
