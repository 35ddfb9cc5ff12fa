"""Models of all training rows, once the folds have told how many rounds they need.

The rule, ``rounds of all = mean rounds of the folds * rows of all / mean rows of a fold``, is a rule of thumb that
Kaggle competitors pass on (found rounds divided by the share of the rows that were trained on). No paper derives it,
and nothing in a run measures it: the score is that of the folds.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kagflow.runs.plan import Plan
from kagflow.training import Setup, Task

RoundsOf = Callable[[Task], int | None]
"""Tells the boosting rounds of a task that is done."""


def refit_setups(plan: Plan, rounds_of: RoundsOf) -> tuple[Setup, ...]:
    """Return the setups of the refits, one a target, whose models know their rounds.

    Parameters
    ----------
    plan
        All of whose folds are done.
    rounds_of
        Tells what they found.
    """
    return tuple(
        setup if rounds is None else replace(setup, model=setup.model.with_rounds(rounds))
        for setup, rounds in zip(plan.setups, _rounds(plan, rounds_of), strict=True)
    )


def how_test_is_predicted(plan: Plan, rounds_of: RoundsOf) -> dict[str, Any]:
    """Return what `run.json` says of the models that predict test."""
    if plan.setup.refit is None:
        return {"models": "those of the folds"}
    return {
        "models": "refitted on all rows; the score is that of the folds",
        "rows": plan.setup.rows_to_learn_from(None),
        "seeds": sorted({task.seed for task in plan.tasks if task.fold is None}),
        "rounds": _rounds(plan, rounds_of),
    }


def _rounds(plan: Plan, rounds_of: RoundsOf) -> list[int | None]:
    """Return the rounds of each target's refits; ``None`` where they are given, or where the model has none."""
    return [_scaled(plan, target, rounds_of) for target in range(len(plan.setups))]


def _scaled(plan: Plan, target: int, rounds_of: RoundsOf) -> int | None:
    setup = plan.setups[target]
    if not setup.finds_rounds:
        return None
    tasks = [task for task in plan.tasks if task.fold is not None and task.target == target]
    found = np.mean([rounds_of(task) or 1 for task in tasks])
    growth = setup.rows_to_learn_from(None) / np.mean([setup.rows_to_learn_from(task.fold) for task in tasks])
    return max(round(float(found * (growth if setup.model.rounds_grow else 1))), 1)
