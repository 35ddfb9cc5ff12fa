"""What to do next: the most valuable of what fits into the time that is left."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from kagflow.autopilot.costs import Speed, core_seconds
from kagflow.autopilot.portfolio import BOOSTERS, MOST, ON, PREFIX, QUICK, Member, fitting_level, quick
from kagflow.autopilot.shape import Shape
from kagflow.config import RoundsConfig
from kagflow.runs import Run

_SCALING = 0.85  # two threads are not twice as fast as one
_WITHOUT_SEEDS = ("linear", "neighbours", "svm")
_MOST_SEEDS, _SEEDED = 6, 4  # how many more seeds the best members get, and how many these are
_MEMBERS_FIRST = 8  # before anything is tuned
_SHARE_OF_TUNING, _LEAST_TUNING, _FEWEST_TRIALS, _MOST_STUDIES = 0.35, 30.0, 15, 2
_TOO_SLOW = 0.3  # of all time, for one member
_SLOW_START = 0.15  # of all time, for the first submission
_MOST_CELLS, _SLOW = 200_000_000, 0.3  # of a table, and of all time, for a process of one thread


@dataclass(frozen=True)
class Crew:
    """So many processes with so many threads each, and the seconds that there are in all."""

    workers: int
    threads: int
    seconds: float

    @property
    def core_seconds(self) -> float:
        """Seconds of all cores together."""
        return self.seconds * self.workers * self.speed_of_threads

    @property
    def speed_of_threads(self) -> float:
        """How much faster a member is with all threads of a process than with one."""
        return float(self.threads**_SCALING)


@dataclass(frozen=True)
class Study:
    """A member's parameters to be looked for, for so many seconds."""

    member: Member
    seconds: float

    @property
    def name(self) -> str:
        """Name of the study."""
        return f"{self.member.name}_tuned"


