"""Own-label leverage: how far predictions follow the targets of the very rows that they are scored on.

Small independent noise is put on the targets of one fold's valid rows, and the pipeline is run again. The slope of the
change of the predictions on the noise is the leverage; twice the leverage is the share of the squared error (for
probabilities: of the Brier score) by which the score is too good, where the error is noise (Efron, 2004).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from kagflow.audit.findings import Finding
from kagflow.audit.subject import Subject, as_columns, targets_as_columns
from kagflow.audit.world import World, noisy_targets

DRAWS = 8
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Leverage:
    """A mean over draws of noise, with its 95 % confidence interval.

    Attributes
    ----------
    value, low, high
        Change of a prediction per unit of noise on its own target; 0 without a leak, 1 where it is the target.
    draws
        How many.
    """

    value: float
    low: float
    high: float
    draws: int

    @property
    def optimism(self) -> float:
        """Share of the squared error by which it looks too small; not negative."""
        return max(2 * self.value, 0.0)

    @property
    def certain(self) -> bool:
        """Whether it is told from zero."""
        return self.low > 0

    @property
    def meaning(self) -> str:
        """What it means for the score, in words."""
        if self.certain:
            return f"{self}: the squared error looks about {self.optimism:.1%} better than it is"
        return f"{self}, not told from 0"

    def __str__(self) -> str:
        return f"own-label leverage {self.value:z.4f} (95 % interval {self.low:z.4f} to {self.high:z.4f})"


def own_label_leverage(subject: Subject, fold: int, *, seed: int, draws: int = DRAWS) -> Leverage:
    """Measure the leverage of a fold's valid rows.

    Parameters
    ----------
    subject
        The pipeline.
    fold
        Its number.
    seed
        Of the noise.
    draws
        At least two; each runs the pipeline once.
    """
    rows = next(each.valid for each in subject.folds if each.number == fold)
    world = World.unchanged(len(subject.y), subject.test_rows)
    before = subject.run(world, [fold])[fold].oof
    assert before is not None
    clean = as_columns(before)
    own = targets_as_columns(subject, clean.shape[1], rows)
    slopes = []
    for draw in range(draws):
        donors = noisy_targets(subject.y, rows, np.random.default_rng([seed, draw]), classes=subject.classes > 0)
        noise = targets_as_columns(subject, clean.shape[1], donors) - own
        after = subject.run(world.with_targets(rows, donors), [fold])[fold].oof
        assert after is not None
        scale = float((noise**2).sum())
        slopes.append(float(((as_columns(after) - clean) * noise).sum()) / scale if scale else 0.0)
    value, spread = float(np.mean(slopes)), float(np.std(slopes, ddof=1)) / np.sqrt(draws)
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, draws - 1)) * spread
    return Leverage(value, value - half, value + half, draws)


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
