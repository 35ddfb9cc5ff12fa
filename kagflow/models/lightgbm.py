"""LightGBM (Ke et al., 2017)."""

import functools
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import Task
from kagflow.data import Frame
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, kept, to_numbers
from kagflow.models.objective import OwnObjective, StopScore, answer
from kagflow.models.space import Choice, Range, Space

# Main name of every parameter that LightGBM knows, by each of its aliases. Given two of them, it drops one silently.
_MAIN_NAMES: Mapping[str, str] = {
    alias: main for main, aliases in lightgbm.basic._ConfigAliases._get_all_param_aliases().items() for alias in aliases
}
# What decides on the bins, by LightGBM's own check of a Dataset that is used again; the seed is that of the rows drawn
# to find borders. With `feature_pre_filter`, so do all parameters that say whether a feature could ever split.
_BINNING = (
    "bin_construct_sample_cnt data_random_seed enable_bundle feature_pre_filter forcedbins_filename is_enable_sparse "
    "linear_tree max_bin max_bin_by_feature min_data_in_bin use_missing zero_as_missing seed device_type"
).split()
_OBJECTIVES = {"squared_error": "regression", "absolute_error": "regression_l1", "log_loss": "binary"}

_OWNED = {
    "num_threads": "use `threads`",
    "seed": "use `seed`",
    "num_iterations": "use `rounds`",
    "early_stopping_round": "use `rounds`",
    "device_type": "use `device`",
    "num_class": "leave it out: it follows from the classes",
}


