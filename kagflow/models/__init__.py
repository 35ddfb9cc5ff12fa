"""Models: one interface, and one file a library."""

from kagflow.models.base import Batch, FittedModel, Model, Problem, Resources
from kagflow.models.registry import make_model, model_class

__all__ = ["Batch", "FittedModel", "Model", "Problem", "Resources", "make_model", "model_class"]
