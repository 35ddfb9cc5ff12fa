"""What neural networks of pytabkit (Holzmüller et al., 2024) have in common; an optional part: `kagflow[neural]`.

Categories are categories, where null and a level that no training row had are one case of their own; nulls of numbers
are imputed (the median, and a column that says so), and the networks scale numbers and target themselves: all of it
learned on the training rows of the fit. The stop rows are the rows on which a network picks its best epoch; it carves
none of its own, which would cut groups and look ahead in time.
"""

import importlib.util
import io
import logging
import threading
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar

import joblib
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer

from kagflow.config import RoundsConfig
from kagflow.data import Frame
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, to_numbers

# Seeds and threads of PyTorch belong to the process, so that networks are fitted one after the other.
_ONE_AT_A_TIME = threading.Lock()
_OWNED = {
    "use `seed`": "random_state",
    "use `threads`": "n_threads",
    "use `rounds`": "stop_epoch",
    "leave it out: models are fitted on the CPU": "device",
    "leave it out: it picks its epoch on the stop rows; see `rounds.stop` and `seeds`": "n_cv n_refit n_repeats "
    "val_fraction time_to_fit_in_seconds",
    "leave it out: networks are silent": "verbosity tmp_folder",
}


class Network(Model):
    """A network of pytabkit; its rounds are epochs, of which ``rounds.limit`` is the most."""

    uses_rounds: ClassVar[bool] = True
    rounds_grow: ClassVar[bool] = False
    owned: ClassVar[Mapping[str, str]] = {name: hint for hint, names in _OWNED.items() for name in names.split()}

    def __init__(self, params: Mapping[str, Any], rounds: int | RoundsConfig, estimator: str | None = None) -> None:
        super().__init__(params, rounds, estimator)
        _check_installed()

    @abstractmethod
    def _epochs(self, stop: Batch | None) -> dict[str, Any]:
        """Return the parameters that say for how long to fit."""

    @abstractmethod
    def _made(self, problem: Problem, params: Mapping[str, Any]) -> Any:
        """Return pytabkit's estimator."""

    @abstractmethod
    def _rounds(self, estimator: Any) -> int | None:
        """Return the epochs of a fitted estimator, where it tells."""

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedNetwork":
        if train.weight is not None:
            raise ModelError(
                f"{type(self).__name__} takes no weights, and the competition has some",
                hint="choose another kind, or remove `weight` from competition.yaml",
                where="model.kind",
            )
        if stop is None and isinstance(self.rounds, RoundsConfig):
            raise ValueError("rounds are to be found, and there are no stop rows")
        params = {
            **self.defaults,
            **_losses(problem),
            **self.params,
            **self._epochs(stop),
            "device": "cpu",
            "random_state": seed,
            "n_threads": resources.threads,
            "val_fraction": 0.0,
        }
        preparation = _preparation(train.x).fit(_matrix(train.x))
        x = _prepared(preparation, train.x)
        held_out = {} if stop is None else {"X_val": _prepared(preparation, stop.x), "y_val": stop.target}
        try:
            with _alone():
                estimator = self._made(problem, params)
                estimator.fit(x, train.target, cat_col_names=categorical_columns(train.x), **held_out)
        except Exception as error:  # whatever PyTorch and what lies above it raise
            raise self._refuses(error) from error
        return FittedNetwork(preparation, estimator, problem, self._rounds(estimator))


class FittedNetwork:
    """A fitted preparation and network."""

    def __init__(self, preparation: ColumnTransformer, estimator: Any, problem: Problem, rounds: int | None) -> None:
        self._preparation = preparation
        self._estimator = estimator
        self._problem = problem
        self.rounds = rounds

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities; a class that training rows lacked gets 0."""
        matrix = _prepared(self._preparation, x)
        with _alone():
            if self._problem.task == "regression":
                return np.asarray(self._estimator.predict(matrix), dtype=np.float64).reshape(len(matrix))
            predicted = np.asarray(self._estimator.predict_proba(matrix), dtype=np.float64)
        probabilities = np.zeros((len(matrix), len(self._problem.classes)))
        probabilities[:, self._estimator.classes_] = predicted / predicted.sum(axis=1, keepdims=True)
        return probabilities[:, 1] if self._problem.task == "binary" else probabilities

    def importance(self) -> Frame:
        """Return no rows: a network has no importance of its own."""
        return pl.DataFrame(schema={"feature": pl.String, "size": pl.Float64})

    def save(self, path: Path) -> None:
        """Write ``<path>.joblib``; as any pickle, it is to be read with the versions that wrote it."""
        joblib.dump(self, path.with_suffix(".joblib"))


def load(path: Path) -> FittedNetwork:
    """Return the model that ``save`` wrote. A pickle runs code: load only files of your own."""
    _check_installed()
    fitted: FittedNetwork = joblib.load(path.with_suffix(".joblib"))
    return fitted


def _check_installed() -> None:
    if importlib.util.find_spec("pytabkit") is None:
        raise ModelError(
            "realmlp and tabm need pytabkit, which is not installed",
            hint="pip install 'kagflow[neural]'",
            where="model.kind",
        )


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other networks waiting, and this one silent: stdout is for results."""
    with _ONE_AT_A_TIME, redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("pytabkit")  # which raises the level of loggers
        for name in ("pytorch_lightning", "lightning"):
            logging.getLogger(name).setLevel(logging.ERROR)
        yield


def _losses(problem: Problem) -> dict[str, Any]:
    """Return what to fit, and by what to pick the epoch; pytabkit would pick a classifier by its share of errors."""
    if problem.task != "regression":
        return {"val_metric_name": "cross_entropy"}
    if problem.quantile is not None:
        loss = f"pinball({problem.quantile})"
        return {"train_metric_name": loss, "val_metric_name": loss}
    if problem.objective == "absolute_error":
        return {"train_metric_name": "mae", "val_metric_name": "mae"}
    return {"val_metric_name": "rmse"}


def _preparation(x: Frame) -> ColumnTransformer:
    """Return how nulls of numbers are filled; categories pass as codes."""
    categories = categorical_columns(x)
    numbers = [name for name in x.columns if name not in categories]
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    made = ColumnTransformer(
        [("number", filled, numbers), ("category", "passthrough", categories)], verbose_feature_names_out=False
    )
    return made.set_output(transform="pandas")


def _prepared(preparation: ColumnTransformer, x: Frame) -> pd.DataFrame:
    frame: pd.DataFrame = preparation.transform(_matrix(x))
    return frame


def _matrix(x: Frame) -> pd.DataFrame:
    """Return numbers and codes, with NaN for null."""
    return to_numbers(x).cast(pl.Float64).to_pandas()
