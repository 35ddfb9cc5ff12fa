"""Rows that moved most: those whose OOF predictions differ most between two runs, and which of the two was nearer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from kagflow.competition import Competition
from kagflow.report.html.words import value
from kagflow.report.models.outcome import Array, Outcome, outcomes_of
from kagflow.runs import Run

NEARER = "✓"
_MOST_ROWS = 8
_ALIKE = 1e-9  # of the largest difference: what is left over by rounding


@dataclass(frozen=True)
class MovedRow:
    """A row, as two runs predict it.

    Attributes
    ----------
    row
        Its id; of several targets, with the target's name.
    truth
        What is true of it.
    first, second
        What either run predicts.
    nearer
        0 where the first is nearer to the truth, 1 where the second is; ``None`` where they are alike in that.
    """

    row: str
    truth: str
    first: str
    second: str
    nearer: int | None

    @property
    def marked(self) -> tuple[str, str]:
        """Both predictions, the one that is nearer to the truth with a mark."""
        first, second = (
            f"{NEARER} {said}" if self.nearer == place else said for place, said in enumerate((self.first, self.second))
        )
        return first, second


class Predicted:
    """OOF predictions of a run, of the rows of its first repeat, on the scale on which runs are compared.

    A metric that looks at the order only has no scale: there a prediction is the share of the rows below it. Where it
    looks at logarithms, so does the distance between two predictions.

    Parameters
    ----------
    outcomes
        Of a run, one a target.
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._targets = [_Target(outcome) for outcome in outcomes]

    @property
    def about(self) -> str:
        """What the predictions are, in a sentence."""
        return self._targets[0].about if self._targets else ""

    def moved(self, other: "Predicted", most: int = _MOST_ROWS) -> list[MovedRow] | None:
        """Return the rows whose predictions differ most from those of another run of the same rows.

        ``None`` where the two predict other things: one labels, say, the other probabilities.
        """
        both = list(zip(self._targets, other._targets, strict=True))
        if not all(target.is_like(against) for target, against in both):
            return None
        found = [
            (distance, target.row(place, against, named=len(both) > 1))
            for target, against in both
            for place, distance in target.furthest(against, most)
        ]
        return [row for _, row in sorted(found, key=lambda each: -each[0])[:most]]


class _Target:
    """The same of one target."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._logarithms = outcome.metric.transform == "log1p"

    @property
    def about(self) -> str:
        if self._outcome.order_only:
            return f"{self._outcome.metric.name} looks at the order only: shown is the share of rows predicted lower."
        if self._outcome.prediction.ndim == 2:
            return "Shown is the likeliest class, with its probability."
        if self._outcome.chances is not None:
            return f"Shown is the probability of {self._outcome.classes[1]}."
        return "By their ratio, as the metric looks at logarithms." if self._logarithms else ""

    def is_like(self, other: "_Target") -> bool:
        mine, others = self._outcome, other._outcome
        return mine.prediction.shape == others.prediction.shape and mine.order_only == others.order_only

    @cached_property
    def _values(self) -> Array:
        """(n,) or (n, k) what is shown."""
        made = self._outcome.prediction
        return (rankdata(made) - 0.5) / len(made) if self._outcome.order_only else made

    @cached_property
    def _scaled(self) -> Array:
        """(n,) or (n, k) what the distance is between."""
        return self._on_scale(self._values)

    def _on_scale(self, values: Array) -> Array:
        return np.log1p(np.maximum(values, 0.0)) if self._logarithms else values

    def furthest(self, other: "_Target", most: int) -> list[tuple[int, float]]:
        """Return the places of the rows that lie furthest apart, and how far, in deviations of the truth."""
        away = np.abs(self._scaled - other._scaled)
        away = away.sum(axis=1) if away.ndim == 2 else away
        most = min(most, len(away))
        least = np.partition(away, -most)[-most] if most else 0.0
        candidates = np.flatnonzero((away >= least) & (away > 0))
        order = candidates[np.argsort(-away[candidates], kind="stable")][:most]
        spread = float(np.std(self._truth)) or 1.0
        return [(int(place), float(away[place]) / spread) for place in order]

    @cached_property
    def _truth(self) -> Array:
        truth: Array = self._outcome.known.y.astype(np.float64)
        return truth if self._outcome.classes else self._on_scale(truth)

    def row(self, place: int, other: "_Target", *, named: bool) -> MovedRow:
        outcome = self._outcome
        y = outcome.known.y[place]
        truth = outcome.classes[int(y)] if outcome.classes else value(float(y))
        row = f"{outcome.ids[place]}" + (f" · {outcome.target}" if named else "")
        return MovedRow(
            row, truth, self._said(place), other._said(place), _nearer(self._miss(place), other._miss(place))
        )

    def _said(self, place: int) -> str:
        made = self._values[place]
        if np.ndim(made):
            return f"{self._outcome.classes[int(made.argmax())]} {made.max():.3f}"
        if self._outcome.order_only:
            return f"{made:.1%}"
        return f"{made:.3f}" if self._outcome.chances is not None else value(float(made))

    def _miss(self, place: int) -> float:
        """Return how far a prediction is from the truth."""
        made, truth = self._scaled[place], self._truth[place]
        return float(1 - made[int(truth)]) if np.ndim(made) else float(abs(made - truth))


def _nearer(first: float, second: float) -> int | None:
    if abs(first - second) <= _ALIKE * max(first, second):
        return None
    return 0 if first < second else 1


def moved_rows(run: Run, other: Run, competition: Competition) -> list[MovedRow] | None:
    """Return the rows whose OOF predictions differ most between two runs of the same rows; see ``Predicted.moved``."""
    first, second = (Predicted(outcomes_of(each, competition)) for each in (run, other))
    return first.moved(second)
