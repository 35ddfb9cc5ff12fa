"""Every model keeps the same promises, whatever its library."""

import gc
import importlib
import json
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import xgboost

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import ModelError
from kagflow.models import Batch, Model, Problem, Resources, make_model
from kagflow.models.xgboost import XGBoost

COLORS = pl.Enum(["blue", "green", "red", "unseen"])
CLASSES = ("a", "b", "c")
PROBLEMS = {
    "regression": Problem("regression", (), "squared_error"),
    "binary": Problem("binary", ("no", "yes"), "log_loss"),
    "multiclass": Problem("multiclass", CLASSES, "log_loss"),
}

# Parameters that let the boosting kinds learn from eighty rows.
SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": {"learning_rate": 0.1, "min_data_in_leaf": 3, "min_data_per_group": 3},
    "xgboost": {"learning_rate": 0.1, "min_child_weight": 1.0},
    "catboost": {"learning_rate": 0.1},
}
BOOSTING = tuple(SMALL)


@dataclass(frozen=True)
class Kind:
    """A model of a kind, by task."""

    name: str

    def make(self, task: str, rounds: int | RoundsConfig = 10, **params: Any) -> Model:
        if self.name in SMALL:
            return make_model(ModelConfig(kind=self.name, params=SMALL[self.name] | params), rounds)
        estimator = "Ridge" if task == "regression" else "LogisticRegression"
        config = ModelConfig(kind="sklearn", estimator=f"sklearn.linear_model.{estimator}", params=params)
        return make_model(config, RoundsConfig())


@pytest.fixture(params=["lightgbm", "xgboost", "catboost", "sklearn"])
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


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_constant_and_empty_columns_are_ordinary(kind, task):
    x = frame().with_columns(
        pl.lit(1.0).alias("constant"),
        pl.lit("red", dtype=COLORS).alias("one category"),
        *(pl.lit(None, dtype=dtype).alias(f"no {dtype}") for dtype in (pl.Float64, pl.Boolean, COLORS)),
    )
    predicted = fit(kind.make(task), task, x, target(x, task)).predict(x)
    assert np.isfinite(predicted).all()
    assert predicted.std() > 0


@pytest.mark.parametrize("boosting", BOOSTING)
def test_infinite_features_are_the_largest_and_smallest(boosting):
    x = frame()
    y = target(x, "regression")
    order = x.to_series(0).rank("ordinal")
    first = pl.col(x.columns[0])
    ends = pl.when(order == 80).then(float("inf")).when(order == 1).then(-float("inf"))
    strange = x.with_columns(ends.otherwise(first).alias(x.columns[0]))
    fitted = fit(Kind(boosting).make("regression"), "regression", strange, y)
    assert np.corrcoef(fitted.predict(strange), y)[0, 1] > 0.8
    smallest, largest = fitted.predict(
        strange.filter(order.is_in([1, 80])).sort(first).with_columns(color=pl.lit("red", dtype=COLORS))
    )
    assert smallest < largest


@pytest.mark.parametrize("boosting", BOOSTING)
@pytest.mark.parametrize("label", ["no", "yes"])
def test_one_class_only_is_predicted_as_that_class(boosting, label):
    x = frame()
    y = pl.Series([label] * 80, dtype=pl.Enum(["no", "yes"]))
    positive = fit(Kind(boosting).make("binary"), "binary", x, y).predict(x)
    assert ((positive > 0.5) == (label == "yes")).all()


