"""A bank of quick runs."""

from pathlib import Path

import polars as pl
import pytest

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
FEW = ("rounds=20", "model.params.min_data_in_leaf=3")


@pytest.fixture
def banked(project):
    """Three members of the toy: ridge, ridge without its best column, and a few trees."""
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x1]")
    project.cv(*FEW)
    return project


@pytest.fixture
def write_files(tmp_path):
    """Write OOF and test predictions as somebody else would."""

    def write(oof: pl.DataFrame, test: pl.DataFrame, name: str = "theirs") -> tuple[Path, Path]:
        paths = tmp_path / f"{name}_oof.csv", tmp_path / f"{name}_test.csv"
        oof.write_csv(paths[0])
        test.write_csv(paths[1])
        return paths

    return write
