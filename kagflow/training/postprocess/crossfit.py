"""Post-processing of each fold by what was learned from the OOF of the other folds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError, SplitError
from kagflow.training.postprocess.base import FittedPost, Post, Values


@dataclass(frozen=True, eq=False)
class PostProcessed:
    """OOF predictions after post-processing, in both ways, and what to apply to test rows.

    Attributes
    ----------
    crossfitted
        Each fold processed by a fit on the other folds: the score of these is re-estimated.
    as_fitted
        All rows processed by the fit on all rows: the score of these is too good.
    fitted
        The fit on all rows.
    """

    crossfitted: Values
    as_fitted: Values
    fitted: FittedPost


def post_process(
    post: Post, folds: NDArray[np.int64], oof: Values, y: Values, weight: Values | None = None
) -> PostProcessed:
    """Return processed OOF predictions, cross-fitted and as fitted, and the fit on all rows for the test rows.

    Parameters are those of ``cross_fit``.
    """
    fitted = post.fit(y, oof, weight)
    return PostProcessed(cross_fit(post, folds, oof, y, weight), fitted.apply(oof), fitted)


def cross_fit(post: Post, folds: NDArray[np.int64], oof: Values, y: Values, weight: Values | None = None) -> Values:
    """Return OOF predictions of which each fold is processed by a fit on the OOF of the other folds.

    Parameters
    ----------
    post
        What to fit.
    folds
        (n,) number of the fold that scored each row, in one repeat.
    oof
        (n,) or (n, k) OOF predictions of the same rows.
    y, weight
        (n,) their targets and weights.

    Raises
    ------
    SplitError
        There are fewer than two folds.
    KagflowError
        The lengths differ, or the other folds do not allow a fit.
    """
    if not len(folds) == len(oof) == len(y) or (weight is not None and len(weight) != len(y)):
        raise KagflowError(
            f"{len(folds)} fold numbers, {len(oof)} predictions and {len(y)} targets are not of the same rows",
            hint="take all of them from one run's oof.parquet",
        )
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise SplitError("post-processing cannot be cross-fitted over one fold", hint="score at least two folds")
    rows, processed = [], []
    for number in numbers:
        own, others = np.flatnonzero(folds == number), np.flatnonzero(folds != number)
        fitted = post.fit(y[others], oof[others], None if weight is None else weight[others])
        rows.append(own)
        processed.append(fitted.apply(oof[own]))
    order = np.argsort(np.concatenate(rows))
    result: Values = np.concatenate(processed)[order]
    return result
