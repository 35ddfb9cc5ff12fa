"""Where parameters may be looked for: ranges and choices, without any library that looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kagflow.errors import ConfigError


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included.

    Attributes
    ----------
    low, high
        Whole numbers where both are: then only whole numbers are tried.
    log
        Whether to look evenly on a logarithmic scale; ``low`` must then be positive.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ConfigError(f"a range goes from low to high, got {self.low} to {self.high}", where="space")
        if self.log and self.low <= 0:
            raise ConfigError(f"a logarithmic range needs positive numbers, got {self.low}", where="space")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ConfigError("a choice needs at least one option", where="space")


Space = Mapping[str, Range | Choice]
"""By the library's own names of its parameters."""
