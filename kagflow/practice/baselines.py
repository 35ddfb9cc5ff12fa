"""What a player measures up to: honest baselines, computed from train and test when a board is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Dataset, Frame
from kagflow.models.base import Batch, Problem, Resources
from kagflow.models.sklearn import Sklearn
from kagflow.runs.submission import submission_of
from kagflow.training import find_transform

SAMPLE = "baseline: sample submission"
CONSTANT = "baseline: one value for all"
LINEAR = "baseline: linear model"

_MOST_ROWS = 20_000  # of train that the linear model is fitted on: a board opens within seconds
_MOST_LEVELS = 50  # of a column of text that it looks at
_ESTIMATORS = {"regression": "sklearn.linear_model.Ridge", "classes": "sklearn.linear_model.LogisticRegression"}

_Array = NDArray[np.float64]
_Fit = Callable[[pl.Series], _Array]


def baselines(data: Dataset, competition: Competition) -> Iterator[tuple[str, str, Frame]]:
    """Yield name, description and submission (columns as text) of each baseline.

    Parameters
    ----------
    data
        Train, test and sample submission.
    competition
        Its facts and metric.
    """
    yield SAMPLE, "the sample submission as it is", data.sample
    constant, linear = _Constant(data, competition), _Linear(data, competition)
    yield CONSTANT, constant.what, _submission(data, competition, constant)
    yield LINEAR, linear.what, _submission(data, competition, linear)


def _submission(data: Dataset, competition: Competition, fit: _Fit) -> Frame:
    made = [fit(y) for y in data.targets]
    prediction = np.stack(made, axis=1) if competition.facts.several_targets else made[0]
    return submission_of(data, competition, prediction).cast(pl.String)


class _Constant:
    """The mean, or the median where the metric is about absolute errors; of classes, how often each occurs."""

    def __init__(self, data: Dataset, competition: Competition) -> None:
        self._rows = data.test.height
        self._scale = find_transform(competition.metric.transform)
        self._median = competition.metric.objective == "absolute_error"
        self.what = "train's median" if self._median else "train's mean, on the metric's scale"
        if data.classes:
            self.what = "how often each class occurs in train"

    def __call__(self, y: pl.Series) -> _Array:
        """Return (m,) or (m, k) predictions of the test rows."""
        if isinstance(y.dtype, pl.Enum):
            shares = np.bincount(y.to_physical().to_numpy(), minlength=len(y.dtype.categories)) / y.len()
            one_column = len(shares) == 2
            return np.full(self._rows, shares[1]) if one_column else np.tile(shares, (self._rows, 1))
        nothing = pl.DataFrame()
        scale = self._scale.fit(nothing, y)
        values = scale.forward(nothing, y).to_numpy()
        middle = np.median(values) if self._median else values.mean()
        return scale.back(nothing, np.full(self._rows, float(middle)))


class _Linear:
    """Ridge or logistic regression on the columns as they are: numbers standardised, few-valued text one-hot."""

    what = "ridge or logistic regression with default parameters on the columns as they are"

    def __init__(self, data: Dataset, competition: Competition) -> None:
        facts, self._metric = competition.facts, competition.metric
        self._scale = find_transform(self._metric.transform)
        chosen = np.random.default_rng(0).permutation(data.train.height)[:_MOST_ROWS]
        train, self._test = _usable(data.train.x, data.test.x)
        self._rows, self._train = np.sort(chosen), train[np.sort(chosen)]
        self._weight = None if data.train.weight is None else data.train.weight.to_numpy()[self._rows]
        self._problem = Problem(facts.task, data.classes, self._metric.objective_for(facts.task))
        kind = "regression" if facts.task == "regression" else "classes"
        self._model = Sklearn({}, 1, _ESTIMATORS[kind])

    def __call__(self, y: pl.Series) -> _Array:
        """Return (m,) or (m, k) predictions of the test rows."""
        y = y[self._rows]
        scale = self._scale.fit(self._train, y)
        batch = Batch(self._train, scale.forward(self._train, y), self._weight)
        fitted = self._model.fit(batch, None, problem=self._problem, resources=Resources(), seed=0)
        return scale.back(self._test, fitted.predict(self._test))


def _usable(train: Frame, test: Frame) -> tuple[Frame, Frame]:
    """Return the columns that a linear model can use: numbers, and text of few values under one vocabulary."""
    both = pl.concat([train, test], how="vertical_relaxed")
    kept = []
    for column in both:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            kept.append(column)
        elif column.dtype == pl.String and 1 < (levels := column.drop_nulls().unique()).len() <= _MOST_LEVELS:
            kept.append(column.cast(pl.Enum(levels.sort())))
    usable = pl.DataFrame(kept)
    return usable.head(train.height), usable.tail(test.height)
