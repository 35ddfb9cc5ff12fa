"""Groups and time may be made of columns; whatever makes them looks at one row at a time."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from kagflow.config import CompetitionFacts
from kagflow.data import Additions, Dataset, Source, read_dataset
from kagflow.errors import DataError

TRAIN = (
    "id,cabin,at,y\n0001_01,a,2013-01-01 00:00:00,1\n0001_02,,2013-01-01 06:00:00,2\n0002_01,b,2013-01-02 00:00:00,3\n"
)
TEST = "id,cabin,at\n0003_01,c,2013-02-01 00:00:00\n0002_02,d,2013-02-02 01:00:00\n"
FACTS = CompetitionFacts(title="T", slug="t", task="regression", metric="rmse", id="id", target="y", ignore=("cabin",))
FAMILY = pl.col("id").str.split("_").list.first()


def read(folder: Path, *, group: pl.Expr | None = None, time: pl.Expr | None = None) -> Dataset:
    for name, text in (("train", TRAIN), ("test", TEST), ("sample_submission", "id,y\n0003_01,0\n0002_02,0\n")):
        (folder / f"{name}.csv").write_text(text)
    return read_dataset(Source("folder", folder), FACTS, Additions(group=group, time=time, where="comp/features.py"))


def refusal(folder: Path, **expressions: pl.Expr) -> DataError:
    with pytest.raises(DataError) as caught:
        read(folder, **expressions)
    return caught.value


def values(column: pl.Series | None) -> list[object]:
    assert column is not None
    return column.to_list()


def test_they_fill_the_tables_as_columns_do(tmp_path: Path) -> None:
    data = read(tmp_path, group=FAMILY, time=pl.col("at").dt.date())
    assert values(data.train.groups) == ["0001", "0001", "0002"]
    assert values(data.test.groups) == ["0003", "0002"]
    assert values(data.train.time) == [date(2013, 1, 1), date(2013, 1, 1), date(2013, 1, 2)]
    assert values(data.test.time) == [date(2013, 2, 1), date(2013, 2, 2)]
    assert data.train.x.columns == ["id", "at"]


def test_they_may_use_columns_that_are_no_features(tmp_path: Path) -> None:
    assert values(read(tmp_path, group=pl.col("cabin").fill_null("none")).train.groups) == ["a", "none", "b"]


def test_they_cannot_use_the_target(tmp_path: Path) -> None:
    error = refusal(tmp_path, group=pl.col("y"))
    assert error.problem == "there is no column 'y' in both train and test"
    assert error.where == "comp/features.py, GROUP"


def test_a_wrong_column_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, group=pl.col("cabine")).hint == "did you mean 'cabin'?"


def test_nulls_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, group=pl.col("cabin"))
    assert error.problem == "1 of 3 rows are null"
    assert refusal(tmp_path, time=pl.col("id").str.len_chars() * float("nan")).where == "comp/features.py, TIME"


@pytest.mark.parametrize("column", ["id", "cabin"])
def test_time_has_an_order(tmp_path: Path, column: str) -> None:
    assert "must be numbers or dates" in refusal(tmp_path, time=pl.col(column).fill_null("")).problem


def test_what_raises_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, group=pl.col("at").str.split("_"))
    assert error.problem.startswith("raised ")
    assert error.where == "comp/features.py, GROUP"


def test_one_plain_value_a_row(tmp_path: Path) -> None:
    assert ".list.first()" in refusal(tmp_path, group=pl.col("id").str.split("_")).hint
    assert refusal(tmp_path, group=pl.col("id", "at")).problem == "makes 2 columns"


@pytest.mark.parametrize(
    "expression",
    [
        pl.col("at").rank("dense"),
        pl.col("at") - pl.col("at").min(),
        pl.col("id").cum_count(),
        pl.col("at").shift(1).fill_null(pl.col("at")),
        pl.len(),
        pl.lit(1),
    ],
    ids=["rank", "minimum", "position", "shift", "length", "constant"],
)
def test_what_looks_at_other_rows_is_refused(tmp_path: Path, expression: pl.Expr) -> None:
    assert refusal(tmp_path, time=expression).problem.startswith("is not row-wise")
