"""How the blends of a search are scored; the fastest way that the metric allows."""

from kagflow.ensemble.rows import Level, Part
from kagflow.ensemble.trails.base import Trail
from kagflow.ensemble.trails.plain import PlainTrail
from kagflow.ensemble.trails.squares import SquaresTrail, is_squared, products

__all__ = ["PlainTrail", "SquaresTrail", "Trail", "prepare_trails", "start_trail"]


def start_trail(part: Part) -> Trail:
    """Return an empty blend, and the fastest way to score it for the metric of the rows."""
    if is_squared(part.level.rows.metric):
        return SquaresTrail(part)
    return PlainTrail(part)


def prepare_trails(level: Level) -> None:
    """Make what the trails of several parts share."""
    if is_squared(level.rows.metric):
        products(level.whole())
