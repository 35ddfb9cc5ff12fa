"""Whether a file has the form of the competition's sample submission, and holds what can be predictions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.audit.findings import Finding
from kagflow.codes import CODES, Severity
from kagflow.competition import Competition
from kagflow.data import Dataset, Frame
from kagflow.metrics import Wants

_SHOWN = 3
_SUM_OFF = 0.01  # of one; files are written with some digits only
_FAR = 0.5  # of the width of the training target's range: what lies further out is hardly meant


@dataclass(frozen=True, eq=False)
class Expected:
    """What a competition's submissions look like.

    Attributes
    ----------
    sample
        The sample submission, as text; its first column is the id.
    wants
        What its columns hold.
    classes
        The labels; empty for regression.
    ranges
        Least and largest value of the training target, by column; empty where predictions are no such values.
    """

    sample: Frame
    wants: Wants
    classes: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, competition: Competition, data: Dataset) -> "Expected":
        """Return what is known of a competition's submissions."""
        metric, columns = competition.metric, data.sample.columns[1:]
        if competition.submission is not None:  # its own form: the sample says all that is known
            wants: Wants = "value" if all(_is_numeric(data.sample[name]) for name in columns) else "top_k"
            return cls(data.sample, wants, (), {})
        ranges = {}
        if metric.wants == "value" and not data.classes:
            several = competition.facts.several_targets
            of_column = {name: data.targets[name] for name in columns if name in several}
            single = {} if several else {name: data.targets.to_series() for name in columns}
            ranges = {name: (float(y.min()), float(y.max())) for name, y in (of_column | single).items()}  # type: ignore[arg-type]
        return cls(data.sample, metric.wants, data.classes, ranges)


def form_findings(file: Frame, expected: Expected) -> list[Finding]:
    """Return all that is wrong with a file; ids and values are only looked at where its columns are the sample's.

    Parameters
    ----------
    file
        The submission, as text.
    expected
        What it must look like.
    """
    columns = list(_column_findings(file, expected.sample))
    if any(finding.severity == "error" for finding in columns):
        return columns
    found = [*columns, *_id_findings(file, expected.sample)]
    for name in expected.sample.columns[1:]:
        found += _value_findings(file[name], expected)
    found += _sum_findings(file, expected)
    if _is_untouched(file, expected.sample):
        return [*found, _finding("KF408", f"the file holds the {file.height} predictions of the sample itself")]
    constant = [name for name in expected.sample.columns[1:] if file.height > 1 and file[name].n_unique() == 1]
    if constant:
        whole = len(constant) == len(expected.sample.columns) - 1
        message = f"every row has the same prediction in {', '.join(constant[:_SHOWN])}: {file[constant[0]][0]}"
        found.append(_finding("KF407", message, columns=constant, severity="error" if whole else "warning"))
    return found


def _column_findings(file: Frame, sample: Frame) -> Iterator[Finding]:
    if file.columns == sample.columns:
        return
    missing = [name for name in sample.columns if name not in file.columns]
    unknown = [name for name in file.columns if name not in sample.columns]
    if not missing and not unknown:
        yield _finding("KF403", f"columns are {', '.join(file.columns)}; the sample has {', '.join(sample.columns)}")
        return
    parts = [f"lacks {', '.join(missing[:_SHOWN])}"] if missing else []
    parts += [f"has {', '.join(unknown[:_SHOWN])}, which the sample lacks"] if unknown else []
    yield _finding("KF401", f"the file {' and '.join(parts)}", columns=[*missing, *unknown])


def _id_findings(file: Frame, sample: Frame) -> Iterator[Finding]:
    name = sample.columns[0]
    ids, wanted = file[name], sample[name]
    if ids.equals(wanted):
        return
    repeated = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    missing = wanted.filter(~wanted.is_in(ids.implode()))
    unknown = ids.filter(~ids.is_in(wanted.implode()))
    parts = [
        f"{len(which)} {what}, the first {which[0]}"
        for what, which in (("are missing", missing), ("are not the sample's", unknown), ("repeat", repeated))
        if len(which)
    ]
    if parts:
        message = f"the file has {file.height} rows, the sample {sample.height}; of the ids {'; '.join(parts)}"
        yield _finding("KF402", message, columns=[name], size=len(missing) + len(unknown) + len(repeated))
    else:
        first = int((ids != wanted).arg_true()[0])
        message = f"ids are in another order than the sample's: row {first + 1} is {ids[first]}, there {wanted[first]}"
        yield _finding("KF403", message, columns=[name])


