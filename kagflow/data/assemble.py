"""One row an id out of several files, by a function of the competition's folder that never sees the target."""

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import polars as pl

from kagflow.data.same import changed_columns
from kagflow.data.table import Frame
from kagflow.errors import DataError, KagflowError

Assemble = Callable[[Mapping[str, Frame]], tuple[Frame, Frame]]
"""Tables by name in (``train`` and ``test`` without the target, and those declared), train and test out."""

_MOST_IDS = 500
_SEED = 20_011


def assemble_tables(assemble: Assemble, given: Mapping[str, Frame], *, id_: str, where: str) -> tuple[Frame, Frame]:
    """Return train and test with one row an id, in the order of their files.

    Parameters
    ----------
    assemble
        The competition's own.
    given
        ``train`` (without the target) and ``test`` as their files hold them, at least the ids; the declared tables.
    id_
        Name of the column.
    where
        File of the function, for messages.

    Raises
    ------
    DataError
        The function raises, does not return one row for each id, or makes a row of other ids' rows.
    """
    wanted = (given["train"][id_], given["test"][id_])
    made = _run(assemble, given, wanted, where)
    _prove(assemble, given, wanted, made, where)
    return made


def assemble_test(assemble: Assemble, given: Mapping[str, Frame], *, id_: str, where: str) -> Frame:
    """Return new test rows with one row an id, in the order of their file; ``train`` is given without rows.

    Raises
    ------
    DataError
        The function raises, or does not return one row for each id.
    """
    return _run(assemble, given, (given["train"][id_], given["test"][id_]), where)[1]


def _run(
    assemble: Assemble, given: Mapping[str, Frame], wanted: tuple[pl.Series, pl.Series], where: str
) -> tuple[Frame, Frame]:
    """Return both frames, their rows in the order of the ids that are wanted."""
    try:
        result = cast(object, assemble(dict(given)))  # a competition's own code is not type-checked
    except KagflowError:
        raise
    except Exception as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise DataError(
            f"assemble raised {type(error).__name__}: {first_line}",
            hint=f"the tables are {', '.join(given)}{_without_rows(given)}; --debug shows the traceback",
            where=where,
        ) from error
    if not isinstance(result, tuple) or len(result) != 2 or not all(isinstance(each, pl.DataFrame) for each in result):
        raise DataError(
            f"assemble must return two polars frames, train and test; it returned {type(result).__name__}",
            hint="end it with `return train, test`",
            where=where,
        )
    train, test = result
    return _ordered(train, wanted[0], "train", where), _ordered(test, wanted[1], "test", where)


def _without_rows(given: Mapping[str, Frame]) -> str:
    return ", and train has no rows when new rows are predicted" if given["train"].is_empty() else ""


def _ordered(frame: Frame, ids: pl.Series, name: str, where: str) -> Frame:
    """Return the rows in the order of the ids; each must be there once, and no other."""
    if ids.name not in frame.columns:
        raise DataError(f"assemble returned {name} without the column {ids.name!r}", hint="keep it", where=where)
    if (
        frame.height != ids.len()
        or not frame[ids.name].is_in(ids.implode()).all()
        or frame[ids.name].is_duplicated().any()
    ):
        raise DataError(
            f"assemble returned {frame.height} rows with {frame[ids.name].n_unique()} ids for {name}, "
            f"which has {ids.len()}",
            hint="begin with tables[...].select(id), and join what you aggregated to it (how='left')",
            where=where,
        )
    return ids.to_frame().join(frame, on=ids.name, how="left", maintain_order="left")


def _prove(
    assemble: Assemble,
    given: Mapping[str, Frame],
    wanted: tuple[pl.Series, pl.Series],
    made: tuple[Frame, Frame],
    where: str,
) -> None:
    """Raise unless the rows of a few ids come out the same when all other ids are taken out of every table."""
    rng = np.random.default_rng(_SEED)
    some = [ids.gather(np.sort(rng.permutation(ids.len())[: max(min(_MOST_IDS, ids.len() // 2), 1)])) for ids in wanted]
    known, id_ = pl.concat(some).implode(), wanted[0].name
    alone = {
        name: table.filter(pl.col(id_).is_in(known)) if id_ in table.columns else table for name, table in given.items()
    }
    again = _run(assemble, alone, (some[0], some[1]), where)
    for before, after, ids in zip(made, again, some, strict=True):
        moved = changed_columns(before.filter(pl.col(id_).is_in(ids.implode())), after)
        if moved:
            raise DataError(
                f"assemble makes a row of other ids' rows: {moved[0]} changed when they were taken away",
                hint="aggregate within an id only; what looks at several belongs into a step of features.py",
                where=where,
                code="KF306",
            )
