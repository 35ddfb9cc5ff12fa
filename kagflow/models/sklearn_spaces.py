"""Where the parameters of scikit-learn's estimators are looked for, and sets that did well, by class name.

Features are standardised before they reach an estimator, so that ranges mean the same whatever the columns' units.
Penalties in units of the target (Lasso, SVR's epsilon) have wide ranges for that reason.
"""

from collections.abc import Mapping
from typing import Any

from kagflow.models.space import Choice, Range, Space

_PENALTY = Range(1e-3, 1e4, log=True)  # of Ridge: from none to a model of hardly more than the mean
_SHRINKAGE = Range(1e-5, 10.0, log=True)  # of the absolute size, in units of the target
_STRENGTH = Range(1e-4, 1e3, log=True)  # the inverse of a penalty

_RIDGE: Space = {"alpha": _PENALTY}
# Beyond these ends a fit takes ever longer, and learns the rows by heart.
_SVM: Space = {"C": Range(0.01, 100.0, log=True), "gamma": Range(1e-4, 0.3, log=True)}
_NEIGHBOURS: Space = {
    "n_neighbors": Range(3, 50, log=True),
    "weights": Choice(("uniform", "distance")),
    "p": Choice((1, 2)),  # absolute distances bear outliers better
}
# More trees are never worse, only slower; so their number is none to look for.
_FOREST: Space = {
    "max_features": Range(0.1, 1.0),
    "min_samples_leaf": Range(1, 50, log=True),
    "max_samples": Range(0.3, 1.0),
}
_EXTRA_TREES: Space = {name: place for name, place in _FOREST.items() if name != "max_samples"}  # all rows by default
_BOOSTING: Space = {
    "learning_rate": Range(0.02, 0.2, log=True),
    "max_iter": Range(50, 1000, log=True),  # scikit-learn would carve its own stop rows, across groups and time
    "max_leaf_nodes": Range(8, 128, log=True),
    "min_samples_leaf": Range(3, 200, log=True),
    "l2_regularization": Range(1e-3, 30.0, log=True),
    "max_features": Range(0.3, 1.0),
}
_NETWORK: Space = {
    "hidden_layer_sizes": Range(16, 256, log=True),  # one layer; small data seldom gain of a second
    "alpha": Range(1e-5, 10.0, log=True),
    "learning_rate_init": Range(1e-4, 1e-2, log=True),
}

SPACES: Mapping[str, Space] = {
    "Ridge": _RIDGE,
    "RidgeClassifier": _RIDGE,
    "Lasso": {"alpha": _SHRINKAGE},
    "ElasticNet": {"alpha": _SHRINKAGE, "l1_ratio": Range(0.05, 0.95)},
    "LogisticRegression": {"C": _STRENGTH},
    "LinearSVC": {"C": _STRENGTH},
    "SVC": _SVM,
    "SVR": {**_SVM, "epsilon": Range(1e-3, 1.0, log=True)},
    "KNeighborsRegressor": _NEIGHBOURS,
    "KNeighborsClassifier": _NEIGHBOURS,
    "RandomForestRegressor": _FOREST,
    "RandomForestClassifier": _FOREST,
    "ExtraTreesRegressor": _EXTRA_TREES,
    "ExtraTreesClassifier": _EXTRA_TREES,
    "HistGradientBoostingRegressor": _BOOSTING,
    "HistGradientBoostingClassifier": _BOOSTING,
    "MLPRegressor": _NETWORK,
    "MLPClassifier": _NETWORK,
}

_KNOWN_FORESTS = (
    {"max_features": 0.33, "min_samples_leaf": 1},
    {"max_features": 0.5, "min_samples_leaf": 5},
    {"max_features": 1.0, "min_samples_leaf": 20},
)
_KNOWN_SVM = ({"C": 1.0, "gamma": 0.01}, {"C": 10.0, "gamma": 0.01}, {"C": 10.0, "gamma": 0.001})
_KNOWN_BOOSTING = (
    {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31, "min_samples_leaf": 20},
    {"learning_rate": 0.05, "max_iter": 300, "max_leaf_nodes": 8, "min_samples_leaf": 50, "l2_regularization": 10.0},
    {"learning_rate": 0.03, "max_iter": 500, "max_leaf_nodes": 64, "min_samples_leaf": 10, "max_features": 0.5},
)
KNOWN: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "Ridge": ({"alpha": 1.0}, {"alpha": 10.0}, {"alpha": 100.0}),
    "RidgeClassifier": ({"alpha": 1.0}, {"alpha": 10.0}, {"alpha": 100.0}),
    "LogisticRegression": ({"C": 1.0}, {"C": 0.1}, {"C": 0.01}),
    "SVC": _KNOWN_SVM,
    "SVR": tuple({**known, "epsilon": 0.1} for known in _KNOWN_SVM),
    **{name: _KNOWN_FORESTS for name in SPACES if "Forest" in name or "ExtraTrees" in name},
    **{name: _KNOWN_BOOSTING for name in SPACES if name.startswith("HistGradientBoosting")},
}
