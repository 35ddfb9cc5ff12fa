"""CatBoost (Prokhorenkova et al., 2018)."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import catboost
import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, to_numbers

_OBJECTIVES = {"squared_error": "RMSE", "absolute_error": "MAE", "log_loss": "Logloss"}
_NO_CATEGORY = -1  # the code of null, which CatBoost rejects among categories

# Below 200 rounds CatBoost itself takes fewer steps a leaf and simpler combinations of categories: another model than
# the one whose rounds were found. So the steps, and `max_ctr_complexity` below, are always those of more rounds.
_LEAF_ESTIMATION_STEPS = {"Logloss": 10, "CrossEntropy": 10, "Poisson": 10, "Expectile": 5}

# Names of one parameter stand together, the main one first.
_SYNONYMS = (
    "loss_function objective",
    "learning_rate eta",
    "border_count max_bin",
    "depth max_depth",
    "rsm colsample_bylevel",
    "l2_leaf_reg reg_lambda",
    "custom_metric custom_loss",
    "max_leaves num_leaves",
    "min_data_in_leaf min_child_samples",
)
_OWNED = {
    "use `seed`": "random_seed random_state",
    "use `threads`": "thread_count",
    "use `rounds`": "iterations n_estimators num_boost_round num_trees od_wait early_stopping_rounds od_type od_pval "
    "use_best_model best_model_min_trees eval_fraction",
    "leave it out: models are fitted on the CPU": "task_type devices device_config gpu_ram_part pinned_memory_size "
    "gpu_cat_features_storage",
    "leave it out: it follows from the classes": "classes_count class_names",
    "leave it out: it follows from the types of the columns": "cat_features text_features embedding_features",
    # A snapshot of one fold would be taken for the beginning of another.
    "leave it out: a run is continued fold by fold": "save_snapshot snapshot_file snapshot_interval",
    "leave it out: the run's folder holds everything": "allow_writing_files train_dir",
    "leave it out: CatBoost is silent": "logging_level verbose silent metric_period",
}


def _main_names() -> dict[str, str]:
    """Return the main name of every parameter, by each of its names."""
    known = inspect.signature(catboost.CatBoostClassifier.__init__).parameters
    main = {name: names.split()[0] for names in _SYNONYMS for name in names.split()}
    return {name: main.get(name, name) for name in known if name != "self"}


class CatBoost(Model):
    """Gradient boosted symmetric trees; categories are encoded by ordered target statistics."""

    kind: ClassVar[str] = "catboost"
    uses_rounds: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0, "max_ctr_complexity": 4}
    )
    owned: ClassVar[Mapping[str, str]] = {name: hint for hint, names in _OWNED.items() for name in names.split()}
    names: ClassVar[Mapping[str, str]] = _main_names()

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedCatBoost":
        params = self._native(problem, resources, seed)
        limit, patience = self._limit_and_patience(stop)
        params["iterations"] = limit
        stop_pool = None
        try:
            if stop is not None and patience is not None:
                stop_pool = _pool(stop, resources.threads)
                params |= {"od_type": "Iter", "od_wait": patience, "use_best_model": True}
            model = catboost.CatBoost(params)
            model.fit(_pool(train, resources.threads), eval_set=stop_pool)
        except (catboost.CatBoostError, ValueError, TypeError) as error:
            raise self._refuses(error) from error
        model.get_metadata()["task"] = problem.task
        model.get_metadata()["prediction_type"] = _prediction_type(problem, params)
        return FittedCatBoost(model)

    def _native(self, problem: Problem, resources: Resources, seed: int) -> dict[str, Any]:
        """Return CatBoost's own parameters: the defaults, then the user's, then what kagflow owns."""
        objective = "MultiClass" if problem.task == "multiclass" else _OBJECTIVES[problem.objective]
        if problem.quantile is not None:
            objective = f"Quantile:alpha={problem.quantile}"
        # All classes by their codes: CatBoost would number those that it sees.
        classes = {} if problem.task == "regression" else {"class_names": list(range(len(problem.classes)))}
        steps = _LEAF_ESTIMATION_STEPS.get(_loss({"loss_function": objective, **self.params}))
        return {
            **self.defaults,
            "loss_function": objective,
            **({} if steps is None else {"leaf_estimation_iterations": steps}),
            "allow_const_label": True,  # a fold of one class only is no reason to fail
            **self.params,
            **classes,
            "allow_writing_files": False,
            "logging_level": "Silent",
            "task_type": "CPU",
            "random_seed": seed,
            "thread_count": resources.threads,
        }


class FittedCatBoost:
    """A fitted model; its file also says what it predicts."""

    def __init__(self, model: catboost.CatBoost) -> None:
        self._model = model
        self._threads = model.get_param("thread_count") or -1
        self.rounds: int | None = model.tree_count_

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities."""
        facts = self._model.get_metadata()
        predicted = np.asarray(
            self._model.predict(_matrix(x), prediction_type=facts["prediction_type"], thread_count=self._threads)
        )
        return predicted[:, 1] if facts["task"] == "binary" else predicted

    def importance(self) -> Frame:
        """Return by how much a prediction changes on average when a feature does; the sum is 100."""
        changes = self._model.get_feature_importance(type="PredictionValuesChange")
        return pl.DataFrame({"feature": self._model.feature_names_, "change": changes})

    def save(self, path: Path) -> None:
        """Write ``<path>.cbm``, CatBoost's binary format."""
        self._model.save_model(str(path.with_suffix(".cbm")))


def load(path: Path) -> FittedCatBoost:
    """Return the model that ``save`` wrote."""
    return FittedCatBoost(catboost.CatBoost().load_model(str(path.with_suffix(".cbm"))))


def _pool(batch: Batch, threads: int) -> catboost.Pool:
    return catboost.Pool(
        _matrix(batch.x),
        batch.target,
        weight=batch.weight,
        cat_features=categorical_columns(batch.x),
        thread_count=threads,
    )


def _matrix(x: Frame) -> Frame:
    """Return numbers and codes, where null is a code of its own; CatBoost reads polars without a copy."""
    return to_numbers(x).with_columns(pl.col(categorical_columns(x)).fill_null(_NO_CATEGORY))


def _prediction_type(problem: Problem, params: Mapping[str, Any]) -> str:
    """Return what CatBoost must be asked for to answer on the scale of the target."""
    if problem.task != "regression":
        return "Probability"
    return "Exponent" if _loss(params) in ("Poisson", "Tweedie") else "RawFormulaVal"


def _loss(params: Mapping[str, Any]) -> str:
    """Return the name of the loss, without its own parameters."""
    return str(params["loss_function"]).partition(":")[0]
