"""Features: steps that learn only from the rows they are handed, and the engine that hands them out."""

from kagflow.features.pandas_step import pandas_step
from kagflow.features.selectors import SelectByImportance, SelectByPermutation
from kagflow.features.steps import (
    AdditiveStep,
    FeatureSet,
    FittedStep,
    FoldStep,
    HistoryStep,
    RowStep,
    Selector,
    TableStep,
    TargetStep,
)

__all__ = [
    "AdditiveStep",
    "FeatureSet",
    "FittedStep",
    "FoldStep",
    "HistoryStep",
    "RowStep",
    "SelectByImportance",
    "SelectByPermutation",
    "Selector",
    "TableStep",
    "TargetStep",
    "pandas_step",
]
