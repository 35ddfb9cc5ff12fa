"""``kagflow new`` on competitions of many shapes: what is guessed against the truth, then a score and a submission."""

import json

import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import Source, read_dataset
from kagflow.scaffold.files import find_files, unpacked
from tests.scaffold.shapes import TRUTHS, Columns, panel, patients, write_csv

FAST = ("--config", "lgbm", "--set", "rounds=5", "--set", "seeds=1", "--set", "threads=1")


@pytest.fixture
def make(project, monkeypatch):
    """Write the files of a shape, and make a competition of them."""

    def written(shape, *options, **form):
        folder = project.root / "files"
        folder.mkdir()
        shape(folder, **form)
        made = project.cli("new", "made", "--from", str(folder), *options, "--json")
        assert made.code == 0, made.err
        return json.loads(made.out)

    return written


def in_short(facts: Columns) -> Columns:
    return {**facts, "splitter": facts["splitter"]["kind"]}


@pytest.mark.parametrize("shape", TRUTHS, ids=lambda shape: shape.__name__)
def test_what_is_guessed_is_true_and_gives_a_score_and_a_submission(project, make, shape):
    guessed = in_short(make(shape)["facts"])
    assert {key: guessed.get(key) for key in TRUTHS[shape]} == TRUTHS[shape]

    said = project.cli("cv", "made", *FAST, "--json")
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["se"] > 0

    with unpacked(project.root / "files", project.root) as folder:
        sample = find_files(folder).sample
    (path,) = (project.root / "runs/made").glob("*/submission.csv")
    submission = pl.read_csv(path, infer_schema=False)
    assert submission.columns == sample.columns
    assert submission.to_series(0).equals(sample.to_series(0))
    for column in submission[:, 1:]:
        assert not column.null_count()
        assert is_alike(column, sample[column.name], values=guessed["task"] == "regression"), column

    checked = project.cli("check", "made", "--json")
    assert checked.code == 0, checked.out
    doubts = [found["message"] for found in json.loads(checked.out)["findings"] if found["severity"] != "note"]
    assert doubts == []


def is_alike(predictions: pl.Series, asked: pl.Series, *, values: bool) -> bool:
    """Say whether predictions are whole numbers, numbers or words, as those of the sample submission are."""
    if not values and asked.str.contains(r"^-?\d+$").all() and predictions.n_unique() < 20:
        return bool(predictions.str.contains(r"^-?\d+$").all())
    is_number = asked.cast(pl.Float64, strict=False).null_count() == 0
    return bool(predictions.cast(pl.Float64, strict=False).null_count() == 0) == is_number


def test_numbers_are_read_whatever_separates_them(project, make):
    """Semicolons between columns leave the comma to mark decimals."""

    def in_germany(folder):
        amounts = [f"{row},5" for row in range(40)]
        write_csv(folder / "train.csv", {"id": range(40), "x": amounts, "y": amounts}, separator=";")
        write_csv(folder / "test.csv", {"id": range(40, 60), "x": amounts[:20]}, separator=";")
        write_csv(folder / "sample_submission.csv", {"id": range(40, 60), "y": ["0,0"] * 20}, separator=";")

    make(in_germany)
    competition = load("made", project.root)
    data = read_dataset(Source("folder", project.root / "files"), competition.facts)
    assert data.train.x["x"].to_list() == [row + 0.5 for row in range(40)]
    assert competition.facts.task == "regression"


# --- time and groups --------------------------------------------------------------------------------------------------


def test_dates_in_another_form_are_the_time_too(project, make):
    """The days of a panel as Germans write them: the future is seen, and the file of features says how to read them."""

    def in_germany(folder):
        panel(folder)
        for name in ("train.csv", "test.csv"):
            table = pl.read_csv(folder / name, try_parse_dates=True)
            table.with_columns(pl.col("date").dt.strftime("%d.%m.%Y")).write_csv(folder / name)

    facts = make(in_germany)["facts"]
    assert facts["splitter"]["kind"] == "forward"
    assert "time" not in facts
    assert (
        'TIME = pl.col("date").str.to_datetime("%d.%m.%Y")'
        in (project.root / "competitions/made/features.py").read_text()
    )
    assert project.cli("cv", "made", *FAST).code == 0
    assert project.cli("check", "made").code == 0


def test_the_group_is_no_feature(project, make):
    make(patients)
    data = read_dataset(Source("folder", project.root / "files"), load("made", project.root).facts)
    assert "patient_id" in data.train.x.columns
    said = project.cli("cv", "made", *FAST, "--json")
    importance = pl.read_parquet(f"{json.loads(said.out)['run']}/importance.parquet")
    assert not [name for name in importance["feature"] if name.startswith("patient_id")]


@pytest.mark.parametrize("option", ["--time", "--group"])
def test_a_column_that_is_not_there_is_told_with_the_right_one(project, option):
    folder = project.root / "files"
    folder.mkdir()
    panel(folder)
    said = project.cli("new", "made", "--from", str(folder), option, "dates")
    assert said.code == 1
    assert "did you mean 'date'" in said.err