@dataclass
class Schedule:
    """The members that are still to do, and what is known of those that are done.

    Attributes
    ----------
    shape, crew
        Of the data, and of who works.
    waiting
        Members in no haste, the most valuable first.
    better
        Whether the first of two scores is better than the second.
    wanted
        Whether a member of that name may be trained.
    tunes
        Whether parameters are looked for once nothing waits that fits.
    hurried
        Whether a member of few trees was put before all others: the last hope.
    """

    shape: Shape
    crew: Crew
    waiting: list[Member]
    better: Callable[[float, float], bool]
    wanted: Callable[[str], bool] = lambda name: True
    tunes: bool = True
    speed: Speed = field(default_factory=Speed)
    done: dict[str, tuple[Member, Run]] = field(default_factory=dict)
    studied: list[str] = field(default_factory=list)
    _begun: bool = False
    hurried: bool = field(default=False, init=False)
    _plain: dict[str, Member] = field(default_factory=dict)
    _seeded: set[str] = field(default_factory=set)

    def expected(self, member: Member) -> float:
        """Return the seconds that a member is expected to take in one process."""
        guess = core_seconds(member.experiment, self.shape)
        return self.speed.expect(member.family, member.experiment.features, guess) / self.crew.speed_of_threads

    def learn(self, member: Member, seconds: float, share: float = 1.0) -> None:
        """Learn from the seconds that a share of a member's fits took."""
        guess = share * core_seconds(member.experiment, self.shape)
        self.speed.observe(member.family, member.experiment.features, guess, seconds * self.crew.speed_of_threads)

    def in_time(self, member: Member, *, first: bool = False) -> Member:
        """Return a waiting member with as much haste as it needs; the first must be soon, the others must be good."""
        ratio = self.speed.expect(member.family, member.experiment.features, 1.0)
        most = MOST if first else MOST - 1
        return fitting_level(member, self.shape, self.crew.core_seconds, ratio, most)

    def hurry(self, left: float) -> None:
        """Put a member of few trees before all others: nothing is done, and what was begun took too long."""
        if not self.hurried:
            self.hurried = True
            seconds = left * self.crew.speed_of_threads / self.speed.expect("lightgbm", "default", 1.0)
            self.waiting.insert(0, quick(self.shape, seconds))

    def hastier(self, member: Member, seconds: float, share: float) -> bool:
        """Put a member back among the waiting whose fits so far show that it takes too much of the others' time.

        Only where it will be taken up in more haste. The first of a family may be so, for guesses are rough.
        """
        plain = self._plain.get(member.name)
        if plain is None or share > 0.5 or seconds / share < _TOO_SLOW * self.crew.seconds:
            return False
        self.learn(member, seconds, share)
        if self.in_time(plain).level <= member.level:
            return False
        self.waiting.insert(0, plain)
        return True

    def next(self, left: float) -> Member | Study | None:
        """Take what to do next in so many seconds; ``None`` where nothing is worth it, or fits."""
        for place, member in enumerate(self.waiting):
            chosen = self.in_time(self._on_best_features(member), first=not self._begun)
            if self.expected(chosen) <= left or not self._begun:  # the first is the only hope, however long it takes
                del self.waiting[place]
                self._begun = True
                self._plain[chosen.name] = self._on_best_features(member)
                return chosen
        return self._study(left) or self._seed(left)

    def _on_best_features(self, member: Member) -> Member:
        """Return a member of ours on the set of features that proved better than its own, whatever library proved it.

        A member that is there for the sake of its features keeps them.
        """
        if not member.name.startswith(PREFIX) or ON in member.name or member.family not in BOOSTERS:
            return member
        boosted = [each for each in self.ranked() if each.family in BOOSTERS]
        own = next((each for each in boosted if each.experiment.features == member.experiment.features), None)
        if own is None or own is boosted[0]:
            return member
        best, known = self.done[boosted[0].name][1].scores, self.done[own.name][1].scores
        moved = member.on(boosted[0].experiment.features)
        told_apart = abs(best["cv"] - known["cv"]) > (best["se"] or 0.0)
        is_special = moved.experiment.features != "default"  # else it may be the library alone that is better
        return moved if is_special and told_apart and self.wanted(moved.name) else member

    def ranked(self) -> list[Member]:
        """Return the members that are done, the best first."""
        minimize = self.better(0.0, 1.0)
        return [member for member, run in sorted(self.done.values(), key=lambda each: self._key(each[1], minimize))]

    @staticmethod
    def _key(run: Run, minimize: bool) -> float:
        return float(run.scores["cv"]) * (1 if minimize else -1)

    def _study(self, left: float) -> Study | None:
        """Return the best library's study, where a share of the time is enough for some trials."""
        if not self.tunes or len(self.done) < _MEMBERS_FIRST or len(self.studied) >= _MOST_STUDIES:
            return None
        seconds = _SHARE_OF_TUNING * left
        for member in self.ranked():
            if self._is_tunable(member):
                if seconds < max(_LEAST_TUNING, _FEWEST_TRIALS * self._trial(member)):
                    return None
                self.studied.append(member.family)
                return Study(member, seconds)
        return None

    def _is_tunable(self, member: Member) -> bool:
        name = Study(member, 0).name
        fresh = member.family not in self.studied and not member.experiment.tuned and name not in self.done
        return member.family in BOOSTERS and fresh and self.wanted(name)

    def _trial(self, member: Member) -> float:
        """Return the seconds of a trial: those of a run, which may refit."""
        rounds = member.experiment.rounds
        refits = isinstance(rounds, RoundsConfig) and rounds.refit is not False
        return self.expected(member) * (0.5 if refits else 1.0)

    def _seed(self, left: float) -> Member | None:
        """Return one of the best members with another seed: its mean with the first one errs less."""
        best = [member for member in self.ranked() if self._takes_seeds(member)][:_SEEDED]
        for seed in range(1, _MOST_SEEDS + 1):
            for member in best:
                another = member.with_seed(seed)
                fresh = another.name not in self._seeded and self.wanted(another.name)
                if fresh and self.expected(another) <= left:
                    self._seeded.add(another.name)
                    return another
        return None

    def _takes_seeds(self, member: Member) -> bool:
        return member.family not in _WITHOUT_SEEDS and member.name not in self._seeded and member.name != QUICK


def crew_for(shape: Shape, first: Member, seconds: float, cores: int) -> Crew:
    """Return how many processes work: one a core, or one in all where a member would take too long, or much memory.

    Threads of one fit wait for each other; on a busy machine a fit by two may take ten times as long as by one.
    """
    alone = Crew(1, cores, seconds)
    hurried = fitting_level(first, shape, alone.core_seconds)
    large = shape.rows * shape.columns > _MOST_CELLS or core_seconds(hurried.experiment, shape) > _SLOW * seconds
    if large or cores == 1:
        return alone
    workers = min(cores, 8)
    return Crew(workers, cores // workers, seconds)


def with_quick(members: Sequence[Member], shape: Shape, crew: Crew) -> list[Member]:
    """Return the members after one that takes hardly any time, where the first of them takes much of it."""
    first = fitting_level(members[0], shape, crew.core_seconds)
    slow = core_seconds(first.experiment, shape) > _SLOW_START * crew.core_seconds
    return [quick(shape, crew.core_seconds), *members] if slow else list(members)


def fits(members: Sequence[Member], schedule: Schedule, seconds: float) -> tuple[list[Member], Collection[str]]:
    """Return the members that fit into the time by what is known beforehand, and the names of those that do not.

    They are dealt to the processes in their order, each to the one that is free first.
    """
    free = [0.0] * schedule.crew.workers
    planned: list[Member] = []
    rest: list[str] = []
    for member in members:
        chosen = schedule.in_time(member, first=not planned)
        at = min(range(len(free)), key=free.__getitem__)
        if free[at] + schedule.expected(chosen) <= seconds:
            free[at] += schedule.expected(chosen)
            planned.append(chosen)
        else:
            rest.append(member.name)
    return planned, rest
