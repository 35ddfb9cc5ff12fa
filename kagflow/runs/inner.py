"""Folds within folds: what an outer fold's training rows hold of the other folds.

Whatever is chosen or fitted on inner folds has touched no row of the outer fold, and no target of one (Stone, 1974).
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from kagflow.data import Rows
from kagflow.errors import SplitError
from kagflow.splits import Fold, Folds

Two = tuple[int, int]
"""Numbers of two folds of a repeat, ascending."""


def inner_folds(whole: Folds, outer: Fold, purpose: str) -> tuple[Fold, ...]:
    """Return the other folds of the same repeat, cut down to an outer fold's training rows, under their own numbers.

    Parameters
    ----------
    whole
        All folds.
    outer
        One of them.
    purpose
        What is done on them, for the error: ``tune``.

    Raises
    ------
    SplitError
        There are no two folds among these rows.
    """
    folds = []
    for fold in whole:
        if fold.number == outer.number or fold.repeat != outer.repeat:
            continue
        train, valid = (np.intersect1d(rows, outer.train) for rows in (fold.train, fold.valid))
        if len(train) and len(valid):
            folds.append(Fold(fold.number, fold.repeat, train, valid))
    if len(folds) < 2:
        raise SplitError(
            f"outer fold {outer.number} leaves {len(folds)} folds to {purpose} on; two are needed",
            hint="ask for more folds, or leave --nested out: of folds forward in time the first ones have no past",
            where="--nested",
        )
    return tuple(folds)


def folds_without_two(whole: Folds, purpose: str) -> Mapping[Two, Fold]:
    """Return the fits that all inner folds need, each once, numbered from 0.

    Inner fold j of outer fold k and inner fold k of outer fold j train on the same rows: on those that both leave. One
    fit predicts the valid rows of both, which halves the work. Where an inner fold lost no training rows, as forward
    in time, the fold's own fit is the inner one, and none is listed.

    Raises
    ------
    SplitError
        As ``inner_folds``.
    """
    train: dict[Two, Rows] = {}
    valid: defaultdict[Two, list[Rows]] = defaultdict(list)
    for outer in whole:
        for inner in inner_folds(whole, outer, purpose):
            if not lost_nothing(whole, inner):
                two = two_of(outer, inner)
                train[two] = inner.train
                valid[two].append(inner.valid)
    return {
        two: Fold(number, whole.folds[two[0]].repeat, train[two], np.sort(np.concatenate(valid[two])))
        for number, two in enumerate(sorted(train))
    }


def lost_nothing(whole: Folds, inner: Fold) -> bool:
    """Say whether an inner fold trains on all rows that the fold itself trains on."""
    return len(inner.train) == len(whole.folds[inner.number].train)


def two_of(outer: Fold, inner: Fold) -> Two:
    """Return the numbers of both, ascending."""
    low, high = sorted((outer.number, inner.number))
    return low, high
