"""House Prices: 79 facts about a house in Ames, Iowa, and its sale.

``FEATURES`` is for trees, ``LINEAR`` for models that add things up. The figures behind the choices are in NOTES.md.
"""

import math
from collections.abc import Mapping

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import GroupAggregate, TargetMean, Winsorise, ordinal

# --- what is there, what is not, and what nobody wrote down -----------------------------------------------------------

# In these columns "NA" says that the house has none of it. Where another column shows that it does have one, the entry
# is really missing, and stays null: trees send it down a branch of its own, linear models impute it.
HAS_NONE = {
    "Alley": pl.lit(True),
    "Fence": pl.lit(True),
    "MiscFeature": pl.lit(True),
    "FireplaceQu": pl.col("Fireplaces") == 0,
    "PoolQC": pl.col("PoolArea") == 0,
    **dict.fromkeys(
        ("BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFinType2"),
        pl.col("TotalBsmtSF").fill_null(0) == 0,
    ),
    **dict.fromkeys(("GarageType", "GarageFinish", "GarageQual", "GarageCond"), pl.col("GarageType").is_null()),
}
# A house without a basement has none of its parts either; in a few rows these numbers are empty instead of 0.
BASEMENT_PARTS = ("BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF", "BsmtFullBath", "BsmtHalfBath")


def say_none(x: pl.DataFrame) -> pl.DataFrame:
    """Tell "has none" from "unknown"; what else is null (zoning, veneer, sale type, ...) is really missing."""
    return x.with_columns(
        *(
            pl.when(has_none & pl.col(column).is_null()).then(pl.lit("None")).otherwise(column).alias(column)
            for column, has_none in HAS_NONE.items()
        ),
        *(
            pl.when(pl.col("TotalBsmtSF").fill_null(0) == 0)
            .then(pl.col(column).fill_null(0))
            .otherwise(column)
            .alias(column)
            for column in BASEMENT_PARTS
        ),
        # The data's own description says: assume typical unless deductions are warranted.
        pl.col("Functional").fill_null("Typ"),
    )


# --- words that have an order -----------------------------------------------------------------------------------------

QUALITY = ("Po", "Fa", "TA", "Gd", "Ex")  # poor, fair, typical, good, excellent
FINISH = ("None", "Unf", "LwQ", "Rec", "BLQ", "ALQ", "GLQ")  # unfinished ... good living quarters
ORDERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("ExterQual", "ExterCond", "HeatingQC", "KitchenQual"), QUALITY),
    **dict.fromkeys(("BsmtQual", "BsmtCond", "FireplaceQu", "GarageQual", "GarageCond", "PoolQC"), ("None", *QUALITY)),
    "BsmtExposure": ("None", "No", "Mn", "Av", "Gd"),
    "BsmtFinType1": FINISH,
    "BsmtFinType2": FINISH,
    "GarageFinish": ("None", "Unf", "RFn", "Fin"),
    "Functional": ("Sal", "Sev", "Maj2", "Maj1", "Mod", "Min2", "Min1", "Typ"),
    "Fence": ("None", "MnWw", "GdWo", "MnPrv", "GdPrv"),
    "PavedDrive": ("N", "P", "Y"),
    "CentralAir": ("N", "Y"),
    "Street": ("Grvl", "Pave"),
    "Utilities": ("ELO", "NoSeWa", "NoSewr", "AllPub"),
    "LandSlope": ("Sev", "Mod", "Gtl"),
    "LotShape": ("IR3", "IR2", "IR1", "Reg"),
    "Electrical": ("Mix", "FuseP", "FuseF", "FuseA", "SBrkr"),
}


# --- when -------------------------------------------------------------------------------------------------------------


def add_ages(x: pl.DataFrame) -> pl.DataFrame:
    """A year says little by itself: buyers pay for how old house, works and garage are when they buy."""
    sold = pl.col("YrSold")
    # A garage may be finished a year after the sale, as the house; later is a slip of the pen (there is one of 2207).
    garage_built = pl.when(pl.col("GarageYrBlt") <= sold + 1).then("GarageYrBlt")
    return x.with_columns(
        # Sold on the drawing board, a house is "built" a year after its sale: new, not of negative age.
        HouseAge=(sold - pl.col("YearBuilt")).clip(0),
        RemodelAge=(sold - pl.col("YearRemodAdd")).clip(0),
        GarageAge=(sold - garage_built).clip(0),  # null without a garage
        GarageYrBlt=garage_built,
        IsRemodelled=pl.col("YearRemodAdd") > pl.col("YearBuilt"),
        IsNew=pl.col("YrSold") <= pl.col("YearBuilt"),
        # Months since January 2006: the market fell in 2008.
        MonthOfSale=(sold - 2006) * 12 + pl.col("MoSold") - 1,
    )


def months_as_names(x: pl.DataFrame) -> pl.DataFrame:
    """December is not twelve times January: a season is a category. The same holds for the year of sale."""
    return x.with_columns(pl.col("MoSold", "YrSold").cast(pl.String))


# --- how much ---------------------------------------------------------------------------------------------------------

PORCHES = ("OpenPorchSF", "EnclosedPorch", "3SsnPorch", "ScreenPorch")


