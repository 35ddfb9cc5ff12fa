"""Amazon employee access: is an employee granted a resource, by nine names of high cardinality and nothing else.

What a name says is how often its like was granted access (target means) and how common it is (frequencies), and two
names together say what neither says alone. ``FEATURES`` is for trees, ``LINEAR`` for models that add things up,
``NAMES`` for models that encode names themselves. The figures behind the choices are in NOTES.md.
"""

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import Frequency, TargetMean, WeightOfEvidence, combinations

# ROLE_CODE is ROLE_TITLE under other numbers: each title has one code, and says everything twice.
TWICE = ("ROLE_CODE",)
NAMES_OF = (
    "RESOURCE",
    "MGR_ID",
    "ROLE_ROLLUP_1",
    "ROLE_ROLLUP_2",
    "ROLE_DEPTNAME",
    "ROLE_TITLE",
    "ROLE_FAMILY_DESC",
    "ROLE_FAMILY",
)
PAIRS = (*NAMES_OF, *combinations(NAMES_OF, 2))
TRIPLES = (*PAIRS, *combinations(NAMES_OF, 3))

# Most names are rare and most requests granted: three rows' worth of the usual is all that a name is held against.
SMOOTH = 3

# How common a pair is tells the usual request (this manager's people always ask for that) from the odd one. Shares
# of rows, not numbers: a fold has fewer rows than all of train.
COMMON = Frequency(PAIRS)

# A tree would split the names themselves by their few rows: it gets what they mean, and not the names.
FEATURES = FeatureSet(fold=(COMMON,), target=(TargetMean(PAIRS, smooth=SMOOTH),), drop=(*NAMES_OF, *TWICE))

# What three names say together, at twice the time.
DEEP = FeatureSet(fold=(COMMON,), target=(TargetMean(TRIPLES, smooth=SMOOTH),), drop=(*NAMES_OF, *TWICE))

NAMES = FeatureSet(fold=(COMMON,), drop=TWICE)


# --- for linear models ------------------------------------------------------------------------------------------------


def take_logs(x: pl.DataFrame) -> pl.DataFrame:
    """Twice as common is the same step everywhere; once in a hundred thousand rows is as good as never."""
    return x.with_columns((pl.selectors.ends_with("__frequency") + 1e-5).log())


LINEAR = FeatureSet(
    fold=(COMMON,),
    target=(WeightOfEvidence(TRIPLES, smooth=SMOOTH),),  # log-odds add up, shares do not
    then=(take_logs,),
    drop=(*NAMES_OF, *TWICE),
)
