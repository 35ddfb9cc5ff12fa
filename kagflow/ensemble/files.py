"""Predictions made elsewhere: reading their files, and matching their ids."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import CompetitionFacts
from kagflow.data import Dataset, Frame
from kagflow.data.files import read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.errors import DataError, did_you_mean
from kagflow.runs.submission import sample_ids

_ROLES = ("repeat", "fold", "unit", "weight")  # what a file of OOF may hold beside ids, truth and predictions
_WORDS = ("prediction", "pred", "oof", "proba", "probability")


class PredictionFile:
    """A CSV or parquet file of predictions, one row an id (and repeat).

    Parameters
    ----------
    path
        Where it lies; the id stands in the column of the competition's id, in ``id``, or in the first one.
    facts, data
        Of the competition.
    ignored
        A further column that holds no predictions, such as that of folds.

    Raises
    ------
    DataError
        It cannot be read, an id is missing in it, or its columns do not tell what the predictions are.
    """

    def __init__(self, path: Path, facts: CompetitionFacts, data: Dataset, ignored: str | None = None) -> None:
        self.path, self._facts, self._data = path, facts, data
        self.frame = read_text(path)
        names = self.frame.columns
        self._id = next((name for name in (facts.id, "id") if name in names), names[0])
        self.ids = sample_ids(self.frame.select(self._id), data.train.ids)  # which test has the type of, too
        if self.ids.null_count():
            place = int(self.ids.is_null().arg_max() or 0)
            raise DataError(
                f"row {place + 1} has the id {self.frame[self._id][place]!r}, which is no {data.train.ids.dtype}",
                hint="ids must be written as in train and test",
                where=f"{path}, column {self._id}",
            )
        roles = {self._id, ignored, *_ROLES}
        self.columns = self._prediction_columns([name for name in names if name not in roles])

    def repeats(self, count: int) -> list[Self]:
        """Return the part of each repeat, by the column ``repeat``; without one, the whole file for each.

        Raises
        ------
        DataError
            A repeat is missing.
        """
        if "repeat" not in self.frame.columns or self.frame["repeat"].n_unique() == 1:
            return [self] * count
        parts = []
        for number in range(count):
            rows = (self.frame["repeat"].cast(pl.Float64, strict=False) == number).arg_true()
            if not len(rows):
                raise DataError(
                    f"there are no predictions of repeat {number}; the folds have {count}",
                    hint="repeats are counted from 0",
                    where=str(self.path),
                )
            part = copy(self)
            part.frame, part.ids = self.frame[rows], self.ids[rows]
            parts.append(part)
        return parts

    def values(self) -> NDArray[np.float64]:
        """Return (n,) predictions, or (n, k) of classes in class order, or (n, targets).

        Raises
        ------
        DataError
            One of them is no finite number.
        """
        columns = []
        for name in self.columns:
            numbers = self.frame[name].cast(pl.Float64, strict=False)
            wrong = (~(numbers.is_finite().fill_null(value=False))).arg_true()
            if len(wrong):
                raise DataError(
                    f"the prediction of id {self.ids[wrong[0]]} is {self.frame[name][wrong[0]]!r}, "
                    "and must be a finite number",
                    hint="write probabilities or values, not labels; without gaps",
                    where=f"{self.path}, column {name}",
                )
            columns.append(numbers.to_numpy())
        return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)

    def order(self, wanted: pl.Series, rows: str, known: pl.Series | None = None) -> NDArray[np.int64]:
        """Return (n,) positions of the wanted ids in the file.

        Parameters
        ----------
        wanted
            (n,) ids; each must be there once.
        rows
            What they are ids of, in errors.
        known
            Ids that may be there besides; the wanted ones only when absent.

        Raises
        ------
        DataError
            An id is missing, double or unknown; the first such one is named.
        """
        return match_ids(self.ids, wanted, wanted if known is None else known, rows, self.path)

    def _prediction_columns(self, names: Sequence[str]) -> list[str]:
        """Return the columns of the predictions, in the order of classes or targets."""
        labels = self._facts.several_targets or (self._data.classes if len(self._data.classes) > 2 else ())
        numbered = [f"prediction_{k}" for k in range(len(labels))]
        if labels and set(numbered) <= set(names):
            return numbered
        if labels:
            return [self._column_of(label, names) for label in labels]
        named = [name for name in _WORDS if name in names][:1]
        others = [name for name in names if name not in (self._facts.target, "y")]  # which may be the truth
        found = named or others or list(names)
        if len(found) != 1:
            raise DataError(
                f"which column holds the predictions? it may be {', '.join(found) or 'none'}",
                hint="call it `prediction`, and leave out what else is not needed",
                where=str(self.path),
            )
        return found

    def _column_of(self, label: str, names: Sequence[str]) -> str:
        """Return the column of a class or target: called so, or ending with it; but not that of its truth."""
        found = [name for name in names if name == label]
        found += [name for name in names if name.endswith(f"_{label}") and name != f"y__{label}"]
        if not found:
            raise DataError(
                f"no column holds the predictions of {label!r}",
                hint=f"call it {label!r} or 'prediction__{label}'; {did_you_mean(label, names)}",
                where=str(self.path),
            )
        return found[0]


def read_text(path: Path) -> Frame:
    """Return a table of a CSV or parquet file, all of it as text.

    Raises
    ------
    DataError
        It is not there, or is neither.
    """
    if not path.is_file():
        raise DataError("there is no such file", hint="check the path", where=str(path))
    if path.suffix == ".parquet":
        try:
            return pl.read_parquet(path).with_columns(pl.all().cast(pl.String))
        except pl.exceptions.PolarsError as error:
            raise DataError(f"cannot be read: {str(error).splitlines()[0]}", where=str(path)) from None
    return parse_csv(read_bytes(path), path, as_text=True)


def match_ids(ids: pl.Series, wanted: pl.Series, known: pl.Series, rows: str, path: Path) -> NDArray[np.int64]:
    """Return (n,) positions of the wanted ids among those of a file; see ``PredictionFile.order``."""
    double = ids.filter(ids.is_duplicated())
    if len(double):
        raise _wrong(f"{double.n_unique()} ids occur more than once, the first is {double[0]}", rows, path)
    unknown = ids.filter(~ids.is_in(known.implode()))
    if len(unknown):
        raise _wrong(f"{len(unknown)} ids are none of {rows}, the first is {unknown[0]}", rows, path)
    missing = wanted.filter(~wanted.is_in(ids.implode()))
    if len(missing):
        raise _wrong(f"{len(missing)} of {len(wanted)} ids are missing, the first is {missing[0]}", rows, path)
    places = pl.DataFrame({"id": ids, "place": np.arange(len(ids))})
    found = pl.DataFrame({"id": wanted}).join(places, on="id", how="left", maintain_order="left")["place"]
    return found.to_numpy().astype(np.int64)


def _wrong(problem: str, rows: str, path: Path) -> DataError:
    return DataError(problem, hint=f"the file must hold each id of {rows} once", where=str(path))
