"""The truth of a practice competition, and what a submission scores against it.

Nothing but the practice server reads the truth: no verb that trains opens a file called ``solution``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Frame
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.errors import DataError, KagflowError
from kagflow.metrics import Metric
from kagflow.metrics.base import Values
from kagflow.practice.building import usage
from kagflow.practice.submitted import Rejected, read_submission
from kagflow.runs.submission import column_classes
from kagflow.stats import bootstrap_se

SOLUTION = "solution.csv"
USAGE, PUBLIC, PRIVATE = "Usage", "Public", "Private"
PUBLIC_SHARE = 0.3  # of the test rows, where the truth does not say which ones
USAGE_SEED = 1017  # decides which ones, then

_SHOWN = 3
_ROW = "__row"


@dataclass(frozen=True)
class Score:
    """A score on one part of the test rows.

    Attributes
    ----------
    value
        In the metric's units.
    se
        Its bootstrap standard error over rows; ``None`` where it cannot be had.
    """

    value: float
    se: float | None


@dataclass(frozen=True)
class Scores:
    """What a submission scores: the public part, which is shown at once, and the private one."""

    public: Score
    private: Score


@dataclass(frozen=True)
class Truth:
    """The true values of the test rows, and how to score against them.

    Attributes
    ----------
    metric
        The competition's own.
    sample
        The sample submission, as text.
    ids
        (m,) ids of the rows that are scored, as text.
    y
        (m,) or (m, targets) values, or class codes.
    classes
        Labels in class order; empty for regression.
    targets
        Names of the targets where there are several.
    public, private
        (m,) which rows each leaderboard scores.
    weight
        (m,) weights, if the rows have any.
    further
        (m,) columns that the metric reads, by name.
    fingerprint
        Hash of the file of the truth.
    """

    metric: Metric
    sample: Frame
    ids: pl.Series
    y: Values
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    public: NDArray[np.bool_]
    private: NDArray[np.bool_]
    weight: Values | None
    further: dict[str, Values]
    fingerprint: str

    def score(self, content: bytes) -> Scores:
        """Return what a submission file scores.

        Parameters
        ----------
        content
            The file: CSV in UTF-8, which may be packed as ``.gz`` or as the only member of a ``.zip``.

        Raises
        ------
        Rejected
            The file cannot be scored; it says why.
        """
        return self.score_frame(read_submission(content))

    def score_frame(self, submission: Frame) -> Scores:
        """Return what a submission scores whose columns are text; raises as `score`."""
        prediction = self.predictions(submission)
        try:
            return Scores(self._part(prediction, self.public), self._part(prediction, self.private))
        except KagflowError as error:
            raise Rejected(f"Evaluation metric raised an unexpected error: {error.problem}") from error

    def predictions(self, submission: Frame) -> Values:
        """Return (m,) or (m, k) predictions in the rows of the truth, as the metric takes them; raises as `score`."""
        return self._in_form(self._in_order(submission))

    def _part(self, prediction: Values, rows: NDArray[np.bool_]) -> Score:
        weight = None if self.weight is None else self.weight[rows]
        further = {name: column[rows] for name, column in self.further.items()}
        y, made = self.y[rows], prediction[rows]
        value = self.metric.score(y, made, weight, further)
        se = bootstrap_se(self.metric, y, made, weight=weight, further=further)
        return Score(value, se if np.isfinite(se) else None)

    def _in_order(self, submission: Frame) -> Frame:
        """Return the submission's rows in the order of the truth, all columns of the sample and no other."""
        wanted = self.sample.columns
        if lacking := [name for name in wanted if name not in submission.columns]:
            raise Rejected(f"Submission must have the columns {_listed(wanted)}; it lacks {_listed(lacking)}")
        if extra := [name for name in submission.columns if name not in wanted]:
            raise Rejected(f"Submission must have the columns {_listed(wanted)} only; it also has {_listed(extra)}")
        key = wanted[0]
        for name in wanted:
            if nulls := submission[name].null_count():
                raise Rejected(f"Submission contains null values: {nulls} in column {name!r}")
        submission = submission.with_columns(_spelled_like(submission[key], self.ids))
        if submission[key].n_unique() < submission.height:
            twice = submission[key].filter(submission[key].is_duplicated())
            raise Rejected(f"Submission has ids in column {key!r} more than once: {_listed(twice)}")
        rows = self.ids.alias(key).to_frame().with_row_index(_ROW)
        known = submission.join(rows, on=key, how="left")
        missing = rows.join(submission, on=key, how="anti")
        if missing.height:
            raise Rejected(
                f"Submission must have {rows.height} rows, one for each id of the sample; "
                f"{missing.height} ids are missing: {_listed(missing.sort(_ROW)[key])}"
            )
        if unknown := known[_ROW].null_count():
            ids = known.filter(pl.col(_ROW).is_null())[key]
            raise Rejected(
                f"Submission must have {rows.height} rows; {unknown} ids are none of the sample: {_listed(ids)}"
            )
        return known.sort(_ROW).drop(_ROW)

    def _in_form(self, submission: Frame) -> Values:
        """Return predictions in the form that the metric scores: the reverse of how a submission is made."""
        columns = self.sample.columns[1:]
        if self.metric.wants == "top_k":
            return self._ranked(submission[columns[0]])
        if self.metric.wants == "label" and self.classes:
            codes = [self._codes(submission[name]) for name in self.targets or columns]
            return np.stack(codes, axis=1) if self.targets else codes[0]
        values = {name: _numbers(submission[name]) for name in columns}
        if self.targets:
            return np.stack([values[name] for name in self.targets], axis=1)
        if len(columns) == 1:
            return values[columns[0]]
        order = np.argsort(column_classes(columns, self.classes))
        return np.stack([values[columns[k]] for k in order], axis=1)

    def _codes(self, labels: pl.Series) -> Values:
        codes = _class_codes(_spelled_like(labels, pl.Series(list(self.classes))), self.classes)
        if codes.null_count():
            known, unknown = _listed(self.classes), _listed(labels.filter(codes.is_null()).unique(maintain_order=True))
            raise Rejected(f"Column {labels.name!r} must hold the labels {known}; it has {unknown}")
        return codes.to_numpy()

    def _ranked(self, written: pl.Series) -> Values:
        """Return (m, top) codes of labels that stand in a row with spaces between; what is no label is -1."""
        codes = {label: code for code, label in enumerate(self.classes)}
        ranked = np.full((written.len(), self.metric.top), -1, dtype=np.int64)
        for row, text in enumerate(written):
            for place, label in enumerate(text.split()[: self.metric.top]):
                ranked[row, place] = codes.get(label, -1)
        return ranked


