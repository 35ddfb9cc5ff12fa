"""All files of a new competition: facts with their evidence, features by kind of column, configs, notes and a test."""

from dataclasses import dataclass, field

from kagflow.scaffold.competition_yaml import competition_yaml
from kagflow.scaffold.configs import configs
from kagflow.scaffold.draft import Draft
from kagflow.scaffold.features_py import features_py
from kagflow.scaffold.notes import notes


@dataclass(frozen=True)
class Documents:
    """Texts by file name: of the competition's folder, and of its configs'."""

    competition: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)


def write_out(draft: Draft) -> Documents:
    """Return the texts of all files of a new competition."""
    return Documents(
        {
            "competition.yaml": competition_yaml(draft),
            "features.py": features_py(draft),
            "NOTES.md": notes(draft),
            "test_features.py": _test_features(draft),
        },
        configs(draft),
    )


def _test_features(draft: Draft) -> str:
    return f'''from pathlib import Path

import pytest

import kagflow
from kagflow.features.steps import FeatureSet

COMPETITION = kagflow.load("{draft.name}", Path(__file__).parents[2])


@pytest.mark.parametrize("name", sorted(COMPETITION.feature_sets))
def test_every_set_of_features_can_be_made(name):
    assert isinstance(COMPETITION.feature_set(name), FeatureSet)


def test_the_facts_name_the_target_once():
    assert COMPETITION.facts.id not in COMPETITION.facts.targets
'''
