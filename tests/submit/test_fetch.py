"""``kagflow fetch``: all or nothing, continued where it was cut, and compared with competition.yaml."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from kagflow.config import CompetitionFacts
from kagflow.data import find_source
from kagflow.errors import DataError
from kagflow.submit import Credentials, KaggleError
from kagflow.submit.fetch import fetch
from kagflow.submit.kaggle import Client
from kagflow.submit.note import Note, differences, verify
from kagflow.submit.unpack import unpack
from tests.conftest import FACTS
from tests.submit.conftest import HASTE, KEY, USER
from tests.submit.faulty_kaggle import Fault, FaultyKaggle, says, zipped

TOY = CompetitionFacts.model_validate(FACTS)
LARGE = bytes(range(256)) * 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "toy" / "kaggle"


def raw(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder / "raw").as_posix(): path.read_bytes() for path in (folder / "raw").rglob("*.*")}


# --- what is there afterwards ----------------------------------------------------------------------------------------


def test_the_files_and_what_kaggle_says_of_them(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    kaggle.files["more/deep.csv"] = b"a\n"
    note = fetch(client, TOY, folder)
    assert raw(folder) == kaggle.files
    assert sorted(path.name for path in folder.iterdir()) == ["fetch.lock", "kaggle.json", "raw"]
    assert json.loads((folder / "kaggle.json").read_text())["metric"] == "Root Mean Squared Error"
    assert note == Note.read(folder)
    assert (note.max_daily_submissions, note.deadline) == (5, "2099-01-01T00:00:00+00:00")
    assert note.files["train.csv"].sha256 == hashlib.sha256(kaggle.files["train.csv"]).hexdigest()
    assert find_source("toy", TOY, folder.parents[2]).edition == "kaggle"


def test_a_second_fetch_asks_nothing(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    note = fetch(client, TOY, folder)
    kaggle.asked.clear()
    assert fetch(client, TOY, folder) == note
    assert not kaggle.asked


def test_files_zipped_one_by_one_are_unpacked(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    several = zipped({"a.csv": b"1", "b.csv": b"2"})
    kaggle.archive = zipped({"train.csv.zip": zipped({"train.csv": LARGE}), "test.csv": b"id\n", "both.zip": several})
    fetch(client, TOY, folder)
    assert raw(folder) == {"train.csv": LARGE, "test.csv": b"id\n", "both.zip": several}


def test_what_a_macintosh_adds_is_left_out(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    kaggle.archive = zipped(kaggle.files | {"__MACOSX/._train.csv": b"?"})
    fetch(client, TOY, folder)
    assert raw(folder) == kaggle.files


def test_files_that_changed_since_are_noticed(client: Client, folder: Path) -> None:
    note = fetch(client, TOY, folder)
    verify(note, folder)
    (folder / "raw" / "train.csv").write_bytes(b"id,y\n1,3\n")  # of the same size
    with pytest.raises(DataError, match="not the file that was fetched"):
        verify(note, folder)


def test_files_of_another_origin_are_left_alone(client: Client, folder: Path) -> None:
    (folder / "raw").mkdir(parents=True)
    with pytest.raises(DataError, match="not put here by `kagflow fetch`"):
        fetch(client, TOY, folder)


# --- going on --------------------------------------------------------------------------------------------------------


def in_another_process(kaggle: FaultyKaggle) -> Client:
    return Client.connect(kaggle.url, Credentials.key(USER, KEY), HASTE)


def cut_always(kaggle: FaultyKaggle, folder: Path, at: int = 300_000) -> None:
    """Leave a download that broke off as often as was tried."""
    kaggle.archive = zipped({"train.csv": b"", "test.csv": b"", "noise.bin": hashlib.shake_256(b"").digest(1_000_000)})
    kaggle.always["GET"] = Fault(cut_at=at)
    with pytest.raises(KaggleError, match=r"cut after [\d,]+ bytes; what came is kept"):
        fetch(in_another_process(kaggle), TOY, folder)
    kaggle.always.clear()
    kaggle.headers.clear()
    assert not (folder / "raw").exists()
    kaggle.files = {"train.csv": b"", "test.csv": b""}


def test_a_cut_download_goes_on_where_it_was(kaggle: FaultyKaggle, folder: Path) -> None:
    cut_always(kaggle, folder)
    came = (folder / "toy.partial").stat().st_size
    assert came > 300_000, "each try went on where the one before was cut"
    fetch(in_another_process(kaggle), TOY, folder)
    assert kaggle.headers["GET"][-1]["Range"] == f"bytes={came}-"
    assert len(raw(folder)["noise.bin"]) == 1_000_000


def test_stopped_while_unpacking_it_need_not_come_again(
    client: Client, kaggle: FaultyKaggle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(archive: Path, target: Path) -> None:
        unpack(archive, target)
        (target / "train.csv").write_bytes(b"a half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("kagflow.submit.fetch.unpack", stop)
        fetch(client, TOY, folder)
    assert not (folder / "raw").exists()
    fetch(client, TOY, folder)
    assert raw(folder) == kaggle.files
    assert kaggle.asked["GET"] == 1


def test_another_version_is_begun_anew(kaggle: FaultyKaggle, folder: Path) -> None:
    """Negative control: without the check, the two versions would be glued together."""
    cut_always(kaggle, folder)
    kaggle.etag = '"v2"'
    kaggle.archive = zipped({"train.csv": b"", "test.csv": b"", "noise.bin": hashlib.shake_256(b"2").digest(1_000_000)})
    fetch(in_another_process(kaggle), TOY, folder)
    assert all("Range" not in headers for headers in kaggle.headers["GET"])
    assert raw(folder)["noise.bin"] == hashlib.shake_256(b"2").digest(1_000_000)


def test_the_bytes_that_came_are_told(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch(client, TOY, folder, lambda came, total: told.append((came, total)))
    size = len(zipped(kaggle.files))
    assert told[-1] == (size, size)


def test_a_busy_store_is_asked_again(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    kaggle.faults["DownloadDataFiles"] = [says(503), says(429, Retry_After="0")]
    fetch(client, TOY, folder)
    assert raw(folder) == kaggle.files


# --- archives that must not be unpacked ------------------------------------------------------------------------------


def refused(client: Client, kaggle: FaultyKaggle, folder: Path, archive: bytes) -> str:
    kaggle.archive = archive
    with pytest.raises(KaggleError) as caught:
        fetch(client, TOY, folder)
    assert not (folder / "raw").exists()
    assert not (folder / "toy.zip").exists(), "the next call would trip over it"
    kaggle.archive = None
    fetch(client, TOY, folder)  # and now all is well
    assert raw(folder) == kaggle.files
    return caught.value.pain


@pytest.mark.parametrize("name", ["../../evil.csv", "/tmp/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:evil.csv"])
def test_no_file_lands_outside_the_folder(client: Client, kaggle: FaultyKaggle, folder: Path, name: str) -> None:
    assert refused(client, kaggle, folder, zipped({"train.csv": b"", name: b"evil"})) == "unsafe-zip"
    assert not list(folder.parents[2].rglob("evil*"))


def test_nor_through_a_link(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("train.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(client, kaggle, folder, stream.getvalue()) == "unsafe-zip"


def damaged() -> bytes:
    """Return a zip file with one flipped bit of content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("train.csv", LARGE)
    content = bytearray(stream.getvalue())
    content[5000] ^= 1
    return bytes(content)


