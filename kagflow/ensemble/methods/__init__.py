"""Methods of blending, by the names under which they are asked for."""

from collections.abc import Mapping
from types import MappingProxyType

from kagflow.ensemble.methods.base import FittedBlend, LinearBlend, Method
from kagflow.ensemble.methods.climb import Climb, Forward
from kagflow.ensemble.methods.means import Mean, Single
from kagflow.errors import ConfigError, did_you_mean

__all__ = ["METHODS", "Climb", "FittedBlend", "Forward", "LinearBlend", "Mean", "Method", "Single", "find_method"]

METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {method.kind: method for method in (Single, Mean, Forward, Climb)}
)
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
