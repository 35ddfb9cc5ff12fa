"""Targets dealt out at random: nothing is left to be predicted."""

import numpy as np
from numpy.typing import NDArray

from kagflow.audit.bench import Bench, listed, rng_of
from kagflow.audit.findings import Finding
from kagflow.audit.subject import Seen, as_columns, targets_as_columns

_CHANCE = 4.0  # standard errors; beyond chance in one of 30,000 audits of a clean pipeline
_DEALS = 200


def coin_flip(bench: Bench) -> list[Finding]:
    """Deal the targets out at random: nothing is left to be predicted."""
    subject = bench.subject
    numbers = bench.audited
    dealt = rng_of(7).permutation(len(subject.y))
    seen = subject.run(bench.world.with_targets(np.arange(len(dealt)), dealt), numbers)
    if all(_same(bench.seen[number], seen[number]) for number in numbers):
        return [
            Finding(
                code="KF211",
                severity="error",
                message="with all targets dealt out at random, every prediction is what it was: the pipeline does not "
                "use the targets that it is handed, so that no experiment says anything",
                where=f"folds {listed(numbers)}",
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
            where=f"folds {listed(numbers)}",
            size=distance,
            hint="some column carries the very target that is scored; see the other findings, and `kagflow check`",
        )
    ]


def _same(before: Seen, after: Seen) -> bool:
    return before.oof is not None and after.oof is not None and np.array_equal(before.oof, after.oof)


def _association(predictions: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Return how far the ranks of predictions go with targets, in standard deviations of what chance does."""
    known = ~np.isnan(predictions).any(axis=1)
    p, y = predictions[known], targets[known]
    ranks = np.argsort(np.argsort(p, axis=0, kind="stable"), axis=0).astype(np.float64)
    y = y - y.mean(axis=0)
    rng = rng_of(8)
    chance = [float((ranks * y[rng.permutation(len(y))]).sum()) for _ in range(_DEALS)]
    spread = float(np.std(chance))
    return (float((ranks * y).sum()) - float(np.mean(chance))) / spread if spread else 0.0
