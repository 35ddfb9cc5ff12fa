"""What can be proved of an ensemble: level 2 with its members held fixed, and what is known of the members.

With the members' OOF held fixed, a fold's cross-fitted predictions may not hang on its own targets: that is exact, and
disproved by changing them. End to end it cannot be, for the other folds' members were trained on these targets; how
much that is, is measured by fitting the members again with noise on the targets of a fold.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow.audit.audit import Report, document
from kagflow.audit.bench import SEED, Verdict, listed, rng_of
from kagflow.audit.findings import Finding
from kagflow.audit.leverage import measured, own_label_leverage
from kagflow.audit.pipeline import PipelineSubject, with_few_rounds
from kagflow.audit.subject import Scored, Seen, as_columns
from kagflow.audit.world import Values, World, other_targets
from kagflow.config import read_experiment
from kagflow.data import find_source
from kagflow.ensemble import Bank, Ensembled, Level, Method, Rows, find_method, score_level
from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.runs import Run
from kagflow.runs.directory import write_json
from kagflow.runs.plan import make_plan
from kagflow.runs.record import prediction_columns
from kagflow.training.postprocess import Post, find_post

_DRAWS = 3
_MOST_NUMBERS = 20_000_000  # of more predictions one fold is looked at
_CODE = {"too good": "KF222", "good": "KF222", "unlike": "KF223"}


def audit_ensemble(made: Ensembled, *, leverage: bool = False, source: Path | None = None) -> tuple[Report, Path]:
    """Audit an ensemble, and write what was found beside its run.

    Parameters
    ----------
    made
        The ensemble.
    leverage
        Whether to measure also, by fitting the members again, how far it follows the targets of the rows that it is
        scored on, end to end.
    source
        A folder of the competition's raw files, instead of the first source that applies.

    Returns
    -------
    Report
        What was found.
    Path
        Of the file.
    """
    started = time.perf_counter()
    bank, competition = made.bank, made.bank.competition
    blending = Blending.of(made)
    numbers = _looked_at(bank)
    verdicts = [
        _verdict("nothing changed", "the ensemble made again", lambda: blending.made_again(made.run)),
        _verdict("valid targets", f"folds {listed(numbers)}, members held fixed", lambda: blending.exact(numbers)),
        _verdict("members", f"{len(bank.members)} of them", lambda: list(_of_members(bank))),
    ]
    subject = RefittedMembers.of(bank, blending, source) if leverage else None
    if subject is not None:
        verdicts.append(_end_to_end(subject, numbers[0], f"{made.document['method']}, members fitted again"))
    not_measured = "members were held fixed: what --leverage measures is not in this"
    report = Report(
        tuple(verdicts),
        tuple(f"with: {file['file']} has no OOF" for file in made.run.facts["with"]),
        () if subject is not None else (not_measured,),
        competition.facts.accept,
        time.perf_counter() - started,
    )
    path = audit_path(made.run)
    write_json(path, document(report, competition, ENSEMBLE))
    return report, path


def audit_of(made: Ensembled, *, leverage: bool = False, source: Path | None = None) -> tuple[dict[str, Any], Path]:
    """Return the audit of an ensemble as JSON shows it, and its file; made before, it is read.

    Parameters are those of ``audit_ensemble``; where the leverage is wanted, the audit is always made.
    """
    path = audit_path(made.run)
    if leverage or made.new or not path.is_file():
        report, path = audit_ensemble(made, leverage=leverage, source=source)
        return document(report, made.bank.competition, ENSEMBLE), path
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known, path


def audit_path(run: Run) -> Path:
    """Return where the audit of an ensemble lies: beside its run."""
    return run.path.with_name(f"{run.name.partition('-')[2]}.audit.json")


class Blending:
    """How members became an ensemble: the method and the post-processing, to be fitted anew in every world.

    Parameters
    ----------
    bank
        The members.
    method, post
        What is fitted to their OOF.
    """

    def __init__(self, bank: Bank, method: Method, post: Post | None) -> None:
        self.bank, self._method, self._post = bank, method, post

    @classmethod
    def of(cls, made: Ensembled) -> "Blending":
        """Return that of an ensemble."""
        name = made.run.facts["postprocess"]
        post = None if name is None else find_post(name, made.bank.competition.metric)
        return cls(made.bank, find_method(made.document["method"]), post)

    def predict(self, rows: Rows, members: Sequence[Values]) -> Values:
        """Return cross-fitted predictions."""
        return score_level(self._method, Level(rows, members, self.bank.names), self._post).crossfitted

    def made_again(self, run: Run) -> list[Finding]:
        """Blend the members again, as they are."""
        if not run.scored:  # what is submitted has no OOF
            return []
        written = run.oof()
        for index in self.bank.repeats:
            again = self.predict(self.bank.rows(index), list(self.bank.oof[:, index]))
            if not np.array_equal(again, prediction_columns(written[index])):
                return [
                    Finding(
                        code="KF200",
                        severity="warning",
                        message="blended again, the same members make other predictions than the ensemble holds",
                        where=run.name,
                        hint="make it again",
                    )
                ]
        return []

    def exact(self, numbers: Sequence[int]) -> list[Finding]:
        """Hold the members fixed, and change one fold's targets: its predictions may not move."""
        index = self.bank.repeats[0]
        rows, members = self.bank.rows(index), list(self.bank.oof[:, index])
        before = self.predict(rows, members)
        for number in numbers:
            own = np.flatnonzero(rows.folds == number)
            single = rows.y if rows.y.ndim == 1 else rows.y[:, 0]
            rng = rng_of(number)
            y = rows.y.copy()
            y[own] = rows.y[other_targets(single, own, rng, classes=rows.task != "regression")]
            after = self.predict(replace(rows, y=y), members)
            share = float((as_columns(before[own]) != as_columns(after[own])).any(axis=1).mean())
            if share:
                return [
                    Finding(
                        code="KF201",
                        severity="error",
                        message=f"with other targets of fold {number}'s valid rows, and the members held fixed, "
                        f"{share:.0%} of its blended predictions move",
                        where=f"ensemble: {self._method.kind}",
                        size=share,
                        hint="fit weights and post-processing on the other folds only",
                    )
                ]
        return []


