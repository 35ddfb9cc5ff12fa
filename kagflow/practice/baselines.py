"""What a player measures up to: honest baselines, computed from train and test when a board is opened."""

from __future__ import annotations

from collections.abc import Iterator

from kagflow.competition import Competition
from kagflow.data import Dataset, Frame

SAMPLE = "baseline: sample submission"


def baselines(data: Dataset, competition: Competition) -> Iterator[tuple[str, str, Frame]]:
    """Yield name, description and submission (columns as text) of each baseline."""
    yield SAMPLE, "the sample submission as it is", data.sample
