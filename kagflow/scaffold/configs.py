"""The configs of a new competition: a model a file, of a size that suits the rows."""

from typing import Any

import yaml

from kagflow.config import Task
from kagflow.features.automatic import AUTO
from kagflow.scaffold.draft import Draft

_FEW_ROWS = 2000  # too few to spare some for stopping
_WITH_THRESHOLD = ("f1", "f1_macro", "mcc", "balanced_accuracy")  # which half is seldom the best one for


def configs(draft: Draft) -> dict[str, str]:
    """Return the text of every config by the name of its file."""
    few = draft.rows[0] < _FEW_ROWS
    # Classes of few rows are soon overfitted, and a part of them hardly tells when; nor can one of very few groups.
    fixed = (few and draft.task.value != "regression") or draft.has_few_groups
    rounds: dict[str, Any] = {**({"rounds": 300} if fixed else {}), **({"seeds": 3} if few else {})}
    leaves = 7 if few else 15 if draft.rows[0] < 20_000 else 31
    rate = 0.02 if few and fixed else 0.03
    linear: dict[str, Any] = {"kind": "sklearn"}
    graded = _towards_labels(draft.task.value, draft.metric.value)
    if draft.task.value == "regression" or "target_transform" in graded:
        linear |= {"estimator": "sklearn.linear_model.Ridge", "params": {"alpha": 10.0}}
    else:
        linear |= {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.3, "max_iter": 2000}}
    documents: dict[str, dict[str, Any]] = {
        "lgbm": {**rounds, "model": {"params": {"num_leaves": leaves, "learning_rate": rate}}, **graded},
        "xgb": {**rounds, "model": {"kind": "xgboost", "params": {"learning_rate": rate}}, **graded},
        "cat": {**rounds, "model": {"kind": "catboost", "params": {"learning_rate": max(rate, 0.03)}}, **graded},
        "linear": {"model": linear, **graded},
    }
    # Blended, models of all rows were better on other rows than the means of the folds' models, for one fit more.
    documents = {name: {**document, "refit": {"rows": "all"}} for name, document in documents.items()}
    documents["lgbm_auto"] = {"features": AUTO, **documents["lgbm"]}
    if draft.columns.names_of_many:
        documents["cat"] = {"features": "names", **documents["cat"]}
    if draft.has_pairs:
        documents["lgbm_pairs"] = {"features": "pairs", **documents["lgbm"]}
    return {
        f"{name}.yaml": yaml.safe_dump(document, sort_keys=False, default_flow_style=None)
        for name, document in documents.items()
    }


def _towards_labels(task: Task, metric: str) -> dict[str, Any]:
    """Return the settings with which predictions become the labels that the metric likes best."""
    if metric == "quadratic_kappa":
        return {"target_transform": "as_numbers", "postprocess": "kappa"}
    return {"postprocess": "threshold"} if task == "binary" and metric in _WITH_THRESHOLD else {}
