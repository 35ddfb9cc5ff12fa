"""Which runs belong together, and what averaging the models of the folds is worth."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import yaml

from kagflow.metrics import Metric
from kagflow.metrics.base import Values
from kagflow.report.board.answers import AveragingGain
from kagflow.runs import Run
from kagflow.runs.scores import Known
from kagflow.stats import draw_scores

_ALIKE = 0.9  # of the features of two runs: so many they share within a lineage

_Features = frozenset[str]


def lineages(runs: Sequence[Run]) -> dict[str, str]:
    """Return the name of each run's lineage, by the run's name.

    Another kind of model starts a new one, and so does a new feature set: another of that name, or one that shares less
    than nine of ten features with the first run of the lineage. One more feature is no new set. Ensembles are a
    lineage, and so is what was imported.

    Parameters
    ----------
    runs
        Oldest first.
    """
    begun: dict[str, list[_Features]] = {}
    named = {}
    for run in runs:
        stem, features = _made_of(run)
        sets = begun.setdefault(stem, [])
        number = next((k for k, first in enumerate(sets) if _alike(first, features)), len(sets))
        if number == len(sets):
            sets.append(features)
        named[run.name] = stem if number == 0 else f"{stem} ({number + 1})"
    return named


def _made_of(run: Run) -> tuple[str, _Features]:
    """Return what a run's lineage is called, and its features as far as it wrote them down."""
    if not (run.path / "experiment.yaml").is_file():
        return run.kind, frozenset()
    experiment = yaml.safe_load(run.experiment())  # as it is: an older version's may hold keys that are none any more
    model = (experiment["model"].get("estimator") or run.kind).rpartition(".")[2]
    weights = run.path / "importance.parquet"
    names = pl.read_parquet(weights, columns=["feature"])["feature"] if weights.is_file() else ()
    return f"{model} on {experiment['features']}", frozenset(names)


def _alike(first: _Features, other: _Features) -> bool:
    return not first or not other or len(first & other) >= _ALIKE * len(first | other)


def averaging_gain(
    metric: Metric, rows: Known, repeats: Sequence[Values], *, members: int, seed: int = 0
) -> AveragingGain | None:
    """Return what averaging the models of the folds on test is worth over the CV, where each row has one model.

    The OOFs of repeats are such models' predictions of the same rows. The mean of k models has 1 / k of the error that
    is one model's alone, so that averaging wins 1 - 1 / k of what endless models would (Breiman, 1996): what averaging
    the repeats wins is measured, and carried over to the number of models on test. That is exact for squared errors.

    Parameters
    ----------
    metric, rows
        The competition's, and what is known of the rows.
    repeats
        (n, ...) OOF predictions of each repeat, of the same rows in the same order; none without two of them.
    members
        How many models the test predictions are the mean of.
    seed
        Of the draws for the standard error.
    """
    k = len(repeats)
    if k < 2 or members < 2:
        return None
    predictions = [*repeats, np.mean([repeat.astype(np.float64) for repeat in repeats], axis=0)]
    scores = np.array([rows.score(metric, prediction) for prediction in predictions])
    drawn = draw_scores(metric, rows.y, predictions, rows.weight, rows.units, rows.further, seed)
    carried = (1 - 1 / members) / (1 - 1 / k)
    gains = drawn[:, -1] - drawn[:, :-1].mean(axis=1)
    return AveragingGain(
        gain=carried * float(scores[-1] - scores[:-1].mean()),
        se=carried * float(np.nanstd(gains, ddof=1)) if np.isfinite(gains).sum() > 1 else float("nan"),
        measured_on=k,
        members=members,
    )
