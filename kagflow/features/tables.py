"""Declared tables: which of them the steps of a feature set name, and handing them over."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kagflow.data import Frame
from kagflow.errors import FeatureError, did_you_mean
from kagflow.features.blame import where_is
from kagflow.features.steps import STEP_KINDS, FeatureSet, TableStep


def named_tables(features: FeatureSet, declared: Collection[str], where: str = "") -> set[str]:
    """Return the names of the tables that steps ask for.

    Parameters
    ----------
    features
        The steps.
    declared
        The names that there are.
    where
        The file of the steps, for messages; else the step is named.

    Raises
    ------
    FeatureError
        A step asks for another one.
    """
    found = {step.table: step for step in _asking(features) if isinstance(step.table, str)}
    for name, step in found.items():
        if name not in declared:
            raise FeatureError(
                f"{type(step).__name__} names the table {name!r}, which is not declared",
                hint=did_you_mean(name, declared)
                if declared
                else f"write `tables: {{{name}: {name}.csv}}` in competition.yaml",
                where=where or where_is(step),
            )
    return set(found)


def hand_over(features: FeatureSet, tables: Mapping[str, Frame]) -> FeatureSet:
    """Return the feature set with tables in the place of their names.

    Raises
    ------
    FeatureError
        A step asks for a table that there is not, or cannot use it.
    """
    if not named_tables(features, tables):
        return features
    handed: dict[str, Any] = {kind: [_with(step, tables) for step in getattr(features, kind)] for kind in STEP_KINDS}
    return replace(features, **handed)


def _asking(features: FeatureSet) -> Iterator[TableStep]:
    for kind in STEP_KINDS:
        yield from (step for step in getattr(features, kind) if isinstance(step, TableStep))


def _with(step: object, tables: Mapping[str, Frame]) -> object:
    return step.with_table(tables[step.table]) if isinstance(step, TableStep) and isinstance(step.table, str) else step
