"""Files become tables: the last place where the target sits beside the features."""

from kagflow.data.derive import Additions
from kagflow.data.extra import ExtraRows, FoldLabels
from kagflow.data.new_rows import NewRows, read_new_rows
from kagflow.data.reading import Dataset, read_dataset
from kagflow.data.source import PRACTICE, Edition, Source, find_source, has_practice_edition, present_source
from kagflow.data.table import Frame, Rows, Table, Target

__all__ = [
    "PRACTICE",
    "Additions",
    "Dataset",
    "Edition",
    "ExtraRows",
    "FoldLabels",
    "Frame",
    "NewRows",
    "Rows",
    "Source",
    "Table",
    "Target",
    "find_source",
    "has_practice_edition",
    "present_source",
    "read_dataset",
    "read_new_rows",
]
