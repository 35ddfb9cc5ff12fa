"""A finding: something that a check noticed, in a form that every report shares."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from kagflow.codes import Severity
from kagflow.config import CompetitionFacts


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found.

    Attributes
    ----------
    code
        ``KF`` and a number; the same kind of finding always has the same one.
    severity
        ``error``: the score cannot be trusted, or a submission would fail. ``warning``: look at it. ``note``: know it.
    message
        What was found, with numbers.
    where
        File, table or step.
    columns
        The columns concerned.
    size
        How large, in the unit that the message names (rows, share, ...).
    interval
        95 % confidence interval of the size, where it was measured with noise.
    hint
        What to do.
    """

    code: str
    severity: Severity
    message: str
    where: str = ""
    columns: tuple[str, ...] = ()
    size: float | None = None
    interval: tuple[float, float] | None = None
    hint: str = ""

    def document(self) -> dict[str, Any]:
        """Return the finding as JSON shows it."""
        return {**asdict(self), "columns": list(self.columns)}


def accepted(findings: Iterable[Finding], facts: CompetitionFacts) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """Split findings into those that stand open, and those that the competition accepts, each with its reason.

    Parameters
    ----------
    findings
        What a check found.
    facts
        Of the competition; ``accept`` holds only codes that are known and may be accepted.
    """
    found = list(findings)
    taken = [(finding, facts.accept[finding.code]) for finding in found if finding.code in facts.accept]
    return [finding for finding in found if finding.code not in facts.accept], taken
