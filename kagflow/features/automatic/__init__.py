"""Features that are made of any table's columns, and chosen inside the folds."""

from kagflow.features.automatic.proposer import AUTO, AutomaticFeatures, automatic

__all__ = ["AUTO", "AutomaticFeatures", "automatic"]
