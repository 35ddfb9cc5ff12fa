"""The autopilot: from data to a checked submission file within a time budget, with no further word."""

from kagflow.autopilot.flight import Flight
from kagflow.autopilot.pilot import fly
from kagflow.autopilot.reporter import Reporter

__all__ = ["Flight", "Reporter", "fly"]