class LightGBM(Model):
    """Gradient boosted trees; categories are split as categories."""

    kind: ClassVar[str] = "lightgbm"
    uses_rounds: ClassVar[bool] = True
    objective_parameter: ClassVar[str | None] = "objective"
    stop_parameter: ClassVar[str | None] = "metric"
    gpu_memory: ClassVar[tuple[str, ...]] = ("max_bin", "num_leaves")
    defaults: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.03,
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        # A code says little where a category is rare, so categorical splits are smoothed more than usual.
        "cat_smooth": 20.0,
        "min_data_per_group": 50,
    }
    # Ranges about those of TabArena (Erickson et al., 2025), a little narrower where its best sets do not go.
    space: ClassVar[Space] = {
        # Rounds are found on stop rows, so that this trades time for a little score, and hardly touches what the
        # others should be. Low enough to be of the final model; anything lower is for the last fit, not for a search.
        "learning_rate": Range(0.02, 0.1, log=True),
        "num_leaves": Range(8, 255, log=True),
        "min_data_in_leaf": Range(3, 200, log=True),  # noisy targets like more than TabArena's 64
        "feature_fraction": Range(0.3, 1.0),
        "bagging_fraction": Range(0.5, 1.0),
        # As good as none at their lower ends.
        "lambda_l1": Range(1e-4, 10.0, log=True),
        "lambda_l2": Range(1e-3, 30.0, log=True),
        # Of a meaning where there are categories only: how much a rare one may say.
        "cat_smooth": Range(1.0, 100.0, log=True),
        "extra_trees": Choice((False, True)),  # of noisy data, splits drawn at random
    }
    known: ClassVar[tuple[Mapping[str, Any], ...]] = (
        # Shallow and regularised: small or noisy data.
        {"num_leaves": 8, "min_data_in_leaf": 50, "feature_fraction": 0.5, "bagging_fraction": 0.7, "lambda_l2": 10.0},
        # The library's own shape, with columns and rows drawn.
        {"num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.8, "bagging_fraction": 0.8, "lambda_l2": 1.0},
        # Deep, as AutoGluon's "Large" (Erickson et al., 2020).
        {"learning_rate": 0.03, "num_leaves": 128, "min_data_in_leaf": 5, "feature_fraction": 0.9},
        # Splits drawn at random, as AutoGluon's "XT".
        {"num_leaves": 64, "min_data_in_leaf": 10, "feature_fraction": 0.8, "extra_trees": True},
        # Many leaves on few columns at a time: large data with many weak features.
        {
            "num_leaves": 200,
            "min_data_in_leaf": 100,
            "feature_fraction": 0.3,
            "bagging_fraction": 0.7,
            "lambda_l1": 1.0,
        },
    )
    owned: ClassVar[Mapping[str, str]] = {alias: _OWNED[main] for alias, main in _MAIN_NAMES.items() if main in _OWNED}
    names: ClassVar[Mapping[str, str]] = _MAIN_NAMES

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedLightGBM":
        params = self._native(problem, resources, seed)
        limit, patience = self._limit_and_patience(stop, problem)
        own = None
        if problem.own is not None:
            own = _Raw(problem.own.start(train.target, train.weight, problem.task), problem.task)
        binning = _binning(params, own)
        callbacks: list[Any] = []
        valid_sets: list[lightgbm.Dataset] = []
        follow = None
        try:
            data = kept(train, binning, lambda: _dataset(train, params, own))
            if stop is not None and patience is not None:
                # Its bins are those of the training rows, whose Dataset it also holds on to.
                held_out = kept(stop, (binning, id(data)), lambda: _dataset(stop, params, own, reference=data))
                valid_sets.append(held_out)
                callbacks.append(lightgbm.early_stopping(patience, verbose=False))
                if stop.score is not None:
                    follow = _follow(stop.score, own)
                    params["metric"] = "none"
            native = params if problem.own is None else params | {"objective": _derivatives(problem.own, train)}
            booster = lightgbm.train(
                native,
                data,
                limit,
                valid_sets=valid_sets,
                feval=follow,
                callbacks=callbacks,
                keep_training_booster=True,
            )
        except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
            raise self._refuses(error, resources) from error
        rounds = booster.best_iteration if valid_sets else limit
        if valid_sets and not booster.best_iteration:
            raise ModelError(
                "LightGBM cannot stop early with these parameters (dart never does)",
                hint="give `rounds` a number",
                where="rounds",
            )
        fitted = FittedLightGBM(booster, rounds, train.x.columns, own)
        if train.kept is None:  # else the next fit needs the data anyway, and this model may never be saved
            fitted.let_go_of_data()
        return fitted

    def _native(self, problem: Problem, resources: Resources, seed: int) -> dict[str, Any]:
        """Return LightGBM's own parameters: the defaults, then the user's, then what kagflow owns."""
        objective = "multiclass" if problem.task == "multiclass" else _OBJECTIVES[problem.objective]
        if problem.own is not None:
            objective = "none"
        if problem.quantile is not None:
            objective = "quantile"
        quantile = {} if problem.quantile is None else {"alpha": problem.quantile}
        classes = {"num_class": len(problem.classes)} if problem.task == "multiclass" else {}
        return {
            **self.defaults,
            "objective": objective,
            **quantile,
            **classes,
            "force_col_wise": "force_row_wise" not in self.params,  # chosen once, else each fit would time both
            "verbosity": -1,
            # LightGBM would drop features that cannot split with this `min_data_in_leaf`, so that the bins would hang
            # on it, and the columns drawn for a tree on what was dropped.
            "feature_pre_filter": False,
            **self.params,
            "deterministic": True,
            "seed": seed,
            "num_threads": resources.threads,
            **({} if resources.device == "cpu" else {"device_type": _gpu()}),
        }

    def gpu_lacks(self, problem: Problem, *, scored: bool) -> str:
        return "LightGBM grows linear trees on the CPU only" if self.params.get("linear_tree") else ""


class _Raw(NamedTuple):
    """What LightGBM does not know of a booster with an own objective: where it started, and what it predicts."""

    start: float
    task: Task


class FittedLightGBM:
    """A fitted booster, the same as text, and what that cannot hold: some names, and how an own objective started."""

    def __init__(
        self,
        booster: lightgbm.Booster,
        rounds: int,
        features: Sequence[str] | None = None,
        own: _Raw | None = None,
        text: str | None = None,
    ) -> None:
        self._booster = booster
        self._made_text = text
        self._features = list(features or booster.feature_name())
        self._own = own
        self.rounds: int | None = rounds

    @property
    def _text(self) -> str:
        if self._made_text is None:
            self._made_text = str(self._booster.model_to_string(num_iteration=self.rounds))
        return self._made_text

    def let_go_of_data(self) -> None:
        """Drop the training rows, which a booster holds on to until it is read back from its text."""
        # LightGBM would do that too; done here, the text, which takes long to make, is at hand when it is saved.
        self._booster.model_from_string(self._text).free_dataset()

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities."""
        threads = self._booster.params.get("num_threads", 0)
        predicted = np.asarray(self._booster.predict(_matrix(x), num_iteration=self.rounds, num_threads=threads))
        return predicted if self._own is None else answer(self._own.start + predicted, self._own.task)

    def importance(self) -> Frame:
        """Return total gain and number of splits of each feature."""
        return pl.DataFrame(
            {
                "feature": self._features,
                "gain": self._booster.feature_importance("gain", iteration=self.rounds),
                "splits": self._booster.feature_importance("split", iteration=self.rounds),
            }
        )

    def save(self, path: Path) -> None:
        """Write ``<path>.txt``, LightGBM's text format, and ``<path>.json`` for an own objective."""
        # Not with LightGBM's own writer, which is silent on a full disk.
        path.with_suffix(".txt").write_bytes(self._text.encode())
        if self._own is not None:
            path.with_suffix(".json").write_text(json.dumps(self._own._asdict()), encoding="utf-8")


def load(path: Path) -> FittedLightGBM:
    """Return the model that ``save`` wrote."""
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    booster = lightgbm.Booster(model_str=text)
    kept = path.with_suffix(".json")
    own = _Raw(**json.loads(kept.read_text(encoding="utf-8"))) if kept.is_file() else None
    return FittedLightGBM(booster, booster.num_trees() // booster.num_model_per_iteration(), own=own, text=text)


@functools.cache
def _gpu() -> str:
    """Return the name of the GPU's part of LightGBM that was built and works: by CUDA, or by OpenCL.

    Raises
    ------
    ModelError
        Neither.
    """
    x = np.random.default_rng(0).normal(size=(256, 2))
    said = ""
    for name in ("cuda", "gpu"):
        try:
            lightgbm.train({"device_type": name, "verbosity": -1}, lightgbm.Dataset(x, x[:, 0]), 1)
        except lightgbm.basic.LightGBMError as error:
            said = said or str(error).splitlines()[0]
        else:
            return name
    raise ModelError(f"LightGBM: {said}", hint="build LightGBM with USE_CUDA, or write `device: cpu`", where="device")


def _derivatives(own: OwnObjective, train: Batch) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return an objective as LightGBM calls it; it predicts the training rows, in their order."""
    return lambda prediction, _: own.derivatives(train.target, prediction, train.weight)


def _follow(stop: StopScore, own: _Raw | None) -> Callable[[Any, Any], tuple[str, float, bool]]:
    """Return a stop metric as LightGBM calls it, with raw scores where it does not know the objective."""

    def score(prediction: Any, _: Any) -> tuple[str, float, bool]:
        answers = prediction if own is None else answer(prediction, own.task)
        return stop.name, stop.score(answers), stop.maximize

    return score


def _binning(params: Mapping[str, Any], own: _Raw | None) -> Hashable:
    """Return what decides on a Dataset but its rows; an own objective's start is a part of it."""
    deciding = params if params["feature_pre_filter"] else {name: params.get(name) for name in _BINNING}
    return repr(sorted(deciding.items())), own


def _dataset(
    batch: Batch, params: Mapping[str, Any], own: _Raw | None, reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    """Return binned rows; made at once, so that what is kept does not hang on parameters of a fit to come."""
    categories = set(categorical_columns(batch.x))
    data = lightgbm.Dataset(
        _matrix(batch.x),
        batch.target,
        reference=reference,
        weight=batch.weight,
        init_score=None if own is None else np.full(batch.x.height, own.start),
        feature_name=_plain_names(batch.x.columns),
        categorical_feature=[place for place, name in enumerate(batch.x.columns) if name in categories],
        params=dict(params),
    )
    return data.construct()


def _matrix(x: Frame) -> Any:
    """Return what LightGBM reads without a copy; it aborts the process on an Enum column, hence codes."""
    return to_numbers(x).to_arrow()


def _plain_names(names: Sequence[str]) -> list[str]:
    """Return distinct names that LightGBM's format can hold; only those change that it cannot."""
    plain = ["".join("_" if char in '",:[]{}' or char.isspace() else char for char in name) for name in names]
    taken = set(names)
    for number, name in enumerate(names):
        if plain[number] == name:
            continue
        while plain[number] in taken:
            plain[number] += f"_{number}"
        taken.add(plain[number])
    return plain
