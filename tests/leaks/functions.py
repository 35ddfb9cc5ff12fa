"""Leaks as notebooks have them: plain functions of features, target and folds, and what is clean among them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.datasets import make_regression
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import KNNImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

ROWS = 240


def frame(seed: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features and a target that hangs on a shop and on numbers; some numbers are missing."""
    rng = np.random.default_rng(seed)
    numbers, y = make_regression(ROWS, 5, n_informative=3, noise=20, random_state=seed)
    x = pd.DataFrame(numbers, columns=list("abcde"))
    x["e"] = x["e"].where(rng.random(ROWS) > 0.1)
    x["shop"] = rng.integers(0, 30, ROWS)
    return x, y / y.std() + rng.normal(0, 1, 30)[x["shop"]]


X, Y = frame()
FOLDS = list(KFold(4, shuffle=True, random_state=0).split(X))
LABELS = np.where(np.median(Y) < Y, "yes", "no")
SHOPS, DAYS = X["shop"].to_numpy(), np.arange(ROWS)


def numbers(x):
    return x[list("abcd")]


def ridge(x, y, folds):
    return cross_val_predict(Ridge(), x, y, cv=folds)


def mean_before_the_split(x, y, folds):
    means = pd.Series(y).groupby(x["shop"].to_numpy()).transform("mean")
    return ridge(numbers(x).assign(shop_mean=means), y, folds)


def prior_of_all_rows(x, y, folds):
    oof = np.empty(len(y))
    for train, valid in folds:
        known = pd.Series(y[train]).groupby(x["shop"].to_numpy()[train]).agg(["sum", "count"])
        smooth = (known["sum"] + 10 * y.mean()) / (known["count"] + 10)
        encoded = numbers(x).assign(shop_mean=x["shop"].map(smooth).fillna(y.mean()))
        oof[valid] = Ridge().fit(encoded.iloc[train], y[train]).predict(encoded.iloc[valid])
    return oof


def encoder_fitted_before(x, y, folds):
    encoded = TargetEncoder().fit(x[["shop"]].astype(str), y).transform(x[["shop"]].astype(str))
    return ridge(numbers(x).assign(shop_mean=encoded[:, 0]), y, folds)


def scaled_before(x, y, folds):
    return cross_val_predict(KNeighborsRegressor(), StandardScaler().fit_transform(numbers(x)), y, cv=folds)


def imputed_before(x, y, folds):
    return ridge(KNNImputer().fit_transform(x[list("abcde")]), y, folds)


def components_of_all_rows(x, y, folds):
    return ridge(PCA(2).fit_transform(numbers(x)), y, folds)


def selected_before(x, y, folds):
    noise = np.random.default_rng(0).normal(size=(len(y), 200))
    return ridge(SelectKBest(f_regression, k=10).fit_transform(noise, y), y, folds)


def without_outliers(x, y, folds):
    oof = np.full(len(y), np.nan)
    usual = np.abs(y - y.mean()) < 2 * y.std()
    for train, valid in folds:
        fitted, scored = train[usual[train]], valid[usual[valid]]
        oof[scored] = Ridge().fit(numbers(x).iloc[fitted], y[fitted]).predict(numbers(x).iloc[scored])
    return oof


def stopped_on_scored_rows(x, y, folds):
    oof = np.empty(len(y))
    for train, valid in folds:
        data = lightgbm.Dataset(numbers(x).iloc[train], y[train])
        own = lightgbm.Dataset(numbers(x).iloc[valid], y[valid], reference=data)
        params = {"verbose": -1, "num_threads": 1, "num_leaves": 7, "learning_rate": 0.1, "seed": 0}
        stop = lightgbm.early_stopping(10, verbose=False)
        model = lightgbm.train(params, data, 80, valid_sets=[own], callbacks=[stop])
        oof[valid] = model.predict(numbers(x).iloc[valid])
    return oof


def probabilities(x, y, folds):
    return cross_val_predict(LogisticRegression(), numbers(x), y, cv=folds, method="predict_proba")[:, 1]


def threshold_on_scored_rows(x, y, folds):
    p, yes = probabilities(x, y, folds), y == "yes"
    best = max(np.linspace(0.05, 0.95, 91), key=lambda cut: np.mean((p > cut) == yes))
    return np.where(p > best, "yes", "no")


def blended_on_scored_rows(x, y, folds):
    members = [ridge(numbers(x), y, folds), cross_val_predict(KNeighborsRegressor(), numbers(x), y, cv=folds)]
    return LinearRegression(positive=True).fit(np.stack(members, axis=1), y).predict(np.stack(members, axis=1))


