"""Encoders: steps that turn columns into numbers or other categories, each in a file of its own."""

from kagflow.features.encoders.frequency import Frequency
from kagflow.features.encoders.group_aggregate import GroupAggregate
from kagflow.features.encoders.impute import Impute
from kagflow.features.encoders.one_hot import OneHot
from kagflow.features.encoders.ordinal import ordinal
from kagflow.features.encoders.power import Power
from kagflow.features.encoders.rare import RareToOther
from kagflow.features.encoders.scale import Scale
from kagflow.features.encoders.target_mean import TargetMean

__all__ = [
    "Frequency",
    "GroupAggregate",
    "Impute",
    "OneHot",
    "Power",
    "RareToOther",
    "Scale",
    "TargetMean",
    "ordinal",
]
