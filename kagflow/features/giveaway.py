"""The target among the features under another name (KF303): a column in the order of the target, or one a class.

Only perfect agreement is looked for, so that nobody is accused of a good feature; and only where it cannot be chance:
among all ways to deal the target's values out to the rows, those that would agree as well must be fewer than one in
a thousand million. On a few rows, or with a handful of rare cases, that is never so.
"""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.data.table import target_codes
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.crossfit import Built
from kagflow.features.pool import Pool
from kagflow.features.rows import run_row_function

TARGET_AMONG_FEATURES = "KF303"
_CHANCE = 1e-9
_SAMPLE = 200
_SEED = 20_011

Values = NDArray[np.float64]
Codes = NDArray[np.int64]


def target_among_features(pool: Pool, raw: Frame, built: Built) -> Iterator[FeatureError]:
    """Yield an error for each column of a model's training rows that is their target under another name.

    Parameters
    ----------
    pool
        All rows.
    raw
        (n, columns) the training rows as they were read.
    built
        Features of a fold.
    """
    for name in target_images(built.x, built.y):
        equal = "is" if _equals(built.x[name], built.y) else "gives away"
        yield FeatureError(
            f"the column {name!r} {equal} the target of every training row that has it",
            hint=f"name {name!r} under `ignore` in competition.yaml or under `drop` in the feature set; "
            "if test really knows it, `accept: {KF303: reason}`",
            where=_maker(name, pool, raw, built),
            code=TARGET_AMONG_FEATURES,
        )


def target_images(x: Frame, y: Target) -> list[str]:
    """Return the columns that are the target under another name.

    For a regression target: numbers in its order or in the opposite one, equal where it is equal. For classes: one
    value for each class; or nulls for one of two classes and none for the other. For both: categories that are the
    target's values by other names. Rows where a column is null are left out.

    A number with many values of which a threshold tells the classes apart is none: a rule of the subject may do that.

    Parameters
    ----------
    x
        (n, columns) features: numbers, booleans and categories.
    y
        (n,) target: Float64, or an Enum in class order.
    """
    if y.len() < 2:
        return []
    some = _sample(y)
    suspects = _suspects(x[some], y[some])
    guilty = (name for name, rows in _agreeing(x.select(suspects), y) if not _is_chance(x[name], y, rows))
    return list(dict.fromkeys(guilty))


def is_target_image(column: pl.Series, y: Target) -> bool:
    """Say whether one column is the target under another name."""
    takes = column.dtype.is_numeric() or column.dtype == pl.Boolean or isinstance(column.dtype, pl.Enum)
    return takes and bool(target_images(column.to_frame(), y))


