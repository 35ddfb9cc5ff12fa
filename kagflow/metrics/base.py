"""What a metric is: a number for a set of predictions, and everything that follows from it.

A metric's direction is written beside its name, never guessed. Truth and predictions come as arrays: values for
regression; class codes (in class order) against P(positive), or against one probability a class.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kagflow.config import Objective, Task
from kagflow.errors import ConfigError, KagflowError, did_you_mean

Array = NDArray[np.float64]
Values = NDArray[np.generic]
Direction = Literal["minimize", "maximize"]
Wants = Literal["value", "probability", "label", "top_k"]
MetricFunction = Callable[..., float]
_ALLOWED = {"direction": get_args(Direction), "wants": get_args(Wants), "objective": get_args(Objective)}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number for a set of predictions.

    Parameters
    ----------
    name
        As `competition.yaml` writes it.
    direction
        Whether less or more is better.
    wants
        What the function takes as predictions: values, probabilities, labels (class codes) or ranked labels.
    function
        ``function(y, prediction, weight) -> float`` over rows, weights positive; further columns of the rows follow
        in the order in which ``columns`` names them.
    objective
        What a model should fit to do well on it.
    transform
        Target transform under which that objective is this metric, if there is one.
    quantile
        Where the metric asks for a quantile: which one, in (0, 1). The absolute error is that of 0.5.
    ordinal
        Whether labels are whole numbers on a scale; a model may then predict values, which are rounded to labels.
    top
        Number of ranked labels a row, where the metric wants them.
    columns
        Further columns of the rows that the function reads.
    needs_weight
        Whether the metric is not defined without weights.
    several
        Whether it scores all targets of a competition that has several: (n, t) truth and predictions.
    of_column
        Where it does: the metric of one target, if there is one. Each target is then scored by that as well.
    """

    name: str
    direction: Direction
    wants: Wants
    function: MetricFunction
    objective: Objective
    transform: str = "none"
    quantile: float | None = None
    ordinal: bool = False
    top: int = 1
    columns: tuple[str, ...] = ()
    needs_weight: bool = False
    several: bool = False
    of_column: "Metric | None" = None

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ConfigError(
                    f"the metric {self.name!r} has {name}={value!r}",
                    hint=f"{did_you_mean(str(value), allowed)}; it is one of {', '.join(allowed)}",
                    where=f"metric.{name}",
                )

    def score(
        self,
        y: Values,
        prediction: Values,
        weight: Values | None = None,
        further: Mapping[str, Values] | None = None,
    ) -> float:
        """Return the metric over all rows.

        Parameters
        ----------
        y
            (n,) values, or class codes; (n, targets) for a metric over several targets.
        prediction
            (n,) values or P(positive), or (n, k) probabilities in class order; of several targets one column each,
            in the shape of `y`. Where the metric wants labels, probabilities become the most probable label; class
            codes (integers) are taken as they are.
        weight
            (n,) positive weights; all one when absent.
        further
            (n,) arrays by name, at least those that ``columns`` names.

        Raises
        ------
        KagflowError
            There are no rows, the shapes do not fit, a prediction is not finite, weights or columns that the metric
            needs are missing, the function raises or changes what it is handed, or the result is not finite.
        """
        self._check(y, prediction)
        weights = self.weights(len(y), weight)
        # What a function of the competition's own is handed is not its to change: these are the run's predictions.
        handed = [read_only(each) for each in (y, self.prepare(prediction), weights, *self.pick(further))]
        try:
            value = float(self.function(*handed))
        except KagflowError:
            raise
        except Exception as error:
            raise self._fault(error) from error
        if not np.isfinite(value):
            raise KagflowError(
                f"the metric {self.name} returned {value} for {len(y)} rows", hint=self._why(y), where=self.name
            )
        return value

    def prepare(self, prediction: Values) -> Values:
        """Return predictions in the form that the function wants.

        Labels are the most probable class: of several the first with the highest probability, of two the positive
        one above 0.5. Labels on a scale (``ordinal``) may also come as (n,) values, which are rounded. Ranked labels
        are (n, top) class codes, the most probable first. Integers are labels already. Of several targets each
        prediction becomes a label by itself.
        """
        if self.wants == "top_k":
            return self._ranked(prediction)
        if self.wants != "label" or np.issubdtype(prediction.dtype, np.integer):
            return prediction
        values = prediction.astype(np.float64)
        if values.ndim == 2 and not self.several:
            labels: NDArray[np.int64] = np.argmax(values, axis=1)
        elif self.ordinal:
            labels = np.rint(values).astype(np.int64)
        else:
            labels = (values > 0.5).astype(np.int64)
        return labels

    def weights(self, rows: int, weight: Values | None) -> Array:
        """Return (n,) weights as numbers, ones when there are none.

        Raises
        ------
        KagflowError
            The metric needs weights, and there are none.
        """
        if weight is not None:
            return np.asarray(weight, dtype=np.float64)
        if self.needs_weight:
            raise KagflowError(
                f"{self.name} needs the weights of the rows",
                hint="name their column as `weight` in competition.yaml",
                where=self.name,
            )
        return np.ones(rows)

    def pick(self, further: Mapping[str, Values] | None) -> list[Values]:
        """Return the further columns that the function reads, in its order.

        Raises
        ------
        KagflowError
            One is missing.
        """
        given = further or {}
        for name in self.columns:
            if name not in given:
                raise KagflowError(
                    f"{self.name} needs the column {name!r} of the rows",
                    hint="check the column's name in `metric`; training rows must have it",
                    where=self.name,
                )
        return [given[name] for name in self.columns]

    def objective_for(self, task: Task) -> Objective:
        """Return what a model of that task should fit: probabilities for classes, an error for values."""
        if task != "regression":
            return "log_loss"
        return "squared_error" if self.objective == "log_loss" else self.objective

    def better(self, first: float, second: float) -> bool:
        """Say whether the first score is better than the second."""
        return first < second if self.direction == "minimize" else first > second

    def _ranked(self, prediction: Values) -> Values:
        if prediction.ndim == 1:
            raise KagflowError(
                f"{self.name} wants ranked labels or one probability a class; there is one number a row",
                hint="check `metric` and `task`",
                where=self.name,
            )
        if np.issubdtype(prediction.dtype, np.integer):
            return prediction[:, : self.top]
        # Stable on the negative: of equally probable classes the first in class order comes first.
        order: NDArray[np.int64] = np.argsort(-prediction.astype(np.float64), axis=1, kind="stable")
        return order[:, : self.top]

    def _check(self, y: Values, prediction: Values) -> None:
        if (
            len(y) == 0
            or len(prediction) != len(y)
            or ((self.wants == "value" or self.several) and prediction.shape != y.shape)
        ):
            raise KagflowError(
                f"a target of shape {y.shape} cannot be scored with predictions of shape {prediction.shape}",
                hint="one prediction a row, for at least one row",
                where=self.name,
            )
        # Ranking or picking a class would turn NaN into a good-looking number.
        if np.issubdtype(prediction.dtype, np.floating) and not np.isfinite(prediction).all():
            unusable = np.count_nonzero(~np.isfinite(prediction).reshape(len(y), -1).all(axis=1))
            raise KagflowError(
                f"{unusable} of {len(y)} predictions are not finite",
                hint="look at the features and the target transform",
                where=self.name,
            )

    def _fault(self, error: Exception) -> KagflowError:
        """Return what to tell of an error that the function raised, and the last line that it went through."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        return KagflowError(
            f"the metric {self.name} raised {type(error).__name__}: {next(iter(str(error).splitlines()), '')}",
            hint="it is `function(y, prediction, weight) -> float` over arrays of rows, which it must not change",
            where=f"{last.filename}:{last.lineno}",
        )

    def _why(self, y: Values) -> str:
        same = (y == y[0]).all(axis=0).any()  # of several targets, one
        if same and self.wants != "value":
            return "the rows hold one class only; a stratified splitter spreads the classes over the folds"
        if same:
            return "the target is the same in all rows"
        classes = "" if self.wants == "value" else "do the rows hold every class? if so, "
        return f"{classes}look at the metric's own function (logarithms, divisions by zero); predictions are finite"


def read_only(values: Values) -> Values:
    """Return the same array, which cannot be written to."""
    view = values.view()
    view.flags.writeable = False
    return view


ROUNDING = 1e-12
"""What differs by less than this share of its size is the same but for rounding."""

Redrawn = Callable[[NDArray[np.int64]], float]
"""A metric over fixed rows, as a function of how often each row is drawn."""


@dataclass(frozen=True, kw_only=True)
class RowMean:
    """A metric's function that is a weighted mean over rows, and a last step over it.

    Parameters
    ----------
    loss
        ``loss(y, prediction)`` returns the (n,) loss of each row, or (m, n): m statistics of each row.
    finish
        Takes the mean loss, or the (m,) means of the statistics.
    """

    loss: Callable[[Values, Values], Array]
    finish: Callable[[Any], float] = float

    def __call__(self, y: Values, prediction: Values, weight: Array) -> float:
        """Return the metric; as every metric's function."""
        return self.finish(np.average(self.loss(y, prediction), axis=-1, weights=weight))

    def redrawn(self, y: Values, prediction: Values, weight: Array) -> Redrawn:
        """Return the metric as a function of how often each row is drawn, at the price of a sum a draw."""
        weighted = self.loss(y, prediction) * weight
        # Sums, not dot products: BLAS threads cost more than they save, and their number would show in last digits.
        return lambda counts: self.finish((weighted * counts).sum(axis=-1) / (weight * counts).sum())


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """A metric's function that only asks how often which label was said for which.

    Parameters
    ----------
    finish
        Takes (..., k, k) masses of rows, truth by said label, and returns (...) scores.
    """

    finish: Callable[[Array], Array]

    def __call__(self, y: Values, prediction: Values, weight: Array) -> float:
        """Return the metric; as every metric's function."""
        cells, k = _cells(y, prediction)
        return float(self.finish(_table(cells, weight, k)))

    def redrawn(self, y: Values, prediction: Values, weight: Array) -> Redrawn:
        """Return the metric as a function of how often each row is drawn."""
        cells, k = _cells(y, prediction)
        return lambda counts: float(self.finish(_table(cells, weight * counts, k)))


def _cells(y: Values, prediction: Values) -> tuple[NDArray[np.int64], int]:
    """Return the cell of each row in the table of truth by label, and the number of classes (two at least)."""
    truth, said = y.astype(np.int64), prediction.astype(np.int64)
    if (truth != y).any() or (truth < 0).any() or (said < 0).any():
        raise KagflowError(
            "labels can be counted where they are class codes; these are other numbers",
            hint="check `metric` and `task`: is the target a class?",
            where="metric",
        )
    k = max(2, int(truth.max()) + 1, int(said.max()) + 1)
    return truth * k + said, k


def _table(cells: NDArray[np.int64], weight: Array, k: int) -> Array:
    return np.bincount(cells, weights=weight, minlength=k * k).astype(np.float64).reshape(k, k)
