"""What each run is made of, and to which layer of the ladder it belongs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from kagflow.autopilot.portfolio import family_of
from kagflow.config import Experiment, ModelConfig
from kagflow.ensemble.bank import ENSEMBLE, IMPORTED
from kagflow.ensemble.candidates import SINGLE
from kagflow.runs import Run
from kagflow.tuning.studied import study_of

Layer = Literal["baseline", "features", "second library", "third library", "tuning", "seeds", "blend", "stack"]
LAYERS: tuple[Layer, ...] = (
    "baseline",
    "features",
    "second library",
    "third library",
    "tuning",
    "seeds",
    "blend",
    "stack",
)
"""From the ground up."""

STACKS = ("ridge", "logistic", "lightgbm")
"""Methods of ensembles that are models of the members' predictions; the others average."""

_SIMPLEST = ("dummy", "linear", "lightgbm")
_FEATURES = "features.py"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where there is one


@dataclass(frozen=True)
class Recipe:
    """What a run is made of.

    Attributes
    ----------
    run
        The run.
    family
        The library, or the class of estimators; of an ensemble its method.
    features
        What decides on its columns: the set's name, patterns, and a hash of `features.py`.
    tuned
        Where its parameters came from that were chosen by looking; ``None`` where they were not.
    study
        Name of the study that found them.
    seeds
        How many.
    rest
        All other settings, without the seed: of two runs that share them only the noise differs.
    extras
        How many things it has that a first try has not.
    """

    run: Run
    family: str
    features: tuple[str, ...] = ()
    tuned: str | None = None
    study: str | None = None
    seeds: int = 1
    rest: str = ""
    extras: int = 0

    @property
    def plainness(self) -> tuple[int, int, str]:
        """What sorts runs from the plainest: few extras, a simple model, an early run."""
        place = next((k for k, name in enumerate(_SIMPLEST) if self.family.startswith(name)), len(_SIMPLEST))
        return self.extras, place, self.run.name

    @property
    def made_of(self) -> str:
        """Its model and features, in a few words."""
        chosen, only, drop, _ = self.features or ("", "", "", "")
        words = [f"features {chosen}"] if chosen not in ("", "default") else []
        words += [word for word, patterns in (("some columns only", only), ("columns dropped", drop)) if patterns]
        words += [f"{self.seeds} seeds"] if self.seeds > 1 else []
        words += [f"tuned: {self.tuned}"] if self.tuned else []
        return ", ".join([self.family.replace("_", " "), *words])


def recipe_of(run: Run) -> Recipe:
    """Return what a run is made of, from its own files."""
    if run.kind == ENSEMBLE:
        return Recipe(run, str(run.facts["method"]))
    settings = dict(_settings(run.path / "experiment.yaml"))
    if run.kind == IMPORTED or not settings:
        return Recipe(run, run.kind)
    model = settings.pop("model")
    features = (settings.pop("features"), *(",".join(settings.pop(name, ())) for name in ("only", "drop")))
    tuned, seeds = settings.pop("tuned", None), int(settings.pop("seeds", 1))
    settings.pop("seed", None)
    optional = ("extra", "postprocess", "class_weights", "refit")
    extras = [features[0] != "default", *features[1:], tuned, seeds > 1, *(settings.get(name) for name in optional)]
    family = family_of(Experiment(model=ModelConfig(kind=model["kind"], estimator=model.get("estimator"))))
    return Recipe(
        run=run,
        family=family,
        features=(*features, _hash(run.path / _FEATURES)),
        tuned=tuned,
        study=study_of(tuned),
        seeds=seeds,
        rest=yaml.safe_dump({**settings, "model": model, "space": None, "threads": None, "device": None}),
        extras=sum(map(bool, extras)),
    )


@cache  # a run's files never change
def _settings(path: Path) -> Mapping[str, Any]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return yaml.load(text, Loader=_LOADER) or {}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""


def plainest(recipes: Sequence[Recipe]) -> Recipe | None:
    """Return the recipe of the run that the others are held against; ``None`` without a run of one model."""
    single = [recipe for recipe in recipes if recipe.run.kind != ENSEMBLE]
    made_here = [recipe for recipe in single if recipe.run.kind != IMPORTED]
    return min(made_here or single, key=lambda recipe: recipe.plainness, default=None)


def layer_of(recipe: Recipe, baseline: Recipe) -> Layer | None:
    """Return the layer of a run, the highest that it has something of; another library is the second one.

    Parameters
    ----------
    recipe
        Of the run.
    baseline
        Of the plainest run.

    Returns
    -------
    str or None
        ``None`` of an ensemble that is one of its members.
    """
    if recipe.run.kind == ENSEMBLE:
        return layer_of_method(recipe.family)
    if recipe.seeds > baseline.seeds:
        return "seeds"
    if recipe.tuned:
        return "tuning"
    if recipe.family != baseline.family:
        return "second library"
    if recipe.features != baseline.features:
        return "features"
    return "baseline" if recipe.rest == baseline.rest else "tuning"  # by hand


def layer_of_method(method: str) -> Layer | None:
    """Return the layer of an ensemble by its method; ``None`` of the one that takes the best single member."""
    return None if method == SINGLE else "stack" if method in STACKS else "blend"
