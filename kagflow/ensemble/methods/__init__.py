"""Methods of blending, by the names under which they are asked for."""

from collections.abc import Mapping
from types import MappingProxyType

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend, Method
from kagflow.ensemble.methods.climb import Climb, Forward
from kagflow.ensemble.methods.lightgbm import LightGBM
from kagflow.ensemble.methods.logistic import Logistic
from kagflow.ensemble.methods.means import LogitMean, Mean, RankMean, Single
from kagflow.ensemble.methods.ridge import Ridge
from kagflow.ensemble.methods.weights import Weighted
from kagflow.ensemble.rows import Level
from kagflow.errors import ConfigError, did_you_mean

__all__ = [
    "METHODS",
    "Climb",
    "FittedBlend",
    "Forward",
    "LightGBM",
    "LinearBlend",
    "Logistic",
    "LogitMean",
    "Mean",
    "Method",
    "RankMean",
    "Ridge",
    "Single",
    "Weighted",
    "find_method",
    "suited",
]

_ALL = (Single, Mean, RankMean, LogitMean, Forward, Climb, Weighted, Ridge, Logistic, LightGBM)
METHODS: Mapping[str, type[Method]] = MappingProxyType({method.kind: method for method in _ALL})
"""By kind, the simplest first."""


def find_method(kind: str) -> Method:
    """Return the method of that name, with its usual settings.

    Raises
    ------
    ConfigError
        There is none.
    """
    if kind not in METHODS:
        raise ConfigError(f"no ensemble is called {kind!r}", hint=did_you_mean(kind, METHODS), where="ensemble")
    return METHODS[kind]()


def suited(level: Level) -> list[Method]:
    """Return all methods that are for such rows and members, with their usual settings, the simplest first."""
    one = level.whole().of_target(0).level if level.rows.metric.several else level
    methods = [make() for make in METHODS.values()]
    return [method for method in methods if method.suits(one)]
