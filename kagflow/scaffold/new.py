"""Making a competition's folder: look at the files, guess, write, and leave nothing half-written."""

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from kagflow.audit.advice import Advice, advise_splitter
from kagflow.audit.keys import same_types
from kagflow.config import SplitterConfig, Task
from kagflow.data import Frame
from kagflow.data.agreement import with_ids
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.data.source import raw_folder
from kagflow.data.written import with_all_named
from kagflow.errors import ConfigError, DataError, did_you_mean
from kagflow.scaffold.columns import Columns, kinds_of_columns
from kagflow.scaffold.draft import Draft
from kagflow.scaffold.files import Files, find_files, unpacked
from kagflow.scaffold.guess import Given, guess_id, guess_null_words, guess_positive, guess_targets, guess_task
from kagflow.scaffold.guess_metric import guess_metric
from kagflow.scaffold.write import write_out


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes
    ----------
    name
        Of the competition: its folder's.
    paths
        The files that were written.
    draft
        What was guessed, and why.
    """

    name: str
    paths: tuple[Path, ...]
    draft: Draft

    def result(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        facts = self.draft.facts()
        doubtful = [key for key, guess in self.draft.guesses().items() if not guess.sure]
        why = {key: guess.why for key, guess in self.draft.guesses().items()}
        return {
            "competition": self.name,
            "facts": facts,
            "evidence": why,
            "doubtful": doubtful,
            "written": list(map(str, self.paths)),
        }


def new_competition(
    name: str, folder: Path, root: Path, *, slug: str | None = None, given: Given | None = None
) -> Made:
    """Make a competition's folder, its configs, and its data folder of a folder of files.

    Parameters
    ----------
    name
        Of the competition; hyphens become underscores.
    folder
        With train, test and the sample submission, or with an archive of all of them.
    root
        The project's folder.
    slug
        Kaggle's name of it; the name with hyphens when absent.
    given
        What the user says.

    Raises
    ------
    ConfigError
        The competition is there already, or what cannot be guessed was not given.
    DataError
        The files are not what they must be.
    """
    name = identifier(name)
    home = root / "competitions" / name
    if home.exists():
        raise ConfigError(
            f"the competition {name} is there already", hint="take another name, or remove its folder", where=str(home)
        )
    given = given or Given()
    target = raw_folder(name, "kaggle", root)
    with unpacked(folder, root / "data") as inside:
        draft = draft_of(name, slug or name.replace("_", "-"), find_files(inside), given)
        paths = _write_all(draft, root)
        _keep_files(inside, target)
    return Made(name, paths, draft)


def identifier(name: str) -> str:
    """Return a competition's name as a Python identifier.

    Raises
    ------
    ConfigError
        It cannot be one.
    """
    plain = name.replace("-", "_")
    if not plain.isidentifier() or not plain.isascii():
        raise ConfigError(
            f"{name!r} is no name for a competition",
            hint="letters, digits and hyphens, beginning with a letter",
            where="NAME",
        )
    return plain


def draft_of(name: str, slug: str, files: Files, given: Given) -> Draft:
    """Return all guesses about a competition's files."""
    id_ = guess_id(files, given.id)
    targets = guess_targets(files, id_.value, given.target)
    task = guess_task(files, targets.value, id_.value, given)
    metric = guess_metric(files, targets.value, id_.value, task.value, given)
    words = guess_null_words(files)
    positive = None
    if task.value == "binary" and len(targets.value) == 1:
        positive = guess_positive(files, targets.value[0], id_.value)
    train, test = _typed(files, words.value, id_.value)
    _check_targets(train, targets.value, files)
    in_test = set(test.columns)  # a set, for columns may be thousands
    shared = [column for column in train.columns if column in in_test]
    known = {id_.value, *targets.value}
    if known.issuperset(shared):
        raise DataError(
            f"train and test share no column but {id_.value}: there is nothing to learn from",
            hint="name the columns alike in both files",
            where=str(files.folder),
        )
    columns = kinds_of_columns(train, test, [column for column in shared if column not in known])
    dated = [_dated(frame, columns) for frame in (train, test)]
    advice = _advice(*dated, target=targets.value[0], id_=id_.value, task=task.value, given=given)
    together = given.group or advice.group
    if together in shared:  # its values are new in every fold that scores, and in test: no feature
        columns = columns.without(together)
    return Draft(
        name=name,
        slug=slug,
        names=files.names,
        id=id_,
        targets=targets,
        task=task,
        metric=metric,
        null_words=words,
        positive=positive,
        advice=advice,
        columns=columns,
        rows=(train.height, test.height),
        only_train=tuple(column for column in train.columns if column not in in_test and column not in known),
        group=given.group,
        time=given.time,
        encoding=files.encoding,
    )


