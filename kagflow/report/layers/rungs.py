"""A rung of the ladder: the run that stands for a layer, what it bought, and what that cost."""

from dataclasses import dataclass
from typing import Any, Literal

from kagflow.report.layers.recipe import Layer
from kagflow.runs import Run
from kagflow.stats import Difference, with_noise

Verdict = Literal["start", "bought", "noise", "worse", "missing"]

SAID: dict[Verdict, str] = {
    "start": "the start",
    "bought": "bought something",
    "noise": "inside the noise",
    "worse": "worse",
    "missing": "no run",
}


@dataclass(frozen=True)
class Rung:
    """One layer.

    Attributes
    ----------
    layer
        Its name.
    verdict
        ``bought``: better than the last rung that bought something, beyond two standard errors; ``noise``, ``worse``,
        ``missing``; and ``start`` of the baseline.
    run
        What stands for it: the best of its runs.
    what
        What that is made of, in words.
    against, on
        The last run below that bought something, and its layer; ``None`` of the first.
    difference
        Score of the run minus that of ``against``, on the same rows.
    gain
        The same without what choosing made of it: choosing among the layer's runs, and among a study's trials.
    tried
        How many runs the layer has.
    minutes
        What it cost beyond the rungs below: its run, a study's trials, members of an ensemble. ``None`` where unknown.
    minutes_tried
        Of all its runs.
    todo
        The command that makes a run where there is none; or what else is known of it.
    """

    layer: Layer
    verdict: Verdict
    run: Run | None = None
    what: str = ""
    against: Run | None = None
    on: Layer | None = None
    difference: Difference | None = None
    gain: Difference | None = None
    tried: int = 0
    minutes: float | None = None
    minutes_tried: float | None = None
    todo: str = ""

    @property
    def score(self) -> str:
        """Its score with its noise; empty without a run."""
        return "" if self.run is None else with_noise(self.run.scores["cv"], self.run.scores["se"])

    @property
    def gained(self) -> str:
        """What it bought, with its noise; empty where there is nothing to compare."""
        return "" if self.gain is None else with_noise(self.gain.value, _known(self.gain.se))

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "layer": self.layer,
            "verdict": self.verdict,
            "run": None if self.run is None else str(self.run.path),
            "config": None if self.run is None else self.run.facts["config"],
            "what": self.what,
            "cv": None if self.run is None else self.run.scores["cv"],
            "se": None if self.run is None else self.run.scores["se"],
            "against": None if self.against is None else str(self.against.path),
            "against_layer": self.on,
            "difference": None if self.difference is None else self.difference.value,
            "difference_se": None if self.difference is None else _known(self.difference.se),
            "gain": None if self.gain is None else self.gain.value,
            "gain_se": None if self.gain is None else _known(self.gain.se),
            "tried": self.tried,
            "minutes": self.minutes,
            "minutes_tried": self.minutes_tried,
            "todo": self.todo,
        }


def _known(se: float) -> float | None:
    """Return a standard error; ``None`` where it cannot be had."""
    return se if se == se and se > 0 else None  # noqa: PLR0124 (NaN is no equal of itself)
