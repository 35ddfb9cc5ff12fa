"""``check`` tells what is noteworthy about files that could be read."""

import polars as pl
import pytest

from kagflow.audit.check import check_competition, check_files
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


def test_a_word_among_numbers_is_told(project):
    change(project, "test", pl.when(pl.col("id") == 65).then(pl.lit("N/A")).otherwise("x1").alias("x1"))
    (found,) = (each for each in findings(project) if each.code == "KF107")
    assert found.severity == "warning"
    assert "x1 is read as text: 0 values of train and 1 of test are no numbers, such as 'N/A'" in found.message


def test_numbers_here_and_words_there_are_two_columns_of_one_name(project):
    change(project, "test", pl.lit("abc").alias("x1"))
    (found,) = (each for each in findings(project) if each.code == "KF107")
    assert found.severity == "error"


def test_numbers_that_only_text_can_hold_stay_what_they_are(project):
    huge = (pl.lit("12345678901234567890123456789") + pl.col("id").cast(pl.String)).alias("x1")
    for name in ("train", "test"):
        change(project, name, huge)
    competition = load("toy", project.root)
    data = read_dataset(find_source(competition.name, competition.facts, competition.root), competition.facts)
    assert data.train.x["x1"].n_unique() == data.train.height


def test_folds_of_one_class_are_told(project):
    project.data("binary")
    project.facts(task="binary", metric="auc", splitter={"kind": "column"}, fold="f", ignore=["shop", "day", "w"])
    change(project, "train", pl.col("y").cast(pl.Int8).alias("f"))  # all that is True in one fold
    competition = load("toy", project.root)
    data = read_dataset(find_source(competition.name, competition.facts, competition.root), competition.facts)
    found = [each for each in check_competition(competition, data).findings if each.code == "KF144"]
    assert [each.severity for each in found] == ["error", "warning"]
    assert "the train rows of 2 of 2 folds hold one class only" in found[0].message


def test_ids_with_leading_zeros_are_the_same_ids(project):
    change(project, "sample_submission", pl.format("00{}", "id").alias("id"))
    assert findings(project) == []
