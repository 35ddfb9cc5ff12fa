"""Any estimator with scikit-learn's interface, with the preparation that it needs.

Categories are one-hot encoded, nulls are imputed (the median, and a column that says so), and numbers are
standardised: learned on the training rows of the fit, and part of the fitted model. A classifier that only decides
(a support vector machine) is given probabilities by a logistic curve over its cross-fitted decisions (Platt, 1999),
also on training rows only.
"""

import importlib
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import joblib
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kagflow.data import Frame
from kagflow.errors import ModelError, did_you_mean
from kagflow.models.base import Batch, Model, Problem, Resources, categorical_columns, to_numbers
from kagflow.models.sklearn_spaces import KNOWN, SPACES
from kagflow.models.space import Space


class Sklearn(Model):
    """A scikit-learn estimator, named by its import path: ``estimator: sklearn.svm.SVR``."""

    kind: ClassVar[str] = "sklearn"
    uses_rounds: ClassVar[bool] = False
    owned: ClassVar[Mapping[str, str]] = {"random_state": "use `seed`", "n_jobs": "use `threads`"}

    def search_space(self) -> Space:
        """Return where the estimator's parameters are looked for; empty for one that kagflow does not know."""
        return SPACES.get(_class_name(self.estimator), {})

    def known_params(self) -> tuple[Mapping[str, Any], ...]:
        return KNOWN.get(_class_name(self.estimator), ())

    def parameter_names(self) -> Collection[str]:
        parameters = inspect.signature(_import(self.estimator)).parameters.values()
        open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
        return set() if open_ended else {parameter.name for parameter in parameters}

    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> "FittedSklearn":
        estimator = self._make(problem, resources, seed)
        pipeline = make_pipeline(_preparation(train.x), estimator)
        last = pipeline.steps[-1][0]
        arguments = {} if train.weight is None else {f"{last}__sample_weight": train.weight}
        fits = estimator.estimator if isinstance(estimator, CalibratedClassifierCV) else estimator
        if arguments and "sample_weight" not in inspect.signature(fits.fit).parameters:
            raise ModelError(
                f"{self.estimator} takes no weights, and the competition has some",
                hint="choose another estimator, or remove `weight` from competition.yaml",
                where="model.estimator",
            )
        try:
            pipeline.fit(_matrix(train.x), train.target, **arguments)
        except Exception as error:  # whatever a library of the user's choice raises
            raise self._refuses(error) from error
        return FittedSklearn(pipeline, problem, _limits(train.target) if problem.task == "regression" else None)

    def _make(self, problem: Problem, resources: Resources, seed: int) -> Any:
        """Return the estimator, with seed and threads where it takes them."""
        chosen = _import(self.estimator)
        known = inspect.signature(chosen).parameters
        # Without it scikit-learn's own take one thread (and some warn of it); one from elsewhere may take all.
        elsewhere = not chosen.__module__.startswith("sklearn.")
        owned = {"random_state": seed} | ({"n_jobs": resources.threads} if elsewhere or resources.threads > 1 else {})
        try:
            estimator = chosen(**self.params, **{name: value for name, value in owned.items() if name in known})
        except TypeError as error:
            raise ModelError(
                f"{self.estimator}: {error}", hint=f"it takes {', '.join(known)}", where="model.params"
            ) from None
        return estimator if problem.task == "regression" else self._with_probabilities(estimator, problem, seed)

    def _with_probabilities(self, estimator: Any, problem: Problem, seed: int) -> Any:
        """Return the classifier, calibrated where it only decides."""
        if hasattr(estimator, "predict_proba"):
            return estimator
        if not hasattr(estimator, "decision_function"):
            raise ModelError(
                f"{self.estimator} gives no probabilities, which a {problem.task} task needs",
                hint="choose a classifier with predict_proba or decision_function",
                where="model.estimator",
            )
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        return CalibratedClassifierCV(estimator, cv=folds, ensemble=False)


