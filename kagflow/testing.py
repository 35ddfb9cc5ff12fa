"""What the author of a plug-in runs to see that a step, a model or a splitter keeps what kagflow relies on.

Each check raises ``AssertionError`` with a sentence that says which promise was broken, so that it reads well in a
test: ``check_step(MyStep(["city"]), x, y)``.
"""

import pickle
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import polars as pl

from kagflow.audit.audit import Report, examine
from kagflow.audit.findings import Finding
from kagflow.audit.function import FunctionSubject, Pair, PredictOutOfFold
from kagflow.data import Frame, Rows, Table, Target
from kagflow.data.same import changed_columns
from kagflow.features.crossfit import build
from kagflow.features.pool import make_pool
from kagflow.features.proof import check_new_columns, prove_history, prove_row_wise
from kagflow.features.steps import AdditiveStep, FeatureSet, FittedStep, FoldStep, HistoryStep, TargetStep
from kagflow.models import Batch, Model, Problem, Resources
from kagflow.models.registry import load_model
from kagflow.splits import Folds, Splitter
from kagflow.splits.folds import folds_from_cells
from kagflow.splits.frozen import split_by_id

Step = FoldStep | TargetStep | HistoryStep
_SEED = 20_011


# --- steps ------------------------------------------------------------------------------------------------------------


def check_step(step: Step, x: Frame, y: Target | None = None, time: pl.Series | None = None) -> None:
    """Check a step on example rows.

    It learns the same from the same rows and leaves them alone; what it learned makes new columns only, a row for
    each, row by row, of the same names and types for any rows (one row, nulls everywhere, none at all); its tables are
    frames, and it survives being written down. No training row's own target moves its own encoding.

    Parameters
    ----------
    step
        A frozen dataclass.
    x
        (n, columns) at least 20 rows, with the columns that it reads; categories as Enum.
    y
        (n,) target, for a target or history step.
    time
        (n,) times, for a history step.

    Raises
    ------
    AssertionError, KagflowError
        A promise is broken; the message says which.
    """
    fit = _fitting(step, y, time)
    kept = x.clone()
    fitted = fit(x)
    made = fitted.transform(x)
    check_new_columns(step, made, x)
    assert x.equals(kept), "the step changed the rows that it was handed"
    assert made.equals(fit(x).transform(x)), "fitted twice on the same rows, it learns something else"
    prove_row_wise(step, fitted.transform, x, made)
    _check_any_rows(fitted, x, made)
    assert all(isinstance(table, pl.DataFrame) for table in fitted.tables().values()), "tables() holds other things"
    again: FittedStep = pickle.loads(cloudpickle.dumps(fitted))
    assert again.transform(x).equals(made), "written down and read back, it gives other values"
    if isinstance(step, TargetStep):
        assert y is not None
        _check_cross_fit(step, x, y)
    if isinstance(step, AdditiveStep) and step.adds_up:
        assert y is not None
        _check_sum(step, x, y)
    if isinstance(step, HistoryStep):
        assert y is not None
        assert time is not None
        prove_history(step, fitted, x, y, time)


def _fitting(step: Step, y: Target | None, time: pl.Series | None) -> Callable[[Frame], FittedStep]:
    if isinstance(step, FoldStep):
        return step.fit
    assert y is not None, "a step that learns from the target needs `y`"
    if isinstance(step, TargetStep):
        return partial(step.fit, y=y)
    assert time is not None, "a history step needs `time`"
    return partial(step.fit, y=y, time=time)


def _check_any_rows(fitted: FittedStep, x: Frame, made: Frame) -> None:
    """Compare names and types for one row, for rows of nulls, and for no rows."""
    nulls = x.select(pl.lit(None, dtype=dtype).alias(name) for name, dtype in x.schema.items())
    for what, rows in {"one row": x[:1], "rows of nulls": pl.concat([nulls, nulls]), "no rows": x[:0]}.items():
        some = fitted.transform(rows)
        assert some.schema == made.schema, f"for {what} it makes other columns or types: {some.schema}"
        assert some.height == rows.height, f"for {what} it makes {some.height} rows"


def _check_cross_fit(step: TargetStep, x: Frame, y: Target) -> None:
    """Move one training row's target: within the engine its own encoding must stay."""
    table = Table(ids=pl.Series("id", np.arange(x.height)), x=x, y=y)
    folds = folds_from_cells(table.ids, np.arange(x.height) % 4)
    before = _encoded(step, table, folds)
    moved = y.clone()
    moved[1] = y.max() + 1e6 if isinstance(y.dtype, pl.Float64) else _other(y, 1)  # type: ignore[operator]
    after = _encoded(step, Table(ids=table.ids, x=x, y=moved), folds)
    assert after[0].equals(before[0]), "a training row's own target reaches its own encoding"


