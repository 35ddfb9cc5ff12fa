"""Stacking by logistic regression."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kagflow.ensemble.methods.base import FittedBlend, Method
from kagflow.ensemble.methods.design import Design
from kagflow.ensemble.rows import Array, Level, Part, Values
from kagflow.metrics import METRICS

_FREE = 100.0  # columns that are that much longer are hardly held back by a penalty on coefficients
_MOST_NEWTON = 1_000  # coefficients; above, a step of Newton's costs more than it saves
_MOST_STEPS = 1_000


@dataclass(frozen=True, kw_only=True)
class Logistic(Method):
    """Logistic regression, of several classes multinomial, on the members' log-odds.

    The mean of the members is hardly held back, how members differ from it is, by a squared penalty.

    Parameters
    ----------
    strengths
        Inverse penalties (scikit-learn's C) to choose from.
    """

    kind: ClassVar[str] = "logistic"
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)

    def suits(self, level: Level) -> bool:
        """Say whether members are probabilities."""
        return level.are_probabilities

    def fit_target(self, part: Part) -> FittedBlend:
        """Fit on the rows; see ``Method.fit``."""
        if len(self.strengths) == 1 or len(part.folds) < 2:
            return self._fit(part, self.strengths[0])
        return self._fit(part, min(self.strengths, key=lambda strength: _loss_across(part, strength, self._fit)))

    def _fit(self, part: Part, strength: float) -> "StackOfChances":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        design, rows = Design.of(part.level), part.by_name()
        x, starts = _free_start(design, rows)
        scaler = StandardScaler().fit(x)
        scaler.scale_[:starts] /= _FREE
        solver = "newton-cholesky" if x.shape[1] * (part.level.classes or 1) <= _MOST_NEWTON else "lbfgs"
        model = LogisticRegression(C=strength, solver=solver, max_iter=_MOST_STEPS)
        model.fit(scaler.transform(x), part.rows.y.astype(np.int64), sample_weight=part.rows.weight)
        return StackOfChances(design, part.level.classes, make_pipeline(scaler, model), strength)


def _free_start(design: Design, rows: Mapping[str, Values]) -> tuple[Array, int]:
    """Return the mean of the members and the other columns, and how many columns are the mean's."""
    start = design.start(rows)
    mean = start.reshape(len(start), -1)
    return np.concatenate([mean, design.columns(rows, start)], axis=1), mean.shape[1]


def _loss_across(part: Part, strength: float, fit: Callable[[Part, float], FittedBlend]) -> float:
    """Return the mean log loss of the part's folds, each by a fit on its other folds."""
    log_loss, losses = METRICS["log_loss"], []
    for number in part.folds:
        own = Part(part.level, (number,))
        others = Part(part.level, tuple(other for other in part.folds if other != number))
        made = fit(others, strength).apply(own.by_name())
        losses.append(log_loss.score(own.rows.y, made, own.rows.weight))
    return float(np.mean(losses))


@dataclass(frozen=True, eq=False)
class StackOfChances:
    """A logistic regression on the mean of the members, how they differ from it, and features.

    Attributes
    ----------
    design
        Its columns.
    classes
        How many, where there are more than two.
    model
        Scikit-learn's, scaling included.
    strength
        The inverse penalty that was chosen.
    """

    design: Design
    classes: int | None
    model: Any
    strength: float

    @property
    def weights(self) -> None:
        """None: log-odds of members are added, and squeezed afterwards."""
        return

    def apply(self, members: Mapping[str, Values]) -> Array:
        """Return (n,) P(positive) or (n, k) probabilities; see ``FittedBlend.apply``."""
        x, _ = _free_start(self.design, members)
        known = self.model.predict_proba(x)
        chances = np.zeros((len(x), self.classes or 2))
        chances[:, self.model.classes_] = known  # a class that the rows of the fit lacked has no chance
        return chances if self.classes else chances[:, 1]

    def document(self) -> dict[str, Any]:
        """Return coefficients of the columns after scaling."""
        model = self.model[-1]
        return {
            "coefficients": model.coef_.tolist(),
            "intercept": model.intercept_.tolist(),
            "strength": self.strength,
        }
