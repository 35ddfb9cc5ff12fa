"""Folds are made once, from ids, and then only read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagflow.data import Table
from kagflow.errors import SplitError
from kagflow.splits import Folds, Splitter, frozen_folds, make_splitter
from kagflow.splits.frozen import split_by_id
from kagflow.splits.group import Group
from kagflow.splits.kfold import KFold
from tests.splits.tables import permuted, table

KINDS = ("kfold", "stratified", "group", "stratified_group", "forward", "blocks", "group_forward")
SETTINGS = {"blocks": {"folds": 3, "unit": 2, "embargo": 1}, "group_forward": {"folds": 3, "gap": 1, "window": 2}}


def full_table() -> Table:
    return table(classes=[0, 1] * 20, groups=[row % 8 for row in range(40)], time=[row // 3 for row in range(40)])


def cells_by_id(folds: Folds) -> dict[int, int]:
    return dict(zip(folds.ids, folds.cells[0].tolist(), strict=True))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- from ids --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(order=st.permutations(range(40)))
def test_folds_do_not_depend_on_the_order_of_the_file(kind: str, order: list[int]) -> None:
    splitter, data = make_splitter(kind, SETTINGS.get(kind, {"folds": 3})), full_table()
    there, here = split_by_id(splitter, data), split_by_id(splitter, permuted(data, order))
    assert cells_by_id(there) == cells_by_id(here)
    for ours, theirs in zip(there, here, strict=True):
        for part in ("train", "valid"):
            first, second = getattr(ours, part), getattr(theirs, part)
            assert set(there.ids[first]) == set(here.ids[second])
            assert (np.diff(second) > 0).all()


def test_without_ids_they_would_depend_on_it() -> None:
    """The control: a splitter itself knows positions only."""
    data = full_table()
    backwards = permuted(data, list(range(40))[::-1])
    assert cells_by_id(KFold().split(data)) != cells_by_id(KFold().split(backwards))


def test_a_splitter_sees_no_features(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    split = KFold.split

    def curious(self: KFold, table: Table) -> Folds:
        seen.append(table.x.columns)
        return split(self, table)

    monkeypatch.setattr(KFold, "split", curious)
    data = full_table()
    split_by_id(KFold(), replace(data, x=data.x.with_columns(secret=1)))
    assert seen == [["id"]]


# --- on disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_folds_are_written_once_and_read_back(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    splitter, data = make_splitter(kind, SETTINGS.get(kind, {"folds": 3})), full_table()
    made = frozen_folds(splitter, data, "data", tmp_path)
    (file,) = files(tmp_path)
    written = (tmp_path / file).stat().st_mtime_ns
    monkeypatch.setattr(type(splitter), "split", None)  # whoever splits again fails
    read = frozen_folds(splitter, data, "data", tmp_path)
    assert read.fingerprint == made.fingerprint
    assert (read.forward, read.cells.tolist()) == (made.forward, made.cells.tolist())
    assert [fold.train.tolist() for fold in read] == [fold.train.tolist() for fold in made]
    assert (files(tmp_path), (tmp_path / file).stat().st_mtime_ns) == ([file], written)


def changed(data: Table, role: str) -> Table:
    return replace(data, **{role: getattr(data, role).reverse()})


@pytest.mark.parametrize(
    ("splitter", "data", "fingerprint"),
    [
        (KFold(folds=4), full_table(), "data"),
        (KFold(seed=1), full_table(), "data"),
        (Group(), full_table(), "data"),
        (KFold(), full_table(), "other data"),
        (KFold(), changed(full_table(), "y"), "data"),
        (KFold(), changed(full_table(), "groups"), "data"),
        (KFold(), changed(full_table(), "time"), "data"),
        (KFold(), replace(full_table(), time=full_table().time * 2), "data"),
        (KFold(repeats=2), full_table(), "data"),
    ],
    ids=["folds", "seed", "kind", "data", "target", "groups", "time", "distances in time", "repeats"],
)
def test_whatever_decides_on_folds_names_their_file(
    tmp_path: Path, splitter: Splitter, data: Table, fingerprint: str
) -> None:
    frozen_folds(KFold(), full_table(), "data", tmp_path)
    frozen_folds(splitter, data, fingerprint, tmp_path)
    assert len(files(tmp_path)) == 2


def test_another_group_column_makes_other_folds(tmp_path: Path) -> None:
    """Folds frozen for shops would split customers."""
    shops, customers = [row % 8 for row in range(40)], [row // 5 for row in range(40)]
    frozen_folds(Group(), table(groups=shops), "data", tmp_path)
    folds = frozen_folds(Group(), table(groups=customers), "data", tmp_path)
    for fold in folds:
        assert not set(np.array(customers)[fold.train]) & set(np.array(customers)[fold.valid])


# --- faults ----------------------------------------------------------------------------------------------------------


def frozen_file(folder: Path) -> Path:
    frozen_folds(KFold(), full_table(), "data", folder)
    (path,) = folder.iterdir()
    return path


def refusal(folder: Path, data: Table | None = None) -> SplitError:
    with pytest.raises(SplitError) as caught:
        frozen_folds(KFold(), data or full_table(), "data", folder)
    assert caught.value.hint.startswith("restore the file")
    assert caught.value.where.startswith(str(folder))
    return caught.value


def rewrite(path: Path, frame: pl.DataFrame) -> None:
    """Write another table under the old fingerprint."""
    metadata = {name: value for name, value in pl.read_parquet_metadata(path).items() if name != "ARROW:schema"}
    frame.write_parquet(path, metadata=metadata)


def test_a_file_rewritten_as_it_was_is_taken(tmp_path: Path) -> None:
    """The control: it is the change that is refused, not the rewriting."""
    path = frozen_file(tmp_path)
    rewrite(path, pl.read_parquet(path))
    assert len(frozen_folds(KFold(), full_table(), "data", tmp_path)) == 5


@pytest.mark.parametrize("column", ["cell_0", "repeat_0_fold_2"])
def test_a_changed_file_is_refused(tmp_path: Path, column: str) -> None:
    path = frozen_file(tmp_path)
    frame = pl.read_parquet(path)
    rewrite(path, frame.with_columns(pl.col(column).reverse()))
    assert refusal(tmp_path).problem == "the frozen folds are not what was written"


def test_a_dropped_fold_is_noticed(tmp_path: Path) -> None:
    path = frozen_file(tmp_path)
    rewrite(path, pl.read_parquet(path).drop("repeat_0_fold_4"))
    assert refusal(tmp_path).problem == "the frozen folds are not what was written"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = frozen_file(tmp_path)
    pl.DataFrame({"x": [1]}).write_parquet(path)
    assert refusal(tmp_path).problem.startswith("the frozen folds cannot be read: ")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = frozen_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(tmp_path).problem.startswith("the frozen folds cannot be read: ")


def test_folds_of_other_ids_are_refused(tmp_path: Path) -> None:
    frozen_file(tmp_path)
    data = full_table()
    error = refusal(tmp_path, replace(data, ids=data.ids + 1))
    assert error.problem == "the frozen folds belong to other rows"


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        frozen_folds(KFold(), full_table(), "data", tmp_path)
    assert files(tmp_path) == []


def test_several_may_write_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: frozen_folds(KFold(), full_table(), "data", tmp_path).fingerprint, range(24)))
    assert len(set(found)) == 1
    assert len(files(tmp_path)) == 1
    assert frozen_folds(KFold(), full_table(), "data", tmp_path).fingerprint == found[0]
