"""Columns that are the mean target of the rows that share a value, the scored rows among them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.audit.bench import Bench
from kagflow.audit.findings import Finding
from kagflow.audit.subject import targets_as_columns
from kagflow.features.blame import where_is

_ENOUGH_ROWS, _ENOUGH_VALUES, _EQUAL, _MOST = 5, 5, 1e-9, 0.9  # what is a mean of targets: see is_target_mean


def target_means(bench: Bench) -> list[Finding]:
    """Look for columns that are the mean target of the rows that share a value, the scored rows among them.

    Nothing is changed for that: a table that holds such means stands still in every experiment, wherever it is from.
    """
    subject = bench.subject
    for fold in map(bench.fold, bench.audited):
        seen = bench.seen[fold.number]
        if "train" not in seen.frames or "valid" not in seen.frames:
            return []
        own = seen.rows["train"] < len(subject.y)  # without extra rows
        rows = np.concatenate([seen.rows["train"][own], fold.valid])
        frame = pl.concat([seen.frames["train"].filter(pl.Series(own)), seen.frames["valid"]])
        targets = targets_as_columns(subject, max(subject.classes, 1) if subject.classes > 2 else 1, rows)
        columns = tuple(name for name in frame.columns if is_target_mean(frame[name], targets))
        if columns:
            steps = dict.fromkeys(where_is(seen.made_by[name]) for name in columns if name in seen.made_by)
            return [
                Finding(
                    code="KF210",
                    severity="error",
                    message=f"{', '.join(columns[:3])}: the value is the mean target of all rows that have it, scored "
                    f"rows of fold {fold.number} among them",
                    where="; ".join(steps) or "the files",
                    columns=columns,
                    size=float(len(columns)),
                    hint="it was made of the very targets that are scored (a joined table, a file, a cache): make it a "
                    "TargetMean, which is cross-fitted",
                )
            ]
    return []


def is_target_mean(column: pl.Series, targets: NDArray[np.float64]) -> bool:
    """Say whether a column's values are the mean targets of the rows that have them.

    Parameters
    ----------
    column
        (n,) values.
    targets
        (n, k) targets; one column is enough.

    Notes
    -----
    Only values of at least five rows count, and there must be at least five of them: that two means of unrelated
    numbers agree to nine digits in nine of ten values is not chance.
    """
    if not column.dtype.is_float() or column.n_unique() > len(column) / 2:
        return False
    means = [pl.Series(f"mean_{k}", targets[:, k]) for k in range(targets.shape[1])]
    table = (
        pl.DataFrame([column.alias("value"), *means])
        .drop_nulls("value")
        .group_by("value")
        .agg(pl.len().alias("rows"), pl.col("^mean_.*$").mean())
        .filter(pl.col("rows") >= _ENOUGH_ROWS)
    )
    if table.height < _ENOUGH_VALUES:
        return False
    near = [((table["value"] - table[each.name]).abs() <= _EQUAL * (1 + table["value"].abs())).mean() for each in means]
    return any(float(share or 0) >= _MOST for share in near)  # type: ignore[arg-type]
