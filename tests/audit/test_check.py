"""``check`` tells what is noteworthy about files that could be read."""

import polars as pl
import pytest

from kagflow.audit.check import check_files
from kagflow.competition import load
from kagflow.data import find_source, read_dataset


def findings(project):
    competition = load("toy", project.root)
    source = find_source(competition.name, competition.facts, competition.root)
    return check_files(read_dataset(source, competition.facts))


def change(project, name, expression):
    path = project.raw / f"{name}.csv"
    pl.read_csv(path).with_columns(expression).write_csv(path)


def test_ordinary_files_have_no_findings(project):
    assert findings(project) == []


@pytest.mark.parametrize(
    ("file", "expression", "code", "severity"),
    [
        ("sample_submission", pl.col("id") + 1, "KF101", "error"),
        ("train", pl.lit(1.0).alias("x1"), "KF102", "note"),
        ("test", pl.lit("pink").alias("color"), "KF103", "note"),
        ("train", pl.when(pl.col("id") < 10).then("x1").alias("x1"), "KF104", "note"),
        ("train", pl.lit(1).alias("extra"), "KF105", "note"),
    ],
)
def test_each_finding_is_made(project, file, expression, code, severity):
    change(project, file, expression)
    (found,) = findings(project)
    assert (found.code, found.severity) == (code, severity)
    assert found.document()["columns"] == list(found.columns)


def test_ids_with_leading_zeros_are_the_same_ids(project):
    change(project, "sample_submission", pl.format("00{}", "id").alias("id"))
    assert findings(project) == []
