"""Which rows are trained on and which are scored: decided once, from row ids, and then frozen."""

from kagflow.splits.folds import Fold, Folds
from kagflow.splits.frozen import frozen_folds
from kagflow.splits.splitter import Splitter, make_splitter

__all__ = ["Fold", "Folds", "Splitter", "frozen_folds", "make_splitter"]