def read_truth(competition: Competition, folder: Path, classes: tuple[str, ...]) -> Truth:
    """Read the truth that lies beside a competition's files.

    Parameters
    ----------
    competition
        Its facts, and its metric.
    folder
        Holds ``solution.csv``: the id and the targets of every test row, and a column ``Usage`` (``Public``,
        ``Private``, or another word for rows that do not count) if it is decided which rows are public.
    classes
        Labels in class order, as train has them.

    Raises
    ------
    DataError
        The truth is missing, or does not fit the sample submission.
    """
    path = find_file(folder, SOLUTION)
    raw = read_bytes(path)
    facts = competition.facts
    solution = parse_csv(raw, path, as_text=True)
    sample_path = find_file(folder, facts.sample_file)
    sample = parse_csv(read_bytes(sample_path), sample_path, as_text=True, encoding=facts.encoding)
    for name in (facts.id, *facts.targets, *competition.metric.columns):
        if name not in solution.columns:
            raise DataError(f"there is no column {name!r}", hint=f"it has {_listed(solution.columns)}", where=str(path))
    part = solution[USAGE] if USAGE in solution.columns else usage(solution.height, USAGE_SEED, PUBLIC_SHARE)
    public, private = (part == PUBLIC).fill_null(False).to_numpy(), (part == PRIVATE).fill_null(False).to_numpy()
    if not public.any() or not private.any():
        raise DataError(
            f"`{USAGE}` must say {PUBLIC} of some rows and {PRIVATE} of others",
            hint="leave the column out for a split drawn at random",
            where=str(path),
        )
    if set(solution[facts.id]) != set(sample.to_series(0)):
        raise DataError(
            "it has other ids than the sample submission", hint="one row an id, the same ids", where=str(path)
        )
    weighted = facts.weight is not None and facts.weight in solution.columns
    return Truth(
        metric=competition.metric,
        sample=sample,
        ids=solution[facts.id],
        y=_true_values(solution, facts.targets, classes, path, several=bool(facts.several_targets)),
        classes=classes,
        targets=facts.several_targets,
        public=public,
        private=private,
        weight=_true_numbers(solution, str(facts.weight), path) if weighted else None,
        further={name: _further(solution[name]) for name in competition.metric.columns},
        fingerprint=hashlib.sha256(raw).hexdigest(),
    )


def _true_values(
    solution: Frame, targets: Sequence[str], classes: tuple[str, ...], path: Path, *, several: bool
) -> Values:
    columns = [
        _true_codes(solution[name], classes, path) if classes else _true_numbers(solution, name, path)
        for name in targets
    ]
    return np.stack(columns, axis=1) if several else columns[0]


def _true_numbers(solution: Frame, name: str, path: Path) -> Values:
    try:
        return _numbers(solution[name])
    except Rejected as error:
        raise DataError(error.problem, hint="the truth must be known of every row", where=str(path)) from error


def _true_codes(labels: pl.Series, classes: tuple[str, ...], path: Path) -> Values:
    codes = _class_codes(labels, classes)
    if codes.null_count():
        unknown = labels.filter(codes.is_null()).unique(maintain_order=True)
        raise DataError(
            f"column {labels.name!r} holds {_listed(unknown)}, which train does not",
            hint=f"write the labels as train has them: {_listed(classes)}",
            where=str(path),
        )
    return codes.to_numpy()


def _class_codes(labels: pl.Series, classes: tuple[str, ...]) -> pl.Series:
    return labels.replace_strict(list(classes), range(len(classes)), default=None, return_dtype=pl.Int64)


def _further(column: pl.Series) -> Values:
    numbers = column.cast(pl.Float64, strict=False)
    return (column if numbers.null_count() > column.null_count() else numbers).to_numpy()


def _spelled_like(column: pl.Series, known: pl.Series) -> pl.Series:
    """Return the column with 3 for 3.0 where all that is known are whole numbers, as pandas writes the former."""
    column = column.str.strip_chars()
    return column.str.replace(r"\.0+$", "") if known.str.contains(r"^-?\d+$").all() else column


def _numbers(column: pl.Series) -> Values:
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    unusable = column.filter(numbers.is_null() | ~numbers.is_finite().fill_null(False))
    if unusable.len():
        raise Rejected(f"Column {column.name!r} must hold finite numbers; it has {_listed(unusable)}")
    return numbers.to_numpy()


def _listed(words: Sequence[str] | pl.Series) -> str:
    """Return the first words, each cut to a readable length."""
    shown = [repr(word if len(word) <= 40 else f"{word[:37]}...") for word in map(str, words[:_SHOWN])]
    return ", ".join(shown) + (", ..." if len(words) > _SHOWN else "")
