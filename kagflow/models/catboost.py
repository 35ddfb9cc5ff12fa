"""CatBoost (Prokhorenkova et al., 2018)."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import catboost
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import softmax

from kagflow.data import Frame
from kagflow.errors import KagflowError
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, kept, to_numbers
from kagflow.models.objective import StopScore, answer
from kagflow.models.space import Range, Space

_OBJECTIVES = {"squared_error": "RMSE", "absolute_error": "MAE", "log_loss": "Logloss"}
_NO_CATEGORY = -1  # the code of null, which CatBoost rejects among categories

# Below 200 rounds CatBoost itself takes fewer steps a leaf and simpler combinations of categories: another model than
# the one whose rounds were found. So the steps, and `max_ctr_complexity` below, are always those of more rounds.
_LEAF_ESTIMATION_STEPS = {"Logloss": 10, "CrossEntropy": 10, "Poisson": 10, "Expectile": 5}

# What decides on the bins of all features; with one of the second kind, CatBoost itself makes them at each fit.
_BINNING = ("border_count", "feature_border_type", "nan_mode")
_BINNING_OF_SOME = (
    "per_float_feature_quantization",
    "input_borders",
    "ignored_features",
    "sparse_features_conflict_fraction",
    "dev_efb_max_buckets",
)
_ROWS_FOR_BORDERS = 200_000  # of more, CatBoost draws so many

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
    "use `device`": "task_type devices device_config gpu_ram_part pinned_memory_size gpu_cat_features_storage",
    "leave it out: it follows from the classes": "classes_count class_names",
    "leave it out: it follows from the types of the columns": "cat_features text_features embedding_features",
    # A snapshot of one fold would be taken for the beginning of another.
    "leave it out: a run is continued fold by fold": "save_snapshot snapshot_file snapshot_interval",
    "leave it out: the run's folder holds everything": "allow_writing_files train_dir",
    "leave it out: CatBoost is silent": "logging_level verbose silent metric_period",
}


# Functions of Python's are called as they are; CatBoost would like to compile them, and says so once a process.
warnings.filterwarnings("ignore", message="Failed to (import numba|optimize method)", category=UserWarning)


def _main_names() -> dict[str, str]:
    """Return the main name of every parameter, by each of its names."""
    known = inspect.signature(catboost.CatBoostClassifier.__init__).parameters
    main = {name: names.split()[0] for names in _SYNONYMS for name in names.split()}
    return {name: main.get(name, name) for name in known if name != "self"}


class CatBoost(Model):
    """Gradient boosted symmetric trees; categories are encoded by ordered target statistics."""

    kind: ClassVar[str] = "catboost"
    uses_rounds: ClassVar[bool] = True
    objective_parameter: ClassVar[str | None] = "loss_function"
    stop_parameter: ClassVar[str | None] = "eval_metric"
    gpu_memory: ClassVar[tuple[str, ...]] = ("border_count", "depth")
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0, "max_ctr_complexity": 4}
    )
    # Ranges about those of TabArena (Erickson et al., 2025); deeper than 8 costs much time and seldom gains.
    # Nothing of how rows are drawn: by loss and device that is done otherwise, with other parameters.
    space: ClassVar[Space] = MappingProxyType(
        {
            # Rounds are found on stop rows, so that this trades time for a little score, and hardly touches what the
            # others should be.
            "learning_rate": Range(0.03, 0.15, log=True),
            "depth": Range(4, 8),
            "l2_leaf_reg": Range(0.1, 30.0, log=True),
            "random_strength": Range(0.1, 10.0, log=True),  # noise on the scores of splits
            "one_hot_max_size": Range(2, 32, log=True),  # of a meaning where there are categories only
        }
    )
    known: ClassVar[tuple[Mapping[str, Any], ...]] = (
        # Shallow and regularised: small or noisy data.
        {"depth": 4, "l2_leaf_reg": 10.0, "random_strength": 2.0},
        # The library's own shape.
        {"depth": 6, "l2_leaf_reg": 3.0, "random_strength": 1.0},
        # Deep: interactions, and enough rows for them.
        {"depth": 8, "l2_leaf_reg": 3.0, "random_strength": 1.0},
        # Little held back: large data with little noise.
        {"depth": 7, "l2_leaf_reg": 0.5, "random_strength": 0.2},
    )
    owned: ClassVar[Mapping[str, str]] = {name: hint for hint, names in _OWNED.items() for name in names.split()}
    names: ClassVar[Mapping[str, str]] = _main_names()

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedCatBoost":
        params = self._native(problem, resources, seed)
        limit, patience = self._limit_and_patience(stop, problem)
        params["iterations"] = limit
        kind = _prediction_type(problem, params)
        stop_pool, start = None, 0.0
        raised: list[KagflowError] = []
        if problem.own is not None:
            start = problem.own.start(train.target, train.weight, problem.task)
            params["loss_function"] = _Loss(_noting(problem.own.derivatives, raised))
            params["eval_metric"] = "RMSE"  # it must have one; of training rows, and followed by nobody
        try:
            if stop is not None and patience is not None:
                stop_pool = kept(stop, ("stop", start), lambda: _pool(stop, resources.threads, start))
                params |= {"od_type": "Iter", "od_wait": patience, "use_best_model": True}
                if stop.score is not None:
                    params["eval_metric"] = _StopMetric(
                        _noting(_score_of(stop, stop.score, kind), raised), stop.score.maximize
                    )
            model = catboost.CatBoost(params)
            next(_fitting(model, _training_pool(train, params, start), stop_pool))
        except (catboost.CatBoostError, ValueError, TypeError) as error:
            raise (raised[0] if raised else self._refuses(error, resources)) from error
        if problem.own is not None:
            model.set_scale_and_bias(1, start)
        model.get_metadata()["task"] = problem.task
        model.get_metadata()["prediction_type"] = kind
        return FittedCatBoost(model)

    def _native(self, problem: Problem, resources: Resources, seed: int) -> dict[str, Any]:
        """Return CatBoost's own parameters: the defaults, then the user's, then what kagflow owns."""
        objective = "MultiClass" if problem.task == "multiclass" else _OBJECTIVES[problem.objective]
        if problem.quantile is not None:
            objective = f"Quantile:alpha={problem.quantile}"
        # All classes by their codes: CatBoost would number those that it sees. To an own objective they are numbers.
        names = None if problem.task == "regression" or problem.own is not None else list(range(len(problem.classes)))
        steps = _LEAF_ESTIMATION_STEPS.get(_loss({"loss_function": objective, **self.params}))
        return {
            **self.defaults,
            "loss_function": objective,
            **({} if steps is None else {"leaf_estimation_iterations": steps}),
            "allow_const_label": True,  # a fold of one class only is no reason to fail
            **self.params,
            **({} if names is None else {"class_names": names}),
            "allow_writing_files": False,
            "logging_level": "Silent",
            "task_type": "GPU" if resources.device == "cuda" else "CPU",
            "random_seed": seed,
            "thread_count": resources.threads,
        }

    def gpu_lacks(self, problem: Problem, *, scored: bool) -> str:
        if problem.own is not None or scored:
            return "CatBoost takes objectives and stop metrics from Python on the CPU only"
        return "CatBoost draws columns (`rsm`) on the CPU only" if "rsm" in self.params else ""


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


def _fitting(model: Any, train: Any, stop: Any) -> Iterator[None]:
    """Fit as the first step of a generator.

    CatBoost never ends the handling of what a function called from it raised, so that every later error would be said
    to come from that one. A generator handles errors by itself, and takes the rest with it.
    """
    yield model.fit(train, eval_set=stop)


def load(path: Path) -> FittedCatBoost:
    """Return the model that ``save`` wrote."""
    return FittedCatBoost(catboost.CatBoost().load_model(str(path.with_suffix(".cbm"))))


class _Loss:
    """An objective as CatBoost calls it, which wants to climb; blocks of rows, perhaps from several threads."""

    def __init__(self, derivatives: Callable[..., tuple[Any, Any]]) -> None:
        self._derivatives = derivatives

    def calc_ders_range(self, raw: Any, target: Any, weight: Any) -> NDArray[np.float64]:
        return -np.column_stack(self._derivatives(target, raw, weight))


class _StopMetric:
    """A stop metric as CatBoost calls it. CatBoost copies it deeply: it holds functions, which are not copied."""

    def __init__(self, score: Callable[..., float], maximize: bool) -> None:
        self._score = score
        self._maximize = maximize

    def is_max_optimal(self) -> bool:
        return self._maximize

    def evaluate(self, raw: Any, target: Any, weight: Any) -> tuple[float, float]:
        return self._score(raw, target), 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        return error


def _score_of(stop: Batch, score: StopScore, kind: str) -> Callable[..., float]:
    """Return a stop metric of raw scores; CatBoost also asks for that of the training rows, and gets 0."""
    own = stop.target.astype(np.float32)  # as CatBoost keeps it

    def of(raw: Any, target: Any) -> float:
        return score.score(_answers(raw, kind)) if np.array_equal(target, own) else 0.0

    return of


def _answers(raw: Any, kind: str) -> NDArray[np.float64]:
    """Return predictions of a kind from one array of raw scores, or one a class."""
    scores = np.asarray(raw, dtype=np.float64)
    if kind == "Exponent":
        return np.asarray(np.exp(scores[0]), dtype=np.float64)
    if len(scores) > 1:
        return np.asarray(softmax(scores, axis=0).T, dtype=np.float64)
    return answer(scores[0], "binary" if kind == "Probability" else "regression")


def _noting(function: Callable[..., Any], raised: list[KagflowError]) -> Callable[..., Any]:
    """Return a function that keeps what it raises; CatBoost would turn that into text."""

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except KagflowError as error:
            raised.append(error)
            raise

    return call


def _pool(batch: Batch, threads: int, start: float) -> catboost.Pool:
    return catboost.Pool(
        _matrix(batch.x),
        batch.target,
        weight=batch.weight,
        baseline=np.full(batch.x.height, start) if start else None,
        cat_features=categorical_columns(batch.x),
        thread_count=threads,
    )


def _training_pool(train: Batch, params: Mapping[str, Any], start: float) -> catboost.Pool:
    """Return the rows to fit on; in bins where they are kept and CatBoost makes the same model of them.

    It does not of categories, whose treatment is then decided with the bins, nor of so many rows that it draws some
    to find borders, nor on a GPU. There only the unbinned rows are kept.
    """
    threads = params["thread_count"]
    bins = {name: params[name] for name in _BINNING if name in params}
    binned = (
        train.kept is not None
        and not categorical_columns(train.x)
        and train.x.height < _ROWS_FOR_BORDERS
        and params["task_type"] == "CPU"
        and not any(name in params for name in _BINNING_OF_SOME)
    )

    def make() -> catboost.Pool:
        pool = _pool(train, threads, start)
        if binned:
            pool.quantize(**bins)
        return pool

    return kept(train, ("train", start, repr(bins) if binned else ""), make)


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