def _check_targets(train: Frame, targets: tuple[str, ...], files: Files) -> None:
    """Raise a DataError where a row of train has no target: what else could be learned of it is not for a guess."""
    for name in targets:
        if nulls := train[name].null_count():
            raise DataError(
                f"the target {name} is null in {nulls} of {train.height} rows of train",
                hint="take these rows out of the file; or name another column with --target",
                where=str(find_file(files.folder, files.names["train"])),
            )


def _typed(files: Files, null_words: tuple[str, ...], id_: str) -> tuple[Frame, Frame]:
    """Return train and test as they are read for models."""
    made = []
    for role in ("train", "test"):
        path = find_file(files.folder, files.names[role])
        frame = parse_csv(read_bytes(path), path, null_words=null_words, text_columns=(id_,), encoding=files.encoding)
        made.append(with_all_named(frame))
    train, test = with_ids(made[0], made[1], files.sample, id_)
    in_test = set(test.columns)
    shared = [name for name in train.columns if name in in_test]
    both = same_types(train.select(shared), test.select(shared))
    return train.with_columns(both[0].get_columns()), test.with_columns(both[1].get_columns())


def _dated(frame: Frame, columns: Columns) -> Frame:
    """Return rows in which dates that are written in another form are dates."""
    return frame.with_columns(pl.col(name).str.to_datetime(form, strict=False) for name, form in columns.written_dates)


def _advice(train: Frame, test: Frame, *, target: str, id_: str, task: Task, given: Given) -> Advice:
    """Return how to split: as the user says, else as test differs from train."""
    for option, column in (("--group", given.group), ("--time", given.time)):
        if column is not None and column not in train.columns:
            raise ConfigError(f"train has no column {column!r}", hint=did_you_mean(column, train.columns), where=option)
    advice = advise_splitter(train, test, target=target, id=id_, task=task)
    if given.group is not None and advice.group != given.group:
        kind = "stratified_group" if task != "regression" else "group"
        splitter = SplitterConfig(kind=kind, **{"folds": min(5, train[given.group].n_unique()), "seed": 42})
        advice = replace(advice, splitter=splitter, evidence=(f"--group {given.group}",), group=given.group, time=None)
    if given.time is not None and advice.time != given.time:
        splitter = SplitterConfig(kind="forward", **{"folds": 5})
        advice = replace(advice, splitter=splitter, evidence=(f"--time {given.time}",), time=given.time)
    return advice


def _write_all(draft: Draft, root: Path) -> tuple[Path, ...]:
    """Write the competition's folder and its configs, the folder last and in one rename."""
    documents = write_out(draft)
    configs = root / "configs" / draft.name
    written = []
    for file, text in documents.configs.items():
        path = configs / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            written.append(path)
    home = root / "competitions" / draft.name
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".partial-") as scratch:
        partial = Path(scratch) / draft.name
        partial.mkdir()
        for file, text in documents.competition.items():
            (partial / file).write_text(text, encoding="utf-8")
        partial.rename(home)
    return (*(home / file for file in documents.competition), *written)


def _keep_files(folder: Path, target: Path) -> None:
    """Let the data folder hold the same files, all or nothing; by hard links, where the disk allows it."""
    if target.is_dir() or folder.resolve() == target.resolve():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="partial.") as scratch:
        copied = Path(scratch) / target.name
        copied.mkdir()
        for path in folder.iterdir():
            if path.is_file():
                _link(path, copied / path.name)
        copied.rename(target)


def _link(path: Path, copy: Path) -> None:
    try:
        os.link(path.resolve(), copy)
    except OSError:  # another disk, or a file that is not ours
        shutil.copyfile(path, copy)
