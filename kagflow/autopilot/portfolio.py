"""Which members to train, in which order.

A portfolio of configurations that are good on many data sets, and good in other ways each, beats a search from scratch
where time is short (Salinas and Erickson, "TabRepo", 2024, from whose best sets many numbers here are rounded). The
user's own configs come first: who wrote them knew the competition. They are also what the variants start from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kagflow.autopilot.costs import core_seconds
from kagflow.autopilot.shape import Shape
from kagflow.config import Experiment, ModelConfig, RefitConfig, RoundsConfig
from kagflow.features.encoded import ENCODED

PREFIX, ON = "auto_", "_on_"
QUICK = f"{PREFIX}quick"
"""The name of the member that is there for haste alone."""
MOST = 4
"""The highest level of haste."""

# Of a category of few levels a code a level says as much as CatBoost's statistics, in a fraction of the time.
_PARAMS: Mapping[str, Mapping[str, Any]] = {"catboost": {"one_hot_max_size": 16, "max_ctr_complexity": 2}}
_COARSE = {"border_count": 64, "one_hot_max_size": 16, "max_ctr_complexity": 1}
BOOSTERS = ("lightgbm", "xgboost", "catboost")
_SHARE = 0.12  # of all time, which a member may take before it is hurried
_QUICK = 0.1  # of all time
_LEARNING_RATES = (1.0, 1.0, 2.5, 5.0, 8.0)  # times that of no haste, by level; the first has one seed, coarser ones
_PATIENCES = (100, 60, 50, 30, 20)
_LEVELS_WITH_REFIT = 2
_HIGHEST_RATE = 0.25
_ROWS_WITHOUT_REFIT = 20_000
_ROWS_FOR_LARGE_TREES = 20_000  # with fewer, small trees were better than large ones, and much quicker
_ROUNDS_WITHOUT_STOP = 300
_NETWORKS = ("mlp", "realmlp", "tabm")
_BATCH = 200


@dataclass(frozen=True)
class Member:
    """One experiment that the ensemble may use.

    Attributes
    ----------
    name
        Names its config and its run.
    family
        The library, or the class of estimators; members of one family err alike, and are as fast as one another.
    experiment
        What to do.
    level
        Of haste: 0 for none.
    """

    name: str
    family: str
    experiment: Experiment
    level: int = 0

    def hurried(self, level: int, shape: Shape) -> "Member":
        """Return the same member in more haste: fewer, larger steps and, on large data, coarser ones."""
        if level <= self.level or self.experiment.model.kind not in BOOSTERS:
            return self
        return replace(
            self, name=f"{self.name}_x{level}", experiment=_hurry(self.experiment, level, shape.rows), level=level
        )

    def on(self, features: str) -> "Member":
        """Return the same member with other features."""
        experiment = self.experiment.model_copy(update={"features": features})
        return replace(self, name=f"{self.name}{ON}{features}", experiment=experiment)

    def with_seed(self, seed: int) -> "Member":
        """Return the same member with seeds that it did not have."""
        experiment = self.experiment.model_copy(update={"seed": self.experiment.seed + seed * self.experiment.seeds})
        return replace(self, name=f"{self.name}_s{seed}", experiment=experiment)


def portfolio(
    shape: Shape, own: Mapping[str, Experiment], feature_sets: Sequence[str], installed: bool
) -> list[Member]:
    """Return the members worth having, the most valuable first, none in haste.

    Parameters
    ----------
    shape
        Of the data.
    own
        The user's configs, by name.
    feature_sets
        Names of the competition's feature sets.
    installed
        Whether pytabkit is, for neural networks.
    """
    mine = [Member(name, family_of(experiment), experiment) for name, experiment in own.items()]
    mine.sort(key=lambda member: core_seconds(member.experiment, shape))
    bases = {kind: _base(kind, mine, stops=shape.stops) for kind in BOOSTERS}
    lead = [member for member in mine if member.family == "lightgbm"][:1]
    made = list(_processed(_made(shape, bases, feature_sets, installed), own))
    known = {member.experiment.model_dump_json() for member in mine}
    fresh = [member for member in made if member.experiment.model_dump_json() not in known]
    have = {member.family for member in mine}
    # A family's plain member is what the user's own config of that family is already, only better.
    fresh = [member for member in fresh if not (member.name == PREFIX + member.family and member.family in have)]
    firsts = [member for member in fresh if member.name == PREFIX + member.family and member.family in BOOSTERS]
    rest = [member for member in fresh if member not in firsts]
    if not lead:
        lead = [member for member in firsts if member.family == "lightgbm"]
    return _unique([*lead, *mine, *firsts, *rest])


def fitting_level(
    member: Member, shape: Shape, core_seconds_in_all: float, ratio: float = 1.0, most: int = MOST
) -> Member:
    """Return the member with the least haste in which it takes no more than its share of all time.

    Parameters
    ----------
    member
        In no haste.
    shape
        Of the data.
    core_seconds_in_all
        Wall time times cores.
    ratio
        How measured times compare with guesses.
    most
        The highest level of haste; models in more of it are fast, and poor.
    """
    levels = [member.hurried(level, shape) for level in range(most + 1)]
    share = _SHARE * core_seconds_in_all
    fitting = (each for each in levels if ratio * core_seconds(each.experiment, shape) <= share)
    return next(fitting, levels[-1])


def quick(shape: Shape, core_seconds_in_all: float) -> Member:
    """Return a member of as few trees as a tenth of the time allows, so that there is a submission at all."""

    def of(rounds: int) -> Experiment:
        return Experiment(model=ModelConfig(params={"learning_rate": 0.25, "num_leaves": 24}), rounds=rounds)

    one, many = (core_seconds(of(rounds), shape) for rounds in (1, 101))
    trees = round(100 * (_QUICK * core_seconds_in_all - one) / (many - one))
    return Member(QUICK, "lightgbm", of(min(max(trees, 10), 60)), level=MOST)


def family_of(experiment: Experiment) -> str:
    """Return the library, or what kind of estimator scikit-learn's is."""
    model = experiment.model
    if model.kind != "sklearn":
        return model.kind
    name = (model.estimator or "").rpartition(".")[2]
    for word, family in (
        ("ExtraTrees", "extra_trees"),
        ("Forest", "random_forest"),
        ("Neighbors", "neighbours"),
        ("MLP", "mlp"),
        ("SV", "svm"),
        ("GradientBoosting", "hist_boosting"),
    ):
        if word in name:
            return family
    return "linear" if "linear" in (model.estimator or "") else name.lower() or "sklearn"