class FittedSklearn:
    """A fitted pipeline of preparation and estimator.

    Predicted values are kept near the training target: one row far outside of all that was seen, which only the test
    rows may have, makes a linear model answer in the millions, and one such answer decides a score.
    """

    rounds: int | None = None

    def __init__(self, pipeline: Pipeline, problem: Problem, limits: tuple[float, float] | None = None) -> None:
        self._pipeline = pipeline
        self._problem = problem
        self._limits = limits  # of what a value may be

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities; a class that training rows lacked gets 0."""
        matrix = _matrix(x)
        if self._problem.task == "regression":
            values = np.asarray(self._pipeline.predict(matrix), dtype=np.float64).reshape(len(matrix))
            return values if self._limits is None else values.clip(*self._limits)
        probabilities = np.zeros((len(matrix), len(self._problem.classes)))
        probabilities[:, self._pipeline.classes_] = self._pipeline.predict_proba(matrix)
        return probabilities[:, 1] if self._problem.task == "binary" else probabilities

    def importance(self) -> Frame:
        """Return the size of each feature: of its coefficient (the largest over classes), or its importance.

        Features are standardised. A feature of which the preparation makes several columns has the sum over them.
        """
        estimator = self._pipeline[-1]
        if isinstance(estimator, CalibratedClassifierCV):
            estimator = estimator.calibrated_classifiers_[0].estimator
        names = _sources(self._pipeline[0])
        coefficients = getattr(estimator, "coef_", None)
        if coefficients is not None and not isinstance(coefficients, np.ndarray):
            coefficients = None  # a sparse or kernel form without one number a feature
        if coefficients is not None:
            values = np.abs(np.atleast_2d(coefficients)).max(axis=0)
        else:
            values = np.asarray(getattr(estimator, "feature_importances_", np.empty(0)))
        names = names if len(names) == len(values) else []
        columns = pl.DataFrame(
            {"feature": names, "size": values[: len(names)]}, schema={"feature": pl.String, "size": pl.Float64}
        )
        return columns.group_by("feature", maintain_order=True).sum()

    def save(self, path: Path) -> None:
        """Write ``<path>.joblib``; as any pickle, it is to be read with the versions that wrote it."""
        joblib.dump(self, path.with_suffix(".joblib"))


def load(path: Path) -> FittedSklearn:
    """Return the model that ``save`` wrote. A pickle runs code: load only files of your own."""
    fitted: FittedSklearn = joblib.load(path.with_suffix(".joblib"))
    return fitted


def _limits(target: NDArray[Any]) -> tuple[float, float]:
    """Return the range of a target on the model's scale, with half of its width more at either end."""
    low, high = float(target.min()), float(target.max())
    return low - (high - low) / 2, high + (high - low) / 2


def _preparation(x: Frame) -> ColumnTransformer:
    categories = categorical_columns(x)
    numbers = [name for name in x.columns if name not in categories]
    one_hot = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=-1, keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    return ColumnTransformer([("number", scaled, numbers), ("category", one_hot, categories)])


def _sources(preparation: ColumnTransformer) -> list[str]:
    """Return the feature that each prepared column was made of."""
    (_, scaled, numbers), (_, one_hot, categories) = preparation.transformers_
    imputer = scaled[0] if numbers else None
    empty = [] if imputer is None or imputer.indicator_ is None else [numbers[k] for k in imputer.indicator_.features_]
    levels = one_hot[-1].categories_ if categories else []
    return [*numbers, *empty, *(name for name, own in zip(categories, levels, strict=True) for _ in own)]


def _matrix(x: Frame) -> Any:
    """Return a pandas frame of Float64, for scikit-learn picks columns by name."""
    return to_numbers(x).cast(pl.Float64).to_pandas()


def _class_name(path: str | None) -> str:
    """Return the name of an estimator without its modules: scikit-learn's own have several paths."""
    return "" if path is None or not path.startswith("sklearn.") else path.rpartition(".")[2]


def _import(path: str | None) -> Any:
    if path is None:
        raise ModelError(
            "the kind `sklearn` needs an estimator",
            hint="for example `estimator: sklearn.linear_model.Ridge`",
            where="model.estimator",
        )
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError):
        raise ModelError(
            f"{path!r} cannot be imported",
            hint="write its full path, for example sklearn.linear_model.Ridge",
            where="model.estimator",
        ) from None
    known = [key for key, value in vars(module).items() if isinstance(value, type) and hasattr(value, "fit")]
    if name not in known:
        raise ModelError(
            f"{module_name} has no estimator {name!r}", hint=did_you_mean(name, known), where="model.estimator"
        )
    return getattr(module, name)
