"""The bundled bike sharing files look like Kaggle's, fit together, and can be rebuilt from their source."""

import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest

from kagflow.errors import DataError
from kagflow.practice import build_bike_sharing_demand as edition
from tests.practice.rebuilding import assert_same_rows

FILES = ("train", "test", "sample_submission", "solution")
HEADER = "datetime,season,holiday,workingday,weather,temp,atemp,humidity,windspeed,casual,registered,count".split(",")

# Two made-up hours as the source writes them: 25 January 1 p.m., and 1 February at midnight.
SOURCE = """season,mnth,day,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed,casual,registered,bikers
1,Jan,25,13,0,2,1,light rain/snow,0.3,0.2879,0.57,0.4478,2,5,7
1,Feb,32,0,0,2,1,clear,0.02,0.0152,0.07,0,0,3,3
"""


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(edition.EDITION / f"{name}.csv.gz", infer_schema_length=None)


@pytest.fixture(scope="module")
def hours() -> pl.DataFrame:
    moment = pl.col("datetime").str.to_datetime("%Y-%m-%d %H:%M:%S")
    return pl.concat([read("train"), read("test")], how="diagonal").with_columns(moment)


@pytest.fixture
def made_up() -> pl.DataFrame:
    return edition.to_kaggle_layout(pl.read_csv(SOURCE.encode()))


# --- layout ----------------------------------------------------------------------------------------------------------


def test_columns_are_kaggles() -> None:
    assert read("train").columns == HEADER
    assert read("test").columns == HEADER[:-3]
    assert read("sample_submission").columns == ["datetime", "count"]


def test_numbers_are_written_as_on_kaggle() -> None:
    lines = gzip.decompress((edition.EDITION / "test.csv.gz").read_bytes()).decode().splitlines()
    assert lines[1].startswith("2011-01-20 00:00:00,1,0,1,1,")
    schema = read("train").schema
    assert {name for name, dtype in schema.items() if dtype == pl.Float64} == {"temp", "atemp", "windspeed"}


def test_days_1_to_19_are_train_and_the_others_test() -> None:
    days = {name: read(name)["datetime"].str.slice(8, 2).cast(pl.Int64) for name in ("train", "test")}
    assert (days["train"].min(), days["train"].max()) == (1, 19)
    assert (days["test"].min(), days["test"].max()) == (20, 31)


def test_hours_are_in_order_unique_and_of_2011(hours: pl.DataFrame) -> None:
    for name in ("train", "test"):
        assert read(name)["datetime"].is_sorted()
    assert hours["datetime"].is_unique().all()
    assert set(hours["datetime"].dt.year()) == {2011}


def test_working_days_are_neither_weekends_nor_holidays(hours: pl.DataFrame) -> None:
    weekend = hours["datetime"].dt.weekday() >= 6
    assert (hours["workingday"].cast(bool) == ~(weekend | hours["holiday"].cast(bool))).all()


def test_parts_add_up_to_the_count() -> None:
    train = read("train")
    assert (train["casual"] + train["registered"] == train["count"]).all()
    assert train["count"].min() > 0


def test_the_sample_submission_says_zero() -> None:
    assert set(read("sample_submission")["count"]) == {0}


# --- from the source's units to Kaggle's -----------------------------------------------------------------------------


def test_shares_become_units(made_up: pl.DataFrame) -> None:
    first = made_up.row(0, named=True)
    assert (first["temp"], first["atemp"], first["humidity"], first["windspeed"]) == (12.3, 14.395, 57, 30.0026)


def test_a_day_of_the_year_and_an_hour_become_a_moment(made_up: pl.DataFrame) -> None:
    assert made_up["datetime"].to_list() == ["2011-01-25 13:00:00", "2011-02-01 00:00:00"]


def test_weather_becomes_a_number(made_up: pl.DataFrame) -> None:
    assert made_up["weather"].to_list() == [3, 1]


def test_weather_of_a_new_name_is_refused() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        edition.to_kaggle_layout(pl.read_csv(SOURCE.replace("clear", "hail").encode()))


def test_the_day_of_the_month_decides_between_train_and_test(made_up: pl.DataFrame) -> None:
    files = edition.split(made_up)
    assert files["train"]["datetime"].to_list() == ["2011-02-01 00:00:00"]
    assert files["solution"].select("datetime", "count").rows() == [("2011-01-25 13:00:00", 7)]


# --- rebuilding ------------------------------------------------------------------------------------------------------


def wheel_with(folder: Path, member: str, content: str) -> Path:
    path = folder / "islp-0.6.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def test_other_data_in_the_wheel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected ac6950ae"):
        edition.read_source(wheel_with(tmp_path, edition.MEMBER, SOURCE))


@pytest.mark.parametrize("kind", ["missing", "no archive", "another wheel"])
def test_what_is_no_wheel_of_islp_is_said_clearly(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.whl"
    if kind == "no archive":
        path.write_text("text")
    if kind == "another wheel":
        path = wheel_with(tmp_path, "other/data.csv", SOURCE)
    with pytest.raises(SystemExit) as stopped:
        edition.main([str(path)])
    assert stopped.value.code == 1
    assert "pip download ISLP" in capsys.readouterr().err


def test_the_same_wheel_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "SHA256", hashlib.sha256(SOURCE.encode()).hexdigest())
    wheel = wheel_with(tmp_path, edition.MEMBER, SOURCE)
    first, second = (edition.build(wheel, tmp_path / folder) for folder in ("first", "second"))
    assert [path.name for path in first] == [f"{name}.csv.gz" for name in FILES]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.skipif("ISLP_WHEEL" not in os.environ, reason="ISLP_WHEEL does not name the wheel of ISLP 0.6.0")
def test_rebuilding_gives_the_same_rows(tmp_path: Path) -> None:
    edition.build(Path(os.environ["ISLP_WHEEL"]), tmp_path)
    for name in FILES:
        assert_same_rows(tmp_path, edition.EDITION, name)
