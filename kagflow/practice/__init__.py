"""Practice without Kaggle: a local leaderboard and the competitions bundled for it."""

from kagflow.practice.arena import Practice
from kagflow.practice.board import Board, Refusal
from kagflow.practice.connect import connected, practice_ground
from kagflow.practice.records import Entry, Limits, Submission
from kagflow.practice.scratch import scratch_project
from kagflow.practice.server import serving

__all__ = [
    "Board",
    "Entry",
    "Limits",
    "Practice",
    "Refusal",
    "Submission",
    "connected",
    "practice_ground",
    "scratch_project",
    "serving",
]