def _processed(members: Iterator[Member], own: Mapping[str, Experiment]) -> Iterator[Member]:
    """Yield the members with the post-processing that the user's configs agree on: theirs is the same metric."""
    used = {experiment.postprocess for experiment in own.values() if experiment.postprocess}
    for member in members:
        if len(used) == 1 and member.experiment.postprocess is None:
            changed = member.experiment.model_copy(update={"postprocess": next(iter(used))})
            yield replace(member, experiment=changed)
        else:
            yield member


def _base(kind: str, mine: Sequence[Member], *, stops: bool) -> Experiment:
    """Return what variants of a library start from: the user's own config of it, or the default one."""
    own = [member.experiment for member in mine if member.family == kind]
    rounds: Any = RoundsConfig() if stops else _ROUNDS_WITHOUT_STOP
    made = Experiment(model=ModelConfig(kind=kind, params=dict(_PARAMS.get(kind, {}))), rounds=rounds)
    return own[0] if own else made


def _with(base: Experiment, **params: Any) -> Experiment:
    model = base.model.model_copy(update={"params": {**base.model.params, **params}})
    return base.model_copy(update={"model": model})


def _made(
    shape: Shape, bases: Mapping[str, Experiment], feature_sets: Sequence[str], installed: bool
) -> Iterator[Member]:
    """Yield members, the most valuable first: one of each library, then what differs most from those before."""
    lightgbm, xgboost, catboost = (bases[kind] for kind in BOOSTERS)
    is_encoded = ENCODED in feature_sets
    linear = "linear" if "linear" in feature_sets else ENCODED if is_encoded else "default"
    flat = ENCODED if is_encoded else "default"  # for models that know a level by a column of its own only
    shape = shape.encoded() if is_encoded else shape

    def made(name: str, experiment: Experiment) -> Member:
        return Member(PREFIX + name, family_of(experiment), _of_all_rows(experiment))

    large = [
        made("lightgbm_large", _with(lightgbm, num_leaves=128, min_data_in_leaf=6, feature_fraction=0.85)),
        made("catboost_deep", _with(catboost, depth=8, l2_leaf_reg=3.0, max_ctr_complexity=2)),
        made("xgboost_deep", _with(xgboost, max_depth=10, min_child_weight=0.6, colsample_bytree=0.7, subsample=0.9)),
    ]
    few_leaves = {"num_leaves": 8, "min_data_in_leaf": 50, "feature_fraction": 0.5, "bagging_fraction": 0.7}
    small = [
        made("lightgbm_small", _with(lightgbm, **few_leaves, lambda_l2=10.0)),
        made("catboost_shallow", _with(catboost, depth=4, l2_leaf_reg=5.0, random_strength=2.0)),
        made("xgboost_shallow", _with(xgboost, max_depth=3, min_child_weight=10.0, subsample=0.7, reg_lambda=10.0)),
    ]
    sooner, later = (small, large) if shape.rows < _ROWS_FOR_LARGE_TREES else (large, small)

    yield made("lightgbm", lightgbm)
    yield made("catboost", catboost)
    yield made("xgboost", xgboost)
    if shape.one_hot_fits:
        yield from (made(name, experiment) for name, experiment in _linear(shape, linear))
    yield made("catboost_coarse", _with(catboost, **_COARSE, depth=7, learning_rate=0.08))
    yield made(
        "lightgbm_extra",
        _with(lightgbm, extra_trees=True, num_leaves=48, min_data_in_leaf=12, feature_fraction=0.7, learning_rate=0.05),
    )
    for name, base in (("lightgbm_stopped", lightgbm), ("xgboost_stopped", xgboost)):
        if shape.stops and not isinstance(base.rounds, RoundsConfig):  # a number may be far off
            yield made(name, base.model_copy(update={"rounds": RoundsConfig()}))
    if is_encoded:
        yield made("lightgbm_encoded", lightgbm.model_copy(update={"features": ENCODED}))
        yield made("xgboost_encoded", xgboost.model_copy(update={"features": ENCODED}))
    if shape.one_hot_fits and shape.rows <= 8000:
        yield made("svm", _svm(shape, linear))
    yield from sooner[:2]
    if shape.one_hot_fits:
        yield made("extra_trees", _forest("ExtraTrees", shape, flat, max_features=0.8, min_samples_leaf=2))
    if installed and not shape.weighted:
        yield from (
            made(kind, Experiment(features=linear, model=ModelConfig(kind=kind))) for kind in ("realmlp", "tabm")
        )
    if shape.one_hot_fits:
        yield made("mlp", _mlp(shape, linear))
    yield sooner[2]
    yield from later[:2]
    if shape.one_hot_fits:
        yield made("random_forest", _forest("RandomForest", shape, flat, max_features=0.5, min_samples_leaf=3))
    yield later[2]
    if shape.one_hot_fits and shape.rows <= 30_000:
        yield made("neighbours", _neighbours(shape, linear))
    for name in feature_sets:
        if name not in ("default", "linear", ENCODED):
            yield made(f"lightgbm{ON}{name}", lightgbm.model_copy(update={"features": name}))
            yield made(f"xgboost{ON}{name}", xgboost.model_copy(update={"features": name}))
    if linear == "linear":
        yield made(f"lightgbm{ON}linear", lightgbm.model_copy(update={"features": linear}))
    yield made("lightgbm_wide", _with(lightgbm, num_leaves=53, min_data_in_leaf=14, feature_fraction=0.7))
    yield made("xgboost_wide", _with(xgboost, max_depth=7, min_child_weight=0.8, colsample_bytree=0.9))


