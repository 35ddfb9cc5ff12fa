"""Where parameters are looked for: the models' own spaces, and what a config makes of them."""

import numpy as np
import polars as pl
import pytest

from kagflow.config import Experiment, ModelConfig, read_experiment
from kagflow.errors import ConfigError, KagflowError, ModelError
from kagflow.models import Batch, Problem, Resources, make_model
from kagflow.models.searched import configured_space
from kagflow.models.sklearn_spaces import KNOWN, SPACES
from kagflow.models.space import Choice, Range

BOOSTING = ("lightgbm", "xgboost", "catboost")
PATHS = {
    "Ridge": "linear_model",
    "Lasso": "linear_model",
    "Elastic": "linear_model",
    "Logistic": "linear_model",
    "Linear": "svm",
    "SV": "svm",
    "KN": "neighbors",
    "Random": "ensemble",
    "Extra": "ensemble",
    "Hist": "ensemble",
    "MLP": "neural_network",
}


def model(kind="lightgbm", estimator=None, **params):
    return make_model(ModelConfig(kind=kind, estimator=estimator, params=params), 5)


def sklearn_path(name):
    return f"sklearn.{next(module for start, module in PATHS.items() if name.startswith(start))}.{name}"


MODELS = [*((kind, None) for kind in BOOSTING), *(("sklearn", sklearn_path(name)) for name in SPACES)]


def ends(place):
    return (place.low, place.high) if isinstance(place, Range) else place.options


# --- the models' own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "estimator"), MODELS)
def test_a_space_and_what_is_known_are_of_parameters_that_the_model_has(kind, estimator):
    it = model(kind, estimator)
    assert it.search_space()
    assert set(it.search_space()) <= set(it.parameter_names())
    for known in it.known_params():
        assert set(known) <= set(it.parameter_names())
        for name, value in known.items():
            place = it.search_space()[name]
            assert value in place.options if isinstance(place, Choice) else place.low <= value <= place.high


@pytest.mark.parametrize("kind", BOOSTING)
def test_boosting_knows_a_few_sets_that_did_well(kind):
    assert 3 <= len(model(kind).known_params()) <= 6


@pytest.mark.parametrize(("kind", "estimator"), MODELS)
def test_the_corners_of_a_space_and_what_is_known_can_be_fitted(kind, estimator):
    rng = np.random.default_rng(0)
    x = pl.DataFrame(rng.normal(size=(200, 3)), schema=["a", "b", "c"])
    values = estimator is None or estimator.endswith(("Regressor", "SVR", "Ridge", "Lasso", "ElasticNet"))
    if values:
        y, problem = x["a"] + 1.0, Problem("regression", (), "squared_error")
    else:
        y = pl.Series(np.where(x["a"] > 0, "yes", "no"), dtype=pl.Enum(["no", "yes"]))
        problem = Problem("binary", ("no", "yes"), "log_loss")
    space = model(kind, estimator).search_space()
    corners = [{name: ends(place)[side] for name, place in space.items()} for side in (0, -1)]
    for params in (*corners, *model(kind, estimator).known_params()):
        quick = {name: min(value, 50) if name == "max_iter" else value for name, value in params.items()}
        fitted = model(kind, estimator, **quick).fit(Batch(x, y), None, problem=problem, resources=Resources(), seed=0)
        assert np.isfinite(fitted.predict(x)).all()


def test_every_known_set_of_an_estimator_has_a_space():
    assert set(KNOWN) <= set(SPACES)


def test_an_estimator_that_nobody_knows_has_no_space():
    space, fixed = configured_space(model("sklearn", "sklearn.linear_model.BayesianRidge"), {})
    assert (space, fixed) == ({}, {})


# --- a config narrows, widens, fixes, adds and removes ----------------------------------------------------------------


def test_without_settings_it_is_the_models_own():
    it = model()
    assert configured_space(it, {}) == (it.space, {})


def test_what_the_config_gives_the_model_is_not_looked_for():
    space, fixed = configured_space(model(num_leaves=31), {})
    assert "num_leaves" not in space
    assert not fixed
    space, _ = configured_space(model(num_leaves=31), {"num_leaves": [8, 64]})
    assert ends(space["num_leaves"]) == (8, 64)


def test_a_config_narrows_widens_fixes_adds_and_removes():
    settings = {
        "num_leaves": [8, 64],
        "learning_rate": {"low": 0.01, "high": 0.2, "log": True},
        "max_depth": 6,
        "boosting": {"choices": ["gbdt", "dart"]},
        "feature_fraction": None,
        "min_sum_hessian_in_leaf": [0.001, 1.0],
    }
    space, fixed = configured_space(model(), settings)
    assert space["num_leaves"] == Range(8, 64, log=True)  # on the scale of the model's own
    assert space["learning_rate"] == Range(0.01, 0.2, log=True)
    assert space["boosting"] == Choice(("gbdt", "dart"))
    assert space["min_sum_hessian_in_leaf"] == Range(0.001, 1.0)
    assert "feature_fraction" not in space
    assert fixed == {"max_depth": 6}
    assert space["bagging_fraction"] == model().space["bagging_fraction"]


