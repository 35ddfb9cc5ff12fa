"""The experiments: change something that must not matter, run the whole pipeline again, and look whether it did."""

from dataclasses import replace

import numpy as np

from kagflow.audit.bench import SEED, Bench, rng_of
from kagflow.audit.difference import Moved, own_encoding_moved
from kagflow.audit.findings import Finding
from kagflow.audit.leverage import own_label_leverage
from kagflow.audit.subject import Scored, Seen
from kagflow.audit.world import farthest_target, other_targets
from kagflow.data import Rows
from kagflow.features.blame import where_is

_OWN_ROWS = 2
_NOT_REPEATABLE = 3.0  # changes up to that many times the largest one of an unchanged rerun are its own noise


def repeatable(bench: Bench) -> list[Finding]:
    """Run the pipeline again, nothing changed: what moves now is its own noise, and sets the tolerance."""
    number = bench.audited[0]
    noise = bench.moves(bench.world, number)
    if not noise.anything:
        return []
    bench.tolerance = _NOT_REPEATABLE * noise.largest
    return [
        Finding(
            code="KF200",
            severity="warning",
            message=f"run again with nothing changed, predictions of fold {number} move by up to {noise.largest:.3g}; "
            f"smaller leaks cannot be told from that. {noise.blame()}".strip(),
            where=f"fold {number}",
            size=noise.largest,
            hint="fix the seeds, and use one thread, to see more",
        )
    ]


def valid_targets(bench: Bench) -> list[Finding]:
    """Change the targets of one fold's valid rows: nothing of that fold may move."""
    subject = bench.subject
    for fold in map(bench.fold, bench.audited):
        donors = other_targets(subject.y, fold.valid, rng_of(fold.number), classes=subject.classes > 0)
        found = bench.moves(bench.world.with_targets(fold.valid, donors), fold.number)
        if found.anything:
            return [_valid_targets_finding(bench, fold, found)]
    return []


def _valid_targets_finding(bench: Bench, fold: Scored, found: Moved) -> Finding:
    leverage = own_label_leverage(bench.subject, fold.number, seed=SEED)
    carried = bench.carried(fold.number, found.columns)
    return Finding(
        code="KF201",
        severity="error",
        message=f"with other targets of fold {fold.number}'s valid rows "
        + (f"{found.share:.0%} of its predictions move; " if found.share else "")
        + _blame(bench.seen[fold.number], found)
        + leverage.meaning
        + (f"; {carried}" if carried else ""),
        where=_where(fold, found),
        columns=found.columns,
        size=leverage.value,
        interval=(leverage.low, leverage.high),
        hint="it has seen the targets that are scored: what is learned must be what `fit` returns, nothing else"
        if found.what
        else "stop early, tune, choose thresholds and stack on rows of the training part, never on the scored ones",
    )


def _blame(seen: Seen, found: Moved) -> str:
    if found.what:
        return f"{found.blame()}; "
    return "every feature and the target's scale stay, so that it is the model; " if seen.frames else ""


def own_target(bench: Bench) -> list[Finding]:
    """Move one training row's own target far away: its own features may not move."""
    subject = bench.subject
    fold = subject.folds[0]
    kept = bench.seen[fold.number]
    if "train" not in kept.frames:
        return []
    own: Rows = np.intersect1d(kept.rows["train"], np.arange(len(subject.y)))
    for row in rng_of(1).choice(own, min(_OWN_ROWS, len(own)), replace=False):
        donor = np.array([farthest_target(subject.y, int(row))])
        after = subject.run(bench.world.with_targets(np.array([row]), donor), [], [fold.number])[fold.number]
        columns = own_encoding_moved(kept, after, int(row))
        if columns:
            steps = dict.fromkeys(where_is(kept.made_by[name]) for name in columns if name in kept.made_by)
            return [
                Finding(
                    code="KF203",
                    severity="error",
                    message=f"a training row's own target moves its own features: {', '.join(columns[:3])}",
                    where="; ".join(steps) or f"fold {fold.number}",
                    columns=columns,
                    size=float(len(columns)),
                    hint="a model trusts it too much; a TargetStep that keeps nothing to itself is cross-fitted",
                )
            ]
    return []


def rows_apart(bench: Bench) -> list[Finding]:
    """Change the features of half of the valid rows and of all test rows: no other prediction may move."""
    for fold in map(bench.fold, bench.audited):
        found = _rows_apart(bench, fold)
        if found:
            return found
    return []