def _other(y: Target, row: int) -> str:
    """Return another class than the row's."""
    assert isinstance(y.dtype, pl.Enum)
    return str(next(label for label in y.dtype.categories if label != y[row]))


def _encoded(step: TargetStep, table: Table, folds: Folds) -> Frame:
    """Return the encoding of the training rows of fold 0; the first of them is row 1."""
    features = FeatureSet(target=(step,), drop=tuple(table.x.columns))
    built = build(make_pool(features, table, table, folds), folds.folds[0].train, {"valid": folds.folds[0].valid})
    assert built.rows[0] == 1
    return built.x


def _check_sum(step: AdditiveStep, x: Frame, y: Target) -> None:
    """Compare the tally of all rows with the sum of the tallies of two halves."""
    half = x.height // 2
    both = step.tally(x[:half], y[:half]) + step.tally(x[half:], y[half:])
    moved = changed_columns(step.finish(both).transform(x), step.fit(x, y).transform(x))
    assert not moved, f"tallies do not add up: {', '.join(moved)}"


# --- models -----------------------------------------------------------------------------------------------------------


def check_model(model: Model, x: Frame, y: Target, problem: Problem) -> None:
    """Check a model on example rows.

    The same seed gives the same predictions, also where the batch keeps binned data of an earlier fit; they have the
    right shape, are finite (and probabilities); rows with nulls and categories that training lacked are predicted too,
    each row alone as among others; what is saved and loaded predicts the same; importance names features.

    Parameters
    ----------
    model
        With a number of rounds, where it has rounds.
    x
        (n, columns) features: numbers, booleans, Enum categories; nulls allowed.
    y
        (n,) target, Float64 or an Enum in class order.
    problem
        What is to be learned.

    Raises
    ------
    AssertionError, KagflowError
        A promise is broken; the message says which.
    """
    fit = partial(model.fit, Batch(x, y), None, problem=problem, resources=Resources(1), seed=3)
    fitted = fit()
    predicted = fitted.predict(x)
    wanted = (x.height, len(problem.classes)) if problem.task == "multiclass" else (x.height,)
    assert predicted.shape == wanted, f"predictions have the shape {predicted.shape}, expected {wanted}"
    assert np.isfinite(predicted).all(), "some predictions are not finite"
    if problem.task != "regression":
        assert ((predicted >= 0) & (predicted <= 1)).all(), "some predictions are no probabilities"
    if problem.task == "multiclass":
        assert np.allclose(predicted.sum(axis=1), 1), "probabilities do not sum to one"
    assert predicted.tobytes() == fit().predict(x).tobytes(), "the same seed gives other predictions"
    keeping = Batch(x, y, kept={})
    for _ in range(2):
        made = model.fit(keeping, None, problem=problem, resources=Resources(1), seed=3).predict(x)
        assert predicted.tobytes() == made.tobytes(), "with what a batch keeps of an earlier fit it predicts otherwise"
    assert np.allclose(fitted.predict(x[:3]), predicted[:3]), "a row is predicted otherwise among other rows"
    strange = x[:2].select(pl.lit(None, dtype=dtype).alias(name) for name, dtype in x.schema.items())
    assert np.isfinite(fitted.predict(strange)).all(), "rows of nulls are not predicted"
    unknown = set(fitted.importance()["feature"].to_list()) - set(x.columns)
    assert not unknown, f"importance names what is no feature: {sorted(unknown)[:3]}"
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "model")
        loaded = load_model(model.kind, Path(folder) / "model")
    assert loaded.predict(x).tobytes() == predicted.tobytes(), "saved and loaded, it predicts something else"


# --- splitters --------------------------------------------------------------------------------------------------------


