"""Single columns that all but give the target away (KF121)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from kagflow.audit.chance import Floats
from kagflow.audit.findings import Finding
from kagflow.audit.keys import encode
from kagflow.audit.look import Look
from kagflow.data import Rows

_NEARLY, _WHOLLY = 0.98, 0.999  # AUC, or R2 of the target's ranks; conventions
_MOST_LEAVES = 128
_MOST_ROWS = 6000
_AT_ONCE = 256  # columns
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
    cleared = _cleared(look, parts[0][1], _least_of_one(len(parts))) if look.task == "regression" else set()
    for name in look.features:
        if name in cleared:
            continue
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


def _least_of_one(parts: int) -> float:
    """Return the least score of one part with which the mean over all can be worth a word; no score is above 1."""
    return 1 - parts * (1 - _NEARLY)


def _cleared(look: Look, valid: Rows, least: float) -> set[str]:
    """Return the columns of numbers from which no tree can have so large an R2 of the target on the valid rows.

    Fitting a tree to each of thousands of columns takes minutes; sorting them takes a second.

    Notes
    -----
    A tree of one column is constant on as many stretches of its order as it has leaves. Of neighbours on one stretch
    the targets differ by the difference of their residuals, whose square is at most twice the sum of both squares; so
    the squared differences of all neighbours, without the largest ones where stretches may meet, add up to at most
    four times the sum of squared residuals, which is (1 - R2) of the target's.
    """
    numbers = [name for name in look.features if _is_number(look.train[name])]
    truth = look.signals[valid, 0]
    most = 4 * (1 - least) * float(((truth - truth.mean()) ** 2).sum())
    between = len(truth) - 1 - _MOST_LEAVES  # neighbours that are on one stretch; nulls are a stretch of their own
    if between <= 0 or most == 0:
        return set()
    cleared: set[str] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        names = numbers[start : start + _AT_ONCE]
        values = np.column_stack([_numbers(look.train[name].gather(valid)) for name in names])
        steps = np.diff(truth[np.argsort(values, axis=0)], axis=0) ** 2
        least_steps = np.partition(steps, between - 1, axis=0)[:between].sum(axis=0)
        cleared |= {name for name, sum_ in zip(names, least_steps, strict=True) if sum_ > most}
    return cleared


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype.is_temporal()


def _score(column: pl.Series, signals: Floats, parts: _Parts, scale: str) -> float:
    """Return the mean score of a column over the parts, the least over classes; -inf where nothing can be scored."""
    if column.n_unique() < 2:
        return -np.inf
    is_number = _is_number(column)
    told = _by_tree if is_number else _by_means
    values = _numbers(column) if is_number else encode(column, column.clear())[0]
    scores: list[list[float]] = []
    for train, valid in parts:
        predicted = told(values, signals, train, valid)
        scores.append([_one(signals[valid, k], predicted[:, k], scale) for k in range(signals.shape[1])])
        if any(score < _least_of_one(len(parts)) for score in scores[0]):
            return -np.inf  # whatever the other parts say
    usable = np.ma.masked_invalid(scores)
    return -np.inf if usable.mask.all() else float(usable.mean(axis=0).min())


def _one(truth: Floats, predicted: Floats, scale: str) -> float:
    if (truth == truth[0]).all():
        return np.nan
    return float(r2_score(truth, predicted)) if scale == "R2" else _auc(truth, predicted)


def _auc(truth: Floats, predicted: Floats) -> float:
    """Return the area under the ROC curve by ranks (Mann and Whitney, 1947), as fast as one column of many must be."""
    n, positive = len(truth), float(truth.sum())
    above = float(rankdata(predicted) @ truth) - positive * (positive + 1) / 2
    return above / (positive * (n - positive))


def _by_tree(values: NDArray[np.generic], signals: Floats, train: Rows, valid: Rows) -> Floats:
    tree = DecisionTreeRegressor(max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=2, random_state=0)
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
