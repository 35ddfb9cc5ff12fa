"""Ensembles: blends of out-of-fold predictions, with scores that say how much of them was fitted."""

from kagflow.ensemble.bank import Bank
from kagflow.ensemble.crossfit import SIMPLICITY, Scored, choose, score, score_level
from kagflow.ensemble.make import Ensembled, make_ensemble
from kagflow.ensemble.methods import METHODS, FittedBlend, Method, find_method
from kagflow.ensemble.rows import Level, Rows

__all__ = [
    "METHODS",
    "SIMPLICITY",
    "Bank",
    "Ensembled",
    "FittedBlend",
    "Level",
    "Method",
    "Rows",
    "Scored",
    "choose",
    "find_method",
    "make_ensemble",
    "score",
    "score_level",
]
