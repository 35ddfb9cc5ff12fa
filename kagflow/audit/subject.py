"""What experiments are made on: anything that predicts out of fold, and can be given another world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.audit.world import Values, World
from kagflow.data import Frame, Rows


@dataclass(frozen=True)
class Scored:
    """A fold as experiments see it: which rows are trained on, and which are scored."""

    number: int
    train: Rows
    valid: Rows


@dataclass(frozen=True)
class Seen:
    """What could be seen of a fold.

    Attributes
    ----------
    oof
        (v,) or (v, k) predictions of its valid rows; ``None`` where only the frames were asked for.
    frames
        What the predictions were made from, by name, in the order of building; empty where that is not known.
    rows
        Positions of the training rows of each frame that holds such rows.
    made_by
        The step that made a column, where that is known.
    keep, select
        What chose the training rows and the columns, where something did.
    scaled
        What the target transform was handed and what it returned, in turn.
    transform
        It.
    """

    oof: Values | None
    frames: Mapping[str, Frame] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)
    made_by: Mapping[str, object] = field(default_factory=dict)
    keep: object = None
    select: object = None
    scaled: Sequence[tuple[Values, Values]] = ()
    transform: object = None


class Subject(Protocol):
    """A pipeline under experiment.

    Attributes
    ----------
    folds
        Frozen: the same in every world.
    y
        (n,) values, or class codes.
    classes
        Number of classes; 0 for values.
    test_rows
        How many test rows there are.
    groups, time
        (n,) codes and times; ``None`` where the pipeline makes no promise about them.
    """

    folds: Sequence[Scored]
    y: Values
    classes: int
    test_rows: int
    groups: Rows | None
    time: pl.Series | None

    def run(self, world: World, fit: Collection[int], look: Collection[int] = ()) -> Mapping[int, Seen]:
        """Return what is seen of some folds in a world, by their numbers.

        Parameters
        ----------
        world
            What the pipeline is given.
        fit
            Folds whose predictions are wanted.
        look
            Folds of which the frames are enough.
        """


def as_columns(oof: Values) -> NDArray[np.float64]:
    """Return predictions as (n, k) numbers; labels become their codes."""
    if oof.dtype.kind not in "fiub":
        oof = np.unique(oof.astype(str), return_inverse=True)[1]
    numbers = oof.astype(np.float64)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def targets_as_columns(subject: Subject, width: int, rows: Rows) -> NDArray[np.float64]:
    """Return (rows, width) targets: values, or one column a class where predictions have one each."""
    y = subject.y[rows]
    if width == 1:
        return y.astype(np.float64)[:, None]
    hot: NDArray[np.float64] = (y[:, None] == np.arange(width)).astype(np.float64)
    return hot
