"""What is guessed of Kaggle's own files, against the folders that were written by hand; needs ``KAGFLOW_DATA``."""

import os
from pathlib import Path

import pytest

from kagflow.config import read_facts
from kagflow.scaffold import Given
from kagflow.scaffold.files import find_files
from kagflow.scaffold.new import draft_of

DATA = os.environ.get("KAGFLOW_DATA", "")
BY_HAND = {
    path.parent.name: read_facts(path) for path in Path(__file__).parents[2].glob("competitions/*/competition.yaml")
}
THERE = [name for name, facts in BY_HAND.items() if DATA and (Path(DATA) / facts.slug).is_dir()]


@pytest.mark.skipif(not THERE, reason="KAGFLOW_DATA names no folder with Kaggle's files")
@pytest.mark.parametrize("name", THERE)
def test_the_guess_is_what_was_written_by_hand(name):
    truth = BY_HAND[name]
    facts = draft_of(name, truth.slug, find_files(Path(DATA) / truth.slug), Given()).facts()
    assert (facts["task"], facts["id"], facts["target"]) == (truth.task, truth.id, truth.target)
    assert facts["splitter"]["kind"] == truth.splitter.kind
    assert facts.get("group") == truth.group
    assert facts.get("positive", truth.positive) == truth.positive
