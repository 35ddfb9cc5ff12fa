"""How the blends of a search are scored; the fastest way that the metric allows."""

from kagflow.ensemble.rows import Level, Part
from kagflow.ensemble.trails.area import AreaTrail, is_area
from kagflow.ensemble.trails.base import Mask, Trail
from kagflow.ensemble.trails.plain import PlainTrail
from kagflow.ensemble.trails.row_losses import AbsoluteTrail, LogLossTrail, is_absolute, is_log_loss
from kagflow.ensemble.trails.squares import SquaresTrail, is_squared, products
from kagflow.metrics import Metric

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
    """Return the metric that a search goes by."""
    return level.rows.metric


def start_trail(part: Part) -> Trail:
    """Return an empty blend, and the fastest way to score it."""
    metric, one_column = aim_of(part.level), part.level.classes is None
    if is_squared(metric):
        return SquaresTrail(part)
    if is_log_loss(metric):
        return LogLossTrail(part)
    if is_absolute(metric) and one_column:
        return AbsoluteTrail(part)
    if is_area(metric) and one_column:
        return AreaTrail(part)
    return PlainTrail(part)


def prepare_trails(level: Level) -> None:
    """Make what the trails of several parts share."""
    if is_squared(aim_of(level)):
        products(level.whole())
