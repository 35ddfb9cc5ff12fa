"""The autopilot: from data to a checked submission file within a time budget, with no further word."""

from kagflow.autopilot.pilot import Flight, fly
from kagflow.autopilot.reporter import Reporter

__all__ = ["Flight", "Reporter", "fly"]