def _sum_findings(file: Frame, expected: Expected) -> Iterator[Finding]:
    """Yield the rows whose probabilities of all classes do not add up to one, where those of the sample do."""
    columns = expected.sample.columns[1:]
    if expected.wants != "probability" or len(columns) < 2 or len(columns) != len(expected.classes):
        return
    of_sample, sums = (
        frame.select(pl.sum_horizontal(pl.col(columns).cast(pl.Float64, strict=False))).to_series()
        for frame in (expected.sample, file)
    )
    off = sums.filter((sums - 1).abs() > _SUM_OFF)
    if len(off) and ((of_sample - 1).abs() <= _SUM_OFF).all():
        message = f"the probabilities of {len(off)} rows do not add up to 1: the first ones to {off[0]:g}"
        yield _finding("KF406", message, columns=columns, size=len(off))


def _value_findings(column: pl.Series, expected: Expected) -> Iterator[Finding]:
    """Yield what is wrong with a column of predictions."""
    name, given = column.name, column.drop_nulls()
    if column.null_count():
        yield _finding(
            "KF404", f"{column.null_count()} of {len(column)} predictions in {name} are null", columns=[name]
        )
    if expected.wants == "top_k" or (expected.wants == "label" and expected.classes):
        if expected.classes:
            yield from _label_findings(given, expected)
        return
    values = given.cast(pl.Float64, strict=False)
    words = given.filter(values.is_null())
    if len(words):
        message = f"{len(words)} predictions in {name} are no numbers, such as {_shown(words)}"
        yield _finding("KF405", message, columns=[name], size=len(words))
    numbers = values.drop_nulls()
    finite = numbers.filter(numbers.is_finite())
    if len(finite) < len(numbers):
        message = f"{len(numbers) - len(finite)} predictions in {name} are infinite or NaN"
        yield _finding("KF404", message, columns=[name], size=len(numbers) - len(finite))
    if len(finite):
        yield from _range_findings(finite.to_numpy(), name, expected)


def _label_findings(given: pl.Series, expected: Expected) -> Iterator[Finding]:
    """Yield labels that the training target does not have, spelled as they are."""
    labels = given.str.split(" ").explode() if expected.wants == "top_k" else given
    strange = labels.filter(~labels.is_in(list(expected.classes))).unique(maintain_order=True)
    if len(strange):
        known = ", ".join(expected.classes[:_SHOWN]) + (", ..." if len(expected.classes) > _SHOWN else "")
        message = f"{given.name} holds labels that the training target lacks: {_shown(strange)}; it has {known}"
        yield _finding("KF405", message, columns=[given.name], size=len(strange))


def _range_findings(values: NDArray[np.float64], name: str, expected: Expected) -> Iterator[Finding]:
    least, largest = (0.0, 1.0) if expected.wants == "probability" else expected.ranges.get(name, (-np.inf, np.inf))
    outside = int(((values < least) | (values > largest)).sum())
    if not outside:
        return
    beyond = max(least - values.min(), values.max() - largest)
    what = "0 to 1" if expected.wants == "probability" else f"{least:g} to {largest:g} of the training target"
    yield _finding(
        "KF406",
        f"{outside} of {len(values)} predictions in {name} lie outside {what}: {values.min():g} to {values.max():g}",
        columns=[name],
        size=outside / len(values),
        severity="warning" if expected.wants == "probability" or beyond > _FAR * (largest - least) else "note",
    )


def _is_untouched(file: Frame, sample: Frame) -> bool:
    """Say whether the file holds the sample's own values, however its rows are ordered and its numbers written."""
    if file.height != sample.height:
        return False
    key = sample.columns[0]
    both = sample.join(file, on=key, how="left", suffix="__file", maintain_order="left")
    return both.height == sample.height and all(_same(both[name], both[f"{name}__file"]) for name in sample.columns[1:])


def _same(one: pl.Series, other: pl.Series) -> bool:
    return one.equals(other) or (_is_numeric(one) and one.cast(pl.Float64).equals(other.cast(pl.Float64, strict=False)))


def _is_numeric(column: pl.Series) -> bool:
    return column.cast(pl.Float64, strict=False).null_count() == 0


def _shown(values: pl.Series) -> str:
    return ", ".join(repr(value) for value in values.head(_SHOWN))


def _finding(
    code: str, message: str, *, columns: Sequence[str] = (), size: float | None = None, severity: Severity | None = None
) -> Finding:
    known = CODES[code]
    return Finding(
        code=code,
        severity=severity or known.severity,
        message=message,
        where="submission",
        columns=tuple(columns),
        size=size,
        hint=known.todo,
    )
