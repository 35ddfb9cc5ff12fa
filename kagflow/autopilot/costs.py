"""How long a member takes: a rough guess before anything was fitted, and a better one afterwards.

The constants are seconds of one core of 2020 or so, found by timing fits of 1,000 to 100,000 rows. What matters is
their ratio: the first members that are done tell how fast this machine is, and how many rounds these data take.
"""

import math
from dataclasses import replace

import numpy as np

from kagflow.autopilot.shape import Shape
from kagflow.config import Experiment, RefitConfig, RoundsConfig
from kagflow.features.automatic import AUTO
from kagflow.models.registry import model_class

_SUM_OF_STEPS = 14.0  # rounds times learning rate, where stopping usually comes
_ROWS_FOR_REFIT = 100_000  # as in training: from here on rounds are not followed by a refit unless asked for
_START, _PER_CELL = 0.1, 3e-7  # of each fit, whatever the model: features, predictions of the test rows
_TREES_TO_CHOOSE_BY, _MOST_ROWS_TO_CHOOSE_BY = 3000, 30_000
_FEWEST, _MOST = 0.1, 30.0  # how far measured times are believed to differ from guesses


def core_seconds(experiment: Experiment, shape: Shape) -> float:
    """Return a guess of the seconds that one core takes for a run, all folds and seeds."""
    shape = shape.on(experiment.features)
    refits = _refits(experiment, shape)
    fits = (shape.folds * experiment.seeds + refits) * shape.targets
    cells = (shape.rows + shape.test_rows) * shape.columns
    model = experiment.model
    one = _of_trees(experiment, shape) if model_class(model.kind).uses_rounds else _of_estimator(experiment, shape)
    seconds: float = fits * (_START + _PER_CELL * cells + one)
    return seconds + (shape.folds * shape.targets * _choosing(shape) if experiment.features == AUTO else 0.0)


def _refits(experiment: Experiment, shape: Shape) -> int:
    """Return how many models of all rows there are."""
    if isinstance(experiment.refit, RefitConfig):
        return experiment.refit.seeds or experiment.seeds
    return experiment.seeds if experiment.refit == "auto" and shape.small_folds else 0


def _choosing(shape: Shape) -> float:
    """Return the seconds in which a fold chooses its automatic features: of many small fits, and of their columns."""
    limited = replace(shape, rows=min(shape.rows, _MOST_ROWS_TO_CHOOSE_BY))
    tree = _lightgbm_tree({"num_leaves": 15, "feature_fraction": 1.0}, limited)
    return _TREES_TO_CHOOSE_BY * math.sqrt(shape.outputs) * tree


def _of_trees(experiment: Experiment, shape: Shape) -> float:
    """Return the seconds of one boosted fit, the search for its rounds and the refit included."""
    kind, rounds = experiment.model.kind, experiment.rounds
    params = {**model_class(kind).defaults, **experiment.model.params}
    if isinstance(rounds, RoundsConfig):
        found = min(_SUM_OF_STEPS / params.get("learning_rate", 0.1), rounds.limit)
        refits = shape.rows < _ROWS_FOR_REFIT if rounds.refit is None else rounds.refit
        trees = min(found + rounds.patience, rounds.limit) + (found if refits else 0)
    else:
        trees = rounds
    of_kind = {"lightgbm": _lightgbm_tree, "xgboost": _xgboost_tree, "catboost": _catboost_tree}
    tree = of_kind.get(kind, _epoch)(params, shape)
    return float(trees * tree * shape.outputs)


def _lightgbm_tree(params: dict[str, float], shape: Shape) -> float:
    leaves, columns = params["num_leaves"], shape.columns * params["feature_fraction"]
    return 2e-4 + 1.5e-5 * leaves + 3e-7 * leaves * columns + 6e-9 * shape.rows * columns


def _xgboost_tree(params: dict[str, float], shape: Shape) -> float:
    leaves, columns = float(2 ** min(params["max_depth"], 9)), shape.columns * params["colsample_bytree"]
    return 3e-4 + 3e-7 * min(leaves, shape.rows / 5) * columns + 1e-8 * shape.rows * columns


def _catboost_tree(params: dict[str, float], shape: Shape) -> float:
    depth = params["depth"] / 6
    bins = 0.3 + 0.7 * params.get("border_count", 254) / 254
    encoded = sum(levels > params.get("one_hot_max_size", 2) for levels in shape.levels)
    of_category = 3e-7 if params["max_ctr_complexity"] > 1 else 1.5e-7
    return depth * (5e-4 + bins * 6e-9 * shape.rows * shape.columns + of_category * shape.rows * encoded)


def _epoch(params: dict[str, float], shape: Shape) -> float:
    """Return the seconds of a network's pass over the rows."""
    return 5e-5 * shape.rows / shape.outputs


def _of_estimator(experiment: Experiment, shape: Shape) -> float:
    """Return the seconds of one fit of a scikit-learn estimator, by the name of its class."""
    name = (experiment.model.estimator or "").rpartition(".")[2]
    rows, width, params = shape.rows, shape.width, experiment.model.params
    if "Forest" in name or "ExtraTrees" in name:
        share = params.get("max_features", 1.0 if shape.task == "regression" else 1 / math.sqrt(width))
        columns = width * share if isinstance(share, float) else math.sqrt(width)
        return 1.2e-8 * float(params.get("n_estimators", 100)) * rows * math.log2(rows + 2) * (columns + 3)
    if "SV" in name and "Linear" not in name:
        calibrated = 1 if shape.task == "regression" else 6
        return calibrated * 1e-9 * rows**2 * (width + 20) * max(shape.outputs - 1, 1)
    if "Neighbors" in name:
        return 1e-9 * rows * (rows / shape.folds + shape.test_rows) * (width + 10)
    if "MLP" in name:
        hidden = np.prod(params.get("hidden_layer_sizes", 100)) + 100 * width
        return float(5e-10 * params.get("max_iter", 200) * rows * hidden)
    return 2e-8 * rows * width * (10 + 5 * shape.outputs)


class Speed:
    """What was learned of the machine and the data: how measured times compare with guesses.

    What is learned of a family on one set of features says less of it on another: a set whose steps take long, or
    that makes many columns, is slow whatever the model.
    """

    def __init__(self) -> None:
        self._ratios: dict[tuple[str, str], float] = {}

    def observe(self, family: str, features: str, guessed: float, measured: float) -> None:
        """Learn from a member, or a part of one, that took ``measured`` core seconds."""
        self._ratios[family, features] = min(max(measured / max(guessed, 1e-3), _FEWEST), _MOST)

    def expect(self, family: str, features: str, guessed: float) -> float:
        """Return the core seconds to expect; of a family that was not seen yet, by what is known of the others."""
        if (family, features) in self._ratios:
            return guessed * self._ratios[family, features]
        own = [math.log(ratio) for (each, _), ratio in self._ratios.items() if each == family]
        if own:
            return guessed * math.exp(sum(own) / len(own))
        others = [math.log(ratio) for ratio in self._ratios.values()]
        return guessed * math.exp(sum(others) / (len(others) + 0.5))  # drawn towards the guess
