"""``check``: whether the files are what the competition's facts say, and what surprises they hold."""

import polars as pl

from kagflow.audit.findings import Finding
from kagflow.data import Dataset
from kagflow.runs.submission import sample_ids

_MANY_NULLS = 0.5


def check_files(data: Dataset) -> list[Finding]:
    """Return what is noteworthy about a data set that could be read.

    Parameters
    ----------
    data
        Train, test and sample submission. What makes them unusable has been refused while reading.
    """
    return [*_sample_ids(data), *_constant(data), *_unseen(data), *_nulls(data), *_only_train(data), *_repeated(data)]


def _sample_ids(data: Dataset) -> list[Finding]:
    sample, test = sample_ids(data.sample, data.test.ids), data.test.ids
    missing = sample.filter(~sample.is_in(test.implode())).len()
    extra = test.filter(~test.is_in(sample.implode())).len()
    if not missing and not extra:
        return []
    return [
        Finding(
            code="KF101",
            severity="error",
            message=f"{missing} ids of the sample submission are not in test, {extra} of test not in the sample",
            where="sample submission",
            size=missing + extra,
            hint="fetch the files again; they do not belong together",
        )
    ]


def _constant(data: Dataset) -> list[Finding]:
    names = tuple(name for name in data.train.x.columns if data.train.x[name].n_unique() == 1)
    if not names:
        return []
    return [
        Finding(
            code="KF102",
            severity="note",
            message=f"{len(names)} columns hold one value only in train: {_first(names)}",
            where="train",
            columns=names,
            size=len(names),
            hint="name them under `drop` in the feature set",
        )
    ]


def _unseen(data: Dataset) -> list[Finding]:
    findings = []
    for name, dtype in data.train.x.schema.items():
        if dtype != pl.String or name == data.train.ids.name:
            continue
        test = data.test.x[name].drop_nulls()
        unseen = test.filter(~test.is_in(data.train.x[name].drop_nulls().unique().implode()))
        if unseen.len():
            findings.append(
                Finding(
                    code="KF103",
                    severity="note",
                    message=f"{unseen.len()} test rows hold values of {name} that train lacks: "
                    f"{_first(tuple(unseen.unique().sort().to_list()))}",
                    where="test",
                    columns=(name,),
                    size=unseen.len(),
                    hint="steps must know what to do with a value that they have not seen; kagflow's do",
                )
            )
    return findings


def _nulls(data: Dataset) -> list[Finding]:
    shares = {name: data.train.x[name].null_count() / data.train.height for name in data.train.x.columns}
    names = tuple(name for name, share in shares.items() if share > _MANY_NULLS)
    if not names:
        return []
    return [
        Finding(
            code="KF104",
            severity="note",
            message=f"{len(names)} columns are null in more than half of train: {_first(names)}",
            where="train",
            columns=names,
            size=len(names),
            hint='if null means "none" there, say so with a fill in `rows`',
        )
    ]


def _only_train(data: Dataset) -> list[Finding]:
    if not data.only_train:
        return []
    return [
        Finding(
            code="KF105",
            severity="note",
            message=f"test lacks {_first(data.only_train)}; they are not features",
            where="test",
            columns=data.only_train,
            size=len(data.only_train),
        )
    ]


def _repeated(data: Dataset) -> list[Finding]:
    return [
        Finding(
            code="KF106",
            severity="warning",
            message=f"{rows} rows of train stand in the table {name!r} too, beside the target",
            where=f"table {name}",
            size=rows,
            hint="where they are copies, take them out of its file: a row that scores would find its own target there",
        )
        for name, rows in data.repeated.items()
        if rows
    ]


def _first(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
