"""Checks: what can be found wrong with data, splits and pipelines."""
