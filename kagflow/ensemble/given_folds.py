"""Whether predictions from elsewhere were made in the project's own folds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import CompetitionFacts
from kagflow.ensemble.files import PredictionFile, match_ids, read_text
from kagflow.errors import DataError
from kagflow.runs.submission import sample_ids
from kagflow.splits import Folds


@dataclass(frozen=True)
class Compared:
    """What came of comparing given folds with the project's.

    Attributes
    ----------
    same
        Whether they are the same, whatever their numbers.
    why
        Why they are not; empty where they are.
    """

    same: bool
    why: str = ""


def compare_folds(
    given: str | None, file: PredictionFile, folds: Folds, scored: NDArray[np.int64], facts: CompetitionFacts
) -> Compared:
    """Compare the folds that OOF predictions were made in with the project's.

    Parameters
    ----------
    given
        Name of a column of the file of OOF; or a file with a fold for each id: CSV, or parquet, or what kagflow froze
        under ``data/<name>/folds``. ``None`` where nothing is known.
    file
        The OOF.
    folds
        The project's.
    scored
        (n,) positions of the rows that are scored.
    facts
        Of the competition.

    Raises
    ------
    DataError
        There is neither such a column nor such a file, or its ids are not those of train.
    """
    if given is None:
        return Compared(False, "its folds are not known: name them by --folds")
    if folds.repeats > 1:
        return Compared(False, f"the project's folds have {folds.repeats} repeats, and predictions of one are given")
    if given in file.frame.columns:
        labels = file.frame[given]
        order = file.order(folds.ids[scored], "the rows that are scored", folds.ids)
        return _compare(labels[order], folds, scored)
    path = Path(given)
    if not path.is_file():
        raise DataError(
            f"{given!r} is neither a column of {file.path.name} nor a file",
            hint=f"its columns are {', '.join(file.frame.columns[:10])}",
            where="--folds",
        )
    if path.suffix == ".parquet":
        fingerprint = pl.read_parquet_metadata(path).get("fingerprint")
        if fingerprint is not None:
            return Compared(True) if fingerprint == folds.fingerprint else Compared(False, "its folds are others")
    frame = read_text(path)
    name = next((name for name in (facts.id, "id") if name in frame.columns), frame.columns[0])
    column = next((name for name in ("fold", "folds") if name in frame.columns), frame.columns[-1])
    ids = sample_ids(frame.select(name), folds.ids)
    order = match_ids(ids, folds.ids[scored], folds.ids, "the rows that are scored", path)
    return _compare(frame[column][order], folds, scored)


def _compare(labels: pl.Series, folds: Folds, scored: NDArray[np.int64]) -> Compared:
    """Compare (n,) labels of the scored rows with the folds that score them."""
    if labels.null_count():
        return Compared(False, f"{labels.null_count()} rows have no fold")
    own = np.empty(len(folds.ids), dtype=np.int64)
    for fold in folds:
        own[fold.valid] = fold.number
    pairs = pl.DataFrame({"given": labels, "own": own[scored]}).unique().height
    theirs, ours = labels.n_unique(), len(folds)
    if pairs == theirs == ours:
        return Compared(True)
    return Compared(False, f"its {theirs} folds are not the project's {ours}")
