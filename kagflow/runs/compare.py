"""Two runs side by side: the paired difference of their scores, and what differs in how they came about."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kagflow.competition import FACTS, MODULES
from kagflow.data import Frame
from kagflow.errors import ConfigError
from kagflow.metrics import Metric
from kagflow.runs.record import PAIRING, Run, known_columns, prediction_columns
from kagflow.runs.scores import Known
from kagflow.stats import Difference, paired_difference, with_noise


@dataclass(frozen=True)
class Comparison:
    """What a run changed against another.

    Attributes
    ----------
    difference
        Score of the run minus score of the other, on the same rows.
    se
        Its standard error; ``None`` where it cannot be had.
    better
        Whether the run is better by the metric's direction; ``None`` inside the noise.
    changes
        Lines of configuration and features that differ, as in a diff.
    metric
        Name of what the difference is in.
    """

    difference: Difference
    se: float | None
    better: bool | None
    changes: list[str]
    metric: str

    @property
    def verdict(self) -> str:
        """Whether the run is better or worse, or the difference inside the noise, in words."""
        return {True: "better", False: "worse", None: "inside the noise"}[self.better]

    def __str__(self) -> str:
        """Return the difference with its noise, and what that says, in a line."""
        return f"difference in {self.metric}: {with_noise(self.difference.value, self.se)}, {self.verdict}"


def compare(run: Run, other: Run, metric: Metric) -> Comparison:
    """Compare two runs of the same data and folds.

    Raises
    ------
    ConfigError
        They were made on other data or folds, so their rows do not pair.
    """
    for each in (run, other):
        if each.quick:
            raise ConfigError(
                "a quick look at a part of the data compares with no other run",
                hint="run its config without --sample and --only-folds",
                where=each.name,
            )
        if not each.scored:
            raise ConfigError(f"it has no score: {each.scores['why_no_cv']}", where=each.name)
    for what in PAIRING:
        if run.facts["fingerprints"][what] != other.facts["fingerprints"][what]:
            raise ConfigError(
                f"the runs were made on different {what}, so their scores do not compare",
                hint="run one of the configs again on the other's",
                where=f"{run.name} against {other.name}",
            )
    mine, others = run.oof(), other.oof()
    if not mine.select(known_columns(mine.columns)).equals(others.select(known_columns(others.columns))):
        raise ConfigError(
            "the runs have another target, groups or weights, so their scores do not compare",
            hint="competition.yaml changed in between; run one of the configs again",
            where=f"{run.name} against {other.name}",
        )
    repeats = [
        _difference(mine.filter(repeat=repeat), others.filter(repeat=repeat), metric)
        for repeat in mine["repeat"].unique().sort()
    ]
    difference = Difference(
        value=float(np.mean([repeat.value for repeat in repeats])), se=float(np.mean([repeat.se for repeat in repeats]))
    )
    better = None if difference.is_noise else metric.better(difference.value, 0.0)
    se = difference.se if np.isfinite(difference.se) else None
    return Comparison(difference, se, better, _changes(run, other), metric.name)


def _difference(mine: Frame, others: Frame, metric: Metric) -> Difference:
    """Return the paired difference over the rows of one repeat."""
    known = Known.of(mine)
    return paired_difference(
        metric,
        known.y,
        prediction_columns(mine),
        prediction_columns(others),
        weight=known.weight,
        units=known.units,
        further=known.further,
    )


def _changes(run: Run, other: Run) -> list[str]:
    """Return a diff of the files that decide on a result, from the other run to this one."""
    changes: list[str] = []
    for file in ("experiment.yaml", FACTS, *MODULES):
        before, after = (_lines(side.path / file) for side in (other, run))
        changes.extend(
            difflib.unified_diff(before, after, f"{other.name}/{file}", f"{run.name}/{file}", n=0, lineterm="")
        )
    return changes


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
