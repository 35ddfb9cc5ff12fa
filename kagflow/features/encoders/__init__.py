"""Encoders: steps that turn columns into numbers or other categories, each in a file of its own."""

from kagflow.features.encoders.combinations import combinations, combine
from kagflow.features.encoders.components import Components
from kagflow.features.encoders.dates import cyclic, dates, days_to
from kagflow.features.encoders.distribution import Bins, QuantileTransform, Rank
from kagflow.features.encoders.frequency import Count, Frequency
from kagflow.features.encoders.group_aggregate import GroupAggregate
from kagflow.features.encoders.group_comparison import GroupDifference, GroupRatio
from kagflow.features.encoders.history import Lag, Rolling, TargetLag, TargetRolling
from kagflow.features.encoders.holidays import holidays
from kagflow.features.encoders.impute import Impute
from kagflow.features.encoders.join import Join
from kagflow.features.encoders.kmeans import KMeansDistances
from kagflow.features.encoders.one_hot import OneHot
from kagflow.features.encoders.ordinal import ordinal
from kagflow.features.encoders.power import Power
from kagflow.features.encoders.rare import RareToOther
from kagflow.features.encoders.scale import Scale
from kagflow.features.encoders.sklearn_step import SklearnStep
from kagflow.features.encoders.target_mean import TargetMean
from kagflow.features.encoders.target_statistics import TargetStatistics
from kagflow.features.encoders.text_lengths import text_lengths
from kagflow.features.encoders.tfidf import TfidfComponents
from kagflow.features.encoders.weight_of_evidence import WeightOfEvidence
from kagflow.features.encoders.winsorise import Winsorise

__all__ = [
    "Bins",
    "Components",
    "Count",
    "Frequency",
    "GroupAggregate",
    "GroupDifference",
    "GroupRatio",
    "Impute",
    "Join",
    "KMeansDistances",
    "Lag",
    "OneHot",
    "Power",
    "QuantileTransform",
    "Rank",
    "RareToOther",
    "Rolling",
    "Scale",
    "SklearnStep",
    "TargetLag",
    "TargetMean",
    "TargetRolling",
    "TargetStatistics",
    "TfidfComponents",
    "WeightOfEvidence",
    "Winsorise",
    "combinations",
    "combine",
    "cyclic",
    "dates",
    "days_to",
    "holidays",
    "ordinal",
    "text_lengths",
]
