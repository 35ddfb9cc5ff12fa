"""Stacking by a small LightGBM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, Method
from kagflow.ensemble.methods.design import Design
from kagflow.ensemble.rows import Array, Level, Part, Values
from kagflow.ensemble.scale import probabilities


@dataclass(frozen=True, kw_only=True)
class LightGBM(Method):
    """A small LightGBM that corrects the mean of the members (Ke et al., 2017).

    Parameters
    ----------
    learning_rate, num_leaves, min_data_in_leaf
        As LightGBM has them.
    rounds
        At most; how many is chosen across the folds.
    seed
        Of the columns that each tree may look at.
    """

    kind: ClassVar[str] = "lightgbm"
    learning_rate: float = 0.03
    num_leaves: int = 6
    min_data_in_leaf: int = 50
    rounds: int = 300
    seed: int = 0

    def fit_target(self, part: Part) -> FittedBlend:
        """Fit on the rows; see ``Method.fit``."""
        import lightgbm

        level = part.level
        design, rows = Design.of(level), part.by_name()
        start = design.start(rows)
        y = part.rows.y.astype(np.float64) if design.odds else design.scale.forward(part.rows.y)
        data = lightgbm.Dataset(
            _with_start(design, rows, start),
            y,
            weight=part.rows.weight,
            init_score=start.reshape(len(start), -1).ravel(order="F"),
            free_raw_data=False,
            params={"verbosity": -1},
        )
        params = self._params(level)
        rounds = self.rounds
        if len(part.folds) > 1:
            rounds = self._rounds(params, data, part.rows.folds)
        return BoostedStack(design, lightgbm.train(params, data, rounds), rounds)

    def _params(self, level: Level) -> dict[str, Any]:
        metric, objective = level.rows.metric, "regression"
        extra: dict[str, Any] = {}
        if level.are_probabilities:
            objective = "multiclass" if level.classes else "binary"
            extra = {"num_class": level.classes} if level.classes else {}
        elif metric.objective_for("regression") == "absolute_error":
            objective, extra = "quantile", {"alpha": 0.5 if metric.quantile is None else metric.quantile}
        return {
            "objective": objective,
            **extra,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": 0.5,
            "lambda_l2": 10.0,
            "boost_from_average": False,  # the mean of the members is where it starts
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def _rounds(self, params: dict[str, Any], data: Any, folds: Any) -> int:
        """Return the number of rounds after which the folds' mean loss is least."""
        import lightgbm

        splits = [(np.flatnonzero(folds != number), np.flatnonzero(folds == number)) for number in np.unique(folds)]
        history = lightgbm.cv(
            params,
            data,
            self.rounds,
            folds=splits,
            callbacks=[lightgbm.early_stopping(30, verbose=False)],
        )
        means: Any = next(curve for name, curve in history.items() if name.endswith("-mean"))
        return len(means)


def _with_start(design: Design, rows: Mapping[str, Values], start: Array) -> Array:
    return np.concatenate([start.reshape(len(start), -1), design.columns(rows, start)], axis=1)


@dataclass(frozen=True, eq=False)
class BoostedStack:
    """The mean of the members, and what a LightGBM adds to it.

    Attributes
    ----------
    design
        Its columns.
    booster
        LightGBM's.
    rounds
        How many were kept.
    """

    design: Design
    booster: Any
    rounds: int

    @property
    def weights(self) -> None:
        """None: trees have no weights."""
        return

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return values or probabilities; see ``FittedBlend.apply``."""
        start = self.design.start(members)
        raw = start + self.booster.predict(_with_start(self.design, members, start), raw_score=True)
        return probabilities(raw) if self.design.odds else self.design.scale.back(raw)

    def document(self) -> dict[str, Any]:
        """Return the number of rounds."""
        return {"rounds": self.rounds}
