"""Runs: a folder that a stranger can open, written fold by fold and never changed afterwards."""

from kagflow.runs.bought import bought
from kagflow.runs.compare import Comparison, compare
from kagflow.runs.execute import Listener, cross_validate
from kagflow.runs.plan import Look
from kagflow.runs.prediction import predict
from kagflow.runs.record import Run, best_run, list_runs, read_run, run_of_key

__all__ = [
    "Comparison",
    "Listener",
    "Look",
    "Run",
    "best_run",
    "bought",
    "compare",
    "cross_validate",
    "list_runs",
    "predict",
    "read_run",
    "run_of_key",
]
