"""A toy project whose configs name planted estimators."""

import os
from pathlib import Path

import pytest

import kagflow


@pytest.fixture
def plant(project, monkeypatch, tmp_path):
    """Return a function that plants estimators as the user's configs, and one that counts their fits."""
    marks = tmp_path / "marks"
    marks.mkdir()
    here = [str(Path(__file__).parent), str(Path(kagflow.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*here, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PLANTED_MARKS", str(marks))

    def make(*names, **others):
        for name, estimator in {**dict(zip(names, names, strict=True)), **others}.items():
            text = f"model: {{kind: sklearn, estimator: planted.{estimator.capitalize()}}}\n"
            project.write(f"configs/toy/{name}.yaml", text)

    def fits(name):
        path = marks / f"{name.capitalize()}.txt"
        return [int(line) for line in path.read_text().split()] if path.is_file() else []

    make.fits = fits
    return make
