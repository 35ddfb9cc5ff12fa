"""The folder of kept features: all or nothing, bounded, and never in the way of a run."""

import os
import threading
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from kagflow.features.crossfit import Built
from kagflow.training import cache as module
from kagflow.training.cache import FrameCache

ASKED = {"train": np.arange(3), "apply": {"valid": np.arange(3, 5)}, "test": True, "only": ("a*",), "drop": ()}


def same_context() -> str:
    return "context"


@dataclass(frozen=True)
class Learned:
    words: pl.DataFrame


def built(rows: int = 3) -> Built:
    colour = pl.Series("colour", (["red", None, "blue"] * rows)[:rows], dtype=pl.Enum(["blue", "green", "red"]))
    frame = pl.DataFrame({"x": np.linspace(-0.0, 1, rows), "some": [True, None, False][:1] * rows, "colour": colour})
    y = pl.Series("y", (["no", "yes"] * rows)[:rows], dtype=pl.Enum(["no", "yes"]))
    return Built(frame, y, np.arange(rows), {"valid": frame[:2], "test": frame.clear()}, {"0_step": Learned(frame)})


@pytest.fixture(autouse=True)
def everything_is_worth_it(monkeypatch):
    monkeypatch.setattr(module, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(module, "_WORTH_SECONDS_A_BYTE", 0.0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "frames"


def never() -> Built:
    raise AssertionError("these features were there")


def assert_same(one: Built, other: Built) -> None:
    frames = [{"x": each.x, "y": each.y.to_frame(), **each.frames} for each in (one, other)]
    assert frames[0].keys() == frames[1].keys()
    for name, frame in frames[0].items():
        assert frame.schema == frames[1][name].schema  # with the vocabulary of categories
        assert frame.equals(frames[1][name])
    np.testing.assert_array_equal(one.rows, other.rows)
    assert list(one.learned) == list(other.learned)
    assert one.learned["0_step"].words.equals(other.learned["0_step"].words)


def keep(folder, made: Built, **asked) -> None:
    cache = FrameCache(folder, same_context)
    cache.get_or_build(ASKED | asked, lambda: made)


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_read_is_what_was_built(folder):
    keep(folder, built())
    assert_same(FrameCache(folder, same_context).get_or_build(ASKED, never), built())


@pytest.mark.parametrize(
    "other",
    [
        {"train": np.arange(4)},
        {"train": np.array([0, 2, 1])},
        {"apply": {"valid": np.arange(3, 6)}},
        {"apply": {"stop": np.arange(3, 5)}},
        {"test": False},
        {"only": ()},
        {"drop": ("a*",)},
        {"repeat": 1},
    ],
    ids=repr,
)
def test_whatever_else_is_asked_for_is_another_key(folder, other):
    cache = FrameCache(folder, same_context)
    assert cache.key(ASKED | other) != cache.key(ASKED)


def test_the_context_is_part_of_the_key(folder):
    assert FrameCache(folder, lambda: "one").key(ASKED) != FrameCache(folder, lambda: "other").key(ASKED)


@pytest.mark.parametrize("limit", ["_WORTH_SECONDS", "_WORTH_SECONDS_A_BYTE"])
def test_what_was_built_at_once_or_soon_for_its_size_is_not_kept(folder, monkeypatch, limit):
    monkeypatch.setattr(module, limit, 60.0)
    keep(folder, built())
    assert not folder.exists()


# --- nothing that is wrong with a file costs more than the file -------------------------------------------------------


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [_cut, _flip, lambda content: b"", lambda content: content + b"more"])
def test_a_damaged_file_is_built_again_with_one_note(folder, capsys, damage):
    for name in ("valid", "stop"):
        keep(folder, built(), apply={name: np.arange(3, 5)})
    for path in folder.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    cache = FrameCache(folder, same_context)
    for name in ("valid", "stop"):
        assert_same(cache.get_or_build(ASKED | {"apply": {name: np.arange(3, 5)}}, built), built())
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: features kept in ") and note.endswith("are built again: it is not what was written")
    assert_same(FrameCache(folder, same_context).get_or_build(ASKED, never), built())


def test_without_the_digest_a_flipped_bit_would_be_a_feature(folder, monkeypatch):
    """The control of the test above: the pickle itself does not notice."""
    keep(folder, built(1000))
    (path,) = folder.iterdir()
    path.write_bytes(_flip(path.read_bytes()))
    monkeypatch.setattr(module, "_digest_of_rest", lambda file: path.read_bytes()[:32])
    read = FrameCache(folder, same_context).get_or_build(ASKED, never)
    with pytest.raises(AssertionError):
        assert_same(read, built(1000))


def test_an_interrupted_write_leaves_nothing_that_is_read(folder, monkeypatch, capsys):
    def stop(made, file):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "_write", stop)
    cache = FrameCache(folder, same_context)
    for name in ("valid", "stop"):
        assert_same(cache.get_or_build(ASKED | {"apply": {name: np.arange(3, 5)}}, built), built())
    assert files(folder) == []
    assert capsys.readouterr().err == f"note: features are not kept in {folder}: No space left on device\n"


def test_what_a_crash_left_behind_is_not_read_and_goes_in_time(folder):
    keep(folder, built())
    partial = folder / f"{FrameCache(folder, same_context).key(ASKED)}.abc.partial"
    partial.write_bytes(b"half")
    keep(folder, built(), test=False)
    assert partial.exists()  # another process may still be writing it
    os.utime(partial, (0, 0))
    keep(folder, built(), repeat=1)
    assert not partial.exists()
    assert len(files(folder)) == 3


def test_a_folder_that_cannot_be_made_costs_nothing_but_the_cache(tmp_path, capsys):
    (tmp_path / "frames").write_text("a file")
    cache = FrameCache(tmp_path / "frames", same_context)
    cache.put("key", built())
    assert capsys.readouterr().err.count("note: ") == 1
    assert cache.get("key") is None


def test_what_cannot_be_pickled_costs_nothing_but_the_cache(folder, capsys):
    keep(folder, replace(built(), learned={"0_step": threading.Lock()}))
    assert "features are not kept" in capsys.readouterr().err
    assert files(folder) == []


def test_several_writers_of_one_key_agree(folder):
    caches = [FrameCache(folder, same_context) for _ in range(4)]
    for cache in caches:
        cache.put(cache.key(ASKED), built())
    assert len(files(folder)) == 1


# --- bounded ----------------------------------------------------------------------------------------------------------


def test_the_least_recently_used_goes_first(folder):
    size = _size_of_one(folder)
    cache = FrameCache(folder, same_context, limit_bytes=int(5.5 * size))
    for number in range(5):
        cache.put(f"{number}", built(1000))
        os.utime(folder / f"{number}.pkl", (number, number))
    assert cache.get("0") is not None  # used just now
    cache.put("5", built(1000))
    assert files(folder) == ["0.pkl", "2.pkl", "3.pkl", "4.pkl", "5.pkl"]


@pytest.mark.parametrize("share", [0.2, 0.9])  # the frames alone are too large; with what the steps learned
def test_what_would_push_out_the_others_is_not_kept(folder, share):
    size = _size_of_one(folder)
    cache = FrameCache(folder, same_context, limit_bytes=int(4 * share * size))
    cache.put("large", built(1000))
    assert files(folder) == []
    cache.put("small", built(10))
    assert files(folder) == ["small.pkl"]


def _size_of_one(folder) -> int:
    FrameCache(folder, same_context).put("one", built(1000))
    size = (folder / "one.pkl").stat().st_size
    (folder / "one.pkl").unlink()
    return size