@pytest.mark.parametrize("archive", [b"<html>sign in</html>", zipped({"train.csv": LARGE})[:-40], damaged()])
def test_broken_archives_are_thrown_away(client: Client, kaggle: FaultyKaggle, folder: Path, archive: bytes) -> None:
    assert refused(client, kaggle, folder, archive) == "bad-zip"


def test_a_broken_inner_archive_too(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    inner = bytearray(zipped({"train.csv": LARGE}))
    inner[60] ^= 255
    assert refused(client, kaggle, folder, zipped({"train.csv.zip": bytes(inner)})) == "bad-zip"


def test_an_archive_without_a_listed_file(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    assert refused(client, kaggle, folder, zipped({"train.csv": b""})) == "files-missing"


# --- compared with competition.yaml ----------------------------------------------------------------------------------


def said(client: Client, kaggle: FaultyKaggle, folder: Path, **details: object) -> list[str]:
    kaggle.files["sample_submission.csv"] = b"id,y\n"
    kaggle.details |= details
    return differences(fetch(client, TOY, folder), TOY)


def test_nothing_is_said_where_all_agrees(client: Client, kaggle: FaultyKaggle, folder: Path) -> None:
    assert said(client, kaggle, folder) == []


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"evaluationMetric": "Mean Absolute Error"}, "'Mean Absolute Error' (mae), competition.yaml by rmse"),
        ({"evaluationMetric": "Bananas"}, "see on Kaggle whether that is the same"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "the deadline was 2020-01-01"),
        ({"ref": "https://www.kaggle.com/competitions/toys"}, "calls the competition 'toys'"),
        ({"isKernelsSubmissionsOnly": True}, "from notebooks only"),
    ],
)
def test_what_differs_is_said(
    client: Client, kaggle: FaultyKaggle, folder: Path, details: dict[str, object], words: str
) -> None:
    [line] = said(client, kaggle, folder, **details)
    assert words in line


def test_a_file_that_competition_yaml_names_and_kaggle_lacks(
    client: Client, kaggle: FaultyKaggle, folder: Path
) -> None:
    [line] = differences(fetch(client, TOY, folder), TOY)
    assert "'sample_submission.csv' under `sample_file`; Kaggle's files are test.csv, train.csv" in line
