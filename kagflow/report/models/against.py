"""Predicted values against the truth: where the model is too high, too low, too timid or too bold."""

from dataclasses import dataclass

import numpy as np

from kagflow.report.models.binned import Array, Mean, by_rank, even_edges, mean_of, shares, slope_of
from kagflow.report.models.outcome import Outcome

_BINS, _CELLS, _BARS = 15, 40, 50
_WORTH, _STEEP = 0.05, 0.05  # of the residuals' deviation; of the slope: smaller ones are not worth a change
_TAIL, _HEAVY = 0.01, 0.3  # the worst 1 % of rows hold 8 % of a normal's squared error


@dataclass(frozen=True, eq=False)
class Bin:
    """Rows of about the same prediction.

    Attributes
    ----------
    predicted, truth
        Their means.
    low, high
        Between which nine truths of ten lie.
    rows
        How many.
    """

    predicted: float
    truth: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, eq=False)
class Against:
    """OOF predictions against the truth.

    Attributes
    ----------
    scale
        ``log1p`` where the metric looks at logarithms, and so do all numbers here; else empty.
    bins
        By prediction, ascending.
    x_edges, y_edges, cells
        Edges of predictions and truths, and (x, y) how many rows lie in each cell.
    residual_edges, residual_shares
        Histogram of truth less prediction.
    aim
        What the metric makes a model aim at: ``mean``, or a quantile such as ``median``.
    off
        How far the predictions are off it: mean residual; or the share of truths below, less what it ought to be.
    deviation
        Standard deviation of the residuals.
    slope
        Of truth on prediction, where the mean is aimed at; 1 is right. ``None`` otherwise.
    tail
        Share of the squared error that the worst 1 % of rows hold.
    """

    scale: str
    bins: tuple[Bin, ...]
    x_edges: Array
    y_edges: Array
    cells: Array
    residual_edges: Array
    residual_shares: Array
    aim: str
    off: Mean
    deviation: float
    slope: Mean | None
    tail: float

    @property
    def is_off(self) -> bool:
        """Whether the middle of the predictions is wrong beyond noise, by an amount that matters."""
        size = self.deviation if self.aim == "mean" else 1.0
        return self.off.sure and abs(self.off.value) > _WORTH * size

    @property
    def is_tilted(self) -> bool:
        """Whether high and low predictions err in opposite ways, beyond noise."""
        if self.slope is None:
            return False
        tilt = Mean(self.slope.value - 1, self.slope.se)
        return tilt.sure and abs(tilt.value) > _STEEP

    @property
    def heavy(self) -> bool:
        """Whether few rows make most of the squared error."""
        return self.tail > _HEAVY

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        on = f" (on the {self.scale} scale)" if self.scale else ""
        if self.is_off and self.aim == "mean":
            way, by = "low" if self.off.value > 0 else "high", f"{abs(self.off.value):.3g} ± {self.off.se:.1g}"
            return (
                f"Predictions are too {way} by {by} on average{on}: look at the target transform and the objective, or "
                "shift them in post-processing."
            )
        if self.is_off:
            more = "more" if self.off.value > 0 else "fewer"
            return (
                f"The metric wants the {self.aim}; {abs(self.off.value):.1%} ± {self.off.se:.1%} {more} of the truths "
                "than should lie below the prediction: fit that quantile (`objective`)."
            )
        if self.is_tilted and self.slope is not None:
            what = (
                "too timid; try more rounds or less regularisation"
                if self.slope.value > 1
                else "too bold; try more regularisation, fewer rounds, or a blend"
            )
            return (
                f"Where a prediction is higher by 1 the truth is by {self.slope.value:.3g} ± {self.slope.se:.1g}{on}: "
                f"predictions are {what}."
            )
        return f"High and low predictions are as near to the truth as chance lets them{on}: nothing to correct here."

    @property
    def residual_advice(self) -> str:
        """What to do about the residuals, in a sentence."""
        if self.heavy:
            return (
                f"The worst 1 % of rows hold {self.tail:.0%} of the squared error: look at them below, and try an "
                f"objective that they rule less (Huber, absolute error){'' if self.scale else ', or a log target'}."
            )
        return f"The worst 1 % of rows hold {self.tail:.0%} of the squared error (a normal law: 8 %): no cause to act."


def against_target(outcome: Outcome) -> Against | None:
    """Return OOF predictions against the truth, on the metric's own scale; ``None`` for classes."""
    if outcome.task != "regression" or outcome.prediction.ndim != 1:
        return None
    truth, made = outcome.known.y.astype(np.float64), np.asarray(outcome.scored, dtype=np.float64)
    scale = "log1p" if outcome.metric.transform == "log1p" and min(truth.min(), made.min()) > -1 else ""
    if scale:
        truth, made = np.log1p(truth), np.log1p(made)
    residual, weight, units = truth - made, outcome.weight, outcome.units
    quantile = _quantile(outcome)
    aim = "mean" if quantile is None else "median" if quantile == 0.5 else f"{quantile:.0%} quantile"
    off = mean_of(residual if quantile is None else (residual < 0) + 0.5 * (residual == 0) - quantile, weight, units)
    x_edges, y_edges = even_edges(made, _CELLS), even_edges(truth, _CELLS)
    cells, *_ = np.histogram2d(
        np.clip(made, x_edges[0], x_edges[-1]), np.clip(truth, y_edges[0], y_edges[-1]), [x_edges, y_edges]
    )
    squares = np.sort(residual**2)[::-1]
    edges = even_edges(residual, _BARS)
    return Against(
        scale,
        _bins(truth, made),
        x_edges,
        y_edges,
        cells,
        edges,
        shares(residual, edges),
        aim,
        off,
        float(np.std(residual)),
        slope_of(made, truth, weight, units) if quantile is None and np.ptp(made) > 0 else None,
        float(squares[: max(int(_TAIL * len(squares)), 1)].sum() / max(squares.sum(), np.finfo(float).tiny)),
    )


def _quantile(outcome: Outcome) -> float | None:
    """Return the quantile that the metric aims at; ``None`` for the mean."""
    metric = outcome.metric
    return metric.quantile or (0.5 if metric.objective == "absolute_error" else None)


def _bins(truth: Array, made: Array) -> tuple[Bin, ...]:
    codes = by_rank(made, _BINS)
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return tuple(_bin(truth[part], made[part]) for part in parts)


def _bin(truth: Array, made: Array) -> Bin:
    low, high = np.quantile(truth, [0.05, 0.95])
    return Bin(float(made.mean()), float(truth.mean()), float(low), float(high), len(truth))
