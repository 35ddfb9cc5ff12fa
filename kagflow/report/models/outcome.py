"""Out-of-fold predictions of a run, target by target, as the model pages look at them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.config import Task
from kagflow.data import Frame
from kagflow.metrics import Metric, RowMean, find_metric
from kagflow.runs import Run
from kagflow.runs.record import PROCESSED, raw_columns
from kagflow.runs.scores import Known, score_or_none

Values = NDArray[Any]
Array = NDArray[np.float64]

OOF = "oof.parquet"
_INSTEAD = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}
_LEAST_CHANCE = 1e-3  # a row that was called impossible is bad enough; infinitely bad it would be all that is seen


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run predicted of one target, beside what is true: the rows of its first repeat.

    Further repeats are left out, for the mean over repeats is an ensemble that no fold has seen.

    Attributes
    ----------
    target
        The target's name.
    task, classes
        What is predicted; labels in class order, empty for values.
    metric
        That of this target alone.
    ids
        (n,) ids of the rows.
    known
        Their truth, folds, weights and units.
    prediction
        (n,) or (n, k) the models' own predictions.
    scored
        What the metric sees: the same, or what post-processing made of it.
    """

    target: str
    task: Task
    classes: tuple[str, ...]
    metric: Metric
    ids: pl.Series
    known: Known
    prediction: Array
    scored: Values

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.known.y)

    @property
    def weight(self) -> Array:
        """(n,) weights, ones where there are none."""
        return np.ones(self.n) if self.known.weight is None else self.known.weight.astype(np.float64)

    @property
    def units(self) -> NDArray[np.int64]:
        """(n,) codes of the independent units."""
        return np.arange(self.n) if self.known.units is None else self.known.units

    @cached_property
    def chances(self) -> Array | None:
        """(n, k) the probability of each class; ``None`` where the predictions are no probabilities."""
        values = self.prediction
        if self.task == "regression" or not ((values >= 0) & (values <= 1)).all():
            return None
        if values.ndim == 1:
            return np.column_stack([1 - values, values]) if self.task == "binary" else None
        return values if np.allclose(values.sum(axis=1), 1, atol=1e-3) else None

    @cached_property
    def order_only(self) -> bool:
        """Whether the metric looks at the order of predictions only, as an AUC does."""
        if self.prediction.ndim != 1 or self.metric.wants != "probability" or self.chances is None:
            return False
        rows = np.unique(np.concatenate([np.flatnonzero(self.known.y == k)[:500] for k in (0, 1)]))
        y, p = self.known.y[rows], self.prediction[rows]
        further = None if self.known.further is None else {k: v[rows] for k, v in self.known.further.items()}
        one, other = (score_or_none(self.metric, y, each, self.weight[rows], further) for each in (p, (p + p**2) / 2))
        return one is not None and other is not None and bool(np.isclose(one, other, rtol=1e-12))

    @cached_property
    def losses(self) -> tuple[str, Array]:
        """What a row's loss is called, and (n,) losses: the metric's own where it is a mean over rows."""
        y, metric = self.known.y, self.metric
        if isinstance(metric.function, RowMean) and metric.direction == "minimize":
            own = np.asarray(metric.function.loss(y, metric.prepare(self.scored)), dtype=np.float64)
            if own.shape == y.shape and np.isfinite(own).all():
                return f"its part of {metric.name}", own
        truth = y.astype(np.float64)
        if self.order_only:
            return "the share of the other class's rows that it is on the wrong side of", _misplaced(y, self.prediction)
        if self.chances is not None:
            chance = self.chances[np.arange(self.n), y.astype(np.int64)]
            return "log loss", -np.log(np.maximum(chance, _LEAST_CHANCE))
        if self.prediction.ndim == 2:
            return "being wrong", (self.prediction.argmax(axis=1) != y).astype(np.float64)
        if metric.objective == "absolute_error":
            return "absolute error", np.abs(truth - self.prediction)
        return "squared error", (truth - self.prediction) ** 2

    def sampled(self, most: int, seed: int = 0) -> "Outcome":
        """Return at most so many rows, whole units where there are such."""
        if self.n <= most:
            return self
        rng = np.random.default_rng(seed)
        units, of = np.unique(self.units, return_inverse=True)
        drawn = np.zeros(len(units), dtype=bool)
        drawn[rng.permutation(len(units))[: max(int(most * len(units) / self.n), 1)]] = True
        return self.take(np.flatnonzero(drawn[of]))

    def take(self, rows: NDArray[np.int64]) -> "Outcome":
        """Return the rows at some positions."""
        known = self.known
        some = Known(
            known.y[rows],
            known.folds[rows],
            None if known.weight is None else known.weight[rows],
            None if known.units is None else known.units[rows],
            None if known.further is None else {name: each[rows] for name, each in known.further.items()},
        )
        return replace(self, ids=self.ids[rows], known=some, prediction=self.prediction[rows], scored=self.scored[rows])


def outcomes_of(run: Run, competition: Competition) -> list[Outcome]:
    """Return the outcome of each target; none where a run has no OOF."""
    if not (run.path / OOF).is_file():
        return []
    frame = run.oof().filter(pl.col("repeat") == pl.col("repeat").min())
    if frame.is_empty():
        return []
    targets = competition.facts.several_targets
    return [_outcome(frame, name, f"__{name}" if targets else "", competition) for name in competition.facts.targets]


def _outcome(frame: Frame, name: str, suffix: str, competition: Competition) -> Outcome:
    metric = competition.metric
    if metric.several:
        metric = metric.of_column or find_metric(_INSTEAD[competition.facts.task])
    y = frame[f"y{suffix}"]
    classes = tuple(y.dtype.categories) if isinstance(y.dtype, pl.Enum) else ()
    raw, processed = raw_columns(frame.columns), [each for each in frame.columns if each.startswith(PROCESSED)]
    known = Known.of(frame.drop([each for each in frame.columns if each.startswith("y")]).with_columns(y=y))
    prediction = _picked(frame, raw, suffix).astype(np.float64)
    scored = _picked(frame, processed, suffix) if processed else prediction
    return Outcome(name, competition.facts.task, classes, metric, frame["id"], known, prediction, scored)


def _picked(frame: Frame, columns: Sequence[str], suffix: str) -> Values:
    """Return the columns of predictions, or those of one of several targets."""
    wanted = [each for each in columns if not suffix or each in (f"prediction{suffix}", f"{PROCESSED}{suffix}")]
    values = frame.select(wanted).to_numpy(order="c")
    return values[:, 0] if len(wanted) == 1 else values


def _misplaced(y: Values, prediction: Array) -> Array:
    """Return (n,) the share of the other class's rows that lie on the wrong side of each; a tie counts half.

    The mean over the rows of either class is one less the AUC (Mann and Whitney, 1947).
    """
    positive = y == 1
    ranked = [np.sort(prediction[positive == side]) for side in (False, True)]
    wrong = np.empty(len(y))
    for side, others in ((True, ranked[0]), (False, ranked[1])):
        own = prediction[positive == side]
        below, upto = (np.searchsorted(others, own, where) for where in ("left", "right"))
        middle = (below + upto) / 2 / max(len(others), 1)
        wrong[positive == side] = 1 - middle if side else middle
    return wrong
