"""Ensembles: blends of out-of-fold predictions, with scores that say how much of them was fitted."""

from kagflow.ensemble.bank import Bank
from kagflow.ensemble.choice import SIMPLICITY, choose
from kagflow.ensemble.crossfit import Scored, score, score_level
from kagflow.ensemble.imported import import_member
from kagflow.ensemble.make import Ensembled, make_ensemble
from kagflow.ensemble.methods import METHODS, FittedBlend, Method, find_method, suited
from kagflow.ensemble.rows import Level, Rows
from kagflow.ensemble.standing import Standings, is_quick, standings

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
    "Standings",
    "choose",
    "find_method",
    "import_member",
    "is_quick",
    "make_ensemble",
    "score",
    "score_level",
    "standings",
    "suited",
]
