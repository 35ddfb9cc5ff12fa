"""Kaggle's names of metrics, which are free text and vary from one competition to the next."""

import re

_NAMES = {
    "rmse": ("root mean squared error", "root mean square error"),
    "rmsle": ("root mean squared logarithmic error", "root mean squared log error"),
    "mcrmse": ("mean columnwise root mean squared error",),
    "mae": ("mean absolute error",),
    "wmae": ("weighted mean absolute error",),
    "medae": ("median absolute error",),
    "mape": ("mean absolute percentage error",),
    "smape": ("symmetric mean absolute percentage error",),
    "r2": ("r2 score", "r squared", "coefficient of determination"),
    "log_loss": ("logarithmic loss", "multiclass loss", "multi class log loss", "multiclass log loss"),
    "brier": ("brier score",),
    "auc": (
        "area under receiver operating characteristic curve",
        "area under the roc curve",
        "area under curve",
        "roc auc",
        "roc auc score",
    ),
    "average_precision": ("average precision score",),
    "gini": ("normalized gini index", "normalized gini coefficient", "gini index"),
    "accuracy": ("categorization accuracy", "classification accuracy", "accuracy score"),
    "balanced_accuracy": ("balanced accuracy score",),
    "f1": ("f1 score", "f score"),
    "f1_macro": ("f1 score macro", "f score macro", "macro f1 score", "macro f score"),
    "f1_micro": ("f1 score micro", "f score micro", "micro f1 score", "micro f score"),
    "mcc": ("matthews correlation coefficient",),
    "quadratic_kappa": ("quadratic weighted kappa",),
    "map": ("mean average precision", "map k", "map@{k}"),
    "concordance": ("concordance index", "c index"),
}


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


_KAGFLOW_NAMES = {_bare(text): name for name, texts in _NAMES.items() for text in (name, *texts)}


def kagflow_metric(text: str) -> str | None:
    """Return what to write as `metric` in `competition.yaml` for Kaggle's name of it; ``None`` for unknown names.

    Of mean average precision, the first three labels count where the name gives no number.
    """
    stem, _, top = text.strip().rpartition("@")
    name = kagflow_name(stem if top.isdecimal() else text)
    return f"map@{top if top.isdecimal() else 3}" if name == "map" else name


def kagflow_name(text: str) -> str | None:
    """Return kagflow's name of a metric, without a setting; ``None`` for a name that is not known here."""
    return _KAGFLOW_NAMES.get(_bare(text))


def metric_difference(text: str, metric: str) -> str | None:
    """Say how Kaggle's name of the metric differs from that of `competition.yaml`; ``None`` where they agree.

    Parameters
    ----------
    text
        Kaggle's words; ``""`` agrees with everything.
    metric
        As written in `competition.yaml`.
    """
    theirs, ours = kagflow_name(text), metric.partition("@")[0]
    if not text or theirs == ours:
        return None
    if theirs is None or ours not in _NAMES:
        return f"Kaggle scores by {text!r}, competition.yaml by {metric}: see on Kaggle whether that is the same"
    return f"Kaggle scores by {text!r} ({theirs}), competition.yaml by {metric}"
