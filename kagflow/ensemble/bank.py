"""The bank: every complete run of the same rows, folds and metric is a member that ensembles may be made of."""

import filecmp
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Frame
from kagflow.ensemble.doubts import Doubt, doubt_score, doubt_test
from kagflow.ensemble.rows import Rows
from kagflow.errors import ConfigError, DataError
from kagflow.metrics import Metric
from kagflow.runs import Run, list_runs
from kagflow.runs.record import PAIRING, find_run, known_columns, raw_columns
from kagflow.runs.scores import Known

ENSEMBLE, IMPORTED = "ensemble", "imported"
_MOST_EXACT = 16_000_000  # predictions held at once as float64; of more, 7 digits are kept

Predictions = NDArray[np.floating]


@dataclass(frozen=True)
class Bank:
    """Members whose predictions pair row by row.

    Attributes
    ----------
    competition
        Whose runs they are.
    members
        Oldest first, whatever the order in which they were named.
    left_out
        Why a run is no member, by its name.
    known
        (n, ...) what is known of the scored rows: ``id``, ``fold``, ``repeat``, the target or targets, and where there
        are such ``unit``, ``weight`` and further columns of the metric. Repeat stands below repeat.
    doubts
        What is odd about members from elsewhere.
    """

    competition: Competition
    members: tuple[Run, ...]
    left_out: Mapping[str, str]
    known: Frame = field(repr=False)
    doubts: tuple[Doubt, ...] = ()

    @classmethod
    def of(
        cls,
        competition: Competition,
        *,
        members: Sequence[str] = (),
        without: Sequence[str] = (),
        most: int | None = None,
        fingerprints: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the members among a competition's runs.

        Those count that pair with the newest: the same edition, data, folds and metric. Quick looks are none; ensembles
        are only where they are named, and so are imported ones that are too good to be true. What several runs predict
        alike, to the byte, counts once: as much as any other member.

        Parameters
        ----------
        competition
            Whose runs.
        members
            Names, parts of names or configs of runs; all runs when empty.
        without
            The same, of runs to leave out.
        most
            How many at most: those with the best scores.
        fingerprints
            What the runs must have been made on, such as ``{"data": ...}``.

        Raises
        ------
        ConfigError
            There are no runs of these rows; a named one is not there, or does not pair with the others.
        """
        where = competition.runs_folder
        known = list_runs(where)
        left_out: dict[str, str] = {}
        usable = _usable(known, competition.metric, fingerprints or {}, left_out)
        if not usable:
            raise ConfigError(*_nothing(competition, left_out), where=str(where))
        unwanted = {find_run(known, name, where).name for name in without}
        if members:
            chosen = list({run.name: run for run in (_named(usable, known, name, where) for name in members)}.values())
            reference = chosen[0]
        else:
            chosen = [run for run in usable if run.kind != ENSEMBLE]
            reference = (chosen or usable)[-1]
        rows = _known_rows(reference)
        for run in chosen:
            if why := _why_not(run, reference, rows, ordinal=competition.metric.ordinal):
                if members:
                    raise ConfigError(f"{run.name} does not pair with {reference.name}: {why}", where="--members")
                left_out[run.name] = why
        left_out |= dict.fromkeys(unwanted, "left out as asked")
        paired = [run for run in chosen if run.name not in left_out]
        if not members:
            left_out |= dict.fromkeys(_repeated(paired), "the same predictions as a newer run")
            paired = [run for run in paired if run.name not in left_out]
        for run in _beyond(paired, most, competition.metric):
            left_out[run.name] = f"not among the {most} best"
        kept = sorted((run for run in paired if run.name not in left_out), key=lambda run: run.name)
        if not kept:
            raise ConfigError("no run is left to make an ensemble of", hint="leave out fewer", where=str(where))
        bank = cls(competition, tuple(kept), left_out, rows)
        doubts = tuple(bank._doubts())
        too_good = {doubt.member for doubt in doubts if doubt.kind == "too good"}
        if members or not too_good or len(too_good) == len(kept):
            return cls(competition, tuple(kept), left_out, rows, doubts)
        left_out |= dict.fromkeys(sorted(too_good), "too good to be true (name it by --members to have it)")
        return cls(competition, tuple(run for run in kept if run.name not in too_good), left_out, rows, doubts)

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return [run.name for run in self.members]

    @property
    def labels(self) -> list[str]:
        """What the members are called in tables: their configs, with a part of the hash where one occurs twice."""
        often = Counter(run.facts["config"] for run in self.members)
        return [
            run.facts["config"] if often[run.facts["config"]] == 1 else f"{run.facts['config']}-{run.name[-10:][:4]}"
            for run in self.members
        ]

    @property
    def foreign(self) -> tuple[Run, ...]:
        """Members whose score makes no claim: their OOF came from elsewhere, or something that they were made of."""
        return tuple(run for run in self.members if not run.honest)

    @property
    def best(self) -> int:
        """Number of the member with the best score; an honest one, where there is one."""
        sign = 1 if self.competition.metric.direction == "minimize" else -1
        return min(
            range(len(self.members)),
            key=lambda k: (not self.members[k].honest, sign * self.members[k].scores["cv"], k),
        )

    @property
    def reasons(self) -> str:
        """In one line: how many runs are no members, and why; empty where all are."""
        counted = Counter(self.left_out.values())
        runs = f"{len(self.left_out)} run{'s' * (len(self.left_out) != 1)}"
        return f"{runs} left out: {', '.join(f'{n} {why}' for why, n in counted.items())}" if counted else ""

    @cached_property
    def as_values(self) -> bool:
        """Whether some members predict values and others class probabilities, which become the expected class."""
        return len({_form(run) for run in self.members}) > 1

    @property
    def repeats(self) -> list[NDArray[np.int64]]:
        """Positions of the rows of each repeat in ``known``."""
        numbers = self.known["repeat"].to_numpy()
        return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]

    def rows(self, index: NDArray[np.int64]) -> Rows:
        """Return what decides on the scores of some rows: those of one repeat."""
        return rows_of(self.competition, self.known[index])

    @cached_property
    def oof(self) -> Predictions:
        """(members, n) OOF predictions; (members, n, k) of classes or targets. They are not post-processed."""
        return self._predictions("oof.parquet")

    @cached_property
    def test(self) -> Predictions:
        """(members, m) predictions of the test rows, or (members, m, k), in the order of ``test_ids``."""
        return self._predictions("test.parquet")

    @cached_property
    def test_ids(self) -> pl.Series:
        """(m,) ids of the test rows."""
        return pl.read_parquet(self.members[0].path / "test.parquet", columns=["id"])["id"]

    def _doubts(self) -> Iterator[Doubt]:
        """Yield what is odd about members from elsewhere, beside those that were made here."""
        own = [k for k, run in enumerate(self.members) if run.kind != IMPORTED and run.honest]
        once = self.repeats[0]
        for k, run in enumerate(self.members):
            if run.kind == IMPORTED:
                rows = self.rows(once)
                pairs = [(self.oof[other, once], self.test[other]) for other in own]
                found = (
                    doubt_score(run.name, rows, self.oof[k, once], [oof for oof, _ in pairs]),
                    doubt_test(run.name, (self.oof[k, once], self.test[k]), pairs),
                )
                yield from (doubt for doubt in found if doubt is not None)

    def _predictions(self, file: str) -> Predictions:
        """Return the predictions of all members, read one member at a time, and only the columns that are needed."""
        ids = self.known["id"] if file == "oof.parquet" else self.test_ids
        shape = (len(self.members), len(ids), *(() if self.as_values else _form(self.members[0])))
        made = np.empty(shape, dtype=np.float64 if np.prod(shape) <= _MOST_EXACT else np.float32)
        for k, run in enumerate(self.members):
            path = run.path / file
            frame = pl.read_parquet(path, columns=["id", *_columns(path)])
            if not frame["id"].equals(ids):
                raise DataError("the rows are not those of the other members", hint="run it again", where=str(path))
            values = frame.drop("id").to_numpy(order="c")
            if self.as_values and values.shape[1] > 1:  # a scale: the expected class
                values = values @ np.arange(values.shape[1], dtype=np.float64)
            made[k] = values.reshape(made.shape[1:])
        return made


def rows_of(competition: Competition, frame: Frame) -> Rows:
    """Return what decides on the scores of an OOF frame of one repeat."""
    known = Known.of(frame)
    return Rows(
        metric=competition.metric,
        y=known.y,
        folds=known.folds,
        task=competition.facts.task,
        weight=known.weight,
        units=known.units,
        further=known.further or {},
    )


def _repeated(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the names of runs whose predictions a newer one has too: its config was run again."""
    newer: defaultdict[float, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.name, reverse=True):
        alike = newer[run.scores["cv"]]
        if any(_same_files(run, other, "oof.parquet", "test.parquet") for other in alike):
            yield run.name
        else:
            alike.append(run)


def _same_files(run: Run, other: Run, *names: str) -> bool:
    return all(filecmp.cmp(run.path / name, other.path / name, shallow=False) for name in names)


def _beyond(runs: Sequence[Run], most: int | None, metric: Metric) -> list[Run]:
    """Return the runs that are not among the best ones by their scores."""
    sign = 1 if metric.direction == "minimize" else -1
    ranked = sorted(runs, key=lambda run: (sign * run.scores["cv"], run.name))
    return [] if most is None else ranked[most:]


def _usable(known: Iterable[Run], metric: Metric, wanted: Mapping[str, str], left_out: dict[str, str]) -> list[Run]:
    """Return the runs of these data that were scored by this metric, on all rows; note why others are not."""
    usable = []
    for run in known:
        other = next((what for what, value in wanted.items() if run.facts["fingerprints"][what] != value), None)
        if other:
            left_out[run.name] = f"of another {_WORD[other]}"
        elif run.quick:
            left_out[run.name] = "a quick look"
        elif not run.scored:
            continue  # an ensemble with files that have no OOF; ensembles are no members anyway
        elif run.scores["metric"] != metric.name:
            left_out[run.name] = "of another metric"
        else:
            usable.append(run)
    return usable


_WORD = {"edition": "edition", "data": "data set", "folds": "set of folds"}


def _nothing(competition: Competition, left_out: Mapping[str, str]) -> tuple[str, str]:
    """Return what to say where no run is usable."""
    if not left_out:
        return "there are no runs yet", f"run `kagflow cv {competition.name}`"
    whys = ", ".join(dict.fromkeys(left_out.values()))
    return f"none of the {len(left_out)} runs can be used: {whys}", f"run `kagflow cv {competition.name}` on these data"


def _named(usable: Sequence[Run], known: Sequence[Run], name: str, where: Path) -> Run:
    """Return the usable run that is meant; where another one is, say why it is not usable."""
    try:
        return find_run(usable, name, where)
    except ConfigError:
        other = find_run(known, name, where)
        if other in usable:
            raise
        raise ConfigError(
            f"{other.name} cannot be a member: it is a quick look, or of other data or another metric",
            hint="run its config again on these data",
            where="--members",
        ) from None


def _why_not(run: Run, reference: Run, rows: Frame, *, ordinal: bool) -> str:
    """Return why the predictions of two runs do not pair; nothing where they do.

    On a scale (``ordinal``), class probabilities and values can be brought to one form.
    """
    mine, others = run.facts["fingerprints"], reference.facts["fingerprints"]
    for what in PAIRING:
        if mine[what] != others[what]:
            return f"of another {_WORD[what]}"
    # With the same files of the competition on the same data, what is known of the rows is the same.
    if mine["sources"] != others["sources"] and not _known_rows(run).equals(rows):
        return "of another target, weight or group"
    if _form(run) != _form(reference) and not ordinal:
        return "of another form of predictions"
    return ""


def _known_rows(run: Run) -> Frame:
    path = run.path / "oof.parquet"
    return pl.read_parquet(path, columns=known_columns(list(pl.read_parquet_schema(path))))


def _form(run: Run) -> tuple[int, ...]:
    """Return the shape of what a run predicts of one row: (), or (k,) of classes or targets."""
    width = len(_columns(run.path / "oof.parquet"))
    return () if width == 1 else (width,)


@cache  # a run's files never change, and every member is asked several times
def _columns(path: Path) -> list[str]:
    """Return the columns of a file that hold the models' mean predictions."""
    return raw_columns(list(pl.read_parquet_schema(path)))
