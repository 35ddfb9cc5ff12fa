"""An objective of the competition's own: the library fits what the function says, from a sensible start."""

import sys

import numpy as np
import polars as pl
import pytest

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import FeatureError, ModelError
from kagflow.models import Batch, Problem, Resources, make_model
from kagflow.models.objective import OwnObjective, StopScore
from kagflow.testing import check_model

BOOSTING = ("lightgbm", "xgboost", "catboost")
CLASSES = ("no", "yes")
N, TRAIN = 600, slice(0, 400)


def squared_error(y, prediction, weight):
    return weight * (prediction - y), weight


def log_loss(y, prediction, weight):
    p = 1 / (1 + np.exp(-prediction))
    return weight * (p - y), weight * p * (1 - p)


def too_low_costs_nine_times(y, prediction, weight):
    cost = weight * np.where(prediction < y, 9.0, 1.0)
    return cost * (prediction - y), cost


def yes_counts_nine_times(y, prediction, weight):
    return log_loss(y, prediction, weight * np.where(y == 1, 9.0, 1.0))


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    color = pl.Series("color", rng.choice(["red", "blue", None], N).tolist(), dtype=pl.Enum(["red", "blue", "unseen"]))
    return pl.DataFrame(rng.normal(size=(N, 3)), schema=["a", "b", "c"]).with_columns(color)


def target(x, task):
    """Values far from zero, or three in ten of them `yes`: a start at zero would be a bad one."""
    value = 1000 + 2 * x["a"].to_numpy() + np.random.default_rng(1).normal(size=N)
    if task == "regression":
        return pl.Series(value)
    return pl.Series(np.where(value > 1001, "yes", "no"), dtype=pl.Enum(CLASSES))


def problem(task, function=None):
    own = None if function is None else OwnObjective(function)
    if task == "regression":
        return Problem("regression", (), "squared_error", own=own)
    return Problem("binary", CLASSES, "log_loss", own=own)


def fit(kind, x, task, function=None, weight=None, rounds=60):
    model = make_model(ModelConfig(kind=kind, params={"learning_rate": 0.1}), rounds)
    train = Batch(x[TRAIN], target(x, task)[TRAIN], weight)
    return model.fit(train, None, problem=problem(task, function), resources=Resources(), seed=0)


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize(("task", "function"), [("regression", squared_error), ("binary", log_loss)])
@pytest.mark.parametrize("weight", [None, np.linspace(1, 5, 400)], ids=["even", "weighted"])
def test_the_usual_loss_as_a_function_gives_the_usual_model(kind, x, task, function, weight):
    usual, own = (fit(kind, x, task, given, weight).predict(x) for given in (None, function))
    assert np.corrcoef(usual, own)[0, 1] > 0.99
    assert abs(usual.mean() - own.mean()) < 0.1 * usual.std()


@pytest.mark.parametrize("kind", BOOSTING)
def test_another_loss_gives_another_model(kind, x):
    usual, own = (fit(kind, x, "regression", function).predict(x) for function in (None, too_low_costs_nine_times))
    assert own.mean() > usual.mean() + 0.2
    usual, own = (fit(kind, x, "binary", function).predict(x) for function in (None, yes_counts_nine_times))
    assert own.mean() > usual.mean() + 0.1


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize(("task", "function"), [("regression", squared_error), ("binary", log_loss)])
def test_a_model_with_an_own_objective_keeps_every_promise(kind, x, task, function):
    model = make_model(ModelConfig(kind=kind), 10)
    check_model(model, x, target(x, task), problem(task, function))


@pytest.mark.parametrize("kind", BOOSTING)
def test_boosting_starts_from_the_mean(kind, x):
    predicted = fit(kind, x, "regression", squared_error, rounds=1).predict(x)
    assert abs(predicted.mean() - 1000) < 1


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize("label", CLASSES)
def test_one_class_only_is_predicted_as_that_class(kind, x, label):
    model = make_model(ModelConfig(kind=kind), 5)
    y = pl.Series([label] * N, dtype=pl.Enum(CLASSES))
    fitted = model.fit(Batch(x, y), None, problem=problem("binary", log_loss), resources=Resources(), seed=0)
    assert ((fitted.predict(x) > 0.5) == (label == "yes")).all()


# --- what is wrong with a function is said with its file and line -----------------------------------------------------


def raises(y, prediction, weight):
    return weight * (1 / len([])), weight


def forgets_the_hessian(y, prediction, weight):
    return weight * (prediction - y)


def returns_one_number(y, prediction, weight):
    return weight * (prediction - y), 1.0


