"""The test bench: what is seen of a pipeline in the real world, against which every experiment holds another world."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kagflow.audit.difference import Moved, moved
from kagflow.audit.findings import Finding
from kagflow.audit.subject import Scored, Seen, Subject
from kagflow.audit.world import World
from kagflow.errors import KagflowError

SEED = 20_011  # of all that an audit draws

Carried = Callable[[int, Sequence[str]], str]
"""What columns carry of the score of a fold, in words; empty where that cannot be said."""


@dataclass(frozen=True)
class Verdict:
    """What came of an experiment.

    Attributes
    ----------
    name
        Of the experiment.
    looked_at
        At what, in words.
    findings
        None where it passed.
    seconds
        Wall time.
    """

    name: str
    looked_at: str
    findings: tuple[Finding, ...]
    seconds: float


@dataclass
class Bench:
    """A pipeline on the test bench: what is seen of it in the real world, against which all else is held.

    Attributes
    ----------
    subject
        The pipeline.
    audited
        Numbers of the folds that are looked at.
    carried
        Tells what columns carry of the score.
    """

    subject: Subject
    audited: tuple[int, ...]
    carried: Carried = lambda fold, columns: ""
    seen: dict[int, Seen] = field(default_factory=dict)
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        self.seen = dict(self.subject.run(self.world, self.audited))

    @property
    def world(self) -> World:
        """The world as it is."""
        return World.unchanged(len(self.subject.y), self.subject.test_rows)

    def fold(self, number: int) -> Scored:
        """Return a fold by its number."""
        return next(fold for fold in self.subject.folds if fold.number == number)

    def moves(self, world: World, number: int, still: NDArray[np.bool_] | None = None) -> Moved:
        """Return what of a fold is another in another world."""
        after = self.subject.run(world, [number])[number]
        return moved(self.seen[number], after, still=still, tolerance=self.tolerance)


Experiment = Callable[[Bench], list[Finding]]


def run_experiment(name: str, looked_at: str, bench: Bench, experiment: Experiment) -> Verdict:
    """Run one, and say how long it took; one that raises is a finding, for the unchanged pipeline did not."""
    started = time.perf_counter()
    try:
        findings = experiment(bench)
    except KagflowError as error:
        findings = [
            Finding(
                code="KF209",
                severity="error",
                message=f"in the experiment {name!r} the pipeline failed, which as it is it does not: {error.problem}",
                where=error.where,
                hint="it hangs on values that it should never see, or cannot take others that are just as plausible",
            )
        ]
    return Verdict(name, looked_at, tuple(findings), time.perf_counter() - started)


def rng_of(number: int) -> np.random.Generator:
    """Return random numbers, the same in every audit, by the number of their use."""
    return np.random.default_rng([SEED, number])


def listed(numbers: Sequence[int]) -> str:
    """Return numbers of folds as they stand in a sentence."""
    return " and ".join(map(str, numbers))