def add_totals(x: pl.DataFrame) -> pl.DataFrame:
    """What buyers see is the whole: its parts are split over many columns, each of which says little."""
    baths_below = pl.col("BsmtFullBath") + 0.5 * pl.col("BsmtHalfBath")
    return x.with_columns(
        TotalSF=pl.col("GrLivArea") + pl.col("TotalBsmtSF"),
        # Living space that is finished: an unfinished basement is worth less than a finished one.
        FinishedSF=pl.col("GrLivArea") + pl.col("BsmtFinSF1") + pl.col("BsmtFinSF2"),
        Baths=pl.col("FullBath") + 0.5 * pl.col("HalfBath") + baths_below.fill_null(0),
        PorchSF=pl.sum_horizontal(*PORCHES),
        OutsideSF=pl.sum_horizontal(*PORCHES, "WoodDeckSF"),
        AreaPerRoom=pl.col("GrLivArea") / pl.col("TotRmsAbvGrd"),
        ShareOfLot=pl.col("1stFlrSF") / pl.col("LotArea"),
    )


def add_parts(x: pl.DataFrame) -> pl.DataFrame:
    """Whether there is one at all: the step from none to some is not the step from some to more."""
    return x.with_columns(
        HasBasement=pl.col("TotalBsmtSF") > 0,
        HasGarage=pl.col("GarageType") != "None",
        HasFireplace=pl.col("Fireplaces") > 0,
        HasPool=pl.col("PoolArea") > 0,
        HasSecondFloor=pl.col("2ndFlrSF") > 0,
        HasVeneer=pl.col("MasVnrArea") > 0,
        HasDeck=pl.col("WoodDeckSF") > 0,
        HasOpenPorch=pl.col("OpenPorchSF") > 0,
        HasEnclosedPorch=pl.col("EnclosedPorch") > 0,
    )


def add_products(x: pl.DataFrame) -> pl.DataFrame:
    """A square foot of a fine house costs more: quality multiplies area. Trees need many splits to learn a product."""
    quality = pl.col("OverallQual")
    return x.with_columns(
        QualityArea=quality * pl.col("TotalSF"),
        QualityLiving=quality * pl.col("GrLivArea"),
        QualityCondition=quality * pl.col("OverallCond"),
        Qualities=pl.sum_horizontal(
            "OverallQual",
            "ExterQual__ordinal",
            "KitchenQual__ordinal",
            "BsmtQual__ordinal",
            "HeatingQC__ordinal",
            "GarageQual__ordinal",
            "FireplaceQu__ordinal",
        ),
        GarageQuality=pl.col("GarageCars") * pl.col("GarageFinish__ordinal"),
        KitchenQuality=pl.col("KitchenQual__ordinal") * quality,
        ExteriorQuality=pl.col("ExterQual__ordinal") * quality,
        AgeQuality=pl.col("HouseAge") * quality,
    )


def is_usual(x: pl.DataFrame, y: pl.Series) -> pl.Series:
    """Whether a sale teaches something of other sales; asked about training rows only.

    A giant that was sold for the price of a small house, before it was finished, would bend the line for all others.
    """
    return ~((x["GrLivArea"] > 4000) & (y < 300_000)).fill_null(False)


ROWS = (say_none, ordinal(ORDERS), add_ages, add_totals, add_parts, add_products, months_as_names)

WORDS = tuple(ORDERS)  # their numbers say the same

# --- for trees --------------------------------------------------------------------------------------------------------

# What is usual where the house stands, and what the place and the kind of house cost.
NEIGHBOURS = GroupAggregate(("GrLivArea", "OverallQual", "HouseAge"), by=("Neighborhood",), statistics=("median",))
PLACES = TargetMean(("Neighborhood", "MSSubClass", "Exterior1st"))

FEATURES = FeatureSet(rows=ROWS, keep=is_usual, fold=(NEIGHBOURS,), target=(PLACES,), drop=WORDS)


# --- for linear models ------------------------------------------------------------------------------------------------

# Areas, values, products: long tails to the right. Ages and years ride along: a first year matters more than a 50th.
SKEWED = tuple(
    """
    LotFrontage LotArea MasVnrArea BsmtFinSF1 BsmtFinSF2 BsmtUnfSF TotalBsmtSF 1stFlrSF 2ndFlrSF LowQualFinSF GrLivArea
    GarageArea WoodDeckSF OpenPorchSF EnclosedPorch 3SsnPorch ScreenPorch MiscVal TotalSF FinishedSF PorchSF OutsideSF
    AreaPerRoom ShareOfLot QualityArea QualityLiving QualityCondition Qualities KitchenQuality ExteriorQuality
    AgeQuality HouseAge RemodelAge GarageAge YearBuilt YearRemodAdd GarageYrBlt MonthOfSale
""".split()
)


def take_logs(x: pl.DataFrame) -> pl.DataFrame:
    """Prices are learned as logarithms, so that a tenth more area is the same step everywhere."""
    return x.with_columns(pl.col("^.*__winsorised$").log1p())


def area_by_neighbourhood(x: pl.DataFrame) -> pl.DataFrame:
    """What more space is worth depends on the place: one slope each, around 2500 square feet."""
    area = pl.col("TotalSF__winsorised") - math.log1p(2500)
    return x.with_columns(
        pl.when(Neighborhood=place).then(area).otherwise(0.0).alias(f"AreaIn{place}")
        for place in x["Neighborhood"].dtype.categories
    )


LINEAR = FeatureSet(
    rows=ROWS,
    keep=is_usual,
    # A line goes on for ever: a house twice as large as any in the training rows would be given a fairy-tale price.
    fold=(Winsorise(SKEWED), NEIGHBOURS),
    then=(take_logs, area_by_neighbourhood),
    drop=(*WORDS, *SKEWED),
)
