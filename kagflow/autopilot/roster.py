"""Who may fly: the members by name, their configs on disk, and their runs of earlier calls."""

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from kagflow.autopilot.portfolio import Member, portfolio
from kagflow.autopilot.shape import Shape
from kagflow.competition import Competition
from kagflow.config import Experiment, write_yaml
from kagflow.data.source import Source
from kagflow.errors import ConfigError, KagflowError
from kagflow.features.encoded import ENCODED, MANY
from kagflow.runs import Run, list_runs, run_of_key
from kagflow.runs.plan import make_plan


@dataclass(frozen=True)
class Roster:
    """The members of a competition.

    Attributes
    ----------
    competition, origin
        Whose members, and its data.
    folder
        Where their configs go: not among the user's own.
    patterns
        Names (as in file names) of those that are wanted; all when empty.
    threads
        How many each may use: a part of its config, and of what decides on its run.
    """

    competition: Competition
    origin: Source
    folder: Path
    patterns: Sequence[str] = ()
    threads: int = 1

    def members(self, shape: Shape, fail: Callable[[str, str], None], note: Callable[[str], None]) -> list[Member]:
        """Return the members that are wanted, the most valuable first.

        Parameters
        ----------
        shape
            Of the data.
        fail, note
            Are told of configs that cannot be members.

        Raises
        ------
        ConfigError
            None is wanted.
        """
        installed = importlib.util.find_spec("pytabkit") is not None
        made = portfolio(shape, self._own(fail, note), self._feature_sets(shape), installed)
        wanted = [member for member in made if self.is_wanted(member.name)]
        if not wanted:
            raise ConfigError(
                f"no member is called {', '.join(self.patterns)}",
                hint=f"known: {', '.join(member.name for member in made)}",
                where="--members",
            )
        return wanted

    def is_wanted(self, name: str) -> bool:
        """Say whether a member of that name is wanted."""
        return not self.patterns or any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def path(self, member: Member) -> Path:
        """Return where the config of a member lies."""
        return self.folder / f"{member.name}.yaml"

    def write(self, member: Member) -> None:
        """Write a member's config, all or nothing, so that anybody can run it again."""
        document = self._written(member).model_dump(mode="json", exclude_defaults=True)
        text = f"# {self.competition.name}: made by `kagflow run`\n{write_yaml(document)}"
        partial = self.path(member).with_suffix(f".{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.path(member))

    def find(self, member: Member) -> Run | None:
        """Return a run of a member, or of the same one in another haste, that was done before."""
        runs = self.competition.runs_folder
        plain = member.name.removesuffix(f"_x{member.level}")
        names = {run.facts["config"] for run in list_runs(runs)}
        for name in sorted(names):
            if name == plain or name.rpartition("_x")[0] == plain:
                for experiment in self._experiments(member, name):
                    try:
                        key = make_plan(self.competition, experiment, name, self.origin).key
                    except KagflowError:
                        continue  # a worker will say so
                    run = run_of_key(runs, name, key)
                    if run is not None:
                        return run
        return None

    def _experiments(self, member: Member, name: str) -> list[Experiment]:
        """Return the experiments that a run of that name may be of; ``cv`` leaves the user's threads as they are."""
        if name == member.name:
            return [self._written(member), member.experiment]
        path = self.folder / f"{name}.yaml"
        return [self.competition.experiment(str(path))] if path.is_file() else []

    def _written(self, member: Member) -> Experiment:
        """Return the experiment as a worker runs it."""
        return member.experiment.model_copy(update={"threads": self.threads})

    def _feature_sets(self, shape: Shape) -> list[str]:
        """Return the names of the feature sets; ``encoded`` is one where levels are many and nobody encoded them."""
        sets = self.competition.feature_sets
        bare = not sets["default"].target and any(levels > MANY for levels in shape.levels)
        return [*sets, ENCODED] if bare and ENCODED not in sets else list(sets)

    def _own(self, fail: Callable[[str, str], None], note: Callable[[str], None]) -> dict[str, Experiment]:
        """Return the user's experiments by the name of their config; one that cannot be read is named."""
        own = {}
        for path in sorted((self.competition.root / "configs" / self.competition.name).glob("*.yaml")):
            try:
                experiment = self.competition.experiment(path.stem)
            except KagflowError as error:
                fail(path.stem, str(error))
                continue
            if experiment.splitter:
                note(f"{path.stem} has a splitter of its own, so that it blends with no other member")
            else:
                own[path.stem] = experiment
        return own