def _of_all_rows(experiment: Experiment) -> Experiment:
    """Return an experiment whose test predictions come from a model of all rows, unless the user chose otherwise.

    Equal blends of such members had better scores on other rows than blends of the folds' models in six of seven cases
    (700 to 25,000 rows, five folds; house prices 0.1447 and 0.1421), and one fit more is all that they cost. A network
    may go wrong in a fit that no fold scores, so that the mean over the folds' is safer.
    """
    if experiment.refit != "auto" or family_of(experiment) in _NETWORKS:
        return experiment
    return experiment.model_copy(update={"refit": RefitConfig()})


def _sklearn(estimator: str, features: str = "default", **params: Any) -> Experiment:
    return Experiment(features=features, model=ModelConfig(kind="sklearn", estimator=estimator, params=params))


def _of_any_scale(experiment: Experiment, shape: Shape) -> Experiment:
    """Return an experiment whose parameters mean the same whatever the target's units."""
    return experiment.model_copy(update={"target_transform": "standardise"}) if shape.own_scale else experiment


def _kind(shape: Shape) -> str:
    return "Regressor" if shape.task == "regression" else "Classifier"


def _linear(shape: Shape, features: str) -> Iterator[tuple[str, Experiment]]:
    if shape.task == "regression":
        yield "linear", _sklearn("sklearn.linear_model.Ridge", features, alpha=20.0)
    else:
        yield "linear", _sklearn("sklearn.linear_model.LogisticRegression", features, C=0.1, max_iter=500)


