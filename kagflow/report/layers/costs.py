"""What runs cost: each run, each study and each member once, however often it was used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.report.layers.recipe import recipe_of
from kagflow.runs import Run


@dataclass
class Costs:
    """The minutes of runs, as they are paid from the lowest rung up.

    Attributes
    ----------
    runs
        All runs, by name.
    studies
        Seconds of the studies, by name.
    paid
        What was paid for already.
    """

    runs: Mapping[str, Run]
    studies: Mapping[str, float]
    paid: set[str] = field(default_factory=set)

    def pay(self, run: Run) -> float | None:
        """Return the minutes that a run costs beyond what was paid for, and pay them; ``None`` where one is unknown."""
        pieces = self._pieces(run)
        new = {name: seconds for name, seconds in pieces.items() if name not in self.paid}
        self.paid.update(pieces)
        return _minutes(new)

    def of_all(self, runs: Iterable[Run]) -> float | None:
        """Return the minutes that runs and their studies took, without members of ensembles."""
        return _minutes({name: seconds for run in runs for name, seconds in self._own(run).items()})

    def _pieces(self, run: Run) -> dict[str, float | None]:
        """Return the seconds of a run and of all that it was made of, by name."""
        members = [each for each in run.facts.get("members", ()) if each["weight"] != 0] if run.kind == ENSEMBLE else []
        pieces = self._own(run)
        for each in members:
            member = self.runs.get(each["run"])
            pieces |= {each["run"]: None} if member is None else self._pieces(member)
        return pieces

    def _own(self, run: Run) -> dict[str, float | None]:
        """Return the seconds of a run, and of the study that found its parameters."""
        study = recipe_of(run).study
        seconds = None if run.kind == IMPORTED else float(run.facts["seconds"])
        return {run.name: seconds} | ({f"study {study}": self.studies.get(study)} if study else {})


def _minutes(pieces: Mapping[str, float | None]) -> float | None:
    known = [seconds for seconds in pieces.values() if seconds is not None]
    return round(sum(known) / 60, 3) if len(known) == len(pieces) else None