@pytest.mark.parametrize("boosting", BOOSTING)
@pytest.mark.parametrize("task", PROBLEMS)
def test_stop_rows_find_the_rounds_and_are_not_learned(boosting, task):
    x = frame()
    y = target(x, task)
    train, stop = Batch(x.head(60), y.head(60)), Batch(x.tail(20), y.tail(20).shuffle(seed=0))
    model = Kind(boosting).make(task, RoundsConfig(limit=300, patience=5), learning_rate=0.3)
    fitted = model.fit(train, stop, problem=PROBLEMS[task], resources=Resources(), seed=0)
    assert 1 <= fitted.rounds < 300
    given = model.with_rounds(fitted.rounds).fit(train, None, problem=PROBLEMS[task], resources=Resources(), seed=0)
    assert given.rounds == fitted.rounds
    np.testing.assert_array_equal(given.predict(x), fitted.predict(x))
    with pytest.raises(ValueError, match="no stop rows"):
        fit(model, task, x, y)


@pytest.mark.parametrize("boosting", BOOSTING)
def test_an_unseen_category_among_stop_rows_is_ordinary(boosting):
    x = frame()
    y = target(x, "binary")
    stop = Batch(x.tail(20).with_columns(color=pl.lit("unseen", dtype=COLORS)), y.tail(20))
    model = Kind(boosting).make("binary", RoundsConfig(limit=20, patience=5))
    train = Batch(x.head(60), y.head(60))
    fitted = model.fit(train, stop, problem=PROBLEMS["binary"], resources=Resources(), seed=0)
    assert np.isfinite(fitted.predict(stop.x)).all()


def test_models_fitted_side_by_side_are_those_fitted_one_after_the_other(kind):
    x = frame(400)
    y = target(x, "binary")

    def predict(seed: int) -> Any:
        return fit(kind.make("binary"), "binary", x, y, seed=seed).predict(x)

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(predict, range(8)))
    for seed, predicted in enumerate(together):
        assert predicted.tobytes() == predict(seed).tobytes()


@pytest.mark.parametrize("boosting", BOOSTING)
def test_another_seed_is_another_model(boosting):
    x = frame()
    first, second = (fit(Kind(boosting).make("binary"), "binary", x, target(x, "binary"), seed=k) for k in range(2))
    assert not np.array_equal(first.predict(x), second.predict(x))


@pytest.mark.parametrize(
    ("kind", "holders"),
    [("lightgbm", ["Dataset"]), ("xgboost", ["DMatrix", "QuantileDMatrix"]), ("catboost", ["Pool"])],
)
def test_a_fitted_model_lets_go_of_the_training_data(kind, holders, monkeypatch):
    library = importlib.import_module(kind)
    made: list[Any] = []
    for name in holders:
        original = getattr(library, name)

        def make(*args: Any, original: Any = original, **kwargs: Any) -> Any:
            data = original(*args, **kwargs)
            made.append(weakref.ref(data))
            return data

        monkeypatch.setattr(library, name, make)
    x = frame()
    y = target(x, "binary")
    model = Kind(kind).make("binary", RoundsConfig(limit=10, patience=5))
    stop = Batch(x.tail(20), y.tail(20))
    fitted = model.fit(Batch(x, y), stop, problem=PROBLEMS["binary"], resources=Resources(), seed=0)
    monkeypatch.undo()
    gc.collect()
    assert len(made) == 2
    assert [reference() for reference in made] == [None, None]
    assert len(fitted.predict(x)) == 80


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


OWNED = {
    "lightgbm": "seed random_state num_threads nthreads n_estimators early_stopping device device_type num_class",
    "xgboost": "seed random_state nthread n_jobs n_estimators num_boost_round early_stopping_rounds device num_class",
    "catboost": "random_seed random_state thread_count n_estimators iterations od_wait early_stopping_rounds task_type "
    "devices class_names cat_features save_snapshot eval_fraction",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in OWNED.items() for name in names.split()])
def test_boosting_is_not_given_what_kagflow_owns(kind, name):
    with pytest.raises(ModelError, match="is set by kagflow") as caught:
        Kind(kind).make("regression", **{name: 1})
    assert caught.value.hint.startswith(("use `", "leave it out: "))


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("lightgbm", "num_leafs", "num_leaves"),
        ("xgboost", "max_dept", "max_depth"),
        ("catboost", "l2_leaf_regg", "l2_leaf_reg"),
    ],
)
def test_a_parameter_that_the_library_does_not_know_is_refused(kind, wrong, right):
    with pytest.raises(ModelError, match="has no parameter") as caught:
        Kind(kind).make("regression", **{wrong: 1})
    assert f"'{right}'" in caught.value.hint
    Kind(kind).make("regression", **{right: 1})


