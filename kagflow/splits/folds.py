"""Folds: for every fold, the rows trained on and the rows scored."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from kagflow.data import Frame, Rows
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError

UNUSED, TRAIN, VALID = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold.

    Attributes
    ----------
    number
        Counted over all repeats, from 0; names the fold's folder in a run.
    repeat
        Which repeat it belongs to, from 0.
    train, valid
        Ascending row positions; they never overlap.
    """

    number: int
    repeat: int
    train: Rows
    valid: Rows

    def __post_init__(self) -> None:
        if len(self.train) == 0 or len(self.valid) == 0:
            raise SplitError(
                f"fold {self.number} has {len(self.train)} training rows and {len(self.valid)} valid rows",
                hint="ask for fewer folds",
            )
        if np.isin(self.valid, self.train).any():
            raise SplitError(f"fold {self.number} trains on rows that it scores", hint="check the splitter")


@dataclass(frozen=True, eq=False)
class Folds:
    """All folds of a data set, frozen.

    Attributes
    ----------
    ids
        (n,) ids of the rows, in the order of the table.
    folds
        The folds, repeat after repeat.
    cells
        (repeats, n) which cell a row belongs to when training rows are encoded by one another (cross-fitting): the
        fold that scores it, or for rows forward in time the block that it lies in.
    forward
        Whether cells are ordered in time, so that a row is encoded by earlier cells only.
    fingerprint
        Hash of all of it; runs whose folds have the same one can be compared.
    """

    ids: pl.Series
    folds: tuple[Fold, ...]
    cells: Rows
    forward: bool = False
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", self._hash())

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.folds)

    def __len__(self) -> int:
        return len(self.folds)

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return len(self.cells)

    def to_frame(self) -> Frame:
        """Return one row an id: its cell in every repeat, and its part in every fold (0 none, 1 train, 2 valid)."""
        columns = [self.ids.alias("id")]
        columns += [pl.Series(f"cell_{repeat}", cells) for repeat, cells in enumerate(self.cells)]
        for fold in self.folds:
            part = np.full(len(self.ids), UNUSED, dtype=np.int8)
            part[fold.train] = TRAIN
            part[fold.valid] = VALID
            columns.append(pl.Series(f"repeat_{fold.repeat}_fold_{fold.number}", part))
        return pl.DataFrame(columns)

    @classmethod
    def from_frame(cls, frame: Frame, *, forward: bool) -> "Folds":
        """Return the folds that ``to_frame`` wrote."""
        parts = [name for name in frame.columns if name.startswith("repeat_")]
        folds = []
        for name in parts:
            _, repeat, _, number = name.split("_")
            part = frame[name].to_numpy()
            folds.append(Fold(int(number), int(repeat), np.flatnonzero(part == TRAIN), np.flatnonzero(part == VALID)))
        cells = np.array([frame[name].to_numpy() for name in frame.columns if name.startswith("cell_")], dtype=np.int64)
        return cls(frame["id"], tuple(folds), cells, forward)

    def _hash(self) -> str:
        # Every part is led by its type or size, so that no two different folds are the same bytes.
        digest = hashlib.sha256(f"{self.forward} {self.ids.dtype} {self.cells.shape} {len(self.folds)}".encode())
        digest.update(json.dumps(self.ids.cast(pl.String).to_list()).encode())
        digest.update(np.ascontiguousarray(self.cells, dtype="<i8").tobytes())
        for fold in self.folds:
            digest.update(f"{fold.number} {fold.repeat} {len(fold.train)} {len(fold.valid)} ".encode())
            for rows in (fold.train, fold.valid):
                digest.update(np.ascontiguousarray(rows, dtype="<i8").tobytes())
        return digest.hexdigest()[:16]


def check_groups_stay_whole(folds: Folds, groups: pl.Series | None) -> None:
    """Refuse folds that train on some rows of a group and score others of it; forward in time that is the rule.

    Raises
    ------
    SplitError
        They do; a score on such folds would be too good.
    """
    if groups is None or folds.forward:
        return
    codes = dense_codes(groups)
    for fold in folds:
        sizes = [np.bincount(codes[rows], minlength=codes.max() + 1) for rows in (fold.train, fold.valid)]
        both = np.count_nonzero(np.logical_and(*sizes))
        if both:
            raise SplitError(
                f"fold {fold.number} both trains on and scores rows of {both} groups of {groups.name!r}",
                hint="write `splitter: {kind: group}`, or remove `group` where rows are independent after all",
                where="splitter.kind",
                code="KF307",
            )


def folds_from_cells(ids: pl.Series, cells: Rows) -> Folds:
    """Return folds in which each cell is scored once by a model of all the others.

    Parameters
    ----------
    ids
        (n,) ids.
    cells
        (n,) codes 0 to k - 1; or (repeats, n), where folds are counted on from repeat to repeat.
    """
    cells = np.atleast_2d(cells).astype(np.int64)
    pairs = [(repeat, own, cell) for repeat, own in enumerate(cells) for cell in range(int(own.max()) + 1)]
    folds = tuple(
        Fold(number, repeat, np.flatnonzero(own != cell), np.flatnonzero(own == cell))
        for number, (repeat, own, cell) in enumerate(pairs)
    )
    return Folds(ids, folds, cells)
