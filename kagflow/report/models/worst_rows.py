"""Where the model is bad: the rows that cost most."""

from dataclasses import dataclass

import numpy as np

from kagflow.report.html.words import value
from kagflow.report.models.outcome import Outcome

_SHOWN_ROWS = 20
_CONCENTRATED = 0.25


@dataclass(frozen=True)
class BadRow:
    """A row that costs much.

    Attributes
    ----------
    id, fold
        Which one, and the fold that scored it.
    truth, predicted
        In words; of classes, the truth and its probability.
    share
        Of the loss of all rows.
    """

    id: str
    fold: int
    truth: str
    predicted: str
    share: float


@dataclass(frozen=True)
class WorstRows:
    """The rows that cost most.

    Attributes
    ----------
    loss
        What the loss of a row is.
    rows
        The worst first.
    top
        Share of the loss that the worst 1 % of rows hold.
    """

    loss: str
    rows: tuple[BadRow, ...]
    top: float

    @property
    def advice(self) -> str:
        """What to do about them, in a sentence."""
        if self.top > _CONCENTRATED:
            return (
                f"The worst 1 % of rows hold {self.top:.0%} of the loss: open them; wrong labels and other units look "
                "like this, and `keep` leaves such rows out of training (never out of the score)."
            )
        return f"The worst 1 % of rows hold {self.top:.0%} of the loss: it is spread out, so a few rows explain little."


def worst_rows(outcome: Outcome) -> WorstRows:
    """Return the rows with the largest loss."""
    name, losses = outcome.losses
    cost = losses * outcome.weight
    whole = float(cost.sum()) or 1.0
    order = np.argsort(-cost, kind="stable")
    rows = tuple(_bad_row(outcome, int(row), float(cost[row]) / whole) for row in order[:_SHOWN_ROWS])
    return WorstRows(name, rows, float(cost[order[: max(len(order) // 100, 1)]].sum()) / whole)


def _bad_row(outcome: Outcome, row: int, share: float) -> BadRow:
    y, made = outcome.known.y[row], outcome.prediction[row]
    truth = outcome.classes[int(y)] if outcome.classes else value(float(y))
    if np.ndim(made):
        predicted = f"{made[int(y)]:.3f} for it, {made.max():.3f} for {outcome.classes[int(made.argmax())]}"
    elif outcome.chances is not None:
        predicted = f"{outcome.chances[row, int(y)]:.3f} for it"
    else:
        predicted = value(float(made))
    return BadRow(str(outcome.ids[row]), int(outcome.known.folds[row]), truth, predicted, share)
