"""``check``: whether files, data and splits are what the competition's facts say, and what surprises they hold."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl

from kagflow.audit.advice import Advice, advise_splitter
from kagflow.audit.drift import drift_of_test
from kagflow.audit.duplicates import duplicated_rows
from kagflow.audit.findings import Finding
from kagflow.audit.giveaways import columns_give_target_away
from kagflow.audit.keys import find_keys, same_types
from kagflow.audit.look import Look
from kagflow.audit.mirror import folds_mirror_test
from kagflow.audit.order import order_carries_target
from kagflow.audit.straddling import groups_straddle, time_runs_backwards
from kagflow.codes import Severity
from kagflow.competition import Competition
from kagflow.config import CompetitionFacts
from kagflow.data import Dataset, Frame, Table
from kagflow.data.table import target_codes
from kagflow.errors import SplitError
from kagflow.runs.submission import sample_ids
from kagflow.splits import Folds, make_splitter
from kagflow.splits.frozen import split_by_id

_PARTS_OF_FOLDS: dict[str, Severity] = {"train": "error", "valid": "warning"}
_MANY_NULLS = 0.5
_FEW_WORDS = 0.05
_OF_DATA_AND_SPLITS = (
    groups_straddle,
    time_runs_backwards,
    folds_mirror_test,
    duplicated_rows,
    columns_give_target_away,
    order_carries_target,
    drift_of_test,
)


@dataclass(frozen=True)
class Report:
    """What ``check`` found.

    Attributes
    ----------
    findings
        The most severe first.
    advice
        How to split.
    """

    findings: tuple[Finding, ...]
    advice: Advice


def check_competition(competition: Competition, data: Dataset) -> Report:
    """Look at a competition's files, rows and folds.

    Parameters
    ----------
    competition
        Its facts.
    data
        Train, test and sample submission, as the facts have them read.
    """
    facts = competition.facts
    train, test = same_types(*(_with_derived(table, facts) for table in (data.train, data.test)))
    advice = advise_splitter(
        train, test, target=facts.targets[0], id=facts.id, task=facts.task, declared=facts.splitter
    )
    folds, unusable = _folds(facts, data.train)
    keys = tuple(find_keys(train, test, facts.id))
    look = Look(data.train, train, test, facts.id, facts.task, folds, keys, advice, advice.splitter == facts.splitter)
    findings = [*check_files(data, facts.categorical), *unusable, *_classes_of_folds(folds, data)]
    findings += [found for check in _OF_DATA_AND_SPLITS for found in check(look)]
    order = get_args(Severity)
    findings.sort(key=lambda found: (order.index(found.severity), found.code))
    return Report(tuple(findings), advice)


def _with_derived(table: Table, facts: CompetitionFacts) -> Frame:
    """Return the features, with the groups and times that are declared and are not among them."""
    known = [column for column in (table.groups, table.time) if column is not None and column.name not in table.x]
    return pl.DataFrame([*known, *table.x])  # first, so that advice is in their words


def _folds(facts: CompetitionFacts, train: Table) -> tuple[Folds | None, list[Finding]]:
    """Return the folds that the facts ask for; a finding, where the rows cannot be split so."""
    try:
        return split_by_id(make_splitter(facts.splitter.kind, facts.splitter.settings), train), []
    except SplitError as error:
        found = Finding(
            code="KF140", severity="error", message=error.problem, where=error.where or "splitter", hint=error.hint
        )
        return None, [found]


def _classes_of_folds(folds: Folds | None, data: Dataset) -> list[Finding]:
    """Look for folds that train on one class, or score one."""
    if folds is None or not data.classes or data.train.y is None:
        return []
    y = target_codes(data.train.y)
    findings = []
    for part, severity in _PARTS_OF_FOLDS.items():
        poor = [fold.number for fold in folds if len(np.unique(y[getattr(fold, part)])) == 1]
        if poor:
            findings.append(
                Finding(
                    code="KF144",
                    severity=severity,
                    message=f"the {part} rows of {len(poor)} of {len(folds)} folds hold one class only, those of fold "
                    f"{poor[0]} first",
                    where="folds",
                    size=len(poor),
                    hint="a stratified splitter spreads the classes; of a rare class there must be a row for each fold",
                )
            )
    return findings


def check_files(data: Dataset, categorical: Collection[str] = ()) -> list[Finding]:
    """Return what is noteworthy about a data set that could be read.

    Parameters
    ----------
    data
        Train, test and sample submission. What makes them unusable has been refused while reading.
    categorical
        Columns that are declared to be text, whatever they look like.
    """
    return [
        *_sample_ids(data),
        *_constant(data),
        *_unseen(data),
        *_nulls(data),
        *_only_train(data),
        *_repeated(data),
        *_nearly_numbers(data, categorical),
    ]


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
    x = data.train.x
    counts = x.select(pl.all().n_unique()).row(0) if x.width else ()
    names = tuple(name for name, distinct in zip(x.columns, counts, strict=True) if distinct == 1)
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
    unseen: dict[str, int] = {}
    for name, dtype in data.train.x.schema.items():
        if dtype == pl.String and name != data.train.ids.name:
            test = data.test.x[name].drop_nulls()
            unseen[name] = test.filter(~test.is_in(data.train.x[name].drop_nulls().unique().implode())).len()
    names = tuple(sorted((name for name, rows in unseen.items() if rows), key=lambda name: -unseen[name]))
    if not names:
        return []
    return [
        Finding(
            code="KF103",
            severity="note",
            message="test holds values that train lacks: "
            + _first(tuple(f"{name} in {unseen[name]} rows" for name in names)),
            where="test",
            columns=names,
            size=max(unseen.values()),
            hint="steps must know what to do with a value that they have not seen; kagflow's do",
        )
    ]


def _nulls(data: Dataset) -> list[Finding]:
    x = data.train.x
    counts = x.null_count().row(0) if x.width else ()
    names = tuple(name for name, nulls in zip(x.columns, counts, strict=True) if nulls / x.height > _MANY_NULLS)
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


def _nearly_numbers(data: Dataset, categorical: Collection[str]) -> list[Finding]:
    """Look for columns that are text because of a few values among numbers."""
    findings = []
    for name, dtype in data.train.x.schema.items():
        if dtype != pl.String or name in categorical:
            continue
        columns = {"train": data.train.x[name].drop_nulls(), "test": data.test.x[name].drop_nulls()}
        words = {
            part: column.filter(column.cast(pl.Float64, strict=False).is_null()) for part, column in columns.items()
        }
        shares = {part: words[part].len() / max(column.len(), 1) for part, column in columns.items()}
        # Numbers in one file and words in the other are two columns of one name; a few words are nulls of some kind.
        if words["train"].len() + words["test"].len() and min(shares.values()) < _FEW_WORDS:
            found = ", ".join(map(repr, pl.concat(list(words.values())).unique(maintain_order=True).head(3)))
            findings.append(
                Finding(
                    code="KF107",
                    severity="error" if max(shares.values()) > 1 - _FEW_WORDS else "warning",
                    message=f"{name} is read as text: {words['train'].len()} values of train and {words['test'].len()} "
                    f"of test are no numbers, such as {found}, and the others are",
                    where="train and test",
                    columns=(name,),
                    size=max(shares.values()),
                    hint="name what stands for null under `null_words`; or the column under `categorical`",
                )
            )
    return findings


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
