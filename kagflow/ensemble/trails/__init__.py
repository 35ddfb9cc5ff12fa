"""How the blends of a search are scored; the fastest way that the metric allows."""

from kagflow.ensemble.rows import Level, Part
from kagflow.ensemble.trails.base import Trail
from kagflow.ensemble.trails.plain import PlainTrail
from kagflow.ensemble.trails.squares import SquaresTrail, is_squared, products
from kagflow.metrics import Metric

__all__ = ["PlainTrail", "SquaresTrail", "Trail", "aim_of", "is_squared", "prepare_trails", "products", "start_trail"]


def aim_of(level: Level) -> Metric:
    """Return the metric that a search goes by."""
    return level.rows.metric


def start_trail(part: Part) -> Trail:
    """Return an empty blend, and the fastest way to score it for the metric of the rows."""
    if is_squared(aim_of(part.level)):
        return SquaresTrail(part)
    return PlainTrail(part)


def prepare_trails(level: Level) -> None:
    """Make what the trails of several parts share."""
    if is_squared(aim_of(level)):
        products(level.whole())
