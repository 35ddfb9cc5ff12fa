"""The experiments: change something that must not matter, run the whole pipeline again, and look whether it did."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.audit.difference import Moved, moved, own_encoding_moved
from kagflow.audit.findings import Finding
from kagflow.audit.leverage import Leverage, own_label_leverage
from kagflow.audit.subject import Scored, Seen, Subject, as_columns, targets_as_columns
from kagflow.audit.world import World, farthest_target, other_targets
from kagflow.data import Rows
from kagflow.errors import KagflowError
from kagflow.features.blame import where_is

_SEED = 20_011
_OWN_ROWS = 2
_CHANCE = 4.0  # standard errors; beyond chance in one of 30,000 audits of a clean pipeline
_DEALS = 200
_ENOUGH_ROWS, _ENOUGH_VALUES, _EQUAL, _MOST = 5, 5, 1e-9, 0.9  # what is a mean of targets: see is_target_mean
_NOT_REPEATABLE = 3.0  # changes up to that many times the largest one of an unchanged rerun are its own noise

Carried = Callable[[int, Sequence[str]], str]
"""What columns carry of the score of a fold, in words; empty where that cannot be said."""


@dataclass(frozen=True)
class Verdict:
    """What came of an experiment.

    Attributes
    ----------
    name
        Of the experiment.
    looked_at
        At what, in words.
    findings
        None where it passed.
    seconds
        Wall time.
    """

    name: str
    looked_at: str
    findings: tuple[Finding, ...]
    seconds: float


@dataclass
class Bench:
    """A pipeline on the test bench: what is seen of it in the real world, against which all else is held.

    Attributes
    ----------
    subject
        The pipeline.
    audited
        Numbers of the folds that are looked at.
    carried
        Tells what columns carry of the score.
    """

    subject: Subject
    audited: tuple[int, ...]
    carried: Carried = lambda fold, columns: ""
    seen: dict[int, Seen] = field(default_factory=dict)
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        self.seen = dict(self.subject.run(self.world, self.audited))

    @property
    def world(self) -> World:
        """The world as it is."""
        return World.unchanged(len(self.subject.y), self.subject.test_rows)

    def fold(self, number: int) -> Scored:
        """Return a fold by its number."""
        return next(fold for fold in self.subject.folds if fold.number == number)

    def moves(self, world: World, number: int, still: NDArray[np.bool_] | None = None) -> Moved:
        """Return what of a fold is another in another world."""
        after = self.subject.run(world, [number])[number]
        return moved(self.seen[number], after, still=still, tolerance=self.tolerance)


Experiment = Callable[[Bench], list[Finding]]


def run_experiment(name: str, looked_at: str, bench: Bench, experiment: Experiment) -> Verdict:
    """Run one, and say how long it took; one that raises is a finding, for the unchanged pipeline did not."""
    started = time.perf_counter()
    try:
        findings = experiment(bench)
    except KagflowError as error:
        findings = [
            Finding(
                code="KF209",
                severity="error",
                message=f"in the experiment {name!r} the pipeline failed, which as it is it does not: {error.problem}",
                where=error.where,
                hint="it hangs on values that it should never see, or cannot take others that are just as plausible",
            )
        ]
    return Verdict(name, looked_at, tuple(findings), time.perf_counter() - started)


# --- what every pipeline must withstand -------------------------------------------------------------------------------


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
        donors = other_targets(subject.y, fold.valid, _rng(fold.number), classes=subject.classes > 0)
        found = bench.moves(bench.world.with_targets(fold.valid, donors), fold.number)
        if found.anything:
            return [_valid_targets_finding(bench, fold, found)]
    return []


def _valid_targets_finding(bench: Bench, fold: Scored, found: Moved) -> Finding:
    leverage = own_label_leverage(bench.subject, fold.number, seed=_SEED)
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
    for row in _rng(1).choice(own, min(_OWN_ROWS, len(own)), replace=False):
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
    rng = _rng(2)
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
        donors = other_targets(subject.y, later, _rng(4), classes=subject.classes > 0)
        world = bench.world.with_targets(later, donors).with_features(later, _rng(5))
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
    donors = other_targets(subject.y, rows, _rng(6), classes=subject.classes > 0)
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


def coin_flip(bench: Bench) -> list[Finding]:
    """Deal the targets out at random: nothing is left to be predicted."""
    subject = bench.subject
    numbers = bench.audited
    dealt = _rng(7).permutation(len(subject.y))
    seen = subject.run(bench.world.with_targets(np.arange(len(dealt)), dealt), numbers)
    if all(_same(bench.seen[number], seen[number]) for number in numbers):
        return [
            Finding(
                code="KF211",
                severity="error",
                message="with all targets dealt out at random, every prediction is what it was: the pipeline does not "
                "use the targets that it is handed, so that no experiment says anything",
                where=f"folds {_listed(numbers)}",
                hint="a function must use its own arguments, not what stands outside of it; put all that looks at rows "
                "inside",
            )
        ]
    rows = np.concatenate([bench.fold(number).valid for number in numbers])
    predictions = np.concatenate([as_columns(oof) for number in numbers if (oof := seen[number].oof) is not None])
    # Each of two folds helps to predict the other by the same pairs of rows, so that chance goes farther.
    together = 1 + (len(numbers) - 1) / max(len(subject.folds) - 1, 1)
    targets = targets_as_columns(subject, predictions.shape[1], dealt[rows])
    distance = _association(predictions, targets) / np.sqrt(together)
    # Below chance is no leak: the mean of the other folds is low where this one's is high.
    if distance < _CHANCE:
        return []
    return [
        Finding(
            code="KF208",
            severity="error",
            message=f"targets dealt out at random are predicted {distance:.1f} standard errors better than chance",
            where=f"folds {_listed(numbers)}",
            size=distance,
            hint="some column carries the very target that is scored; see the other findings, and `kagflow check`",
        )
    ]


def _same(before: Seen, after: Seen) -> bool:
    return before.oof is not None and after.oof is not None and np.array_equal(before.oof, after.oof)


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


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


def _association(predictions: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Return how far the ranks of predictions go with targets, in standard deviations of what chance does."""
    known = ~np.isnan(predictions).any(axis=1)
    p, y = predictions[known], targets[known]
    ranks = np.argsort(np.argsort(p, axis=0, kind="stable"), axis=0).astype(np.float64)
    y = y - y.mean(axis=0)
    rng = _rng(8)
    chance = [float((ranks * y[rng.permutation(len(y))]).sum()) for _ in range(_DEALS)]
    spread = float(np.std(chance))
    return (float((ranks * y).sum()) - float(np.mean(chance))) / spread if spread else 0.0


# --- what a promise is worth beyond the exact -------------------------------------------------------------------------


def measured(leverage: Leverage, what: str) -> Finding:
    """Return the finding of a pipeline that cannot be exact: how large its leverage is."""
    return Finding(
        code="KF202",
        severity="warning" if leverage.certain else "note",
        message=f"{what}: {leverage.meaning}",
        size=leverage.value,
        interval=(leverage.low, leverage.high),
        hint="trust the cross-fitted score, or nest it" if leverage.certain else "",
    )


def _and(found: Moved) -> str:
    return f"; {found.blame()}" if found.what else ""


def _where(fold: Scored, found: Moved) -> str:
    return "; ".join(found.steps) or f"fold {fold.number}"


def _rng(number: int) -> np.random.Generator:
    return np.random.default_rng([_SEED, number])
