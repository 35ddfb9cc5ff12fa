"""XGBoost (Chen and Guestrin, 2016)."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import polars as pl
import xgboost
from numpy.typing import NDArray

from kagflow.config import RoundsConfig
from kagflow.data import Frame
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, to_numbers
from kagflow.models.objective import OwnObjective, StopScore, answer

_OBJECTIVES = {
    "squared_error": "reg:squarederror",
    "absolute_error": "reg:absoluteerror",
    "log_loss": "binary:logistic",
}

# XGBoost ignores a parameter that it does not know, and has no list of those that it knows. Names of one parameter
# stand together, the main one first. Left out: ranking and survival, which are no task of kagflow, linear boosters
# (a scikit-learn estimator does better), and updating the trees of another model.
_SYNONYMS = (
    "learning_rate eta",
    "gamma min_split_loss",
    "reg_lambda lambda",
    "reg_alpha alpha",
)
_SINGLE_NAMES = """
    booster validate_parameters verbosity disable_default_eval_metric seed_per_iteration
    max_depth max_leaves grow_policy min_child_weight max_delta_step tree_method max_bin num_parallel_tree
    subsample sampling_method colsample_bytree colsample_bylevel colsample_bynode scale_pos_weight
    monotone_constraints interaction_constraints max_cat_to_onehot max_cat_threshold multi_strategy
    max_cached_hist_node sample_type normalize_type rate_drop one_drop skip_drop
    objective base_score eval_metric tweedie_variance_power huber_slope quantile_alpha expectile_alpha
"""
_OWNED = {
    "use `seed`": "seed random_state",
    "use `threads`": "nthread n_jobs",
    "use `rounds`": "num_boost_round num_round n_estimators early_stopping_rounds",
    "leave it out: models are fitted on the CPU": "device gpu_id n_gpus predictor",
    "leave it out: it follows from the classes": "num_class",
    "leave it out: it follows from the types of the columns": "enable_categorical feature_types",
}


class XGBoost(Model):
    """Gradient boosted trees; categories are split as categories."""

    kind: ClassVar[str] = "xgboost"
    uses_rounds: ClassVar[bool] = True
    objective_parameter: ClassVar[str | None] = "objective"
    stop_parameter: ClassVar[str | None] = "eval_metric"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "learning_rate": 0.03,
            "max_depth": 6,
            "min_child_weight": 5.0,
            "subsample": 0.8,
            "colsample_bytree": 0.5,
            "reg_lambda": 1.0,
            "tree_method": "hist",
        }
    )
    owned: ClassVar[Mapping[str, str]] = {name: hint for hint, names in _OWNED.items() for name in names.split()}
    names: ClassVar[Mapping[str, str]] = {name: name for name in _SINGLE_NAMES.split()} | {
        name: names.split()[0] for names in _SYNONYMS for name in names.split()
    }

    def __init__(self, params: Mapping[str, Any], rounds: int | RoundsConfig, estimator: str | None = None) -> None:
        super().__init__(params, rounds, estimator)
        booster = self.params.get("booster", "gbtree")
        if booster == "gblinear":
            raise ModelError(
                "XGBoost's linear booster takes no categories",
                hint="use `kind: sklearn` with an estimator of sklearn.linear_model",
                where="model.params.booster",
            )
        if booster == "dart" and isinstance(rounds, RoundsConfig):  # later trees change the weights of earlier ones
            raise ModelError("XGBoost cannot stop early with dart", hint="give `rounds` a number", where="rounds")

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedXGBoost":
        params = self._native(problem, resources, seed)
        limit, patience = self._limit_and_patience(stop, problem)
        derivatives = follow = None
        if problem.own is not None:
            start = problem.own.start(train.target, train.weight, problem.task)
            # XGBoost goes on to predict as for the usual objective: it knows the base score and the logistic curve.
            params |= {"base_score": float(answer(np.array(start), problem.task)), "disable_default_eval_metric": True}
            derivatives = _derivatives(problem.own, train)
        callbacks: list[Any] = []
        evals: list[tuple[xgboost.DMatrix, str]] = []
        try:
            data = _training_data(train, params)
            if stop is not None and patience is not None:
                if stop.score is not None:
                    follow = _follow(stop.score, problem)
                    params["disable_default_eval_metric"] = True
                maximize = None if stop.score is None else stop.score.maximize
                callbacks.append(xgboost.callback.EarlyStopping(rounds=patience, save_best=True, maximize=maximize))
                evals.append((xgboost.DMatrix(_matrix(stop.x), **_rest(stop, params)), "stop"))
            booster = xgboost.train(
                params,
                data,
                limit,
                obj=derivatives,
                custom_metric=follow,
                evals=evals,
                callbacks=callbacks,
                verbose_eval=False,
            )
        except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
            raise self._refuses(error) from error
        # XGBoost forbids some characters in names of features; an attribute takes any.
        booster.set_attr(features=json.dumps(train.x.columns))
        return FittedXGBoost(booster)

    def _native(self, problem: Problem, resources: Resources, seed: int) -> dict[str, Any]:
        """Return XGBoost's own parameters: the defaults, then the user's, then what kagflow owns."""
        objective = "multi:softprob" if problem.task == "multiclass" else _OBJECTIVES[problem.objective]
        if problem.quantile is not None:
            objective = "reg:quantileerror"
        quantile = {} if problem.quantile is None else {"quantile_alpha": problem.quantile}
        classes = {"num_class": len(problem.classes)} if problem.task == "multiclass" else {}
        return {
            **self.defaults,
            "objective": objective,
            **quantile,
            "verbosity": 0,
            **self.params,
            **classes,
            "device": "cpu",
            "seed": seed,
            "nthread": resources.threads,
        }


class FittedXGBoost:
    """A fitted booster, which also holds the names of its features."""

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster
        self.rounds: int | None = booster.num_boosted_rounds()

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities."""
        return np.asarray(self._booster.inplace_predict(_matrix(x)), dtype=np.float64)

    def importance(self) -> Frame:
        """Return total gain and number of splits of each feature."""
        features = json.loads(self._booster.attr("features") or "[]")
        gain, splits = (self._booster.get_score(importance_type=what) for what in ("total_gain", "weight"))
        numbers = [f"f{number}" for number in range(len(features))]  # XGBoost's names; it lists those that split
        return pl.DataFrame(
            {
                "feature": features,
                "gain": [float(np.sum(gain.get(number, 0))) for number in numbers],
                "splits": [int(np.sum(splits.get(number, 0))) for number in numbers],
            },
            schema={"feature": pl.String, "gain": pl.Float64, "splits": pl.Int64},
        )

    def save(self, path: Path) -> None:
        """Write ``<path>.ubj``, XGBoost's format (universal binary JSON)."""
        path.with_suffix(".ubj").write_bytes(self._booster.save_raw("ubj"))