def _rows_apart(bench: Bench, fold: Scored) -> list[Finding]:
    rng = rng_of(2)
    changed = np.sort(rng.choice(fold.valid, len(fold.valid) // 2, replace=False))
    still = ~np.isin(fold.valid, changed)
    other, new = bench.world.with_features(changed, rng), bench.world.with_test(rng)
    if not bench.moves(replace(other, test_from=new.test_from), fold.number, still).anything:
        return []  # both at once; only where something moves, which of the two it was
    by_valid, by_test = bench.moves(other, fold.number, still), bench.moves(new, fold.number)
    found = [_apart("KF205", "the test rows", bench, fold, by_test)] if by_test.anything else []
    if by_valid.anything:
        found.insert(0, _apart("KF204", "other valid rows", bench, fold, by_valid))
    return found


def _apart(code: str, whose: str, bench: Bench, fold: Scored, found: Moved) -> Finding:
    carried = bench.carried(fold.number, found.columns)
    return Finding(
        code=code,
        severity="error",
        message=f"with other features of {whose}, "
        + (f"{found.share:.0%} of the predictions of fold {fold.number} move" if found.share else "no prediction moves")
        + _and(found)
        + (f"; {carried}" if carried else ""),
        where=_where(fold, found),
        columns=found.columns,
        size=found.share,
        hint="what looks at several rows must learn from training rows only: make it a fold step "
        "(or a pooled one, where the rules allow to learn from test features)",
    )


def later_rows(bench: Bench) -> list[Finding]:
    """Change all that happens after a valid row: its prediction may not move."""
    subject = bench.subject
    assert subject.time is not None
    for number in bench.audited:
        fold = bench.fold(number)
        moment = subject.time[fold.valid].sort()[len(fold.valid) // 2]
        later = np.flatnonzero((subject.time > moment).to_numpy())
        if len(later) == 0:
            continue
        still = (subject.time[fold.valid] <= moment).to_numpy()
        donors = other_targets(subject.y, later, rng_of(4), classes=subject.classes > 0)
        world = bench.world.with_targets(later, donors).with_features(later, rng_of(5))
        found = bench.moves(world, number, still)
        if found.share or (found.columns and found.frame != "train"):
            return [_later_finding(bench, fold, found, moment)]
    return []


def _later_finding(bench: Bench, fold: Scored, found: Moved, moment: object) -> Finding:
    backwards = bool((bench.subject.time[fold.train] > moment).any())  # type: ignore[index]
    return Finding(
        code="KF206",
        severity="error",
        message=f"with other rows after {moment}, {found.share:.0%} of the predictions of fold {fold.number} for rows "
        "up to then move" + ("; the fold trains on rows later than those it scores" if backwards else _and(found)),
        where="splitter" if backwards else _where(fold, found),
        columns=() if backwards else found.columns,
        size=found.share,
        hint="write `splitter: {kind: forward}`" if backwards else "look back only: a HistoryStep with a lag",
    )


def same_group(bench: Bench) -> list[Finding]:
    """Change the targets of all rows of the valid rows' groups: no prediction of these may move."""
    subject = bench.subject
    assert subject.groups is not None
    fold = bench.fold(bench.audited[0])
    rows = np.flatnonzero(np.isin(subject.groups, subject.groups[fold.valid]))
    if len(rows) == len(fold.valid):  # groups are whole: these targets were changed before
        return []
    donors = other_targets(subject.y, rows, rng_of(6), classes=subject.classes > 0)
    found = bench.moves(bench.world.with_targets(rows, donors), fold.number)
    if not found.anything:
        return []
    trained = np.count_nonzero(np.isin(rows, fold.train))
    return [
        Finding(
            code="KF207",
            severity="error",
            message=f"with other targets of the groups that fold {fold.number} scores, {found.share:.0%} of its "
            f"predictions move{_and(found)}; it trains on {trained} rows of these groups",
            where=_where(fold, found),
            columns=found.columns,
            size=found.share,
            hint="write `splitter: {kind: group}` (or `stratified_group`)",
        )
    ]


def _and(found: Moved) -> str:
    return f"; {found.blame()}" if found.what else ""


def _where(fold: Scored, found: Moved) -> str:
    return "; ".join(found.steps) or f"fold {fold.number}"