def returns_the_sum(y, prediction, weight):
    return weight * (prediction - y), weight.sum(keepdims=True)


def returns_nan(y, prediction, weight):
    return weight * (prediction - y), np.where(y > y[0], np.nan, weight)


def forgets_the_weights(y, prediction, weight):
    return prediction - y, np.ones_like(y)


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize(
    ("function", "error", "problem_"),
    [
        (raises, FeatureError, "ZeroDivisionError"),
        (forgets_the_hessian, ModelError, r"must return \(gradient, hessian\), got ndarray"),
        (returns_one_number, ModelError, "hessian must be an array of shape .*, got float"),
        (returns_the_sum, ModelError, r"hessian must be an array of shape .*, got shape \(1,\)"),
        (returns_nan, ModelError, "hessian is not finite for"),
    ],
)
def test_a_wrong_function_is_named_with_its_line(kind, x, function, error, problem_):
    with pytest.raises(error, match=problem_) as caught:
        fit(kind, x, "regression", function)
    line = function.__code__.co_firstlineno + (function is raises)  # the very line, or where it begins
    assert caught.value.where.startswith(f"{function.__name__} at ")
    assert caught.value.where.endswith(f"test_own_objective.py:{line}")
    assert sys.exc_info() == (None, None, None), "later errors would be said to come from this one"


@pytest.mark.parametrize("kind", BOOSTING)
def test_a_function_that_forgets_the_weights_is_refused_where_there_are_some(kind, x):
    with pytest.raises(ModelError, match="takes no notice of the rows' weights"):
        fit(kind, x, "regression", forgets_the_weights, np.linspace(1, 5, 400))
    fit(kind, x, "regression", forgets_the_weights)


# --- stop metrics -----------------------------------------------------------------------------------------------------


def search(kind, x, task, score, function=None):
    """Fit with stop rows that are scored."""
    model = make_model(ModelConfig(kind=kind, params={"learning_rate": 0.1}), RoundsConfig(limit=200, patience=20))
    y = target(x, task)
    stop = Batch(x[400:500], y[400:500], score=score)
    return model.fit(Batch(x[TRAIN], y[TRAIN]), stop, problem=problem(task, function), resources=Resources(), seed=0)


def mean_error(y, sign=1):
    return lambda prediction: sign * float(np.mean((prediction - y.to_numpy()) ** 2))


@pytest.mark.parametrize("kind", BOOSTING)
def test_the_librarys_own_loss_as_stop_metric_finds_the_same_rounds(kind, x):
    stop = target(x, "regression")[400:500]
    usual = search(kind, x, "regression", None)
    assert search(kind, x, "regression", StopScore("mse", False, mean_error(stop))).rounds == usual.rounds
    assert search(kind, x, "regression", StopScore("-mse", True, mean_error(stop, -1))).rounds == usual.rounds


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize("function", [None, log_loss])
def test_a_stop_metric_sees_probabilities_of_the_stop_rows_only(kind, x, function):
    seen = []

    def score(prediction):
        seen.append(prediction.copy())
        return float(len(seen))  # it gets worse and worse

    fitted = search(kind, x, "binary", StopScore("worse", False, score), function)
    assert fitted.rounds == 1
    assert {len(prediction) for prediction in seen} == {100}
    assert len(seen) <= 22
    np.testing.assert_allclose(seen[0], fitted.predict(x[400:500]), rtol=1e-6)


@pytest.mark.parametrize("kind", BOOSTING)
def test_of_many_classes_it_sees_a_probability_each(kind, x):
    y = pl.Series(np.digitize(x["a"], [-0.5, 0.5]).astype(str), dtype=pl.Enum(["0", "1", "2"]))
    seen = []

    def score(prediction):
        seen.append(prediction)
        return -len(seen)

    model = make_model(ModelConfig(kind=kind), RoundsConfig(limit=5, patience=5))
    stop = Batch(x[400:500], y[400:500], score=StopScore("better", False, score))
    three = Problem("multiclass", ("0", "1", "2"), "log_loss")
    fitted = model.fit(Batch(x[TRAIN], y[TRAIN]), stop, problem=three, resources=Resources(), seed=0)
    assert (fitted.rounds, len(seen)) == (5, 5)
    np.testing.assert_allclose(seen[-1], fitted.predict(x[400:500]), rtol=1e-5)


def test_without_a_score_stopping_has_nothing_to_follow(x):
    with pytest.raises(ValueError, match="tell no loss"):
        search("lightgbm", x, "regression", None, squared_error)
