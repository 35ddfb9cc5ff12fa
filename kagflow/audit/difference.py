"""What moved between two worlds: predictions, frames, and the columns and steps to blame."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from kagflow.audit.subject import Seen, as_columns
from kagflow.audit.world import Values
from kagflow.data import Frame
from kagflow.features.blame import where_is


@dataclass(frozen=True)
class Moved:
    """What moved of a fold.

    Attributes
    ----------
    share
        Of the rows whose prediction moved, in [0, 1].
    largest
        The largest change of a prediction.
    frame
        Name of the first frame that moved; empty where none did.
    columns
        Its columns that moved.
    steps
        What made these columns, or chose them or the rows, or the target's scale: step, file and line.
    what
        What moved, in words; empty where no part before the model did.
    """

    share: float
    largest: float
    frame: str = ""
    columns: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    what: str = ""

    @property
    def anything(self) -> bool:
        """Whether anything moved."""
        return self.share > 0 or bool(self.what)

    def blame(self) -> str:
        """Return what is to blame, in words; where no part moved it can only be the model, or what comes after it."""
        return self.what + (f" ({'; '.join(self.steps[:3])})" if self.steps else "")


def moved(before: Seen, after: Seen, *, still: Values | None = None, tolerance: float = 0.0) -> Moved:
    """Return what of a fold is not the same in two worlds.

    Parameters
    ----------
    before, after
        The fold in both.
    still
        (v,) mask of the valid rows that must not move; all when absent. Frames of training and stop rows must not
        move anyway.
    tolerance
        A change of a prediction up to that much is the pipeline's own noise, seen when nothing was changed.
    """
    predictions = _predictions(before.oof, after.oof, still, tolerance)
    for name, rows in before.rows.items():
        if not np.array_equal(rows, after.rows[name]):
            return Moved(*predictions, name, (), (where_is(before.keep),), f"other {name} rows are kept")
    for name, frame in before.frames.items():
        if set(frame.columns) != set(after.frames[name].columns):
            columns = tuple(sorted(set(frame.columns) ^ set(after.frames[name].columns)))
            what = f"the columns are chosen otherwise: {_listed(columns)}"
            return Moved(*predictions, name, columns, (where_is(before.select),), what)
        columns = _columns(name, frame, after.frames[name], still)
        if columns:
            what = f"{_listed(columns)} of the {name} rows moved"
            return Moved(*predictions, name, columns, _makers(before, columns), what)
    if _is_scaled_otherwise(before, after):
        return Moved(*predictions, steps=(where_is(before.transform),), what="the scale of the target moved")
    return Moved(*predictions)


def _predictions(
    before: Values | None, after: Values | None, still: Values | None, tolerance: float
) -> tuple[float, float]:
    if before is None or after is None:
        return 0.0, 0.0
    change = np.abs(as_columns(after) - as_columns(before)).max(axis=1)
    change[np.isnan(as_columns(before)).any(axis=1) & np.isnan(as_columns(after)).any(axis=1)] = 0
    change = np.nan_to_num(change, nan=np.inf)
    if still is not None:
        change = change[still]
    return float((change > tolerance).mean()), float(change.max(initial=0.0))


def _columns(name: str, before: Frame, after: Frame, still: Values | None) -> tuple[str, ...]:
    """Return the columns that are not the same to the bit."""
    if still is not None and name.startswith("valid"):
        before, after = before.filter(still), after.filter(still)
    return tuple(_unequal(before, after, before.columns))


def _makers(seen: Seen, columns: Iterable[str]) -> tuple[str, ...]:
    """Return what made the columns, as far as that is known; those of the files nothing made."""
    if not seen.made_by:
        return ()
    made = dict.fromkeys(where_is(seen.made_by[name]) if name in seen.made_by else "the files" for name in columns)
    return tuple(made)


def _is_scaled_otherwise(before: Seen, after: Seen) -> bool:
    """Say whether the target transform made something else of the same values."""
    pairs = zip(before.scaled, after.scaled, strict=False)
    return any(np.array_equal(a, b) and not np.array_equal(made, other) for (a, made), (b, other) in pairs)


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(columns[:3]) + (f" and {len(columns) - 3} more" if len(columns) > 3 else "")


def _unequal(before: Frame, after: Frame, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if not before[name].equals(after[name], check_dtypes=True, null_equal=True):
            yield name


def own_encoding_moved(before: Seen, after: Seen, row: int) -> tuple[str, ...]:
    """Return the columns in which a training row's own features are not the same in both; it may be kept in neither."""
    rows = before.rows["train"]
    if row not in rows or row not in after.rows["train"]:
        return ()
    first, second = before.frames["train"], after.frames["train"]
    in_second = set(second.columns)
    shared = [name for name in first.columns if name in in_second]
    own = first.filter(pl.Series(rows == row)), second.filter(pl.Series(after.rows["train"] == row))
    return tuple(_unequal(own[0].select(shared), own[1].select(shared), shared))
