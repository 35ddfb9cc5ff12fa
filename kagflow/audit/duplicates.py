"""Rows with the same features: within train (KF111), across folds (KF112), between train and test (KF113)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.audit.chance import Floats
from kagflow.audit.findings import Finding, Severity
from kagflow.audit.keys import encode
from kagflow.audit.look import Look
from kagflow.data import Rows

_LARGE, _WORTH_A_WORD = 0.1, 0.01  # shares of rows; conventions
_BEYOND_NOISE = 4.0  # standard deviations of a difference of shares; one in 16 000
_CARRIED = 0.5  # of what there is to know of the target; a convention


@dataclass(frozen=True)
class _Twins:
    """Rows of valid, or of test, that have a twin in training.

    ``carried`` says how much of the target the twins give away: 0 as chance would, 1 all of it.
    """

    rows: int
    of: int
    carried: float = 0.0

    @property
    def share(self) -> float:
        return self.rows / self.of


def duplicated_rows(look: Look) -> list[Finding]:
    """Find rows that other rows repeat in all features."""
    if not look.features:
        return []
    hashes = [frame.select(look.features).hash_rows(seed=1) for frame in (look.train, look.test)]
    codes, _ = encode(*hashes)
    train, test = codes[: look.n], codes[look.n :]
    known = np.isin(test, train)
    in_test = _Twins(int(known.sum()), len(test))
    across = _across_folds(look, train)
    return [*_within(look, train), *_torn(look, across, in_test), *_looked_up(look, across, in_test)]


def _within(look: Look, codes: Rows) -> list[Finding]:
    signals = pl.DataFrame(look.signals).with_columns(code=pl.Series(codes))
    sets = signals.group_by("code").agg(pl.len(), pl.struct(pl.exclude("code")).n_unique().alias("targets"))
    repeated = sets.filter(pl.col("len") > 1)
    rows, conflicts = int(repeated["len"].sum()), repeated.filter(pl.col("targets") > 1).height
    if not rows:
        return []
    return [
        Finding(
            code="KF111",
            severity="note",
            message=f"{rows} rows of train ({rows / look.n:.1%}) have the features of another row, in "
            f"{repeated.height} sets; in {conflicts} of them the targets differ",
            where="train",
            size=rows,
            hint="rows that differ only in the target cannot be told apart by any model" if conflicts else "",
        )
    ]


def _torn(look: Look, across: _Twins | None, test: _Twins) -> list[Finding]:
    if across is None or not across.rows:
        return []
    excess = _is_more(across, test)
    excess = excess and across.carried > _WORTH_A_WORD
    severity: Severity = "warning" if excess and across.share - test.share > _WORTH_A_WORD else "note"
    if excess and across.share > _LARGE and across.share > 2 * test.share and across.carried > _CARRIED:
        severity = "error"
    return [
        Finding(
            code="KF112",
            severity=severity,
            message=f"{across.share:.1%} of the valid rows have a twin (same features) among the rows trained on, "
            f"{test.share:.1%} of the test rows do; twins give away {across.carried:.0%} of the target",
            where="folds",
            size=across.rows,
            hint=""
            if severity == "note"
            else "keep twins together: make a GROUP of the columns that they share, or remove the repeated rows",
        )
    ]


def _looked_up(look: Look, across: _Twins | None, test: _Twins) -> list[Finding]:
    if not test.rows:
        return []
    more = across is not None and _is_more(test, across) and test.share - across.share > _WORTH_A_WORD
    more = more and across is not None and across.carried > _CARRIED
    return [
        Finding(
            code="KF113",
            severity="warning" if more else "note",
            message=f"{test.rows} rows of test ({test.share:.1%}) have the features of a row of train"
            + (", more than valid rows have: their targets may be known" if more else ""),
            where="test",
            size=test.rows,
        )
    ]


def _across_folds(look: Look, codes: Rows) -> _Twins | None:
    """Return the valid rows with a twin in training, and how much of their target the twins give away."""
    if not look.once:
        return None
    told: list[Floats] = []
    asked: list[Rows] = []
    values = int(codes.max()) + 1
    for fold in look.once:
        counts = np.bincount(codes[fold.train], minlength=values)
        sums = [np.bincount(codes[fold.train], signal[fold.train], minlength=values) for signal in look.signals.T]
        rows = fold.valid[counts[codes[fold.valid]] > 0]
        asked.append(rows)
        told.append(np.column_stack([total[codes[rows]] / counts[codes[rows]] for total in sums]))
    rows = np.concatenate(asked)
    carried = _carried(look.signals[rows], np.concatenate(told)) if len(rows) > 1 else 0.0
    return _Twins(len(rows), sum(len(fold.valid) for fold in look.once), carried)


def _carried(truth: Floats, told: Floats) -> float:
    """Return the share of the target's variance that the twins' mean explains, not less than 0."""
    around = ((truth - truth.mean(axis=0)) ** 2).sum()
    return 0.0 if around == 0 else max(0.0, 1 - float(((truth - told) ** 2).sum() / around))


def _is_more(first: _Twins, second: _Twins) -> bool:
    """Say whether one share is beyond noise larger than another."""
    pooled = (first.rows + second.rows) / (first.of + second.of)
    noise = np.sqrt(pooled * (1 - pooled) * (1 / first.of + 1 / second.of))
    return bool(first.share - second.share > _BEYOND_NOISE * max(noise, 1e-9))
