import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kagflow
from kagflow.data import Source, read_dataset
from kagflow.data.source import BUNDLED
from kagflow.features.crossfit import TEST, build
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load("house_prices", ROOT)
HOUSES = read_dataset(Source("practice", BUNDLED / "house_prices"), COMPETITION.facts)
ALL_HOUSES = pl.concat([HOUSES.train.x, HOUSES.test.x])
ROW_FUNCTIONS = COMPETITION.feature_set("default").rows


def made(**changes: object) -> dict[str, object]:
    """Return what the row functions make of one house with these changes."""
    house = HOUSES.train.x.head(1).with_columns(
        pl.lit(value, dtype=HOUSES.train.x.schema[name]).alias(name) for name, value in changes.items()
    )
    for function in ROW_FUNCTIONS:
        house = function(house)
    return house.row(0, named=True)


@pytest.mark.parametrize(
    ("column", "evidence"),
    [
        ("BsmtQual", "TotalBsmtSF"),
        ("BsmtExposure", "TotalBsmtSF"),
        ("BsmtFinType2", "TotalBsmtSF"),
        ("FireplaceQu", "Fireplaces"),
        ("PoolQC", "PoolArea"),
    ],
)
def test_na_means_none_unless_the_house_has_one(column, evidence):
    assert made(**{column: None, evidence: 0})[column] == "None"
    assert made(**{column: None, evidence: 1})[column] is None


def test_a_house_without_a_garage_has_none_of_its_parts():
    nothing = dict.fromkeys(("GarageType", "GarageFinish", "GarageQual", "GarageCond", "GarageYrBlt"))
    house = made(**nothing)
    assert [house[name] for name in ("GarageType", "GarageFinish", "GarageQual")] == ["None"] * 3
    assert not house["HasGarage"]
    assert house["GarageAge"] is None


def test_an_unknown_part_of_a_garage_stays_unknown():
    assert made(GarageType="Detchd", GarageFinish=None)["GarageFinish"] is None


def test_empty_numbers_of_a_missing_basement_are_zero():
    house = made(TotalBsmtSF=None, BsmtFinSF1=None, BsmtFullBath=None, BsmtQual=None)
    assert (house["TotalBsmtSF"], house["BsmtFinSF1"], house["BsmtFullBath"], house["BsmtQual"]) == (0, 0, 0, "None")


def test_zoning_is_never_none():
    assert made(MSZoning=None)["MSZoning"] is None


def test_qualities_are_numbered_from_bad_to_good():
    numbers = [made(ExterQual=word)["ExterQual__ordinal"] for word in ("Po", "Fa", "TA", "Gd", "Ex")]
    assert numbers == [0, 1, 2, 3, 4]


def test_no_basement_is_below_the_worst_basement():
    assert made(BsmtQual=None, TotalBsmtSF=0)["BsmtQual__ordinal"] < made(BsmtQual="Po")["BsmtQual__ordinal"]


def test_a_house_sold_before_it_is_built_is_new():
    house = made(YearBuilt=2008, YearRemodAdd=2008, GarageType="Attchd", GarageYrBlt=2008, YrSold=2007)
    assert (house["HouseAge"], house["RemodelAge"], house["GarageAge"], house["IsNew"]) == (0, 0, 0, True)


def test_a_garage_of_the_future_has_no_age():
    assert made(GarageType="Attchd", GarageYrBlt=2207)["GarageAge"] is None


def test_no_house_is_of_negative_age():
    houses = ALL_HOUSES
    for function in ROW_FUNCTIONS:
        houses = function(houses)
    ages = houses.select("HouseAge", "RemodelAge", "GarageAge")
    assert min(age for age in ages.min().row(0)) >= 0


def test_baths_and_areas_add_up():
    house = made(FullBath=2, HalfBath=1, BsmtFullBath=1, BsmtHalfBath=1, GrLivArea=1500, TotalBsmtSF=800)
    assert (house["Baths"], house["TotalSF"]) == (4.0, 2300)


@pytest.mark.parametrize("name", ["default", "linear"])
def test_only_giants_sold_cheaply_are_dropped(name):
    keep = COMPETITION.feature_set(name).keep
    x = pl.DataFrame({"GrLivArea": [5000, 5000, 1500, 4000, None]})
    y = pl.Series([160_000.0, 755_000.0, 160_000.0, 160_000.0, 160_000.0])
    assert keep(x, y).to_list() == [False, True, True, True, True]
    assert keep(x.clear(), y.clear()).len() == 0


def test_winsorised_numbers_stay_within_the_training_rows():
    step = COMPETITION.feature_set("linear").fold[0]
    train = pl.DataFrame({name: np.arange(1001.0) for name in step.columns})
    giant = pl.DataFrame({name: [-1e6, None, 500.0, 1e6] for name in step.columns})
    drawn_in = step.fit(train).transform(giant)["TotalSF__winsorised"].to_list()
    assert drawn_in == [5, None, 500, 995]


@pytest.mark.parametrize("name", ["default", "linear"])
def test_a_set_builds_and_drops_no_row_that_is_scored(name):
    train, test = HOUSES.train, HOUSES.test
    folds = make_splitter("kfold", {"folds": 3, "seed": 0}).split(train)
    pool = make_pool(COMPETITION.feature_set(name), train, test, folds, hidden=("Id",))
    for fold in folds.folds:
        built = build(pool, fold.train, {"valid": fold.valid}, test=True, prove=fold.number == 0)
        assert built.frames["valid"].height == len(fold.valid)
        assert built.frames[TEST].height == test.height
        assert len(fold.train) - built.x.height <= 2
        assert "Id" not in built.x.columns
        _check_finite([built.x, *built.frames.values()])


def _check_finite(frames):
    for frame in frames:
        numbers = frame.select(pl.selectors.float())
        assert not numbers.select(pl.any_horizontal(pl.all().is_infinite() | pl.all().is_nan()).any()).item()


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / "house_prices").glob("*.yaml")))
def test_a_config_scores_far_better_than_the_mean_price(config, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / "house_prices", tmp_path / folder / "house_prices")
    competition = kagflow.load("house_prices", tmp_path)
    experiment = competition.experiment(config, ("splitter.kind=kfold", "splitter.folds=3", "rounds=200"))
    run = kagflow.cross_validate(competition, experiment, config=config, source=BUNDLED / "house_prices")
    assert run.scores["cv"] < 0.2  # everyone the mean price: 0.4
