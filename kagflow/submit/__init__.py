"""Kaggle: its files, its submissions, and what its client leaves unsaid.

``kagflow.submit.kaggle`` holds the client. It is imported where something is asked of Kaggle, never to find out whether
there is anybody to ask as: that is `find_credentials`, which reads files and the environment and nothing else.
"""

from kagflow.submit.credentials import (
    Credentials,
    broken_credentials,
    find_credentials,
    leads_elsewhere,
    practice_credentials,
)
from kagflow.submit.errors import FateUnknown, KaggleError, NotSent
from kagflow.submit.records import CompetitionInfo, DailyLimits, Place, RemoteFile, Sent

__all__ = [
    "CompetitionInfo",
    "Credentials",
    "DailyLimits",
    "FateUnknown",
    "KaggleError",
    "NotSent",
    "Place",
    "RemoteFile",
    "Sent",
    "broken_credentials",
    "find_credentials",
    "leads_elsewhere",
    "practice_credentials",
]
