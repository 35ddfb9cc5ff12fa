"""What the score loses without a feature: its values shuffled among valid rows, predicted by the fold's own models.

Correlated columns are shuffled together (Breiman, 2001; grouped as Gregorutti et al., 2015, have it), for each of
them alone seems to be worth nothing where the others stand in for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from kagflow.competition import Competition
from kagflow.data import Dataset, Frame
from kagflow.errors import KagflowError
from kagflow.report.models.importance import Importance
from kagflow.report.models.outcome import Array, Outcome
from kagflow.runs import Run
from kagflow.runs.directory import predictions_array, target_of
from kagflow.runs.prediction import KeptModels
from kagflow.stats import Difference, paired_difference

_MOST_ROWS, _MOST_GROUPS, _MOST_COLUMNS = 2_000, 20, 300
_ALIKE = 0.8  # rank correlation from which on columns are shuffled together
_SAME = 1e-4  # of the predictions' spread: the models that are kept must repeat the OOF
_SEED = 20_011


@dataclass(frozen=True)
class Lost:
    """What the score loses without a group of columns.

    Attributes
    ----------
    columns
        The most important first.
    worse
        By how much the score is worse when they are shuffled, positive for worse, with its noise.
    """

    columns: tuple[str, ...]
    worse: Difference

    @property
    def name(self) -> str:
        """The columns in short."""
        more = f" and {len(self.columns) - 1} more" if len(self.columns) > 1 else ""
        return f"{self.columns[0]}{more}"

    @property
    def matters(self) -> bool:
        """Whether the score is worse without them beyond noise."""
        return self.worse.value > 2 * self.worse.se


@dataclass(frozen=True)
class Permutation:
    """What the score loses without each group of columns.

    Attributes
    ----------
    metric
        Its name.
    groups
        The most needed first.
    rows
        How many valid rows were predicted.
    left_out
        Columns that were not looked at, for the models hardly use them.
    why_none
        Why there is nothing; empty where there is.
    """

    metric: str = ""
    groups: tuple[Lost, ...] = ()
    rows: int = 0
    left_out: int = 0
    why_none: str = ""

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        idle = [group for group in self.groups if not group.matters]
        if not self.groups:
            return f"It cannot be had: {self.why_none}."
        harmful = [group for group in idle if group.worse.value < -2 * group.worse.se]
        if harmful:
            return f"The score is better with {harmful[0].name} shuffled: drop it, or look for drift in it."
        if idle:
            names = ", ".join(group.name for group in idle[:3]) + (" ..." if len(idle) > 3 else "")
            return (
                f"Of {len(self.groups)} groups of columns {len(idle)} are worth nothing beyond noise ({names}): try a "
                "run without; what is gained is speed, and less to overfit."
            )
        return f"Every group that was looked at is needed; {self.groups[0].name} most: features of that kind pay."


def permutation_of(
    run: Run, outcome: Outcome, importance: Importance | None, competition: Competition, data: Dataset | None
) -> Permutation:
    """Return what the score loses without each group of columns, on a sample of the valid rows.

    Parameters
    ----------
    run
        Its models are read, which runs code: use runs of your own.
    outcome
        Its OOF of one target.
    importance
        What its models say that they use; the columns are looked at in that order.
    competition, data
        Whose rows it is of.
    """
    if data is None:
        return Permutation(why_none="the data of the run are not there")
    some = outcome.sampled(_MOST_ROWS, _SEED)
    try:
        fits = _fits(KeptModels.of(run), some, competition, data)
    except KagflowError as error:
        return Permutation(why_none=f"its models cannot be opened ({error.problem})")
    if fits is None:
        return Permutation(why_none="the run keeps no models of the folds that these rows are of")
    baseline = _predicted(fits, some)
    if not all(fit.repeats(baseline) for fit in fits):
        return Permutation(why_none="its models do not repeat its OOF: these rows had other features then")
    frame = pl.concat([fit.frame for fit in fits], how="diagonal")
    columns = _ranked(frame.columns, importance)
    groups = _groups(frame.select(columns[:_MOST_COLUMNS]))
    rng = np.random.default_rng(_SEED)
    try:
        lost = [_lost(group, fits, some, baseline, rng) for group in groups[:_MOST_GROUPS]]
    except KagflowError as error:  # one class only among so few rows
        return Permutation(why_none=error.problem)
    lost.sort(key=lambda group: -group.worse.value)
    left_out = len(columns) - sum(len(group.columns) for group in lost)
    return Permutation(some.metric.name, tuple(lost), some.n, left_out)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A fold's model, with its valid rows that are looked at."""

    part: NDArray[np.int64]
    frame: Frame
    predict: Callable[[Frame], Array]
    kept: Array

    def repeats(self, made: Array) -> bool:
        """Say whether predictions are those that the run holds."""
        spread = float(np.std(self.kept)) or 1.0
        return bool(np.abs(made[self.part] - self.kept).max() <= _SAME * spread)


