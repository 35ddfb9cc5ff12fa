"""The submission file: predictions in the form of the competition's sample."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Dataset, Frame
from kagflow.errors import DataError
from kagflow.metrics import Metric

SUBMISSION = "submission.csv"
_KEY = "__key"


def make_submission(
    sample: Frame,
    ids: pl.Series,
    classes: tuple[str, ...],
    prediction: NDArray[np.generic],
    metric: Metric,
    own: Callable[[Frame, Frame], Frame] | None = None,
    targets: Sequence[str] = (),
) -> Frame:
    """Return the submission: the sample's columns and its order of ids.

    Parameters
    ----------
    sample
        The sample submission, as text.
    ids
        (m,) ids of the test rows.
    classes
        Labels in class order; empty for regression.
    prediction
        (m,), (m, k) or (m, targets) predictions of the test rows, in their order.
    metric
        Tells whether labels or numbers are wanted.
    own
        The competition's own way: a frame of ``id`` and ``prediction`` (or a column a class, or a target) and the
        sample in, the submission out.
    targets
        Names of the targets where there are several; the sample's columns are called so, in any order.

    Raises
    ------
    DataError
        The sample's ids are not those of the test rows, or its columns do not fit the predictions.
    """
    if own is not None:
        return _own_submission(sample, ids, targets or classes, prediction, own)
    id_column, *columns = sample.columns
    if targets:
        values = _values_of_targets(classes, prediction, metric, columns, targets)
    else:
        values = _values(classes, prediction, metric, columns)
    frame = pl.DataFrame({_KEY: ids, **values})
    keys = sample.select(id_column, sample_ids(sample, ids).alias(_KEY))
    joined = keys.join(frame, on=_KEY, how="left", maintain_order="left").drop(_KEY)
    missing = joined.filter(pl.col(columns[0]).is_null())
    if missing.height or sample.height != frame.height:
        first = f", first missing id {missing[id_column][0]}" if missing.height else ""
        raise DataError(
            f"the sample submission has {sample.height} ids and test has {frame.height}{first}",
            hint="check that test and sample submission belong together",
            where="sample submission",
        )
    return joined


def submission_of(data: Dataset, competition: Competition, prediction: NDArray[np.generic]) -> Frame:
    """Return the submission of predictions of a competition's own test rows; see ``make_submission``."""
    return make_submission(
        data.sample,
        data.test.ids,
        data.classes,
        prediction,
        competition.metric,
        competition.submission,
        competition.facts.several_targets,
    )


def _own_submission(
    sample: Frame,
    ids: pl.Series,
    columns: Sequence[str],
    prediction: NDArray[np.generic],
    own: Callable[[Frame, Frame], Frame],
) -> Frame:
    """Return what the competition's own function makes, having checked that it has the sample's form."""
    names = ["prediction"] if prediction.ndim == 1 else columns
    given = pl.DataFrame({"id": ids, **dict(zip(names, np.atleast_2d(prediction.T), strict=True))})
    try:
        made = own(given, sample)
    except Exception as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise DataError(
            f"raised {type(error).__name__}: {first_line}", hint="--debug shows the traceback", where="submission.py"
        ) from error
    problem = _form_problem(made, sample)
    if problem:
        raise DataError(problem, hint="join the predictions to sample.select(id)", where="submission.py")
    return made


def _form_problem(made: object, sample: Frame) -> str:
    """Return what keeps a frame from having the sample's form; nothing where it has."""
    if not isinstance(made, pl.DataFrame):
        return f"returned {type(made).__name__}, expected a polars DataFrame"
    if made.columns != sample.columns:
        return f"must return the sample's columns {', '.join(sample.columns)}; it returned {', '.join(made.columns)}"
    if not made.to_series(0).cast(pl.String).equals(sample.to_series(0).cast(pl.String)):
        return f"must return the sample's {sample.height} ids, in its order; it returned {made.height} rows of others"
    holes = [name for name in made.columns if made[name].null_count()]
    return f"returned nulls in {', '.join(holes)}" if holes else ""


def sample_ids(sample: Frame, ids: pl.Series) -> pl.Series:
    """Return (m,) ids of the sample submission as test has them (``007`` is 7 there); null where one cannot be read."""
    written, dtype = sample.to_series(0), ids.dtype
    if isinstance(dtype, pl.Date | pl.Datetime | pl.Time):
        return written.str.strptime(dtype, strict=False)
    return written.cast(dtype, strict=False)


def _values_of_targets(
    classes: tuple[str, ...],
    prediction: NDArray[np.generic],
    metric: Metric,
    columns: list[str],
    targets: Sequence[str],
) -> dict[str, pl.Series]:
    """Return the predictions of each target, in the order of the sample's columns."""
    if set(columns) != set(targets):
        lacking = [name for name in targets if name not in columns] or [name for name in columns if name not in targets]
        raise DataError(
            f"the sample submission's columns {', '.join(columns[:5])} are not the targets {', '.join(targets[:5])}: "
            f"{lacking[0]!r} is among the {'targets' if lacking[0] in targets else 'columns'} only",
            hint="list the same names under `target`, or write the file in the sample's form by submission.py",
            where="sample submission",
        )
    by_target = metric.prepare(prediction)
    values = {name: pl.Series(by_target[:, k]) for k, name in enumerate(targets)}
    if metric.wants == "label" and classes:
        values = {name: pl.Series(classes).gather(labels) for name, labels in values.items()}
    return {name: values[name] for name in columns}


def _values(
    classes: tuple[str, ...], prediction: NDArray[np.generic], metric: Metric, columns: list[str]
) -> dict[str, pl.Series]:
    wanted = 1 if metric.wants in ("label", "top_k") or prediction.ndim == 1 else prediction.shape[1]
    if len(columns) != wanted:
        raise DataError(
            f"the sample submission has {len(columns)} columns beside the id; the predictions have {wanted}",
            hint="check `task` and `metric` in competition.yaml",
            where="sample submission",
        )
    if metric.wants == "label":
        labels = metric.prepare(prediction)
        return {columns[0]: pl.Series(classes).gather(labels) if classes else pl.Series(labels)}
    if metric.wants == "top_k":
        ranked = np.array(classes)[metric.prepare(prediction).astype(np.int64)]
        return {columns[0]: pl.Series([" ".join(row) for row in ranked])}
    if prediction.ndim == 1:
        return {columns[0]: pl.Series(prediction)}
    order = column_classes(columns, classes)
    return {column: pl.Series(prediction[:, k]) for column, k in zip(columns, order, strict=True)}


def column_classes(columns: Sequence[str], classes: tuple[str, ...]) -> list[int]:
    """Return the number of the class that each column is for: the longest label that its name is, or ends with.

    Raises
    ------
    DataError
        The names do not tell.
    """
    found = [max(filter(column.endswith, classes), key=len, default=None) for column in columns]
    if set(found) != set(classes):
        raise DataError(
            f"the columns {', '.join(columns[:3])}, ... do not tell which class each is for",
            hint=f"a column's name must end with one of the labels {', '.join(classes[:3])}, ...",
            where="sample submission",
        )
    return [classes.index(label) for label in found if label is not None]
