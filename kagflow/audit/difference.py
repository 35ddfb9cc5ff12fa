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
        What made these columns: step, file and line.
    """

    share: float
    largest: float
    frame: str = ""
    columns: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anything moved."""
        return self.share > 0 or bool(self.columns)

    def blame(self) -> str:
        """Return what is to blame, in words; where no frame moved it can only be what comes after the frames."""
        if not self.columns:
            return ""
        names = ", ".join(self.columns[:3]) + (f" and {len(self.columns) - 3} more" if len(self.columns) > 3 else "")
        steps = f" (made by {'; '.join(self.steps[:3])})" if self.steps else ""
        return f"{names} of the {self.frame} rows moved{steps}"


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
    share, largest = _predictions(before.oof, after.oof, still, tolerance)
    frame, columns = _first_frame(before, after, still)
    steps = dict.fromkeys(where_is(before.made_by[name]) for name in columns if name in before.made_by)
    raw = [name for name in columns if before.made_by and name not in before.made_by]
    return Moved(share, largest, frame, columns, (*steps, *([f"the files: {raw[0]}"] if raw else [])))


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


def _first_frame(before: Seen, after: Seen, still: Values | None) -> tuple[str, tuple[str, ...]]:
    for name, frame in before.frames.items():
        frames = frame, after.frames[name]
        if still is not None and name == "valid":
            frames = frames[0].filter(still), frames[1].filter(still)
        columns = changed_bits(*frames)
        if columns:
            return name, columns
    return "", ()


def changed_bits(before: Frame, after: Frame) -> tuple[str, ...]:
    """Return the columns that are not the same to the bit, or are not there in both."""
    if before.height != after.height:
        return tuple(before.columns)
    missing = [name for name in (*before.columns, *after.columns) if name not in before.columns or name not in after]
    return tuple(missing) or tuple(_unequal(before, after, before.columns))


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
    shared = [name for name in first.columns if name in second.columns]
    own = first.filter(pl.Series(rows == row)), second.filter(pl.Series(after.rows["train"] == row))
    return tuple(_unequal(own[0].select(shared), own[1].select(shared), shared))
