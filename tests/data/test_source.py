"""Which files are used: the first source that applies, and the practice edition all or nothing."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kagflow.config import CompetitionFacts
from kagflow.data import Source, find_source
from kagflow.data.source import BUNDLED, raw_folder
from kagflow.errors import DataError

NAME = "house_prices"
FACTS = CompetitionFacts(
    title="House Prices", slug="house-prices", task="regression", metric="rmsle", id="Id", target="SalePrice"
)


@pytest.fixture(autouse=True)
def no_shared_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAGFLOW_DATA", raising=False)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of many competitions, with this one among them."""
    folder = tmp_path / "shared"
    (folder / FACTS.slug).mkdir(parents=True)
    monkeypatch.setenv("KAGFLOW_DATA", str(folder))
    return folder


def fetched(root: Path) -> Path:
    folder = raw_folder(NAME, "kaggle", root)
    folder.mkdir(parents=True)
    return folder


# --- precedence ------------------------------------------------------------------------------------------------------


def test_a_folder_given_by_hand_comes_first(tmp_path: Path, shared: Path) -> None:
    fetched(tmp_path)
    given = tmp_path / "given"
    given.mkdir()
    assert find_source(NAME, FACTS, tmp_path, given) == Source("folder", given)


def test_then_the_shared_folder(tmp_path: Path, shared: Path) -> None:
    fetched(tmp_path)
    assert find_source(NAME, FACTS, tmp_path) == Source("folder", shared / FACTS.slug)


def test_then_what_was_fetched(tmp_path: Path) -> None:
    assert find_source(NAME, FACTS, tmp_path) == Source("practice", raw_folder(NAME, "practice", tmp_path))
    folder = fetched(tmp_path)
    assert find_source(NAME, FACTS, tmp_path) == Source("kaggle", folder)


def test_a_shared_folder_without_the_competition_is_passed_over(tmp_path: Path, shared: Path) -> None:
    (shared / FACTS.slug).rmdir()
    folder = fetched(tmp_path)
    assert find_source(NAME, FACTS, tmp_path) == Source("kaggle", folder)


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_given_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--source: the folder .*none does not exist"):
        find_source(NAME, FACTS, tmp_path, tmp_path / "none")


def test_a_shared_folder_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGFLOW_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"KAGFLOW_DATA: the folder .*none does not exist"):
        find_source(NAME, FACTS, tmp_path)


def test_a_competition_without_data_says_where_to_put_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data for titanic") as caught:
        find_source("titanic", FACTS, tmp_path)
    assert "--source" in caught.value.hint
    assert "KAGFLOW_DATA" in caught.value.hint
    assert not (tmp_path / "data").exists()


# --- the practice edition --------------------------------------------------------------------------------------------


def unpacked(root: Path) -> set[str]:
    return {path.name for path in find_source(NAME, FACTS, root).folder.iterdir()}


def test_the_practice_edition_is_unpacked_without_its_truth(tmp_path: Path) -> None:
    bundled = {path.name for path in (BUNDLED / NAME).iterdir()}
    assert any(name.startswith("solution") for name in bundled)
    assert unpacked(tmp_path) == {name for name in bundled if not name.startswith("solution")}


def test_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    unpacked(tmp_path)
    assert [path.name for path in raw_folder(NAME, "practice", tmp_path).parent.iterdir()] == ["raw"]


def test_unpacked_files_are_not_touched_again(tmp_path: Path) -> None:
    train = find_source(NAME, FACTS, tmp_path).folder / "train.csv.gz"
    train.write_bytes(b"mine")
    find_source(NAME, FACTS, tmp_path)
    assert train.read_bytes() == b"mine"


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, left = shutil.copyfile, [2]

    def full_disk(source: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("no space left on device")
        return Path(copy(source, target))

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    with pytest.raises(OSError, match="no space left"):
        find_source(NAME, FACTS, tmp_path)
    assert list(raw_folder(NAME, "practice", tmp_path).parent.iterdir()) == []
    monkeypatch.undo()
    assert "train.csv.gz" in unpacked(tmp_path)


def test_several_may_unpack_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: unpacked(tmp_path), range(16)))
    assert all(names == found[0] for names in found)
    assert len(list(raw_folder(NAME, "practice", tmp_path).parent.iterdir())) == 1
