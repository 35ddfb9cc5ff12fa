"""The targets in their final form, and the classes in their order."""

import math
from pathlib import Path

import polars as pl

from kagflow.config import CompetitionFacts
from kagflow.data.table import Frame, Target
from kagflow.errors import DataError, did_you_mean


def targets_and_classes(train: Frame, facts: CompetitionFacts, path: Path) -> tuple[Frame, tuple[str, ...]]:
    """Return the targets in their final form, and the classes, which are the same for all."""
    made = [_target(train[name], facts, f"{path}, column {name}") for name in facts.targets]
    classes = made[0][1]
    for y, own in made:
        if own != classes:
            raise DataError(
                f"the targets have different labels: {made[0][0].name} has {', '.join(classes)}, "
                f"{y.name} has {', '.join(own)}",
                hint="write them alike in the file, 0 and 1 for example",
                where=str(path),
            )
    return pl.DataFrame([y for y, _ in made]), classes


def _target(y: pl.Series, facts: CompetitionFacts, where: str) -> tuple[Target, tuple[str, ...]]:
    """Return a target in its final form, and its classes."""
    if y.null_count() == y.len():
        raise DataError("the target is null in every row", hint="check `target` and `null_words`", where=where)
    if y.null_count():
        raise DataError(
            f"the target is null in {y.null_count()} of {y.len()} rows",
            hint="remove these rows from the file, or check `null_words`",
            where=where,
        )
    if facts.task == "regression":
        return _numeric_target(y, where), ()
    classes = _class_order(y, facts, where)
    return y.cast(pl.Enum(list(classes))), classes


def _numeric_target(y: pl.Series, where: str) -> Target:
    if not y.dtype.is_numeric():
        text = y.cast(pl.String)
        words = text.filter(text.cast(pl.Float64, strict=False).is_null()).unique(maintain_order=True)
        raise DataError(
            f"a regression target must be numbers; it holds {', '.join(map(repr, words.head(3)))}",
            hint="check `task` in competition.yaml",
            where=where,
        )
    values = y.cast(pl.Float64)
    if not values.is_finite().all():
        raise DataError("the target holds values that are not finite", hint="look at these rows", where=where)
    return values


def _class_order(y: pl.Series, facts: CompetitionFacts, where: str) -> tuple[str, ...]:
    """Return the labels in order (numbers by size, words by alphabet), the positive one last where it is named."""
    labels = y.unique().to_list()
    labels.sort(key=_by_number if all(_is_number(label) for label in labels) else str)
    if len(labels) < 2 or (facts.task == "binary" and len(labels) != 2):
        wanted = "two classes" if facts.task == "binary" else "at least two classes"
        shown = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        raise DataError(
            f"a {facts.task} target must have {wanted}; it has {len(labels)} ({shown})",
            hint="check `task` and `target` in competition.yaml",
            where=where,
        )
    if facts.positive is not None:
        if facts.positive not in labels:
            raise DataError(
                f"`positive: {facts.positive}` is no label of the target",
                hint=did_you_mean(facts.positive, labels),
                where=where,
            )
        labels.sort(key=lambda label: label == facts.positive)
    return tuple(labels)


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _by_number(label: str) -> tuple[float, str]:
    return float(label), label
