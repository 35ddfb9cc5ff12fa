"""Other people's pipelines under experiment: any function that returns out-of-fold predictions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import polars as pl

from kagflow.audit.subject import Scored, Seen, as_columns
from kagflow.audit.world import Values, World
from kagflow.data import Rows
from kagflow.errors import ConfigError

_MOST_CLASSES = 30
Pair = tuple[Any, Any]
PredictOutOfFold = Callable[[Any, Any, list[tuple[Rows, Rows]]], Any]
"""Features, target and folds (pairs of training and valid positions) in; (n,) or (n, k) predictions out."""


class FunctionSubject:
    """A function of features, target and folds.

    Parameters
    ----------
    function
        Predicts out of fold; rows that no fold scores may be NaN.
    x
        (n, columns) features: a polars or pandas frame, or an array.
    y
        (n,) target: a polars or pandas series, or an array; numbers, or labels of classes.
    folds
        Pairs of training and valid positions, as scikit-learn's splitters yield them.
    groups, time
        (n,) what belongs together, and when; where predictions must not hang on the rest of a group, or on later rows.

    Raises
    ------
    ConfigError
        The sizes do not agree, a row is scored twice, there are several targets, or the function does not predict
        every valid row.
    """

    test_rows = 0

    def __init__(
        self, function: PredictOutOfFold, x: Any, y: Any, folds: Iterable[Pair], *, groups: Any = None, time: Any = None
    ) -> None:
        x, y = (np.asarray(each) if isinstance(each, list | tuple) else each for each in (x, y))
        if np.ndim(y) != 1:
            raise ConfigError(f"expected one target a row, got {np.ndim(y)} dimensions", hint="pass one at a time")
        self._function, self._x, self._y = function, x, y
        self._pairs = [(np.asarray(train), np.asarray(valid)) for train, valid in folds]
        self.folds: Sequence[Scored] = [Scored(k, *pair) for k, pair in enumerate(self._pairs)]
        self.y, self.classes = _codes(y)
        self._labels = np.unique(np.asarray(y))
        self.groups: Rows | None = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        self.time = None if time is None else pl.Series("time", np.asarray(time))
        lengths = {len(x), len(self.y)} | {len(each) for each in (self.groups, self.time) if each is not None}
        if len(lengths) > 1 or not self.folds:
            raise ConfigError(
                f"expected features and target of the same rows and at least one fold; got {sorted(lengths)} rows and "
                f"{len(self.folds)} folds",
                hint="pass list(splitter.split(x, y))",
            )
        if (np.bincount(np.concatenate([fold.valid for fold in self.folds])) > 1).any():
            raise ConfigError(
                "some rows are scored in several folds: in one of them they are trained on while another scores them",
                hint="pass the folds of one repeat",
            )

    def run(self, world: World, fit: Collection[int], look: Collection[int] = ()) -> Mapping[int, Seen]:
        """Return the predictions of some folds; the function always goes through all."""
        oof = np.asarray(self._function(_take(self._x, world.x_from), _take(self._y, world.y_from), list(self._pairs)))
        if oof.shape[0] != len(self.y):
            raise ConfigError(
                f"the function returned {oof.shape[0]} predictions for {len(self.y)} rows",
                hint="return one a row, NaN where no fold scores it",
            )
        oof = self._as_codes(oof)
        missing = sum(int(np.isnan(as_columns(oof[fold.valid])).any(axis=1).sum()) for fold in self.folds)
        if missing:
            raise ConfigError(
                f"{missing} valid rows have no prediction",
                hint="a score over some of the rows is another score; drop outliers from training rows only",
            )
        return {number: Seen(oof[self.folds[number].valid]) for number in {*fit, *look}}

    def _as_codes(self, oof: Values) -> Values:
        """Return the class codes of predicted labels; numbers stay."""
        if oof.dtype.kind in "fiub":
            return oof
        unknown = ~np.isin(oof, self._labels)
        if unknown.any():
            raise ConfigError(
                f"expected probabilities, or labels out of {self._labels.tolist()[:5]}; got {str(oof[unknown][0])!r}",
                hint="return labels as the target has them",
            )
        codes: Values = np.searchsorted(self._labels, oof)
        return codes


def _take(values: Any, rows: Rows) -> Any:
    """Return rows of a pandas object, a polars object or an array."""
    return values.iloc[rows].set_axis(values.index) if hasattr(values, "iloc") else values[rows]


def _codes(y: Any) -> tuple[Values, int]:
    """Return values, or class codes and the number of classes: whole numbers of few kinds and labels are classes."""
    values = cast(Values, np.asarray(y))
    found, codes = np.unique(values, return_inverse=True)
    if values.dtype.kind == "f" or (values.dtype.kind in "iu" and len(found) > _MOST_CLASSES):
        return values, 0
    return codes, len(found)
