"""Which features a run's models use, as they say themselves; and how the folds differ in it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.runs import Run

_FILE = "importance.parquet"
_LITTLE = 0.001  # share: such features are noise to the model
_MANY_UNUSED, _RULING = 0.3, 0.6

_MEANING = {
    "gain": "total gain of the splits on it",
    "change": "mean change of a prediction when it changes",
    "size": "size of its coefficient, or the estimator's own importance",
}


@dataclass(frozen=True)
class Used:
    """A feature.

    Attributes
    ----------
    feature
        Its name.
    share
        Of the importance of all features, the mean over fits.
    spread
        Standard deviation of that over folds; NaN with one fold.
    """

    feature: str
    share: float
    spread: float


@dataclass(frozen=True)
class Importance:
    """Features, the most important first.

    Attributes
    ----------
    what
        What the numbers are.
    used
        All features.
    """

    what: str
    used: tuple[Used, ...]

    @property
    def unused(self) -> int:
        """How many features hardly any fit uses."""
        return sum(each.share < _LITTLE for each in self.used)

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        first = self.used[0]
        if first.share > _RULING:
            return (
                f"{first.feature} alone holds {first.share:.0%}: make sure that it is known when a test row is "
                "predicted, then try to split it up or to predict what it leaves over."
            )
        if self.unused > _MANY_UNUSED * len(self.used) and self.unused > 1:
            return (
                f"{self.unused:,} of {len(self.used):,} features hold less than {_LITTLE:.1%} each: try without them "
                "(`drop`); less to fit, and often no worse."
            )
        return f"{len(self.used):,} features share the work: look for more of the kind of {first.feature}, which leads."


def importance_of(run: Run, target: str = "") -> Importance | None:
    """Return what a run's models use; ``None`` where nothing of it is recorded: ensembles, networks, imported runs.

    Parameters
    ----------
    run
        A complete run.
    target
        One of several targets; all of them together when empty.
    """
    path = run.path / _FILE
    if not path.is_file():
        return None
    table = pl.read_parquet(path)
    numbers = [name for name in table.columns if name != "feature"]
    if not numbers or table.is_empty():
        return None
    column = f"{numbers[0]}__{target}" if target and f"{numbers[0]}__{target}" in table.columns else numbers[0]
    whole = float(table[column].sum())
    if not whole > 0:
        return None
    ranked = table.select("feature", share=pl.col(column) / whole).sort(["share", "feature"], descending=[True, False])
    spread = _spread(run, numbers[0])
    used = [Used(name, share, spread.get(name, float("nan"))) for name, share in ranked.iter_rows()]
    return Importance(_MEANING.get(numbers[0], numbers[0]), tuple(used))


def _spread(run: Run, column: str) -> dict[str, float]:
    """Return the standard deviation over fits of each feature's share."""
    shares: dict[str, list[float]] = {}
    tables = [pl.read_parquet(path) for path in sorted(run.path.glob(f"folds/*/{_FILE}"))]
    tables = [table for table in tables if column in table.columns and float(table[column].sum()) > 0]
    for table in tables:
        for name, share in table.select("feature", pl.col(column) / pl.col(column).sum()).iter_rows():
            shares.setdefault(name, []).append(share)
    if len(tables) < 2:
        return {}
    missing = {name: [0.0] * (len(tables) - len(own)) for name, own in shares.items()}
    return {name: float(np.std(own + missing[name], ddof=1)) for name, own in shares.items()}
