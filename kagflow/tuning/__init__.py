"""Tuning: parameters of a model looked for on the competition's own folds, and what that brought."""

from kagflow.tuning.account import Account
from kagflow.tuning.limits import Limits
from kagflow.tuning.tune import Tuned, tune

__all__ = ["Account", "Limits", "Tuned", "tune"]
