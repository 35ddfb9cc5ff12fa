"""Finding a model by its kind. A kind is a module of this room; adding one is a file and a word here."""

import importlib
from pathlib import Path

from kagflow.config import ModelConfig, RoundsConfig
from kagflow.errors import ModelError, did_you_mean
from kagflow.models.base import FittedModel, Model

KINDS = ("lightgbm", "xgboost", "catboost", "sklearn", "realmlp", "tabm")


def model_class(kind: str) -> type[Model]:
    """Return the model class of a kind; its library is imported here and not before.

    Raises
    ------
    ModelError
        There is no such kind.
    """
    if kind not in KINDS:
        raise ModelError(f"no model is called {kind!r}", hint=did_you_mean(kind, KINDS), where="model.kind")
    module = importlib.import_module(f"kagflow.models.{kind}")
    found: type[Model] = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Model) and value.__module__ == module.__name__
    )
    return found


def load_model(kind: str, path: Path) -> FittedModel:
    """Return the fitted model of a kind that was saved at a path without suffix."""
    model_class(kind)
    fitted: FittedModel = importlib.import_module(f"kagflow.models.{kind}").load(path)
    return fitted


def make_model(config: ModelConfig, rounds: int | RoundsConfig) -> Model:
    """Return the model that a config describes.

    Raises
    ------
    ModelError
        There is no such kind, or a parameter belongs to kagflow.
    """
    return model_class(config.kind)(config.params, rounds, config.estimator)
