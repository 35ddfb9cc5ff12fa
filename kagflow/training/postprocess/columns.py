"""The same post-processing for each of several targets."""

from dataclasses import dataclass

import numpy as np

from kagflow.training.postprocess.base import FittedPost, Post, Values


@dataclass(frozen=True)
class FittedColumns:
    """What was fitted to the predictions of each target, in their order."""

    columns: tuple[FittedPost, ...]

    def apply(self, prediction: Values) -> Values:
        """Return (n, t) processed predictions."""
        return np.stack([own.apply(p) for own, p in zip(self.columns, prediction.T, strict=True)], axis=1)


@dataclass(frozen=True)
class Columns(Post):
    """The same post-processing for each of several targets, fitted to each by itself.

    Parameters
    ----------
    of
        That of one target.
    """

    of: Post

    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedColumns:
        """Fit each column; see ``Post.fit``, here with (n, t) targets and predictions."""
        return FittedColumns(
            tuple(self.of.fit(truth, made, weight) for truth, made in zip(y.T, prediction.T, strict=True))
        )
