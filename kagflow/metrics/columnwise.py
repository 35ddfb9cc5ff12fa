"""Metrics of several targets: the mean over the targets of what a metric says of each."""

from dataclasses import dataclass

import numpy as np

from kagflow.metrics.base import Array, Metric, Values


@dataclass(frozen=True)
class ColumnMean:
    """A metric's function over (n, t) arrays: the mean over columns of another metric's function.

    Parameters
    ----------
    of
        The metric of one column.
    """

    of: Metric

    def __call__(self, y: Values, prediction: Values, weight: Array, *further: Values) -> float:
        """Return the metric; as every metric's function. A column without a score leaves all without one."""
        columns = zip(y.T, prediction.T, strict=True)
        return float(np.mean([self.of.function(truth, made, weight, *further) for truth, made in columns]))


def mean_columnwise(name: str, of: Metric) -> Metric:
    """Return the mean over targets of a metric; what models should fit follows from that metric."""
    return Metric(
        name=name,
        direction=of.direction,
        wants=of.wants,
        function=ColumnMean(of),
        objective=of.objective,
        transform=of.transform,
        quantile=of.quantile,
        ordinal=of.ordinal,
        columns=of.columns,
        needs_weight=of.needs_weight,
        several=True,
        of_column=of,
    )
