"""A project to try things in: a copy, which leaves what it was copied from alone, and goes when the program ends."""

import subprocess
import sys
from pathlib import Path

import pytest

import kagflow
from kagflow.errors import ConfigError
from kagflow.practice import scratch_project


def test_what_is_run_in_the_copy_leaves_the_project_as_it_was(project):
    project.write("configs/toy/few.yaml", "rounds: 3\n")
    before = sorted(project.root.rglob("*"))
    scratch = scratch_project("toy", root=project.root)
    run = kagflow.cross_validate(kagflow.load("toy", scratch), config="few", source=project.raw)
    assert run.path.is_relative_to(scratch)
    assert sorted(project.root.rglob("*")) == before


def test_only_what_was_named_is_copied(project):
    project.write(
        "competitions/other/competition.yaml", (project.root / "competitions/toy/competition.yaml").read_text()
    )
    assert [path.name for path in (scratch_project("toy", root=project.root) / "competitions").iterdir()] == ["toy"]
    with pytest.raises(ConfigError, match="no competition 'tyo'"):
        scratch_project("toy", "tyo", root=project.root)


def test_it_goes_when_the_program_ends(project):
    code = "from kagflow.practice import scratch_project; made = scratch_project('toy'); print(made.is_dir(), made)"
    said = subprocess.run([sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, check=True)
    was_there, path = said.stdout.split()
    assert was_there == "True"
    assert not Path(path).exists()