def _forest(name: str, shape: Shape, feature_set: str, *, max_features: float, min_samples_leaf: int) -> Experiment:
    features = max_features if shape.width <= 100 else "sqrt" if shape.width > 400 else 0.3
    drawn: dict[str, Any] = {"max_features": features, "min_samples_leaf": min_samples_leaf}
    return _sklearn(f"sklearn.ensemble.{name}{_kind(shape)}", feature_set, n_estimators=300, **drawn)


def _mlp(shape: Shape, features: str) -> Experiment:
    """Return a small network; few epochs, as nothing stops it early, and some weight decay."""
    epochs = max(10, min(60, 600_000 // max(shape.rows, 1)))
    sizes = {"hidden_layer_sizes": 128, "batch_size": _batch_size(shape.rows * (shape.folds - 1) // shape.folds)}
    params = {**sizes, "alpha": 1.0, "learning_rate_init": 0.003, "max_iter": epochs}
    return _of_any_scale(_sklearn(f"sklearn.neural_network.MLP{_kind(shape)}", features, **params), shape)


def _batch_size(rows: int) -> int:
    """Return the size of batches of which an epoch's last one, also with a row more or less, is the fullest.

    It may be one row else, and a step of Adam is as large for it as for a whole batch: trained on 1,201 rows in batches
    of 200, accuracy fell from 0.84 to 0.56.
    """
    least, most = (max(min(size, rows // parts), 1) for size, parts in ((_BATCH * 3 // 4, 3), (_BATCH * 5 // 4, 2)))

    def last(size: int) -> float:
        return min((number - 1) % size + 1 for number in (rows - 1, rows, rows + 1)) / size

    return max(range(least, most + 1), key=last)


def _svm(shape: Shape, features: str) -> Experiment:
    gamma = round(0.2 / max(shape.width, 1), 6)  # distances grow with the number of columns
    if shape.task == "regression":
        return _of_any_scale(_sklearn("sklearn.svm.SVR", features, C=10.0, epsilon=0.05, gamma=gamma), shape)
    return _sklearn("sklearn.svm.SVC", features, C=1.0, gamma=gamma)


def _neighbours(shape: Shape, features: str) -> Experiment:
    name = f"sklearn.neighbors.KNeighbors{_kind(shape)}"
    return _sklearn(name, features, n_neighbors=15, weights="distance", p=1)


def _hurry(experiment: Experiment, level: int, rows: int) -> Experiment:
    """Return a boosted experiment in larger steps, of which fewer are needed."""
    from kagflow.models.registry import model_class

    defaults = model_class(experiment.model.kind).defaults
    rate = float(experiment.model.params.get("learning_rate", defaults["learning_rate"]))
    factor = _LEARNING_RATES[level]
    faster: dict[str, Any] = {"learning_rate": round(min(rate * factor, max(_HIGHEST_RATE, rate)), 4)}
    if experiment.model.kind == "catboost":
        faster |= _COARSE
    rounds = experiment.rounds
    if isinstance(rounds, RoundsConfig):
        limit = min(rounds.limit, round(45 / faster["learning_rate"]))
        patience = min(rounds.patience, _PATIENCES[level])
        # The stop rows are missed the more, the fewer rows there are.
        refit = rounds.refit if level <= _LEVELS_WITH_REFIT and rows < _ROWS_WITHOUT_REFIT else False
        changed: Any = rounds.model_copy(update={"limit": limit, "patience": patience, "refit": refit})
    else:
        changed = max(round(rounds * rate / faster["learning_rate"]), 1)
    hurried = experiment.model_copy(update={"rounds": changed, "seeds": 1})
    return _with(hurried, **faster)


def _unique(members: Sequence[Member]) -> list[Member]:
    """Return the members without those that are there under another name."""
    found: dict[str, Member] = {}
    for member in members:
        found.setdefault(member.experiment.model_dump_json(), member)
    return list(found.values())
