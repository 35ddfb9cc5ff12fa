"""The commands that make the runs of layers that have none."""

import json
import shlex
from collections.abc import Sequence

from kagflow.autopilot.pilot import FOLDER as AUTOPILOT
from kagflow.competition import Competition
from kagflow.ensemble.bank import ENSEMBLE
from kagflow.report.layers.recipe import STACKS, Layer, Recipe, layer_of_method
from kagflow.runs import Run
from kagflow.stats import with_noise

_LIBRARIES = ("lightgbm", "xgboost", "catboost")
_SEEDS = 5


def how_to_make(layer: Layer, competition: Competition, known: Sequence[Recipe], standing: Run | None) -> str:
    """Return the command, or what is to be done first.

    Parameters
    ----------
    layer
        That has no run.
    competition
        Whose runs.
    known
        Recipes of the runs that there are.
    standing
        What the layer's run would be held against; ``None`` without any run.
    """
    name = competition.name
    single = [recipe for recipe in known if recipe.run.kind != ENSEMBLE]
    if standing is None or layer == "baseline":
        return f"kagflow cv {name}"
    if layer == "features":
        return _features(competition, single)
    if layer in ("second library", "third library"):
        return f"kagflow cv {name} --set model.kind={_library(single)}"
    if layer == "tuning":
        return f"kagflow tune {name}{_config(competition, _model_below(standing, single))}"
    if layer == "seeds":
        return f"kagflow cv {name}{_config(competition, _model_below(standing, single))} --set seeds={_SEEDS}"
    if len(single) < 2:
        return "two runs to blend come first"
    if layer == "blend":
        return f"kagflow ensemble {name} --method climb"
    values = competition.facts.task == "regression"
    return f"kagflow ensemble {name} --method {STACKS[0] if values else STACKS[1]}"


def tried_beside(layer: Layer, known: Sequence[Recipe]) -> str:
    """Return how a layer without a run did as a candidate of an ensemble that chose another; empty where it was none.

    Parameters
    ----------
    layer
        ``blend`` or ``stack``; of others nothing is said.
    known
        Recipes of the runs, oldest first.
    """
    if layer not in ("blend", "stack"):
        return ""
    for recipe in reversed(known):
        path = recipe.run.path / "ensemble.json"
        candidates = json.loads(path.read_text(encoding="utf-8"))["candidates"] if path.is_file() else []
        found = [each for each in candidates if layer_of_method(each["method"]) == layer]
        if found:
            sign = 1 if recipe.run.scores["direction"] == "minimize" else -1
            best = min(found, key=lambda each: sign * each["cv_crossfitted"])
            score = with_noise(best["cv_crossfitted"], best["se"])
            return f"{best['method']} was tried beside {recipe.family} and not chosen: {score}"
    return ""


def _features(competition: Competition, known: Sequence[Recipe]) -> str:
    tried = {recipe.features[0] for recipe in known if recipe.features}
    others = [name for name in competition.feature_sets if name not in tried]
    if others:
        return f"kagflow cv {competition.name} --set features={others[0]}"
    return f"change competitions/{competition.name}/features.py, then kagflow cv {competition.name}"


def _library(known: Sequence[Recipe]) -> str:
    tried = {recipe.family for recipe in known}
    return next((name for name in _LIBRARIES if name not in tried), _LIBRARIES[-1])


def _model_below(standing: Run, known: Sequence[Recipe]) -> Run:
    """Return the run itself, or of an ensemble the best of what it could be made of."""
    if standing.kind != ENSEMBLE:
        return standing
    sign = 1 if standing.scores["direction"] == "minimize" else -1
    return min((recipe.run for recipe in known), key=lambda run: (sign * run.scores["cv"], run.name), default=standing)


def _config(competition: Competition, run: Run) -> str:
    """Return the option that names a run's config: the user's, that of `kagflow run`, or else the run's own copy."""
    config = str(run.facts["config"])
    if config == "default":
        return ""
    if (competition.root / "configs" / competition.name / f"{config}.yaml").is_file():
        return f" --config {shlex.quote(config)}"
    files = (competition.runs_folder / AUTOPILOT / f"{config}.yaml", run.path / "experiment.yaml")
    path = next(path for path in files if path.is_file() or path is files[-1])
    shown = path.relative_to(competition.root) if path.is_relative_to(competition.root) else path
    return f" --config {shlex.quote(str(shown))}"