def _sample(y: Target) -> Codes:
    """Return some rows, of each class as many, on which most columns can be cleared cheaply."""
    order = np.random.default_rng(_SEED).permutation(y.len())
    if not isinstance(y.dtype, pl.Enum):
        return order[:_SAMPLE]
    codes = target_codes(y)[order]
    classes = np.unique(codes)
    each = max(_SAMPLE // len(classes), 2)
    return np.concatenate([order[codes == code][:each] for code in classes])


def _suspects(x: Frame, y: Target) -> list[str]:
    """Return the columns that a few rows do not clear: all at once, for there are many and nearly all are innocent."""
    numbers = [name for name, dtype in x.schema.items() if not isinstance(dtype, pl.Enum)]
    x = x.with_columns(pl.col(numbers).cast(pl.Float64).fill_nan(None))
    by_nulls, by_order = [], []
    if isinstance(y.dtype, pl.Enum):
        by_nulls = [name for name, n in zip(x.columns, x.null_count().row(0), strict=True) if n]
    elif numbers:
        possible = _may_be_in_order(x.select(numbers).to_numpy(), y.to_numpy())
        by_order = [name for name, guilty in zip(numbers, possible, strict=True) if guilty]
    named = x.columns if isinstance(y.dtype, pl.Enum) else x.select(pl.exclude(numbers)).columns
    suspects = {*by_nulls, *by_order, *_as_many_values(x.select(named), y)}
    agreeing = {name for name, _ in _agreeing(x.select(suspects), y)}
    return [name for name in x.columns if name in agreeing]


def _may_be_in_order(values: Values, y: Values) -> NDArray[np.bool_]:
    """Say of each column of (n, k) values whether neighbours in the target's order allow it; nulls are NaN."""
    order = np.argsort(y, kind="stable")
    with np.errstate(invalid="ignore"):
        steps, rises = np.sign(np.diff(values[order], axis=0)), np.sign(np.diff(y[order]))[:, None]
    open_ = np.isnan(steps)
    rising, falling = ((steps == rises) | open_).all(axis=0), ((steps == -rises) | open_).all(axis=0)
    may: NDArray[np.bool_] = np.logical_or(rising, falling)
    return may


def _as_many_values(x: Frame, y: Target) -> list[str]:
    """Return the columns with as many values as the target; where a column is null, values may be missing."""
    if not x.width:
        return []
    distinct = y.n_unique()
    counts, nulls = x.select(pl.all().drop_nulls().n_unique()).row(0), x.null_count().row(0)
    return [name for name, n, gone in zip(x.columns, counts, nulls, strict=True) if distinct - gone <= n <= distinct]


def _agreeing(x: Frame, y: Target) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the columns that agree with the target perfectly, by values or by nulls, with the rows that say so."""
    codes, classes = target_codes(y), isinstance(y.dtype, pl.Enum)
    for column in x:
        kind = isinstance(column.dtype, pl.Enum)
        values = (column.to_physical() if kind else column).cast(pl.Float64).fill_null(float("nan")).to_numpy()
        known = ~np.isnan(values)
        agrees = _renames if kind or classes else _is_in_order
        if agrees(values[known], codes[known]):
            yield column.name, known
        if classes and not known.all() and _renames(known, codes):
            yield column.name, np.ones(y.len(), dtype=np.bool_)


def _is_in_order(values: Values, y: NDArray[np.generic]) -> bool:
    """Say whether values rise, or fall, exactly where the target rises."""
    order = np.argsort(y, kind="stable")
    with np.errstate(invalid="ignore"):  # between two infinities
        steps, rises = np.sign(np.diff(values[order])), np.sign(np.diff(y[order]))
    return bool((steps == rises).all() or (steps == -rises).all())


def _renames(values: NDArray[np.generic], y: NDArray[np.generic]) -> bool:
    """Say whether values are those of the target by other names: one for each."""
    names = np.unique(values, return_inverse=True)[1]
    meant = np.unique(y, return_inverse=True)[1]
    pairs = len(np.unique(names.astype(np.int64) * (len(y) + 1) + meant))
    return pairs == len(np.unique(names)) == len(np.unique(meant))


def _is_chance(column: pl.Series, y: Target, rows: NDArray[np.bool_]) -> bool:
    """Say whether agreement on these rows may be chance: so many of all arrangements of the target agree as well."""
    counts = np.unique(target_codes(y)[rows], return_counts=True)[1]
    arrangements = math.lgamma(counts.sum() + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
    ordered = not isinstance(y.dtype, pl.Enum) and not isinstance(column.dtype, pl.Enum)
    agreeing = math.log(2) if ordered else math.lgamma(len(counts) + 1)
    return agreeing - arrangements > math.log(_CHANCE)


def _equals(column: pl.Series, y: Target) -> bool:
    if isinstance(y.dtype, pl.Enum) or isinstance(column.dtype, pl.Enum):
        return bool((column.cast(pl.String) == y.cast(pl.String)).all())
    return bool((column.cast(pl.Float64) == y).all())


def _maker(name: str, pool: Pool, raw: Frame, built: Built) -> str:
    """Return what made a column that gives the target away: the files, a function of rows, or a step."""
    if name in raw.columns and _gives_away(raw, name, pool.y[: raw.height]):
        return "the files"
    x = raw
    for function in pool.features.rows:
        x = run_row_function(function, x, prove=False)
        if name in x.columns and _gives_away(x, name, pool.y[: raw.height]):
            return where_is(function)
    steps = zip(pool.features.pooled, pool.pooled, strict=True)
    named: tuple[object, ...] = (*pool.features.fold, *pool.features.history, *pool.features.target)
    fitted_steps = tuple(built.learned.values())
    proposed = (pool.features.propose,) * (len(fitted_steps) - len(named))  # for this fold
    learned = zip((*named, *proposed), fitted_steps, strict=True)
    few = pool.x.head(1)
    for step, fitted in (*steps, *learned):
        made = fitted.transform(few)
        if name in made.columns:
            return where_is(step)
        few = few.with_columns(made)
    return ", ".join(where_is(function) for function in pool.features.then) or "features"


def _gives_away(x: Frame, name: str, y: Target) -> bool:
    """Say whether a column does so before text has become categories."""
    column = x[name]
    if column.dtype == pl.String:
        column = column.cast(pl.Enum(column.unique().drop_nulls().sort()))
    return is_target_image(column, y)
