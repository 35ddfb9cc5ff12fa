"""How the blends of a search are scored; the fastest way that the metric allows."""

from kagflow.ensemble.rows import Level, Part
from kagflow.ensemble.trails.area import AreaTrail, is_area
from kagflow.ensemble.trails.base import Mask, Trail
from kagflow.ensemble.trails.plain import PlainTrail
from kagflow.ensemble.trails.row_losses import AbsoluteTrail, LogLossTrail, is_absolute, is_log_loss
from kagflow.ensemble.trails.squares import SquaresTrail, is_squared, products
from kagflow.metrics import METRICS, Metric

__all__ = [
    "Mask",
    "PlainTrail",
    "Trail",
    "aim_of",
    "is_squared",
    "prepare_trails",
    "products",
    "start_trail",
]


def aim_of(level: Level) -> Metric:
    """Return the metric that a search for weights goes by: for labels one of what they are made from.

    Labels move in jumps, so that a search by them fits the rows that jumped. On other rows weights found by the log
    loss had better labels: 15 members, 1,500 rows, 8 draws, accuracy + 0.002, mcc + 0.006, macro-F1 + 0.003, map@2 no
    different; so had those found by the squared error of grades, before cut points (quadratic kappa + 0.012). A
    search by labels that breaks ties by the log loss was no better than without.
    """
    metric = level.rows.metric
    if metric.wants in ("label", "top_k"):
        if level.are_probabilities:
            return METRICS["log_loss"]
        if metric.ordinal and level.classes is None:
            return METRICS["rmse"]
    return metric


def start_trail(part: Part, aim: Metric) -> Trail:
    """Return an empty blend, and the fastest way to score it by a metric: the rows' own, or what stands for it."""
    one_column = part.level.classes is None
    if is_squared(aim):
        return SquaresTrail(part)
    if is_log_loss(aim):
        return LogLossTrail(part)
    if is_absolute(aim) and one_column:
        return AbsoluteTrail(part)
    if is_area(aim) and one_column:
        return AreaTrail(part)
    return PlainTrail(part)


def prepare_trails(level: Level) -> None:
    """Make what the trails of several parts share."""
    if is_squared(aim_of(level)):
        products(level.whole())
