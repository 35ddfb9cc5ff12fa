"""Drift: whether a model can tell test rows from training rows (KF131)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from kagflow.audit.chance import Floats
from kagflow.audit.findings import Finding
from kagflow.audit.look import Look
from kagflow.data import Rows

_BEYOND_NOISE = 4.0  # standard deviations of the AUC of a coin; one in 16 000
_STRONG = 0.7  # an AUC; a convention
_MOST_ROWS, _MOST_VALUES = 10_000, 1_000_000  # of each side; on wide data fewer rows
_FEW_CATEGORIES = 50
_FOLDS, _SEED = 3, 20_011
_PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.7,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
    "seed": _SEED,
    "num_threads": 1,  # on so little data threads wait for each other longer than they work
}
_ROUNDS = 60


def drift_of_test(look: Look) -> list[Finding]:
    """Tell test from train by LightGBM, out of fold; name the columns behind it where it succeeds beyond chance.

    Left out are the id, dates, and what the splitter looks at: there test differs, and that is known (KF143).

    Notes
    -----
    Adversarial validation. The AUC of a coin over n and m rows, or whatever was drawn as a whole, has the variance
    (n + m + 1) / (12 n m) (Mann and Whitney, 1947).
    """
    names = _columns(look)
    rng = np.random.default_rng(_SEED)
    most = min(_MOST_ROWS, _MOST_VALUES // max(len(names), 1))
    sides = [_some(frame.height, most, rng) for frame in (look.train, look.test)]
    is_test = np.repeat([0, 1], [len(side) for side in sides])
    both = pl.concat([look.train[sides[0]].select(names), look.test[sides[1]].select(names)], how="vertical_relaxed")
    if not names or min(len(side) for side in sides) < 2 * _FOLDS:
        return []
    units = look.drawn[np.concatenate([sides[0], look.n + sides[1]])]
    n, m = (len(np.unique(units[is_test == side])) for side in (0, 1))
    noise = float(np.sqrt((n + m + 1) / (12 * n * m)))
    if _BEYOND_NOISE * noise >= 0.5:
        return []  # so few groups, or stretches of time, that nothing could be beyond noise
    predicted, gain = _out_of_fold(_matrix(both), is_test, units, rng)
    auc = float(roc_auc_score(is_test, predicted))
    if auc - 0.5 < _BEYOND_NOISE * noise:
        return []
    order = np.argsort(-gain)[:5]
    behind = [(names[k], gain[k] / gain.sum()) for k in order if gain[k] > 0.05 * gain.sum()]
    sampled = " (on a sample)" if both.height < look.n + look.test.height else ""
    told = ", ".join(f"{name} {share:.0%}" for name, share in behind)
    plain = look.advice.group is None and look.advice.time is None
    return [
        Finding(
            code="KF131",
            severity="warning" if auc >= _STRONG and plain else "note",
            message=f"test rows can be told from training rows: AUC {auc:.3f} ± {noise:.3f}{sampled}, by {told}",
            where="test",
            columns=tuple(name for name, _ in behind),
            size=auc,
            hint="what a model learns of these columns may not hold in test: try without them (`drop`)"
            if auc >= _STRONG
            else "",
        )
    ]


def _columns(look: Look) -> list[str]:
    known = {look.advice.time, look.table.time.name if look.table.time is not None else None}
    known |= {look.table.groups.name if look.table.groups is not None else None}
    known |= {look.advised_group.column if look.advised_group is not None else None}
    types = look.train.schema
    return [name for name in look.features if name not in known and not types[name].is_temporal()]


def _some(height: int, most: int, rng: np.random.Generator) -> Rows:
    rows = np.arange(height)
    return rows if height <= most else np.sort(rng.choice(rows, most, replace=False))


def _out_of_fold(
    x: NDArray[np.float64], is_test: NDArray[np.int64], units: Rows, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return (n + m,) the predictions of each row by a model that has not seen it or its unit, and (k,) gains."""
    import lightgbm

    distinct, unit_of = np.unique(units, return_inverse=True)
    cells = rng.permutation(len(distinct))[unit_of] % _FOLDS
    predicted, gain = np.zeros(len(x)), np.zeros(x.shape[1])
    for cell in range(_FOLDS):
        own = cells == cell
        data = lightgbm.Dataset(x[~own], is_test[~own], params=_PARAMETERS)
        booster = lightgbm.train(_PARAMETERS, data, _ROUNDS)
        # Ranks, for models of different folds are not on one scale.
        predicted[own] = rankdata(booster.predict(x[own])) / np.count_nonzero(own)
        gain += booster.feature_importance("gain")
    return predicted, gain


def _matrix(x: pl.DataFrame) -> NDArray[np.float64]:
    return np.column_stack([_numbers(column) for column in x]).astype(np.float64)


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    """Return a column as numbers; of many categories only how frequent each is, for being new is no drift."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64).to_numpy()
    text = column.cast(pl.String)
    if text.n_unique() <= _FEW_CATEGORIES:
        return text.rank("dense").cast(pl.Float64).to_numpy()
    return text.to_frame("value").select(pl.len().over("value")).to_series().cast(pl.Float64).to_numpy()