def load(path: Path) -> FittedXGBoost:
    """Return the model that ``save`` wrote."""
    return FittedXGBoost(xgboost.Booster(model_file=bytearray(path.with_suffix(".ubj").read_bytes())))


def _derivatives(own: OwnObjective, train: Batch) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return an objective as XGBoost calls it; it predicts the training rows, in their order."""
    return lambda prediction, _: own.derivatives(train.target, prediction, train.weight)


def _follow(stop: StopScore, problem: Problem) -> Callable[[Any, Any], tuple[str, float]]:
    """Return a stop metric as XGBoost calls it, with raw scores where the objective is an own one."""

    def score(prediction: Any, _: Any) -> tuple[str, float]:
        answers = np.asarray(prediction, dtype=np.float64)
        return stop.name, stop.score(answers if problem.own is None else answer(answers, problem.task))

    return score


def _training_data(train: Batch, params: Mapping[str, Any]) -> xgboost.DMatrix:
    """Return the rows to fit on, in bins where the method of growing trees works on bins."""
    if params["tree_method"] in ("hist", "auto"):
        bins = {"max_bin": params["max_bin"]} if "max_bin" in params else {}
        return xgboost.QuantileDMatrix(_matrix(train.x), **_rest(train, params), **bins)
    return xgboost.DMatrix(_matrix(train.x), **_rest(train, params))


def _rest(batch: Batch, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what XGBoost wants to know beside the matrix."""
    categories = set(categorical_columns(batch.x))
    return {
        "label": batch.target,
        "weight": batch.weight,
        "feature_types": ["c" if name in categories else "q" for name in batch.x.columns],
        "enable_categorical": True,
        "nthread": params["nthread"],
    }


def _matrix(x: Frame) -> NDArray[np.float32]:
    """Return (n, columns) numbers, NaN for null.

    Categories are codes without a list of levels: XGBoost would reject a level that the list of the training rows
    lacks, while a code that no training row had is one more level that no split names. It rejects infinities too;
    the largest number lies on the same side of every split.
    """
    largest = np.finfo(np.float32).max
    numbers: NDArray[np.float32] = to_numbers(x).cast(pl.Float32).to_numpy(order="c")
    return numbers.clip(-largest, largest)