def test_of_a_range_one_end_may_be_said():
    own = model().space["num_leaves"]
    space, _ = configured_space(model(), {"num_leaves": {"high": 64}, "lambda_l2": {"log": False}})
    assert space["num_leaves"] == Range(own.low, 64, log=True)
    assert not space["lambda_l2"].log


def test_whole_numbers_for_what_takes_any_are_any():
    space, _ = configured_space(model(), {"lambda_l2": [1, 10], "max_bin": [63, 255], "sigmoid": [1, 2.5]})
    assert not space["lambda_l2"].whole
    assert space["max_bin"].whole
    assert space["sigmoid"] == Range(1.0, 2.5)


def test_a_range_from_zero_is_not_logarithmic():
    space, _ = configured_space(model(), {"lambda_l2": [0, 10]})
    assert space["lambda_l2"] == Range(0.0, 10.0)


@pytest.mark.parametrize(("kind", "alias", "main"), [
    ("lightgbm", "eta", "learning_rate"),
    ("xgboost", "lambda", "reg_lambda"),
    ("catboost", "max_depth", "depth"),
])  # fmt: skip
def test_a_parameter_may_go_by_another_name(kind, alias, main):
    space, _ = configured_space(model(kind), {alias: None})
    assert main not in space
    _, fixed = configured_space(model(kind), {alias: 4})
    assert fixed == {main: 4}


def test_what_tune_needs_stands_in_a_config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("space: {num_leaves: [8, 64], boosting: {choices: [gbdt, dart]}, extra_trees: null}\n")
    experiment = read_experiment(path, ["space.max_depth=6"])
    space, fixed = configured_space(model(), experiment.space)
    assert space["num_leaves"] == Range(8, 64, log=True)
    assert fixed == {"max_depth": 6}
    assert Experiment().space == {}


# --- what is wrong is said with its place -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem", "hint"),
    [
        ({"num_leafs": [8, 64]}, "has no parameter 'num_leafs'", "'num_leaves'"),
        ({"seed": [1, 9]}, "is set by kagflow", "use `seed`"),
        ({"n_estimators": [100, 900]}, "is set by kagflow", "use `rounds`"),
        ({"num_leaves": [64, 8]}, "`low` must lie below `high`, got 64 and 8", "write its value"),
        ({"num_leaves": [8, 8]}, "`low` must lie below `high`", ""),
        ({"learning_rate": {"low": 0, "high": 0.2, "log": True}}, "logarithmic range needs a positive", "log: false"),
        ({"learning_rate": {"low": -1, "high": 0.2, "log": True}}, "logarithmic range needs a positive", "raise it"),
        ({"num_leaves": [8, 64.5]}, "it takes whole numbers, got 8 and 64.5", "without a point"),
        ({"learning_rate": ["a", 0.2]}, "a list is a range of two numbers", "choices"),
        ({"boosting": ["gbdt", "dart"]}, "a list is a range of two numbers", "choices"),
        ({"num_leaves": [8, 16, 32]}, "a list is a range of two numbers", "choices"),
        ({"extra_trees": [False, True]}, "a list is a range of two numbers", "choices"),
        ({"learning_rate": {"low": "little"}}, "`low` must be a number, got 'little'", ""),
        ({"learning_rate": {"low": 0.01, "high": 0.2, "log": "yes"}}, "`log` must be true or false", ""),
        ({"learning_rate": {"low": 0.01, "hihg": 0.2}}, "unknown key `hihg`", "'high'"),
        ({"max_depth": {"low": 3}}, "a range needs `high`", "[low, high]"),
        ({"boosting": {"choices": []}}, "`choices` must be a list of values", ""),
        ({"boosting": {"choices": "gbdt"}}, "`choices` must be a list of values", ""),
        ({"boosting": {"choices": ["gbdt", ["dart"]]}}, "a choice is a word, a number", ""),
        ({"boosting": {"choices": ["gbdt", "gbdt"]}}, "has a value twice", ""),
        ({"boosting": {"choices": ["gbdt"], "low": 1}}, "do not go together", "choices"),
        ({"eta": 0.1, "learning_rate": 0.2}, "are one parameter", "keep one"),
    ],
)
def test_a_wrong_setting_is_explained(settings, problem, hint):
    with pytest.raises(KagflowError) as caught:
        configured_space(model(), settings)
    assert problem in caught.value.problem
    assert hint in caught.value.hint
    assert caught.value.where == f"space.{list(settings)[-1]}"


def test_a_value_is_not_fixed_twice():
    with pytest.raises(ConfigError, match=r"model.params.max_depth says 3") as caught:
        configured_space(model(max_depth=3), {"max_depth": 6})
    assert caught.value.where == "space.max_depth"


def test_an_estimators_parameters_are_known_by_its_signature():
    ridge = model("sklearn", "sklearn.linear_model.Ridge")
    with pytest.raises(ConfigError, match="Ridge has no parameter 'alhpa'") as caught:
        configured_space(ridge, {"alhpa": [1, 2]})
    assert "'alpha'" in caught.value.hint
    with pytest.raises(ModelError, match="is set by kagflow"):
        configured_space(ridge, {"random_state": 1})
    assert configured_space(ridge, {"alpha": [1, 2]})[0]["alpha"] == Range(1.0, 2.0, log=True)
