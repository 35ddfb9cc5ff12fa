"""Models: one interface, and one file a library."""

from kagflow.models.base import Batch, FittedModel, Model, Problem, Resources
from kagflow.models.registry import load_model, make_model, model_class

__all__ = ["Batch", "FittedModel", "Model", "Problem", "Resources", "load_model", "make_model", "model_class"]
