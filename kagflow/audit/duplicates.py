"""Rows with the same features: within train (KF111), across folds (KF112), between train and test (KF113)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from kagflow.audit.apart import compare_sides
from kagflow.audit.chance import Floats
from kagflow.audit.findings import Finding
from kagflow.audit.keys import encode
from kagflow.audit.look import Look
from kagflow.codes import Severity
from kagflow.data import Rows

_LARGE, _WORTH_A_WORD = 0.1, 0.01  # shares of rows; conventions
_BEYOND_NOISE = 5.0  # standard deviations; one in a million
_CARRIED = 0.5  # of what there is to know of the target; a convention


@dataclass(frozen=True)
class _Twins:
    """Rows of valid, or of test, that have a twin in training.

    Attributes
    ----------
    rows, of
        How many have one, of how many.
    separation
        Whether twins were kept from each other: 0 as a draw of rows would, 1 wholly; less than 0 if parted.
    room
        Share of rows that a draw gives a twin.
    noise
        By how much chance moves the separation.
    carried
        How much of the target the twins give away: 0 nothing, 1 all of it.
    """

    rows: int
    of: int
    separation: float
    room: float
    noise: float
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
    train = codes[: look.n]
    rows = np.arange(len(codes))
    in_test = _twins(codes, [(rows[: look.n], rows[look.n :])])
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
    excess = _excess(across, test)
    severity: Severity = "warning" if excess > _WORTH_A_WORD and across.carried > _WORTH_A_WORD else "note"
    if excess > _LARGE and across.carried > _CARRIED:
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
    more = across is not None and _excess(test, across) > _WORTH_A_WORD and across.carried > _CARRIED
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
    return replace(_twins(codes, [(fold.train, fold.valid) for fold in look.once]), carried=carried)


def _carried(truth: Floats, told: Floats) -> float:
    """Return the share of the target's variance that the twins' mean explains, not less than 0."""
    around = ((truth - truth.mean(axis=0)) ** 2).sum()
    return 0.0 if around == 0 else max(0.0, 1 - float(((truth - told) ** 2).sum() / around))


def _twins(codes: Rows, sides: Sequence[tuple[Rows, Rows]]) -> _Twins:
    """Return the rows of each second side that have a twin in the first, beside what a draw of rows would give."""
    values = int(codes.max()) + 1
    seen = [compare_sides(codes, values, train, other) for train, other in sides]
    sizes = np.array([len(other) for _, other in sides])
    room = np.array([1 - each.unseen_by_chance for each in seen])
    return _Twins(
        rows=round(sum(size * (1 - each.unseen) for size, each in zip(sizes, seen, strict=True))),
        of=int(sizes.sum()),
        separation=float(np.average([each.separation for each in seen], weights=sizes)),
        room=float(np.average(room, weights=sizes)),
        noise=float(np.mean([each.spread for each in seen])) / max(float(room.mean()), 1e-9),
    )


def _excess(first: _Twins, second: _Twins) -> float:
    """Return the share of the first's rows that have a twin only because the second's were kept apart more; or 0."""
    more = second.separation - first.separation
    return more * first.room if more > _BEYOND_NOISE * max(first.noise, second.noise) else 0.0