@pytest.mark.parametrize("boosting", BOOSTING)
def test_a_parameter_is_not_given_under_two_names(boosting):
    with pytest.raises(ModelError, match="another name of 'learning_rate'"):
        make_model(ModelConfig(kind=boosting, params={"learning_rate": 0.1, "eta": 0.2}), 5)


@pytest.mark.parametrize("boosting", BOOSTING)
def test_what_the_library_refuses_names_the_library_and_no_line_of_its_code(boosting):
    x = frame()
    model = Kind(boosting).make("regression", learning_rate="much")
    with pytest.raises(ModelError, match=f"{type(model).__name__}: [^/]*much") as caught:
        fit(model, "regression", x, target(x, "regression"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["random_state", "n_jobs"])
def test_sklearn_is_not_given_what_kagflow_owns(name):
    with pytest.raises(ModelError, match="is set by kagflow"):
        Kind("sklearn").make("regression", **{name: 1})


@pytest.mark.parametrize("boosting", BOOSTING)
def test_an_alias_wins_over_the_default_of_its_main_name(boosting):
    model = make_model(ModelConfig(kind=boosting, params={"eta": 0.9}), 5)
    assert {**model.defaults, **model.params}["learning_rate"] == 0.9
    assert "eta" not in model.params


def names_in(config: Any) -> set[str]:
    """All keys of a nested configuration that stand for a value."""
    if isinstance(config, list):
        return set().union(*map(names_in, config))
    if not isinstance(config, dict):
        return set()
    values = {key for key, value in config.items() if not isinstance(value, dict)}
    return values | set().union(*map(names_in, config.values()))


def test_every_parameter_named_for_xgboost_is_one_that_it_knows_and_uses():
    elsewhere = {
        "booster": "dart",
        "eval_metric": "rmse",
        "max_cached_hist_node": 9,
        "verbosity": 1,
        "expectile_alpha": None,  # XGBoost 3.3 and later
    }
    data = xgboost.DMatrix(np.eye(4), np.arange(4))
    known = set(elsewhere)
    for objective in ["reg:squarederror", "reg:tweedie", "reg:quantileerror", "reg:pseudohubererror"]:
        params = {"booster": "dart", "objective": objective, "quantile_alpha": 0.5, "verbosity": 0}
        known |= names_in(json.loads(xgboost.train(params, data, 1).save_config()))
    assert set(XGBoost.names) <= known
    assert "max_dept" not in known  # the negative control


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


ESTIMATORS = [
    ("regression", "linear_model.ElasticNet", {"alpha": 0.1}),
    ("regression", "neighbors.KNeighborsRegressor", {}),
    ("regression", "ensemble.RandomForestRegressor", {"n_estimators": 20}),
    ("regression", "ensemble.ExtraTreesRegressor", {"n_estimators": 20}),
    ("regression", "svm.SVR", {}),
    ("regression", "ensemble.HistGradientBoostingRegressor", {"max_iter": 20}),
    ("regression", "neural_network.MLPRegressor", {"solver": "lbfgs"}),
    *(
        (task, estimator, params)
        for task in ("binary", "multiclass")
        for estimator, params in [
            ("linear_model.LogisticRegression", {"class_weight": "balanced"}),
            ("linear_model.LogisticRegression", {"solver": "saga", "l1_ratio": 0.5, "max_iter": 1000}),
            ("linear_model.RidgeClassifier", {}),
            ("neighbors.KNeighborsClassifier", {}),
            ("ensemble.RandomForestClassifier", {"n_estimators": 20, "class_weight": "balanced"}),
            ("ensemble.ExtraTreesClassifier", {"n_estimators": 20}),
            ("svm.SVC", {}),
            ("svm.LinearSVC", {}),
            ("ensemble.HistGradientBoostingClassifier", {"max_iter": 20}),
            ("neural_network.MLPClassifier", {"solver": "lbfgs"}),
        ]
    ),
]


@pytest.mark.parametrize(("task", "estimator", "params"), ESTIMATORS)
def test_estimators_of_all_families_work_with_nulls_and_categories(task, estimator, params):
    x = frame()
    y = target(x, task)
    model = make_model(ModelConfig(kind="sklearn", estimator=f"sklearn.{estimator}", params=params), 1)
    fitted = fit(model, task, x, y)
    predicted = fitted.predict(x)
    np.testing.assert_array_equal(predicted, fit(model, task, x, y).predict(x))
    if task == "regression":
        assert np.corrcoef(predicted, y)[0, 1] > 0.7
        return
    assert ((predicted >= 0) & (predicted <= 1)).all()
    codes = predicted > 0.5 if task == "binary" else predicted.argmax(axis=1)
    assert (codes == y.to_physical().to_numpy()).mean() > 0.7


@pytest.mark.parametrize("estimator", ["svm.SVC", "ensemble.RandomForestClassifier", "neural_network.MLPClassifier"])
def test_estimators_that_take_weights_are_given_them(estimator):
    x = frame()
    y = target(x, "binary")
    params = {"solver": "lbfgs"} if "MLP" in estimator else {}
    model = make_model(ModelConfig(kind="sklearn", estimator=f"sklearn.{estimator}", params=params), 1)
    even, heavy = (fit(model, "binary", x, y, w).predict(x) for w in (np.ones(80), np.geomspace(1, 100, 80)))
    assert not np.allclose(even, heavy)


def test_a_calibrated_classifier_tells_what_its_estimator_relied_on():
    x = frame()
    model = make_model(ModelConfig(kind="sklearn", estimator="sklearn.svm.LinearSVC"), 1)
    importance = fit(model, "binary", x, target(x, "binary")).importance()
    assert set(importance.sort("size", descending=True)["feature"][:2]) == {x.columns[0], "color"}


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "catboost"])
def test_a_quantile_is_fitted_where_the_metric_asks_for_one(kind):
    """Of noise without features that matter, nine values in ten lie below the 0.9 quantile."""
    rng = np.random.default_rng(0)
    x = pl.DataFrame({"a": rng.normal(size=400)})
    y = pl.Series("y", rng.exponential(size=400))
    model = make_model(ModelConfig(kind=kind, params={"learning_rate": 0.2}), 40)
    shares = []
    for quantile in (0.1, 0.9):
        problem = Problem("regression", (), "absolute_error", quantile)
        fitted = model.fit(Batch(x, y), None, problem=problem, resources=Resources(), seed=0)
        shares.append(float(np.mean(y.to_numpy() <= fitted.predict(x))))
    assert shares == pytest.approx([0.1, 0.9], abs=0.07)


def test_a_value_stays_near_the_target_however_far_a_row_is_from_all_others() -> None:
    """An outlier that only the test rows have would decide the score of a linear model."""
    x = pl.DataFrame({"size": np.linspace(0.0, 1.0, 50)})
    y = 3 * x["size"]
    ridge = make_model(ModelConfig(kind="sklearn", estimator="sklearn.linear_model.Ridge", params={"alpha": 1e-6}), 1)
    fitted = ridge.fit(Batch(x, y), None, problem=PROBLEMS["regression"], resources=Resources(), seed=0)
    made = fitted.predict(pl.DataFrame({"size": [-1e6, -0.2, 0.5, 1.2, 1e6]}))
    assert made == pytest.approx([-1.5, -0.6, 1.5, 3.6, 4.5], abs=1e-3)  # a little further than the rows is allowed
