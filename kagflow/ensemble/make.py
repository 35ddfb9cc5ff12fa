"""Making an ensemble: candidates from the bank, the choice among them, and the run that comes of it."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kagflow.competition import Competition
from kagflow.config import read_experiment
from kagflow.data import Dataset, Source, find_source, read_dataset
from kagflow.ensemble.added import Added
from kagflow.ensemble.bank import ENSEMBLE, Bank
from kagflow.ensemble.candidates import Candidate, candidates
from kagflow.ensemble.choice import choose
from kagflow.ensemble.nested import score_nested
from kagflow.ensemble.refits import Watcher, check_refittable
from kagflow.ensemble.written import Made, write_ensemble
from kagflow.errors import ConfigError
from kagflow.runs import Run, list_runs, surroundings
from kagflow.runs.directory import RunFolder
from kagflow.runs.record import open_run
from kagflow.tracking import NoTracker, Tracker
from kagflow.training.postprocess import Post, find_post

NO_POST = "none"


@dataclass(frozen=True)
class Ensembled:
    """An ensemble on disk.

    Attributes
    ----------
    run
        Its run.
    bank
        What it was made of.
    document
        `ensemble.json`: the candidates, which one was chosen, and everything that was fitted.
    new
        Whether this call made it; else it was there.
    """

    run: Run
    bank: Bank
    document: Mapping[str, Any]
    new: bool

    def result(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
        shown = ("members", "with", "honest", "why_not_honest", "chosen_by_looking")
        return {
            **self.run.result(),
            **{name: self.run.facts[name] for name in shown},
            "method": self.document["method"],
            "candidates": self.document["candidates"],
            "left_out": dict(self.bank.left_out),
        }


def make_ensemble(
    competition: Competition,
    *,
    methods: Sequence[str] = (),
    members: Sequence[str] = (),
    without: Sequence[str] = (),
    most: int | None = None,
    post: str | None = None,
    added: Mapping[Path, float] | None = None,
    nested: bool = False,
    source: Path | None = None,
    tracker: Tracker | None = None,
    note: Callable[[str], None] | None = None,
    watcher: Watcher | None = None,
) -> Ensembled:
    """Blend a competition's runs, choose among the ways to do so, and write the run.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    methods
        Names of methods to choose from; when empty the sensible ones, and the best single member, which is always
        scored beside them.
    members, without, most
        Which runs; as ``Bank.of`` takes them.
    post
        Name of the post-processing of the blend, or ``none``; that of the best member when absent.
    added
        Submission files without OOF, each with its weight in what is submitted; the ensemble then has no score.
    nested
        Whether to fit the members again inside the folds, for a score of which every step is honest; it then decides.
    source
        A folder of raw files, instead of the first source that applies.
    tracker
        Mirrors the ensemble.
    note
        Is told, in a line each, what one should know.
    watcher
        Is told how members are fitted again.

    Returns
    -------
    Ensembled
        Complete and on disk. The same members and settings find the same run again.

    Raises
    ------
    KagflowError
        There is nothing to blend, or the members, a method or a file is at fault; the error says which.
    """
    started = time.perf_counter()
    tracker, note = tracker or NoTracker(), note or (lambda line: None)
    origin = find_source(competition.name, competition.facts, competition.root, source)
    data = read_dataset(origin, competition.facts, competition.additions)
    fingerprints = {"edition": data.edition, "data": data.fingerprint}
    bank = Bank.of(competition, members=members, without=without, most=most, fingerprints=fingerprints)
    for line in filter(None, [bank.reasons, *(f"{doubt.member}: {doubt.message}" for doubt in bank.doubts)]):
        note(line)
    if nested:
        _check_nested(bank, added or {})
    files = [Added.read(path, weight, competition, data) for path, weight in (added or {}).items()]
    name = post or _post_of(bank.members[bank.best])
    settings: dict[str, Any] = {
        "methods": sorted(set(methods)),
        "most": most,
        "postprocess": None if name == NO_POST else name,
        "with": sorted([each.hash, each.weight] for each in files),
        "nested": nested,
    }
    key = _key(bank, settings)
    found = [run for run in list_runs(competition.runs_folder) if run.name.endswith(f"-{ENSEMBLE}-{key}")]
    if found:
        return _read(found[-1], bank, new=False)
    folder = RunFolder(competition.runs_folder, ENSEMBLE, key)
    try:
        tracker.start(
            folder.path.name.removesuffix(".partial"),
            group=competition.name,
            job_type=ENSEMBLE,
            config={**settings, "members": bank.names},
        )
        tried = _candidates(bank, methods, settings["postprocess"], note)
        if nested:
            tried = _nested(bank, tried, settings["postprocess"], (data, origin), watcher)
        eligible = [each for each in tried if not methods or each.method.kind in methods]
        made = Made(bank, data, tried, _choose(eligible), settings, files)
        scores = write_ensemble(made, folder.path, seconds=time.perf_counter() - started)
        _mirror(tracker, scores, made)
        run = open_run(folder.complete())
        tracker.finish()
    except BaseException:
        folder.release()
        tracker.finish(failed=True)
        raise
    return _read(run, bank, new=True)


def _candidates(bank: Bank, methods: Sequence[str], post: str | None, note: Callable[[str], None]) -> list[Candidate]:
    return list(candidates(bank, methods, _fitting(post, bank), note))


def _fitting(post: str | None, bank: Bank) -> Post | None:
    return None if post is None else find_post(post, bank.competition.metric)


def _nested(
    bank: Bank, tried: Sequence[Candidate], post: str | None, read: tuple[Dataset, Source], watcher: Watcher | None
) -> list[Candidate]:
    """Return the candidates with their nested scores."""
    found = score_nested(bank, [each.method for each in tried], _fitting(post, bank), *read, watcher)
    return [replace(each, nested=nested) for each, nested in zip(tried, found, strict=True)]


def _check_nested(bank: Bank, added: Mapping[Path, float]) -> None:
    """Refuse what has no nested score.

    Raises
    ------
    ConfigError
        A member cannot be fitted again, or a file has no OOF.
    """
    if added:
        raise ConfigError(
            "what holds files without OOF has no score, nested or not", hint="leave --with out", where="--nested"
        )
    check_refittable(bank.members)


def _choose(eligible: Sequence[Candidate]) -> Candidate:
    """Return the best by nested scores where these are known, else by cross-fitted ones."""
    nested = [each.nested for each in eligible if each.nested is not None]
    if not nested:
        return choose(eligible)
    best = choose(nested)
    return next(each for each in eligible if each.nested is best)


def _read(run: Run, bank: Bank, *, new: bool) -> Ensembled:
    return Ensembled(run, bank, json.loads((run.path / "ensemble.json").read_text(encoding="utf-8")), new)


def _key(bank: Bank, settings: Mapping[str, Any]) -> str:
    """Return a hash of everything that decides on the result."""
    parts = {
        "members": bank.names,
        "settings": settings,
        "sources": bank.competition.source_hash,
        "fingerprints": bank.members[0].facts["fingerprints"],
        "versions": surroundings.versions(),
        "code": surroundings.code_hash(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def _post_of(run: Run) -> str:
    """Return the post-processing of a run's predictions."""
    if "postprocess" in run.facts:
        return run.facts["postprocess"] or NO_POST
    path = run.path / "experiment.yaml"
    return (read_experiment(path).postprocess if path.is_file() else None) or NO_POST


def _mirror(tracker: Tracker, scores: Mapping[str, Any], made: Made) -> None:
    """Tell the tracker what the run's files hold: scores, candidates and weights."""
    tracker.summary({name: value for name, value in scores.items() if isinstance(value, (int, float, str))})
    tracker.table("candidates", list(made.table[0]), [list(row.values()) for row in made.table])
    if made.chosen.weights is not None:
        tracker.table("members", ["member", "weight"], [list(pair) for pair in made.chosen.weights.items()])
