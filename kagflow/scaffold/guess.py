"""What a competition's files say of it: id, target, task, labels or chances, null words.

Every guess comes with its evidence, for it is written into `competition.yaml` for a person to read. What nothing
speaks for is not guessed but asked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

import polars as pl

from kagflow.config import Task
from kagflow.data import Frame
from kagflow.errors import ConfigError, did_you_mean
from kagflow.metrics import find_metric
from kagflow.scaffold.files import Files
from kagflow.scaffold.grades import are_grades
from kagflow.submit.metric_names import kagflow_metric

_Value = TypeVar("_Value")

NULL_WORDS = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", "--", ".", "missing", "#N/A")
_MOST_CLASSES = 30
_MOST_GRADES = 12
_POSITIVE = {"1", "1.0", "yes", "true", "y", "t", "positive", "pos"}


@dataclass(frozen=True)
class Guess(Generic[_Value]):
    """A guess.

    Attributes
    ----------
    value
        What was guessed.
    why
        The evidence, as a sentence without its full stop.
    sure
        Whether the files leave little doubt; else a person should look.
    """

    value: _Value
    why: str
    sure: bool = True


@dataclass(frozen=True)
class Given:
    """What the user says; ``None`` is left to be guessed."""

    target: tuple[str, ...] | None = None
    id: str | None = None
    metric: str | None = None
    time: str | None = None
    group: str | None = None
    task: Task | None = None
    kaggle_metric: str | None = None


class NotGuessed(ConfigError):
    """The files do not tell, so that somebody must.

    Parameters
    ----------
    asks
        What: a field of ``Given``.
    """

    def __init__(self, problem: str, *, asks: str, hint: str, where: str) -> None:
        super().__init__(problem, hint=hint, where=where)
        self.asks = asks


def guess_null_words(files: Files) -> Guess[tuple[str, ...]]:
    """Return the words that stand for null: those found in columns that are numbers but for them."""
    found: dict[str, str] = {}
    for frame in (files.train, files.test):
        for name in _nearly_numbers(frame):
            found |= {word: found.get(word, name) for word in _words_among_numbers(frame[name])}
    if not found:
        return Guess(("",), "no word stands among numbers")
    shown = ", ".join(f"{word!r} in {column}" for word, column in list(found.items())[:3])
    return Guess(("", *sorted(found)), f"among numbers there is {shown}")


def _nearly_numbers(text: Frame) -> list[str]:
    """Return columns that hold a number, and something else than numbers."""
    numbers = text.cast(pl.Float64, strict=False)
    not_a_number = numbers.select(pl.all().is_nan().any()).row(0)
    counts = zip(text.columns, text.null_count().row(0), numbers.null_count().row(0), not_a_number, strict=True)
    return [name for name, nulls, words, nan in counts if words < text.height and (words > nulls or nan)]


def _words_among_numbers(column: pl.Series) -> list[str]:
    """Return the null words of a column whose other values are numbers."""
    known = column.drop_nulls()
    words = known.filter(known.cast(pl.Float64, strict=False).is_null())
    if not 0 < len(words) < len(known) or not words.is_in(pl.Series(NULL_WORDS).implode()).all():
        # "nan" is a number to polars
        return ["nan"] if len(words) == 0 and known.str.to_lowercase().is_in(["nan"]).any() else []
    return words.unique().to_list()


def guess_id(files: Files, given: str | None) -> Guess[str]:
    """Return the column that names the rows of test in the sample submission.

    Raises
    ------
    NotGuessed
        No column does.
    ConfigError
        The column that was given is not there.
    """
    if given is not None:
        _must_be_in(files.test if given in files.test.columns else files.sample, given, "--id")
        return Guess(given, "given")
    in_test = [name for name in files.sample.columns if name in files.test.columns]
    unique = [name for name in in_test if files.test[name].is_unique().all()]
    named = [name for name in unique if name in files.train.columns and files.train[name].is_unique().all()]
    for name in named:
        if set(files.sample[name]) == set(files.test[name]):
            return Guess(name, "the sample submission has each of test's once, and no two rows of train share one")
    if named:
        return Guess(named[0], "different in every row, and in the sample submission", sure=False)
    for name in unique:
        if name not in files.train.columns and set(files.sample[name]) == set(files.test[name]):
            return Guess(
                name, "the sample submission has each of test's once; train has none, so its rows are numbered"
            )
    if not in_test and _numbers_the_rows(files):
        why = "only the sample submission has it, and as many rows as test: they are taken to be in the same order"
        return Guess(files.sample.columns[0], why, sure=False)
    raise NotGuessed(
        "no column names the rows: one that test and the sample submission have, different in every row, "
        "and in every row of train too if train has it",
        asks="id",
        hint=f"name it with --id; the sample submission has {', '.join(files.sample.columns[:5])}",
        where=str(files.folder),
    )


def _numbers_the_rows(files: Files) -> bool:
    """Say whether the sample submission's first column can name test's rows, though test does not have it."""
    name, *others = files.sample.columns
    return (
        bool(others)
        and name not in files.train.columns
        and files.sample.height == files.test.height
        and bool(files.sample[name].is_unique().all())
    )


def guess_targets(files: Files, id_: str, given: Collection[str] | None) -> Guess[tuple[str, ...]]:
    """Return the target, or the targets.

    Raises
    ------
    NotGuessed
        None is to be found, or several could be it.
    ConfigError
        A column that was given is not there.
    """
    if given:
        for name in given:
            _must_be_in(files.train, name, "--target")
        return Guess(tuple(given), "given")
    asked = [name for name in files.sample.columns if name != id_]
    in_test = set(files.test.columns)
    hidden = [name for name in files.train.columns if name not in in_test and name != id_]
    if asked and all(name in hidden for name in asked):
        return Guess(tuple(asked), f"asked for in the sample submission, and not in {files.names['test']}")
    for name in hidden:
        if len(asked) > 1 and _are_columns_of_classes(files.train[name], asked):
            return Guess((name,), "the sample submission has a column for each of its values")
    if len(hidden) == 1:
        return Guess((hidden[0],), f"the only column of train that {files.names['test']} lacks")
    if not hidden:
        problem = "train has no column that test lacks, so nothing is to be predicted"
        hint = "name the target with --target"
        raise NotGuessed(problem, asks="target", hint=hint, where=str(files.folder))
    raise NotGuessed(
        f"test lacks {len(hidden)} columns of train, and the sample submission names none of them: "
        f"{', '.join(hidden[:5])}",
        asks="target",
        hint="name the target with --target",
        where=str(files.folder),
    )


def _are_columns_of_classes(column: pl.Series, names: Sequence[str]) -> bool:
    labels = column.drop_nulls().unique().to_list()
    return len(labels) == len(names) and all(any(name.endswith(label) for label in labels) for name in names)


def guess_task(files: Files, targets: Sequence[str], id_: str, given: Given) -> Guess[Task]:
    """Return whether numbers or classes are to be predicted.

    Raises
    ------
    ConfigError
        The task or the metric that was given is none; the target is constant, or text of too many kinds.
    """
    if given.task is not None:
        if given.task not in get_args(Task):
            hint = did_you_mean(given.task, get_args(Task))
            raise ConfigError(f"there is no task {given.task!r}", hint=hint, where="--task")
        return Guess(given.task, "given")
    values = [files.train[name].drop_nulls() for name in targets]
    labels = max((column.n_unique() for column in values), default=0)
    if labels < 2:
        raise ConfigError(
            f"the target {targets[0]} has {labels} different values, so that there is nothing to learn",
            hint="name another with --target",
            where=str(files.folder),
        )
    numbers = all(column.cast(pl.Float64, strict=False).null_count() == 0 for column in values)
    wanted = _task_of_metric(given, labels)
    if wanted is not None:
        return wanted
    if len(targets) > 1 and not numbers and labels > 2:
        raise ConfigError(
            f"there are several targets, and {targets[0]} has more than two classes: only one such can be fitted",
            hint="name one with --target, and make a competition of each",
            where=str(files.folder),
        )
    if labels == 2:
        return Guess("binary", f"{targets[0]} has two values: {', '.join(sorted(values[0].unique())[:2])}")
    if not numbers:
        if labels > max(_MOST_CLASSES, len(values[0]) // 10):
            words = ", ".join(repr(word) for word in values[0].unique(maintain_order=True)[:3])
            raise ConfigError(
                f"the target {targets[0]} is text with {labels} different values ({words}, ...)",
                hint="a number must be written without separators; for another column use --target",
                where=str(files.folder),
            )
        return Guess("multiclass", f"{targets[0]} has {labels} labels that are words")
    return _numbers_or_grades(files, targets, id_, values[0], labels)


def _numbers_or_grades(files: Files, targets: Sequence[str], id_: str, y: pl.Series, labels: int) -> Guess[Task]:
    columns = [name for name in files.sample.columns if name != id_]
    if len(targets) == 1 and len(columns) > 1:
        return Guess("multiclass", f"the sample submission has a column for each of the {labels} values")
    numbers = y.cast(pl.Float64)
    whole = bool((numbers == numbers.round()).all())
    asked = files.sample[columns[0]].cast(pl.Float64, strict=False) if columns else numbers
    if not whole or labels > _MOST_GRADES or not bool((asked == asked.round()).fill_null(False).all()):
        return Guess("regression", f"{targets[0]} is a number with {labels} different values")
    low, high = int(min(numbers.to_list())), int(max(numbers.to_list()))
    if high - low + 1 > 2 * labels:
        return Guess("regression", f"{targets[0]} has {labels} whole values, far apart", sure=False)
    return Guess("multiclass", f"{targets[0]} has {labels} whole values from {low} to {high}", sure=False)


def _task_of_metric(given: Given, labels: int) -> Guess[Task] | None:
    name = given.metric or kagflow_metric(given.kaggle_metric or "")
    if name is None:
        return None
    metric = find_metric(name)
    metric = metric.of_column or metric
    classes: Task = "binary" if labels == 2 else "multiclass"
    return Guess("regression" if metric.wants == "value" else classes, f"the metric is {name}")


def guess_positive(files: Files, target: str, id_: str) -> Guess[str] | None:
    """Return the positive label, where the order of labels would make it the other one; ``None`` where it is right."""
    counts = files.train[target].drop_nulls().value_counts(sort=True)
    labels = sorted(counts[target].to_list())
    asked = [name for name in files.sample.columns if name != id_]
    named = [label for label in labels if asked and asked[0] != target and asked[0].lower().endswith(label.lower())]
    usual = [label for label in labels if label.lower() in _POSITIVE]
    if len(named) == 1:
        return Guess(named[0], f"the sample submission's column is called {asked[0]}")
    if len(usual) == 1:
        return None if usual[0] == labels[-1] else Guess(usual[0], "the word says so")
    if are_grades(labels):
        return None
    rare = counts[target][-1]
    return Guess(rare, f"the rarer of {labels[0]} and {labels[1]}", sure=False)


def _must_be_in(frame: Frame, name: str, where: str) -> None:
    if name not in frame.columns:
        raise ConfigError(f"train has no column {name!r}", hint=did_you_mean(name, frame.columns), where=where)