def stacked_on_same_folds(x, y, folds):
    members = [ridge(numbers(x), y, folds), cross_val_predict(KNeighborsRegressor(), numbers(x), y, cv=folds)]
    return ridge(np.stack(members, axis=1), y, folds)


def rolling_looks_ahead(x, y, folds):
    return ridge(numbers(x).assign(rolled=pd.Series(y).rolling(5, center=True, min_periods=1).mean()), y, folds)


def pseudo_labelled(x, y, folds):
    pseudo = Ridge().fit(numbers(x), y).predict(numbers(x) + 0.1)
    oof = np.empty(len(y))
    for train, valid in folds:
        more = pd.concat([numbers(x).iloc[train], numbers(x) + 0.1])
        oof[valid] = Ridge().fit(more, np.concatenate([y[train], pseudo])).predict(numbers(x).iloc[valid])
    return oof


def oversampled_before(x, y, folds):
    copies = np.random.default_rng(0).choice(len(y), len(y) // 2)
    oof = np.empty(len(y))
    for train, valid in folds:
        rows = np.concatenate([train, copies])
        oof[valid] = KNeighborsRegressor(3).fit(numbers(x).iloc[rows], y[rows]).predict(numbers(x).iloc[valid])
    return oof


def target_scaled_before(x, y, folds):
    return ridge(numbers(x), (y - y.mean()) / y.std(), folds) * y.std() + y.mean()


def nearest(x, y, folds):
    return cross_val_predict(KNeighborsRegressor(3), x[["shop"]], y, cv=folds)


@dataclass(frozen=True)
class Function:
    """A function, what it is given, and the finding that it must lead to."""

    function: Callable[..., Any]
    code: str = "KF201"
    y: Any = field(default_factory=lambda: Y)
    more: Mapping[str, Any] = field(default_factory=dict)
    folds: Any = field(default_factory=lambda: FOLDS)


FUNCTIONS: Mapping[str, Function] = {
    "a target mean before the split": Function(mean_before_the_split),
    "an encoder whose prior is the mean of all rows": Function(prior_of_all_rows),
    "TargetEncoder().fit().transform() before the split": Function(encoder_fitted_before),
    "a scaler fitted on all rows": Function(scaled_before, "KF204"),
    "an imputer fitted on all rows": Function(imputed_before, "KF204"),
    "principal components of all rows": Function(components_of_all_rows, "KF204"),
    "features selected on all rows": Function(selected_before),
    "early stopping on the scored fold": Function(stopped_on_scored_rows),
    "a threshold fitted on the rows it scores": Function(threshold_on_scored_rows, y=LABELS),
    "blend weights fitted on the rows they score": Function(blended_on_scored_rows),
    "a stack on the same folds": Function(stacked_on_same_folds),
    "a rolling mean of the target that looks ahead": Function(rolling_looks_ahead),
    "pseudo-labels made with the fold's own targets": Function(pseudo_labelled),
    "rows oversampled before the split": Function(oversampled_before),
    "a target scaled by all rows": Function(target_scaled_before),
    "a group in training and valid rows": Function(nearest, "KF207", more={"groups": SHOPS}),
    "random folds on rows in time": Function(nearest, "KF206", more={"time": DAYS}),
}


def clean_encoder(x, y, folds):
    pipeline = make_pipeline(TargetEncoder(cv=KFold(3)), Ridge())
    return cross_val_predict(pipeline, x[["shop"]].astype(str), y, cv=folds)


def clean_numbers(x, y, folds):
    pipeline = make_pipeline(StandardScaler(), SelectKBest(f_regression, k=2), PCA(2), Ridge())
    return cross_val_predict(pipeline, numbers(x), y, cv=folds)


def clean_labels(x, y, folds):
    return cross_val_predict(LogisticRegression(), numbers(x), y, cv=folds)


CLEAN: Mapping[str, Function] = {
    "scaled, selected and reduced inside the folds": Function(clean_numbers, ""),
    "TargetEncoder inside the folds": Function(clean_encoder, ""),
    "labels as text, stratified": Function(
        clean_labels, "", LABELS, folds=list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, LABELS))
    ),
    "probabilities": Function(probabilities, "", LABELS),
    "whole groups": Function(nearest, "", more={"groups": SHOPS}, folds=list(GroupKFold(4).split(X, Y, SHOPS))),
}