def _fits(models: KeptModels, some: Outcome, competition: Competition, data: Dataset) -> list[_Fit] | None:
    """Return the model of each fold with its rows; ``None`` where one is missing. Of several seeds it is the first."""
    places = {each: place for place, each in enumerate(data.train.ids)}
    rows = np.array([places.get(each, -1) for each in some.ids])
    targets = competition.facts.several_targets
    target = targets.index(some.target) if targets else 0
    if (rows < 0).any():
        return None
    fits = []
    for fold in np.unique(some.known.folds):
        names = [name for name in models.tasks if name.startswith(f"{fold}-") and target_of(name) == target]
        if not names:
            return None
        part = np.flatnonzero(some.known.folds == fold)
        kept = pl.read_parquet(models.run.path / "folds" / names[0] / "oof.parquet")
        own = pl.DataFrame({"row": rows[part]}).join(kept, on="row", how="left", maintain_order="left").drop("row")
        if own.null_count().sum_horizontal().item():
            return None
        frame = models.frame(names[0], models.pooled(data.train.x[rows[part]]))
        fits.append(_Fit(part, frame, models.predictor(names[0]), predictions_array(own)))
    return fits


def _predicted(fits: Sequence[_Fit], some: Outcome, changed: Sequence[Frame] = ()) -> Array:
    """Return the predictions of all rows, of changed frames where they are given."""
    made = [fit.predict(frame) for fit, frame in zip(fits, changed or [fit.frame for fit in fits], strict=True)]
    whole = np.empty((some.n, *made[0].shape[1:]))
    for fit, own in zip(fits, made, strict=True):
        whole[fit.part] = own
    return whole


def _ranked(columns: Sequence[str], importance: Importance | None) -> list[str]:
    """Return the columns, those first that the models use most."""
    if importance is None:
        return list(columns)
    place = {each.feature: number for number, each in enumerate(importance.used)}
    return sorted(columns, key=lambda name: place.get(name, len(place)))


def _groups(frame: Frame) -> list[tuple[str, ...]]:
    """Return columns in groups of which all are alike (complete linkage), in the order of their first columns."""
    if frame.width < 2:
        return [(name,) for name in frame.columns]
    ranks = np.column_stack([rankdata(column.to_physical().cast(pl.Float64).fill_null(-1)) for column in frame])
    ranks -= ranks.mean(axis=0)
    ranks /= np.maximum(np.sqrt((ranks**2).sum(axis=0)), np.finfo(float).tiny)
    apart = 1 - np.abs(ranks.T @ ranks)
    np.fill_diagonal(apart, 0)
    labels = fcluster(linkage(squareform(np.maximum(apart, 0), checks=False), "complete"), 1 - _ALIKE, "distance")
    groups: dict[int, list[str]] = {}
    for name, label in zip(frame.columns, labels, strict=True):
        groups.setdefault(int(label), []).append(name)
    return [tuple(group) for group in groups.values()]


def _lost(
    columns: tuple[str, ...], fits: Sequence[_Fit], some: Outcome, baseline: Array, rng: np.random.Generator
) -> Lost:
    """Return what the score loses when columns are shuffled within each fold's rows, all by the same order."""
    changed = []
    for fit in fits:
        order = rng.permutation(len(fit.part))
        own = [fit.frame[name].gather(order) for name in columns if name in fit.frame.columns]  # a fold may have none
        changed.append(fit.frame.with_columns(own))
    known, metric = some.known, some.metric
    difference = paired_difference(
        metric,
        known.y,
        _predicted(fits, some, changed),
        baseline,
        weight=known.weight,
        units=known.units,
        further=known.further,
    )
    sign = 1 if metric.direction == "minimize" else -1
    return Lost(columns, Difference(sign * difference.value, difference.se))