def check_splitter(splitter: Splitter, table: Table, *, share: float = 0.2) -> None:
    """Check a splitter on an example table.

    The same rows give the same folds, in any order of the file; no row is trained on and scored; no group is cut; of
    folds forward in time none trains on what is later than its valid rows. Stop rows are some of the training rows
    that they are carved from, never all, whole groups, and forward in time the latest.

    Parameters
    ----------
    splitter
        To be checked.
    table
        Rows with what it looks at: target, groups, time.
    share
        Of the training rows, to carve as stop rows.

    Raises
    ------
    AssertionError, KagflowError
        A promise is broken; the message says which.
    """
    folds = split_by_id(splitter, table)
    _check_order_of_the_file(splitter, table, folds)
    for fold in folds:
        assert not np.isin(fold.valid, fold.train).any(), f"fold {fold.number} trains on rows that it scores"
        stop = splitter.carve(table, fold.train, share, 0)
        assert 0 < len(stop) < len(fold.train), f"fold {fold.number}: {len(stop)} of {len(fold.train)} rows are carved"
        assert np.isin(stop, fold.train).all(), (
            f"fold {fold.number}: stop rows are carved from other than training rows"
        )
        assert len(np.unique(stop)) == len(stop), f"fold {fold.number}: a stop row is carved twice"
        rest = np.setdiff1d(fold.train, stop)
        if folds.forward:
            _check_later(table, fold.train, fold.valid, f"fold {fold.number} trains on what comes after its valid rows")
            _check_later(table, rest, stop, f"fold {fold.number}: its stop rows are not the latest")
        elif table.groups is not None:
            _check_whole(table.groups, fold.train, fold.valid, f"fold {fold.number} cuts a group")
            _check_whole(table.groups, rest, stop, f"fold {fold.number}: its stop rows cut a group")


def _check_order_of_the_file(splitter: Splitter, table: Table, folds: Folds) -> None:
    order = np.random.default_rng(_SEED).permutation(table.height)
    known: dict[str, Any] = {name: getattr(table, name) for name in table.__dataclass_fields__}
    turned = split_by_id(splitter, Table(**{name: part[order] for name, part in known.items() if part is not None}))
    for fold, other in zip(folds, turned, strict=True):
        same = sorted(table.ids[fold.valid].to_list()) == sorted(table.ids[order][other.valid].to_list())
        assert same, "the folds depend on the order of the file"


def _check_later(table: Table, early: Rows, late: Rows, problem: str) -> None:
    assert table.time is not None, "folds forward in time need times"
    last: Any = table.time[early].max()
    first: Any = table.time[late].min()
    assert last <= first, problem


def _check_whole(groups: pl.Series, first: Rows, second: Rows, problem: str) -> None:
    assert not set(groups[first].unique()) & set(groups[second].unique()), problem


# --- whole pipelines --------------------------------------------------------------------------------------------------


def audit_function(
    function: PredictOutOfFold, x: Any, y: Any, folds: Iterable[Pair], *, groups: Any = None, time: Any = None
) -> Report:
    """Make the experiments of `kagflow audit` on any function that predicts out of fold.

    Targets of a fold's valid rows, features of other valid rows, later rows, the rest of a group: each is changed in
    turn, and what must not move is held against what it was. The folds stay the same throughout.

    Parameters
    ----------
    function
        Takes features, target and folds, and returns (n,) or (n, k) out-of-fold predictions in the order of the rows:
        ``lambda x, y, folds: cross_val_predict(pipeline, x, y, cv=folds)``. Everything that looks at the rows belongs
        inside it, also what a notebook does before splitting.
    x
        (n, columns) features: a polars or pandas frame, or an array.
    y
        (n,) target: numbers, or labels of classes.
    folds
        Pairs of training and valid positions, as ``splitter.split(x, y)`` yields them.
    groups, time
        (n,) what must not be split, and when a row happened, where the test rows are of other groups, or later.

    Raises
    ------
    KagflowError
        The function cannot be run even on the real rows.
    """
    return examine(FunctionSubject(function, x, y, folds, groups=groups, time=time))


def assert_no_leak(
    function: PredictOutOfFold,
    x: Any,
    y: Any,
    folds: Iterable[Pair],
    *,
    groups: Any = None,
    time: Any = None,
    leverage: float = 0.0,
) -> None:
    """Raise unless a function's out-of-fold predictions do not hang on what they must not know.

    Parameters
    ----------
    function, x, y, folds, groups, time
        As for ``audit_function``.
    leverage
        Own-label leverage to put up with, of a pipeline that cannot be exact (early stopping on the scored fold, a
        blend fitted on all OOF): passes where the 95 % confidence interval of what is measured lies below. What looks
        at scored rows that much also looks at their features, so that these may move its predictions too. Zero asks
        for exactness.

    Raises
    ------
    AssertionError
        It leaks; the message has every finding.
    """
    report = audit_function(function, x, y, folds, groups=groups, time=time)
    small = {finding.code for finding in report.leaks if _is_small(finding, leverage)}
    put_up_with = small | ({"KF204"} if "KF201" in small else set())
    found = [finding for finding in report.leaks if finding.code not in put_up_with]
    assert not found, "\n".join(f"{finding.code} {finding.message}" for finding in found)


def _is_small(finding: Finding, leverage: float) -> bool:
    """Say whether a finding is a leverage that is certainly below what is put up with."""
    return finding.interval is not None and finding.interval[1] < leverage
