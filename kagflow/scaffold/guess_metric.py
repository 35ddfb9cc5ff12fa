"""What the metric may be: what was given, what Kaggle says, or what the files suggest."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from kagflow.config import Task
from kagflow.metrics import find_metric
from kagflow.scaffold.files import Files
from kagflow.scaffold.grades import are_grades, in_order
from kagflow.scaffold.guess import Given, Guess
from kagflow.submit.metric_names import kagflow_metric

_RARE = 0.25  # share of the rarer class below which accuracy would tell little
_SKEWED = 1.0
_FEWEST_GRADES = 4


def guess_metric(files: Files, targets: Sequence[str], id_: str, task: Task, given: Given) -> Guess[str]:
    """Return the metric: what was given, what Kaggle says, or what the sample submission suggests.

    Raises
    ------
    ConfigError
        The metric that was given is none.
    """
    if given.metric is not None:
        find_metric(given.metric)
        return Guess(given.metric, "given")
    if given.kaggle_metric is not None:
        known = kagflow_metric(given.kaggle_metric)
        if known is not None:
            return Guess(known, f'Kaggle calls it "{given.kaggle_metric}"')
    one = _of_values(files, targets) if task == "regression" else _of_classes(files, targets, id_, task)
    if given.kaggle_metric:
        unknown = f'Kaggle calls it "{given.kaggle_metric}", a name that is not known here; {one.why}'
        one = Guess(one.value, unknown, sure=False)
    if len(targets) == 1:
        return one
    name = "mcrmse" if one.value == "rmse" else f"mean_columnwise@{one.value}"
    return Guess(name, f"the mean over {len(targets)} targets, of each: {one.why}", sure=False)


def _of_values(files: Files, targets: Sequence[str]) -> Guess[str]:
    y = files.train[targets[0]].drop_nulls().cast(pl.Float64)
    if float(y.min() or 0.0) >= 0:  # type: ignore[arg-type]  # of numbers
        skew, of_logs = y.skew() or 0.0, y.log1p().skew() or 0.0
        is_count = bool((y == y.round()).all())
        if skew > _SKEWED and (is_count or abs(of_logs) < skew / 2):
            kind = "a number of things" if is_count else "an amount"
            return Guess(
                "rmsle",
                f"{targets[0]} looks like {kind}, with a long tail (skewness {skew:.1f}, {of_logs:.1f} of logs); "
                "rmse, mae and smape are other candidates",
                sure=False,
            )
    return Guess("rmse", f"{targets[0]} is a number; mae is another candidate", sure=False)


def _of_classes(files: Files, targets: Sequence[str], id_: str, task: Task) -> Guess[str]:
    columns = [name for name in files.sample.columns if name != id_]
    if task == "multiclass" and len(columns) > 1 and len(targets) == 1:
        return Guess("log_loss", "the sample submission asks for the chance of each class")
    asked = files.sample[columns[0]].drop_nulls()
    labels = set(files.train[targets[0]].drop_nulls())
    numbers = asked.cast(pl.Float64, strict=False)
    if not numbers.null_count() and bool((numbers != numbers.round()).any()):
        return Guess("auc" if task == "binary" else "log_loss", "the sample submission holds chances", sure=False)
    if task == "multiclass" and are_grades(labels) and len(labels) >= _FEWEST_GRADES:
        column = in_order(files, targets[0])
        if column:
            why = f"the classes are grades: {column} rises or falls with them; accuracy and rmse are other candidates"
            return Guess("quadratic_kappa", why, sure=False)
    if numbers.null_count() or asked.n_unique() > 1 or task == "multiclass":
        others = "; quadratic_kappa if the classes are grades" if are_grades(labels) and task != "binary" else ""
        return Guess("accuracy", f"the sample submission holds labels, such as {asked[0]}{others}", sure=False)
    share = float(np.min(files.train[targets[0]].value_counts()["count"].to_numpy()) / files.train.height)
    if share < _RARE:
        return Guess("auc", f"one class is rare ({share:.1%}); the sample submission is constant", sure=False)
    return Guess(
        "auc", "the sample submission is constant and does not tell; accuracy is another candidate", sure=False
    )
