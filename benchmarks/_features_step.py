"""A competition's features as a step of a scikit-learn pipeline, as the usual recipe has them."""

from typing import Any, Self

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from kagflow.features.crossfit import build
from kagflow.features.pool import Pool
from kagflow.features.replay import LearnedFeatures


class FeaturesStep(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns positions of rows into features; each fit learns from the rows that it is handed, and from no others.

    Row functions have run before, once for all rows: they learn nothing.

    Parameters
    ----------
    pool
        All rows of the competition. It is handed on as it is, for scikit-learn would copy it for every fit.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __sklearn_clone__(self) -> Self:
        return type(self)(self.pool)

    def fit_transform(self, X: ArrayLike, y: Any = None, **_: Any) -> pd.DataFrame:
        """Return (rows, columns) the features of training rows, cross-fitted as the competition's cells are."""
        built = build(self.pool, np.ravel(X), {})
        self.learned_ = LearnedFeatures.of(self.pool.features, built)
        return _to_pandas(built.x)

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from training rows."""
        self.fit_transform(X)
        return self

    def transform(self, X: ArrayLike) -> pd.DataFrame:
        """Return (rows, columns) the features of other rows."""
        return _to_pandas(self.learned_.apply(self.pool.features, self.pool.x[np.ravel(X)]))


def _to_pandas(x: pl.DataFrame) -> pd.DataFrame:
    """Return a table as LightGBM takes it: pandas makes objects of truths of which some are unknown."""
    return x.with_columns(pl.selectors.boolean().cast(pl.Float64)).to_pandas()
