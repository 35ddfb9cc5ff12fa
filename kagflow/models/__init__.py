"""Models: one interface, and one file a library."""

from kagflow.models.base import Batch, FittedModel, Model, Problem, Resources
from kagflow.models.device import resolve_device
from kagflow.models.registry import load_model, make_model, model_class
from kagflow.models.searched import configured_space

__all__ = [
    "Batch",
    "FittedModel",
    "Model",
    "Problem",
    "Resources",
    "configured_space",
    "load_model",
    "make_model",
    "model_class",
    "resolve_device",
]
