"""Metrics: what the competition measures, and everything that follows from it."""

from kagflow.config import Objective
from kagflow.metrics.base import (
    Array,
    Confusion,
    Direction,
    Metric,
    MetricFunction,
    Redrawn,
    RowMean,
    Wants,
)
from kagflow.metrics.columnwise import ColumnMean, mean_columnwise
from kagflow.metrics.registry import METRICS, find_metric

__all__ = [
    "METRICS",
    "Array",
    "ColumnMean",
    "Confusion",
    "Direction",
    "Metric",
    "MetricFunction",
    "Objective",
    "Redrawn",
    "RowMean",
    "Wants",
    "find_metric",
    "mean_columnwise",
]
