"""The extra rows of an experiment: files of labelled rows, and test rows with predicted targets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.config import Experiment, ExtraFile
from kagflow.data import Dataset, ExtraRows, FoldLabels, Frame, Rows, Source, Table
from kagflow.data.extra import Repeats, feature_hashes, find_extra_file, read_extra_file, stack_weights
from kagflow.errors import ConfigError, DataError
from kagflow.runs.pseudo import Part, part_of_run
from kagflow.splits import Folds


@dataclass(frozen=True, eq=False)
class Extra:
    """All extra rows of a plan.

    Attributes
    ----------
    rows
        They; ``None`` where there are none.
    accounts
        What `run.json` says of each source of them.
    fingerprint
        Hash of all that decides on them; ``None`` where there are none.
    """

    rows: ExtraRows | None
    accounts: tuple[Mapping[str, Any], ...] = ()
    fingerprint: str | None = None

    def written_out(self, experiment: Experiment) -> list[dict[str, Any]]:
        """Return ``extra`` of the experiment, which names the run itself where a config was named."""
        asked = [each.model_dump() for each in experiment.extra]
        runs = [account.get("pseudo") for account in self.accounts]
        return [each if run is None else {**each, "pseudo": run} for each, run in zip(asked, runs, strict=False)]


def gather_extra(
    competition: Competition,
    experiment: Experiment,
    origin: Source,
    data: Dataset,
    folds: Folds,
    given: Table | None,
) -> Extra:
    """Return the extra rows that the experiment asks for, and those that were given in Python.

    Raises
    ------
    KagflowError
        There are several targets; a file cannot be read; a run that is to label test rows has other data or folds.
    """
    if not experiment.extra and given is None:
        return Extra(None)
    if competition.facts.several_targets:
        raise ConfigError(
            f"extra rows come with one target, and the competition has {len(competition.facts.targets)}",
            hint="leave them out",
            where="extra",
        )
    parts = [
        _of_file(asked, competition, origin, data)
        if isinstance(asked, ExtraFile)
        else part_of_run(asked, competition, experiment, data, folds)
        for asked in experiment.extra
    ]
    if given is not None:
        repeats = _repeats(given, (), data, competition)
        parts.append(Part(ExtraRows.of(given, repeats), {"rows": given.height}, _hash_of_table(given)))
    settings = [asked.model_dump(mode="json") for asked in experiment.extra]
    text = json.dumps([settings, [part.fingerprint for part in parts]])
    return Extra(
        _together([part.rows for part in parts], folds, data.train.height),
        tuple(part.account for part in parts),
        hashlib.sha256(text.encode()).hexdigest()[:16],
    )


# --- files -----------------------------------------------------------------------------------------------------------


def _of_file(asked: ExtraFile, competition: Competition, origin: Source, data: Dataset) -> Part:
    root = competition.root
    path = find_extra_file(asked.file, (origin.folder, root / "competitions" / competition.name, root))
    read = read_extra_file(path, asked, data.train, competition.facts, competition.additions)
    own, train, test = (_features(each, competition).drop(read.lacking) for each in (read.table, data.train, data.test))
    in_test = _known(own, test)
    table = read.table if asked.duplicates != "drop" else read.table.take(np.flatnonzero(~in_test))
    repeats = [] if asked.duplicates == "keep" else [_repeats(table, read.lacking, data, competition)]
    account: dict[str, Any] = {
        "file": asked.file,
        "rows": own.height,
        "null_columns": list(read.lacking),
        "duplicates": asked.duplicates,
        "same_as_train": int(_known(own, train).sum()),
        "same_as_test": int(in_test.sum()),
        "train_rows_repeated": int(_known(train, own).sum()),
        "test_rows_repeated": int(_known(test, own).sum()),
    }
    if asked.duplicates == "keep" and account["train_rows_repeated"] > train.height / 2:
        raise DataError(
            f"the file holds {account['train_rows_repeated']:,} of train's {train.height:,} rows, "
            "which would be scored by models that have seen them there",
            hint="leave `duplicates: keep` out, so that they stay out of the folds that score them",
            where=str(path),
        )
    account["note"] = _in_words(account, train.height, test.height)
    return Part(ExtraRows.of(table, *repeats), account, read.digest)


def _features(table: Table, competition: Competition) -> Frame:
    """Return the columns that make two rows the same: what models may see, not id, group and time."""
    facts = competition.facts
    return table.x.drop([name for name in (facts.id, facts.group, facts.time) if name is not None], strict=False)


def _repeats(table: Table, lacking: Sequence[str], data: Dataset, competition: Competition) -> Repeats:
    own, train = (_features(each, competition).drop(lacking, strict=False) for each in (table, data.train))
    return Repeats.between(own, train)


def _known(rows: Frame, others: Frame) -> NDArray[np.bool_]:
    """Return (n,) whether some other row has the same features."""
    return np.isin(feature_hashes(rows), feature_hashes(others))


_DONE = {
    "keep": "all of them are trained on",
    "drop": "those of valid rows are left out of their folds, those of test rows of all fits",
    "drop_valid": "those of valid rows are left out of their folds, those of test rows are trained on",
}


def _in_words(account: Mapping[str, Any], n_train: int, n_test: int) -> str:
    """Return one line on what a file repeats."""
    line = f"{account['file']}: {account['rows']:,} extra rows"
    if account["null_columns"]:
        line += f", {', '.join(account['null_columns'][:5])} null in all"
    if not account["same_as_train"] and not account["same_as_test"]:
        return f"{line}; none has the features of a row of train or test"
    shares = (account[f"{name}_rows_repeated"] / n for name, n in (("train", n_train), ("test", n_test)))
    line += "; they have the features of {:.2%} of train and {:.2%} of test: ".format(*shares)
    return line + _DONE[account["duplicates"]]


# --- together --------------------------------------------------------------------------------------------------------


def _together(parts: Sequence[ExtraRows], folds: Folds, n_train: int) -> ExtraRows:
    """Return the extra rows of all sources as one."""
    if len(parts) == 1:
        return parts[0]
    tables = [part.table for part in parts]
    starts = np.cumsum([0, *(table.height for table in tables)])
    numbers = {number for part in parts for number in part.of_fold}
    return ExtraRows(
        Table(
            ids=pl.concat([table.ids.cast(pl.String) for table in tables]),
            x=pl.concat([table.x.select(tables[0].x.columns) for table in tables]),
            y=pl.concat([table.y for table in tables if table.y is not None]),
            groups=_all_or_none([table.groups for table in tables]),
            time=_all_or_none([table.time for table in tables]),
            weight=stack_weights([(table.weight, table.height) for table in tables]),
        ),
        joins=np.concatenate([part.joins for part in parts]),
        repeats=tuple(
            replace(each, rows=each.rows + start)
            for part, start in zip(parts, starts, strict=False)
            for each in part.repeats
        ),
        of_fold={
            number: _of_fold(parts, number, np.arange(n_train) if number is None else folds.folds[number].train)
            for number in numbers
        },
    )


def _of_fold(parts: Sequence[ExtraRows], number: int | None, train: Rows) -> FoldLabels:
    """Return what all extra rows are in one fold."""
    own = [part.of_fold.get(number) or _always(part, train) for part in parts]
    return FoldLabels(
        pl.concat([each.y for each in own]),
        stack_weights([(each.weight, len(each.joins)) for each in own]),
        np.concatenate([each.joins for each in own]),
        train,
    )


def _always(part: ExtraRows, train: Rows) -> FoldLabels:
    """Return rows that are the same in every fold, as one of them has them."""
    assert part.table.y is not None
    return FoldLabels(part.table.y, part.table.weight, part.joins, train)


def _all_or_none(columns: Sequence[pl.Series | None]) -> pl.Series | None:
    present = [column for column in columns if column is not None]
    return pl.concat(present) if len(present) == len(columns) else None


def _hash_of_table(table: Table) -> str:
    known = {name: getattr(table, name) for name in ("y", "groups", "time", "weight")}
    columns = [column.alias(f"__{name}") for name, column in known.items() if column is not None]
    return hashlib.sha256(table.x.with_columns(columns).write_json().encode()).hexdigest()
