"""Nested tuning: what tuning is worth on rows that it never saw.

For each outer fold a study of its own looks for parameters on the other folds only: cut down to the outer fold's
training rows, so that no row of the outer fold, and no target of one, is in any fit or score of it. The best
parameters are fitted on the outer fold's training rows as a run would, and score its valid rows (Stone, 1974).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.errors import SplitError
from kagflow.runs.directory import PARTIAL, mean_by_target, predictions_array, predictions_frame, write_json
from kagflow.runs.plan import Plan
from kagflow.runs.results import Predictions, gather_repeats, scores_of
from kagflow.splits import Fold, Folds
from kagflow.training import Task, run_task
from kagflow.tuning.work import study_plan, trial_model


@dataclass(frozen=True)
class Nested:
    """The score of tuning itself.

    Attributes
    ----------
    cv, se
        Over the rows of all outer folds, each predicted with parameters that its own rows had no say in.
    folds
        Score of each outer fold.
    params
        The parameters found for each.
    """

    cv: float
    se: float | None
    folds: Sequence[float | None]
    params: Sequence[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        return {
            "cv_nested": self.cv,
            "se_nested": self.se,
            "folds_nested": list(self.folds),
            "params_nested": list(self.params),
        }


Search = Callable[[Plan, str], dict[str, Any]]
"""Runs a study of a plan under a name, and returns the best parameters."""


def tune_nested(plan: Plan, final: Plan, folder: Path, search: Search) -> Nested:
    """Tune once for each outer fold; what was done before is not done again.

    Parameters
    ----------
    plan
        Of the studies.
    final
        Of the run: how the best parameters are fitted.
    folder
        ``runs/<name>/studies/<study>``, which gets a file for each outer fold.
    search
        Runs a study.

    Raises
    ------
    SplitError
        An outer fold leaves no two folds to tune on.
    """
    outer = _OuterFolds(folder, bool(plan.competition.facts.several_targets))
    found = []
    for fold in plan.setup.folds:
        inner = inner_plan(plan, fold)
        params = search(inner, f"nested-{fold.number}")
        made_with = {"params": params, "plan": final.key}
        if outer.made_with(fold.number) != made_with:
            outer.save(fold, _predict(final, fold, params), made_with)
        found.append(params)
    scored = study_plan(final)
    scores = scores_of(scored, gather_repeats(scored, outer))
    return Nested(scores["cv"], scores["se"], scores["folds"], found)


def inner_plan(plan: Plan, outer: Fold) -> Plan:
    """Return the plan of a study that looks at an outer fold's training rows only.

    Raises
    ------
    SplitError
        There are no two folds among them.
    ConfigError
        There are pseudo-labels.
    """
    folds: list[Fold] = []
    for fold in plan.setup.folds:
        if fold.number == outer.number or fold.repeat != outer.repeat:
            continue
        train, valid = (np.intersect1d(rows, outer.train) for rows in (fold.train, fold.valid))
        if len(train) and len(valid):
            folds.append(Fold(len(folds), outer.repeat, train, valid))
    if len(folds) < 2:
        raise SplitError(
            f"outer fold {outer.number} leaves {len(folds)} folds to tune on; two are needed",
            hint="ask for more folds, or leave --nested out: of folds forward in time the first ones have no past",
            where="--nested",
        )
    plan.setup.pool.for_fold(folds[0])  # refuses pseudo-labels, which were made for the folds outside
    whole = plan.setup.folds
    inner = Folds(whole.ids, tuple(folds), whole.cells, whole.forward)
    return study_plan(replace(plan, setups=tuple(replace(setup, folds=inner) for setup in plan.setups)))


def _predict(plan: Plan, fold: Fold, params: dict[str, Any]) -> Predictions:
    """Return the predictions of an outer fold's valid rows as a run with these parameters makes them."""
    seeds = range(plan.experiment.seed, plan.experiment.seed + plan.experiment.seeds)
    made, targets = [], []
    for target, setup in enumerate(plan.setups):
        tuned = replace(setup, model=trial_model(plan, params), predicts_test=False)
        for seed in seeds:
            made.append(run_task(tuned, Task(fold.number, seed, target)).oof)
            targets.append(target)
    return mean_by_target(made, targets)


class _OuterFolds:
    """What is kept of each outer fold: its predictions, and what made them."""

    def __init__(self, folder: Path, several: bool) -> None:
        self._folder, self._several = folder, several

    def made_with(self, fold: int) -> dict[str, Any] | None:
        """Return what made the predictions of an outer fold that is done; ``None`` of another."""
        with suppress(OSError, ValueError):
            known: dict[str, Any] = json.loads((self._folder / f"outer-{fold}.json").read_text(encoding="utf-8"))
            return known
        return None

    def save(self, fold: Fold, predictions: Predictions, made_with: Mapping[str, Any]) -> None:
        """Write the predictions, then what made them, which says that they are there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"outer-{fold.number}.parquet"
        path.with_suffix(".json").unlink(missing_ok=True)
        partial = path.with_name(path.name + PARTIAL)
        predictions_frame(predictions).insert_column(0, pl.Series("row", fold.valid)).write_parquet(partial)
        partial.replace(path)
        write_json(path.with_suffix(".json"), made_with)

    def oof(self, task: Task) -> tuple[NDArray[np.int64], Predictions]:
        """Return the rows of an outer fold, and what was predicted for them."""
        frame = pl.read_parquet(self._folder / f"outer-{task.fold}.parquet")
        predictions = predictions_array(frame.drop("row"))
        return frame["row"].to_numpy(), predictions[:, task.target] if self._several else predictions