class RefittedMembers:
    """An ensemble whose members are fitted anew in every world, with few rounds.

    Parameters
    ----------
    bank
        The members; those that were imported, and ensembles, stay as they are.
    blending
        How they became an ensemble.
    subjects
        The pipelines of those members that can be fitted again, by name; at least one.
    """

    def __init__(self, bank: Bank, blending: Blending, subjects: Mapping[str, PipelineSubject]) -> None:
        self._bank, self._blending, self._subjects = bank, blending, subjects
        first = next(iter(subjects.values()))
        once = {int(number) for number in np.unique(bank.rows(bank.repeats[0]).folds)}
        self.folds: Sequence[Scored] = [fold for fold in first.folds if fold.number in once]
        self.y, self.classes, self.test_rows = first.y, first.classes, first.test_rows
        self.groups, self.time = first.groups, first.time
        self._positions = np.sort(np.concatenate([fold.valid for fold in self.folds]))

    @classmethod
    def of(cls, bank: Bank, blending: Blending, source: Path | None) -> "RefittedMembers | None":
        """Return it with the members' pipelines; ``None`` of several targets, or where no member can be fitted."""
        competition = bank.competition
        own = [run for run in bank.members if run.kind not in (IMPORTED, ENSEMBLE)]
        if competition.facts.several_targets or not own:
            return None
        origin = find_source(competition.name, competition.facts, competition.root, source)
        subjects = {}
        for run in own:
            experiment = with_few_rounds(read_experiment(run.path / "experiment.yaml"))
            subjects[run.name] = PipelineSubject(make_plan(competition, experiment, run.facts["config"], origin))
        return cls(bank, blending, subjects)

    def run(self, world: World, fit: Collection[int], look: Collection[int] = ()) -> Mapping[int, Seen]:
        """Return blended predictions of some folds; the models of all are fitted for them."""
        index = self._bank.repeats[0]
        rows = self._bank.rows(index)
        rows = replace(rows, y=self.y[world.y_from][self._positions])
        members = [self._member(k, run, world, index) for k, run in enumerate(self._bank.members)]
        made = self._blending.predict(rows, members)
        return {number: Seen(made[rows.folds == number]) for number in {*fit, *look}}

    def _member(self, k: int, run: Run, world: World, index: NDArray[np.int64]) -> Values:
        if run.name not in self._subjects:
            fixed: Values = self._bank.oof[k, index]
            return fixed
        seen = self._subjects[run.name].run(world, [fold.number for fold in self.folds])
        oof = [each for fold in self.folds if (each := seen[fold.number].oof) is not None]
        order = np.argsort(np.concatenate([fold.valid for fold in self.folds]))
        made: Values = np.concatenate(oof)[order]
        if made.ndim > self._bank.oof[k, index].ndim:  # the bank holds the expected class
            made = made.astype(np.float64) @ np.arange(made.shape[1], dtype=np.float64)
        return made


def _of_members(bank: Bank) -> Iterator[Finding]:
    """Yield what is known of the members that touches the score."""
    for run in bank.foreign:
        yield Finding(
            code="KF221",
            severity="warning",
            message=f"nobody knows which rows the models behind the OOF of {run.facts['config']} have touched",
            where=run.name,
            hint="name its folds when it is imported; else no claim is made for the score",
        )
    names = set(bank.names)
    for doubt in bank.doubts:
        if doubt.member in names:
            yield Finding(
                code=_CODE[doubt.kind],
                severity="error" if doubt.kind == "too good" else "warning",
                message=doubt.message,
                where=doubt.member,
                size=doubt.size,
                hint="leave it out with --without",
            )
    for run in bank.members:
        accepted = sorted({each["code"] for each in run.facts.get("accepted", [])})
        if accepted:
            yield Finding(
                code="KF224",
                severity="note",
                message=f"it was made with {', '.join(accepted)} accepted",
                where=run.name,
                hint="the reasons stand in its run.json",
            )


def _end_to_end(subject: RefittedMembers, number: int, what: str) -> Verdict:
    def experiment() -> list[Finding]:
        return [measured(own_label_leverage(subject, number, seed=SEED, draws=_DRAWS), what)]

    return _verdict("own targets", f"fold {number}, {_DRAWS} draws of noise", experiment)


def _verdict(name: str, looked_at: str, experiment: Callable[[], list[Finding]]) -> Verdict:
    started = time.perf_counter()
    found = tuple(experiment())
    return Verdict(name, looked_at, found, time.perf_counter() - started)


def _looked_at(bank: Bank) -> list[int]:
    """Return the numbers of the first and the last fold; of very many predictions only the first."""
    numbers = [int(number) for number in np.unique(bank.known["fold"][bank.repeats[0]].to_numpy())]
    few = bank.oof.size > _MOST_NUMBERS
    return numbers[:1] if few else sorted({numbers[0], numbers[-1]})
