"""Scores of out-of-fold predictions with their noise, and what is known of the rows that they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Rows, Table
from kagflow.data.table import targets_array
from kagflow.errors import KagflowError
from kagflow.metrics import Metric
from kagflow.runs.record import METRIC_COLUMN
from kagflow.splits import Folds
from kagflow.stats import bootstrap_se

Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Known:
    """What decides on the score of some rows, beside their predictions.

    Attributes
    ----------
    y
        (n,) values or class codes, or (n, targets).
    folds
        (n,) number of the fold that scored each row.
    weight, units
        (n,) weights, and codes of the independent units, where there are such.
    further
        (n,) what else the metric looks at, by column; ``None`` for nothing.
    """

    y: Values
    folds: NDArray[np.int64]
    weight: Values | None = None
    units: NDArray[np.int64] | None = None
    further: Mapping[str, Values] | None = None

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Return what an OOF frame of one repeat holds."""
        further = {
            name.removeprefix(METRIC_COLUMN): frame[name].to_numpy()
            for name in frame.columns
            if name.startswith(METRIC_COLUMN)
        }
        return cls(
            y=targets_array(frame.select(name for name in frame.columns if name == "y" or name.startswith("y__"))),
            folds=frame["fold"].to_numpy(),
            weight=frame["weight"].to_numpy() if "weight" in frame.columns else None,
            units=np.unique(frame["unit"].to_numpy(), return_inverse=True)[1] if "unit" in frame.columns else None,
            further=further or None,
        )

    def score(self, metric: Metric, prediction: Values) -> float:
        """Return the score of predictions of all rows."""
        return metric.score(self.y, prediction, self.weight, self.further)

    def noise(self, metric: Metric, prediction: Values) -> float:
        """Return its standard error; NaN where there are fewer than two independent units."""
        return bootstrap_se(metric, self.y, prediction, weight=self.weight, units=self.units, further=self.further)

    def by_fold(self, metric: Metric, prediction: Values) -> list[float | None]:
        """Return the score of each fold; ``None`` where a fold alone has none."""
        scores = []
        for number in np.unique(self.folds):
            own = np.flatnonzero(self.folds == number)
            weight = None if self.weight is None else self.weight[own]
            further = None if self.further is None else {name: each[own] for name, each in self.further.items()}
            scores.append(score_or_none(metric, self.y[own], prediction[own], weight, further))
        return scores

    def by_target(self, metric: Metric, prediction: Values) -> list[float | None]:
        """Return the score of each of several targets, by the metric of one."""
        columns = zip(self.y.T, prediction.T, strict=True)
        return [score_or_none(metric, truth, made, self.weight, self.further) for truth, made in columns]


def score_repeats(
    metric: Metric,
    repeats: Sequence[tuple[Known, Values]],
    *,
    as_fitted: Sequence[Values] = (),
    unit: str = "rows",
    targets: Sequence[str] = (),
) -> dict[str, Any]:
    """Return scores with their noise: over each repeat's whole OOF, averaged, and of each fold.

    Parameters
    ----------
    metric
        The competition's.
    repeats
        What is known of the rows of each repeat, and what is scored.
    as_fitted
        The same predictions, where something was fitted to the rows that they are of.
    unit
        What is independent: ``rows``, ``groups`` ...
    targets
        Names of several targets.
    """
    whole = [known.score(metric, prediction) for known, prediction in repeats]
    se = float(np.mean([known.noise(metric, prediction) for known, prediction in repeats]))
    fitted = [known.score(metric, made) for (known, _), made in zip(repeats, as_fitted, strict=False)]
    folds = [score for known, prediction in repeats for score in known.by_fold(metric, prediction)]
    single = metric.of_column if metric.several else None
    return {
        "metric": metric.name,
        "direction": metric.direction,
        "cv": float(np.mean(whole)),
        "se": se if np.isfinite(se) else None,
        **({"cv_fitted": float(np.mean(fitted))} if fitted else {}),
        **({"targets": _by_target(single, repeats, targets)} if single else {}),
        "units": unit,
        "folds": folds,
        "folds_mean": float(np.mean([score for score in folds if score is not None] or whole)),
    }


def _by_target(
    metric: Metric, repeats: Sequence[tuple[Known, Values]], targets: Sequence[str]
) -> dict[str, float | None]:
    of_repeats = [known.by_target(metric, prediction) for known, prediction in repeats]
    means: dict[str, float | None] = {}
    for name, scores in zip(targets, zip(*of_repeats, strict=True), strict=True):
        there = [score for score in scores if score is not None]
        means[name] = float(np.mean(there)) if there else None
    return means


def score_or_none(
    metric: Metric,
    y: Values,
    predictions: Values,
    weight: Values | None,
    further: Mapping[str, Values] | None,
) -> float | None:
    """Return the score of some rows, or ``None`` where they have none (an AUC needs both classes)."""
    try:
        return metric.score(y, predictions, weight, further)
    except KagflowError:
        return None


def known_frame(
    table: Table, targets: Frame, rows: Rows, folds: Rows, repeat: int, units: Rows | None, *, several: bool
) -> Frame:
    """Return what an OOF frame says of its rows, before the predictions.

    Parameters
    ----------
    table, targets
        All training rows, and (n, targets) their targets.
    rows, folds
        (m,) positions of the rows that a repeat scores, and the number of the fold that scores each.
    repeat
        Its number.
    units
        (n,) codes of the independent units; ``None`` where these are the rows.
    several
        Whether there are several targets.
    """
    known: dict[str, Any] = {
        "id": table.ids[rows],
        "fold": folds,
        "repeat": np.full(len(rows), repeat),
        **{f"y__{y.name}" if several else "y": y[rows] for y in targets},
    }
    if units is not None:
        known["unit"] = units[rows]
    if table.weight is not None:
        known["weight"] = table.weight[rows]
    if table.further is not None:
        known |= {f"{METRIC_COLUMN}{name}": table.further[name][rows] for name in table.further.columns}
    return pl.DataFrame(known)


def fold_numbers(folds: Folds, repeat: int) -> NDArray[np.int64]:
    """Return the number of the fold that scores each row in a repeat; -1 where none does."""
    numbers = np.full(len(folds.ids), -1)
    for fold in folds:
        if fold.repeat == repeat:
            numbers[fold.valid] = fold.number
    return numbers
