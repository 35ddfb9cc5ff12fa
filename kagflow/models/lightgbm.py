"""LightGBM (Ke et al., 2017)."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import Task
from kagflow.data import Frame
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, to_numbers
from kagflow.models.objective import OwnObjective, StopScore, answer

# Main name of every parameter that LightGBM knows, by each of its aliases. Given two of them, it drops one silently.
_MAIN_NAMES: Mapping[str, str] = {
    alias: main for main, aliases in lightgbm.basic._ConfigAliases._get_all_param_aliases().items() for alias in aliases
}
_OBJECTIVES = {"squared_error": "regression", "absolute_error": "regression_l1", "log_loss": "binary"}

_OWNED = {
    "num_threads": "use `threads`",
    "seed": "use `seed`",
    "num_iterations": "use `rounds`",
    "early_stopping_round": "use `rounds`",
    "device_type": "leave it out: models are fitted on the CPU",
    "num_class": "leave it out: it follows from the classes",
}


class LightGBM(Model):
    """Gradient boosted trees; categories are split as categories."""

    kind: ClassVar[str] = "lightgbm"
    uses_rounds: ClassVar[bool] = True
    objective_parameter: ClassVar[str | None] = "objective"
    stop_parameter: ClassVar[str | None] = "metric"
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
        data = _dataset(train, params, own)
        callbacks: list[Any] = []
        valid_sets: list[lightgbm.Dataset] = []
        follow = None
        if stop is not None and patience is not None:
            callbacks.append(lightgbm.early_stopping(patience, verbose=False))
            valid_sets.append(_dataset(stop, params, own, reference=data))
            if stop.score is not None:
                follow = _follow(stop.score, own)
                params["metric"] = "none"
        native = params if problem.own is None else params | {"objective": _derivatives(problem.own, train)}
        try:
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
            raise self._refuses(error) from error
        rounds = booster.best_iteration if valid_sets else limit
        # To let go of the data a booster is written as text and read back. LightGBM would do that too; done here, the
        # text, which takes long to make, is at hand when the model is saved. Read back it also predicts faster.
        text = booster.model_to_string(num_iteration=rounds)
        booster.model_from_string(text).free_dataset()
        if valid_sets and not booster.best_iteration:
            raise ModelError(
                "LightGBM cannot stop early with these parameters (dart never does)",
                hint="give `rounds` a number",
                where="rounds",
            )
        return FittedLightGBM(booster, text, rounds, train.x.columns, own)

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
            **self.params,
            "deterministic": True,
            "seed": seed,
            "num_threads": resources.threads,
        }


class _Raw(NamedTuple):
    """What LightGBM does not know of a booster with an own objective: where it started, and what it predicts."""

    start: float
    task: Task


class FittedLightGBM:
    """A fitted booster, the same as text, and what that cannot hold: some names, and how an own objective started."""

    def __init__(
        self,
        booster: lightgbm.Booster,
        text: str,
        rounds: int,
        features: Sequence[str] | None = None,
        own: _Raw | None = None,
    ) -> None:
        self._booster = booster
        self._text = text
        self._features = list(features or booster.feature_name())
        self._own = own
        self.rounds: int | None = rounds

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
    return FittedLightGBM(booster, text, booster.num_trees() // booster.num_model_per_iteration(), own=own)


def _derivatives(own: OwnObjective, train: Batch) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return an objective as LightGBM calls it; it predicts the training rows, in their order."""
    return lambda prediction, _: own.derivatives(train.target, prediction, train.weight)


def _follow(stop: StopScore, own: _Raw | None) -> Callable[[Any, Any], tuple[str, float, bool]]:
    """Return a stop metric as LightGBM calls it, with raw scores where it does not know the objective."""

    def score(prediction: Any, _: Any) -> tuple[str, float, bool]:
        answers = prediction if own is None else answer(prediction, own.task)
        return stop.name, stop.score(answers), stop.maximize

    return score


def _dataset(
    batch: Batch, params: Mapping[str, Any], own: _Raw | None, reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    categories = categorical_columns(batch.x)
    return lightgbm.Dataset(
        _matrix(batch.x),
        batch.target,
        reference=reference,
        weight=batch.weight,
        init_score=None if own is None else np.full(batch.x.height, own.start),
        feature_name=_plain_names(batch.x.columns),
        categorical_feature=[batch.x.columns.index(name) for name in categories],
        params=dict(params),
    )


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
