"""Single columns that all but give the target away (KF121)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.tree import DecisionTreeRegressor

from kagflow.audit.chance import Floats
from kagflow.audit.findings import Finding
from kagflow.audit.keys import encode
from kagflow.audit.look import Look
from kagflow.data import Rows

_NEARLY, _WHOLLY = 0.98, 0.999  # AUC, or R2 of the target's ranks; conventions
_MOST_ROWS = 6000
_HUGE = 1e30  # trees know no infinity
_SEED = 20_011
_NUMBER_OF_FOLDS = 3

_Parts = list[tuple[Rows, Rows]]


def columns_give_target_away(look: Look) -> list[Finding]:
    """Find columns from which alone a small tree, or the mean of each category, foretells rows that it has not seen."""
    parts = _parts(look)
    if not parts:
        return []
    findings = []
    for name in look.features:
        score = _score(look.train[name], look.signals, parts, "R2" if look.task == "regression" else "AUC")
        if score >= _NEARLY:
            scale = "R2 of ranks" if look.task == "regression" else "AUC"
            findings.append(
                Finding(
                    code="KF121",
                    severity="error" if score >= _WHOLLY else "warning",
                    message=f"{name} alone all but gives the target away: {scale} {score:.4f} out of fold",
                    where="train",
                    columns=(name,),
                    size=score,
                    hint="is it known when the prediction is asked for, and the same thing in test? "
                    f"If not: `ignore: [{name}]`",
                )
            )
    return findings


def _parts(look: Look) -> _Parts:
    """Return training and valid rows of up to three folds, a sample where there are many."""
    rng = np.random.default_rng(_SEED)
    folds = [(fold.train, fold.valid) for fold in look.once[:_NUMBER_OF_FOLDS]]
    if not folds:
        cells = rng.integers(0, _NUMBER_OF_FOLDS, look.n)
        folds = [(np.flatnonzero(cells != cell), np.flatnonzero(cells == cell)) for cell in range(_NUMBER_OF_FOLDS)]
    return [(_some(train, rng), _some(valid, rng)) for train, valid in folds]


def _some(rows: Rows, rng: np.random.Generator) -> Rows:
    return rows if len(rows) <= _MOST_ROWS else rng.choice(rows, _MOST_ROWS, replace=False)


def _score(column: pl.Series, signals: Floats, parts: _Parts, scale: str) -> float:
    """Return the mean score of a column over the parts, the least over classes; -inf where nothing can be scored."""
    if column.n_unique() < 2:
        return -np.inf
    is_number = column.dtype.is_numeric() or column.dtype.is_temporal()
    told = _by_tree if is_number else _by_means
    values = _numbers(column) if is_number else encode(column, column.clear())[0]
    scores = []
    for train, valid in parts:
        predicted = told(values, signals, train, valid)
        scores.append([_one(signals[valid, k], predicted[:, k], scale) for k in range(signals.shape[1])])
    usable = np.ma.masked_invalid(scores)
    return -np.inf if usable.mask.all() else float(usable.mean(axis=0).min())


def _one(truth: Floats, predicted: Floats, scale: str) -> float:
    if (truth == truth[0]).all():
        return np.nan
    return float(r2_score(truth, predicted) if scale == "R2" else roc_auc_score(truth, predicted))


def _by_tree(values: NDArray[np.generic], signals: Floats, train: Rows, valid: Rows) -> Floats:
    tree = DecisionTreeRegressor(max_leaf_nodes=128, min_samples_leaf=2, random_state=0)
    tree.fit(values[train, np.newaxis], signals[train])
    predicted: Floats = tree.predict(values[valid, np.newaxis]).reshape(len(valid), -1)
    return predicted


def _by_means(codes: NDArray[np.generic], signals: Floats, train: Rows, valid: Rows) -> Floats:
    places = codes.astype(np.int64) + 1  # null is a category too
    size = int(places.max()) + 1
    counts = np.bincount(places[train], minlength=size)
    prior = signals[train].mean(axis=0)
    sums = np.column_stack([np.bincount(places[train], signal[train], minlength=size) for signal in signals.T])
    means: Floats = (sums + prior) / (counts + 1)[:, np.newaxis]
    predicted: Floats = means[places[valid]]
    return predicted


def _numbers(column: pl.Series) -> Floats:
    numbers: Floats = np.clip(column.to_physical().cast(pl.Float64).to_numpy(), -_HUGE, _HUGE)
    return numbers
