"""Members made elsewhere: their files, copied into a run of their own kind."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Dataset, Frame
from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.ensemble.files import PredictionFile
from kagflow.ensemble.given_folds import Compared, compare_folds
from kagflow.errors import ConfigError, DataError
from kagflow.runs import Run, list_runs, surroundings
from kagflow.runs.directory import RunFolder, predictions_frame, write_json
from kagflow.runs.record import open_run
from kagflow.runs.scores import Known, fold_numbers, known_frame, score_repeats
from kagflow.runs.submission import SUBMISSION, submission_of
from kagflow.splits import Folds, frozen_folds, make_splitter

Predictions = NDArray[np.float64]


def import_member(
    competition: Competition,
    oof: Path,
    test: Path,
    *,
    name: str | None = None,
    folds: str | None = None,
    source: Path | None = None,
    note: Callable[[str], None] | None = None,
) -> Run:
    """Copy predictions made elsewhere into a run, which is a member of the bank from then on.

    With the project's own folds it is a member like any other; else it is marked as foreign, and no claim is made for
    its score, nor for that of an ensemble that holds it: nobody knows what the rows that are scored have touched.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    oof, test
        CSV or parquet: an id and a prediction (or one a class or target) for each training and test row. Of training
        rows that no fold scores none is needed. ``oof`` may hold a column ``repeat``.
    name
        What the member is called; the name of the file of OOF when absent.
    folds
        The folds that the OOF came from: a column of its file, or another file with a fold for each id.
    source
        A folder of the competition's raw files, instead of the first source that applies.
    note
        Is told in a line why the member is foreign.

    Raises
    ------
    KagflowError
        A file cannot be read; an id is missing, double or unknown; a prediction is no number.
    """
    data = competition.read(source)
    config = name or oof.stem
    if config == ENSEMBLE:
        raise ConfigError(f"{ENSEMBLE!r} is what ensembles are called", hint="take another name", where="--name")
    project = _Project.of(competition, data)
    made = _read(project, oof, test, folds)
    if not made.folds.same and note:
        note(f"{config} is foreign: {made.folds.why}")
    key = _key(project, made, config)
    known = [run for run in list_runs(competition.runs_folder) if run.name.endswith(f"-{config}-{key}")]
    if known:
        return known[-1]
    folder = RunFolder(competition.runs_folder, config, key)
    try:
        _write(project, made, config, folder.path)
        return open_run(folder.complete())
    except BaseException:
        folder.release()
        raise


@dataclass(frozen=True, eq=False)
class _Project:
    """The data and folds that predictions are held against."""

    competition: Competition
    data: Dataset
    folds: Folds
    unit: str
    units: NDArray[np.int64] | None

    @classmethod
    def of(cls, competition: Competition, data: Dataset) -> "_Project":
        splitting = competition.facts.splitter
        splitter = make_splitter(splitting.kind, splitting.settings)
        folds = frozen_folds(splitter, data.train, data.fingerprint, competition.data_folder / "folds")
        return cls(competition, data, folds, *splitter.units(data.train))

    def known(self, repeat: int) -> Frame:
        """Return what is known of the rows that a repeat scores."""
        numbers = fold_numbers(self.folds, repeat)
        rows = np.flatnonzero(numbers >= 0)
        several = bool(self.competition.facts.several_targets)
        return known_frame(self.data.train, self.data.targets, rows, numbers[rows], repeat, self.units, several=several)


@dataclass(frozen=True, eq=False)
class _Given:
    """Predictions in the order of the project's rows."""

    oof: tuple[Predictions, ...]
    test: Predictions
    folds: Compared
    files: Mapping[str, Any]


def _read(project: _Project, oof: Path, test: Path, folds: str | None) -> _Given:
    facts, data = project.competition.facts, project.data
    out_of_fold, of_test = PredictionFile(oof, facts, data, folds), PredictionFile(test, facts, data)
    scored = [np.flatnonzero(fold_numbers(project.folds, repeat) >= 0) for repeat in range(project.folds.repeats)]
    parts = out_of_fold.repeats(project.folds.repeats)
    predictions = tuple(
        part.values()[part.order(data.train.ids[rows], "the training rows", data.train.ids)]
        for part, rows in zip(parts, scored, strict=True)
    )
    order = of_test.order(data.test.ids, "test")
    made = of_test.values()[order]
    if made.shape[1:] != predictions[0].shape[1:]:
        raise DataError("OOF and test have another number of columns of predictions", where=str(test))
    return _Given(
        predictions,
        made,
        compare_folds(folds, parts[0], project.folds, scored[0], facts),
        {
            "oof": {"file": str(oof), "sha256": _hash(oof)},
            "test": {"file": str(test), "sha256": _hash(test)},
            "folds": folds,
        },
    )


def _key(project: _Project, given: _Given, config: str) -> str:
    parts = {
        "config": config,
        "files": {part: file["sha256"] for part, file in given.files.items() if part != "folds"},
        "foreign": not given.folds.same,
        "data": project.data.fingerprint,
        "edition": project.data.edition,
        "folds": project.folds.fingerprint,
        "sources": project.competition.source_hash,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def _write(project: _Project, given: _Given, config: str, folder: Path) -> None:
    competition, data = project.competition, project.data
    metric, targets = competition.metric, competition.facts.several_targets
    known = [project.known(repeat) for repeat in range(project.folds.repeats)]
    frames = [
        pl.concat([rows, predictions_frame(made, targets=targets)], how="horizontal")
        for rows, made in zip(known, given.oof, strict=True)
    ]
    pl.concat(frames).write_parquet(folder / "oof.parquet")
    ids = pl.DataFrame({"id": data.test.ids})
    test = predictions_frame(given.test, targets=targets)
    pl.concat([ids, test], how="horizontal").write_parquet(folder / "test.parquet")
    scores = score_repeats(
        metric,
        [(Known.of(rows), made) for rows, made in zip(known, given.oof, strict=True)],
        unit=project.unit,
        targets=competition.facts.targets,
    )
    scores |= {"rows": data.train.height, "rows_scored": known[0].height, "repeats": len(known)}
    write_json(folder / "scores.json", scores)
    submission_of(data, competition, given.test).write_csv(folder / SUBMISSION)
    for name, content in competition.sources.items():
        (folder / name).write_bytes(content.encode())
    write_json(folder / "run.json", _facts(project, given, config))
    (folder / "folds").rmdir()


def _facts(project: _Project, given: _Given, config: str) -> dict[str, Any]:
    """Return where the predictions are from, and what they are held against."""
    competition, data = project.competition, project.data
    return {
        "status": "complete",
        "competition": competition.name,
        "config": config,
        "edition": data.edition,
        "kind": IMPORTED,
        "foreign": not given.folds.same,
        "why_foreign": given.folds.why or None,
        "from": dict(given.files),
        "seconds": 0.0,
        "fingerprints": {
            "data": data.fingerprint,
            "folds": project.folds.fingerprint,  # in which it is scored; a foreign one was made in others
            "sources": competition.source_hash,
            "edition": data.edition,
        },
        "quick_look": None,
        "postprocess": None,
        "chosen_by_looking": [],
        "pooled": [],
        "accepted": [],
        "git": surroundings.git(competition.root),
        "versions": surroundings.versions(),
    }


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
