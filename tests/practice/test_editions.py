"""Every bundled practice edition is read as a competition's files are, keeps its truth to itself, and is small."""

from pathlib import Path

import polars as pl
import pytest

from kagflow.config import CompetitionFacts
from kagflow.data import Dataset, Source, find_source, read_dataset
from kagflow.data.source import BUNDLED

EDITIONS = {
    "bike_sharing_demand": CompetitionFacts(
        title="Bikes", slug="bike-sharing-demand", task="regression", metric="rmsle", id="datetime", target="count"
    ),
    "churn": CompetitionFacts(
        title="Churn", slug="churn-practice", task="binary", metric="auc", id="id", target="churn"
    ),
    "house_prices": CompetitionFacts(
        title="Houses",
        slug="house-prices",
        task="regression",
        metric="rmsle",
        id="Id",
        target="SalePrice",
        null_words=("", "NA"),
    ),
}
ROWS = {  # of train, of test, and features
    "bike_sharing_demand": (5422, 3223, 8),
    "churn": (4695, 2348, 19),
    "house_prices": (1465, 1465, 79),
}


def test_every_edition_is_tested_here() -> None:
    assert set(EDITIONS) == {folder.name for folder in BUNDLED.iterdir()}


@pytest.fixture(params=EDITIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """What someone without any data of their own gets."""
    monkeypatch.delenv("KAGFLOW_DATA", raising=False)
    return find_source(name, EDITIONS[name], tmp_path)


@pytest.fixture
def dataset(name: str, source: Source) -> Dataset:
    return read_dataset(source, EDITIONS[name])


def solution(name: str) -> pl.DataFrame:
    return pl.read_csv(BUNDLED / name / "solution.csv.gz")


def files_with_the_truth(name: str, folder: Path) -> list[str]:
    """Files in which the ids of test stand beside their true targets."""
    identity, target = EDITIONS[name].id, EDITIONS[name].target
    truth = solution(name).select(identity, truth=target)
    found = []
    for path in sorted(folder.glob("*.csv.gz")):
        frame = pl.read_csv(path, infer_schema_length=None)
        if target in frame.columns:
            known = frame.join(truth, on=identity)
            if known.filter(pl.col(target) == pl.col("truth")).height > known.height / 2:
                found.append(path.name)
    return found


def test_it_is_practice(source: Source) -> None:
    assert source.edition == "practice"


def test_its_rows_and_columns_are_those_of_data_md(name: str, dataset: Dataset) -> None:
    train, test, features = ROWS[name]
    identity = EDITIONS[name].id
    assert dataset.train.height == train
    assert dataset.test.height == test
    assert len([column for column in dataset.test.x.columns if column != identity]) == features
    assert f"| {train} " in (BUNDLED / name / "DATA.md").read_text(encoding="utf-8")


def test_no_truth_is_in_the_copied_folder(name: str, source: Source) -> None:
    assert {path.name for path in source.folder.iterdir()} == {
        "DATA.md",
        "sample_submission.csv.gz",
        "test.csv.gz",
        "train.csv.gz",
    }
    assert files_with_the_truth(name, source.folder) == []


def test_the_truth_would_be_found(name: str) -> None:
    assert files_with_the_truth(name, BUNDLED / name) == ["solution.csv.gz"]


def test_no_target_nor_part_of_it_is_in_test(name: str, source: Source) -> None:
    header = pl.read_csv(source.folder / "test.csv.gz", n_rows=1).columns
    assert not {EDITIONS[name].target, "casual", "registered"} & set(header)


def test_train_and_test_share_no_id(dataset: Dataset) -> None:
    assert not set(dataset.train.ids) & set(dataset.test.ids)


def test_sample_and_solution_cover_test_in_order(name: str, dataset: Dataset, source: Source) -> None:
    facts = EDITIONS[name]
    sample = pl.read_csv(source.folder / "sample_submission.csv.gz")
    assert sample.columns == [facts.id, facts.target]
    assert solution(name).columns == [facts.id, facts.target, "Usage"]
    ids = dataset.test.ids.to_list()
    assert sample[facts.id].to_list() == ids
    assert solution(name)[facts.id].to_list() == ids
    assert solution(name)[facts.target].null_count() == 0


def test_half_of_the_solution_is_public(name: str) -> None:
    counts = dict(solution(name)["Usage"].value_counts().rows())
    n = solution(name).height
    assert counts == {"Public": n // 2, "Private": n - n // 2}


def test_all_editions_together_are_small() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()) < 2_000_000
