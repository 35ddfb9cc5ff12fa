"""How long to look: a number of trials, and wall time."""

import re
import time
from dataclasses import dataclass, field

from kagflow.errors import ConfigError

DEFAULT_TRIALS, DEFAULT_SECONDS = 100, 1200.0
_UNITS = {"h": 3600, "m": 60, "s": 1}
_BUDGET = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    trials
        Of the study in total, those of earlier calls included; ``None`` for any number.
    seconds
        Wall time of this call; ``None`` for any.
    began
        When this call began, by ``time.monotonic``.
    """

    trials: int | None = None
    seconds: float | None = None
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, trials: int | None, budget: str | None) -> "Limits":
        """Return what was asked for; of neither, 100 trials, of which a call does what it can in 20 minutes.

        Raises
        ------
        ConfigError
            The budget is no time, or the number of trials is not positive.
        """
        if trials is not None and trials < 1:
            raise ConfigError(f"a number of trials is at least 1, got {trials}", where="--trials")
        if trials is None and budget is None:
            return cls(DEFAULT_TRIALS, DEFAULT_SECONDS)
        return cls(trials, None if budget is None else parse_seconds(budget))

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return float("inf") if self.seconds is None else self.seconds - (time.monotonic() - self.began)

    def share(self, parts: int) -> "Limits":
        """Return the limits of one of so many studies, which have what is left of the time between them."""
        if self.seconds is None or parts == 1:
            return self
        return Limits(self.trials, max(self.left / parts, 0.001))


def parse_seconds(text: str) -> float:
    """Return the seconds of ``90s``, ``20m`` or ``1h30m``.

    Raises
    ------
    ConfigError
        It is none of these, or no time at all.
    """
    found = _BUDGET.fullmatch(text.strip().lower())
    parts = found.groups() if found else ()
    seconds = sum(float(part) * unit for part, unit in zip(parts, _UNITS.values(), strict=False) if part)
    if not seconds:
        raise ConfigError(f"{text!r} is no time", hint="write 90s, 20m or 1h30m", where="--budget")
    return seconds


def in_words(seconds: float) -> str:
    """Return a time as a budget is written, rounded up to what is worth writing."""
    whole = int(-(-seconds // 1))
    if whole < 120:
        return f"{max(whole, 1)}s"
    minutes = -(-whole // 60)
    return f"{minutes}m" if minutes < 120 else f"{minutes // 60}h{minutes % 60:02d}m"
