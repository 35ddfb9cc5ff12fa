import math
import random
import shutil
from pathlib import Path

import polars as pl
import pytest

import kagflow
from kagflow.data import Source, read_dataset
from kagflow.features.pool import run_row_function
from kagflow.splits import make_splitter

ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load("spaceship_titanic", ROOT)
FEATURES = COMPETITION.feature_set("default")

# Nobody of the real list.
PASSENGER = {
    "PassengerId": "7777_02", "HomePlanet": "Earth", "CryoSleep": False, "Cabin": "F/21/S", "Destination": "Nowhere",
    "Age": 30.0, "VIP": False, "RoomService": 0.0, "FoodCourt": 0.0, "ShoppingMall": 0.0, "Spa": 0.0, "VRDeck": 0.0,
    "Name": "Tom Bexley",
}  # fmt: skip
TYPES = {name: {str: pl.String, bool: pl.Boolean, float: pl.Float64}[type(value)] for name, value in PASSENGER.items()}


def made(**changes):
    """Return what the row functions make of one passenger with these changes."""
    row = pl.DataFrame([PASSENGER | changes], schema=TYPES)
    for function in FEATURES.rows:
        row = run_row_function(function, row)
    return row.row(0, named=True)


def test_an_id_is_a_group_and_a_number_within_it():
    row = made()
    assert (row["Group"], row["GroupNumber"], row["Member"]) == ("7777", 7777, 2)


def test_a_cabin_is_a_deck_a_number_and_a_side():
    row, nowhere = made(), made(Cabin=None)
    assert (row["Deck"], row["CabinNumber"], row["Side"]) == ("F", 21, "S")
    assert (nowhere["Deck"], nowhere["CabinNumber"], nowhere["Side"]) == (None, None, None)


@pytest.mark.parametrize(("cabin", "planet"), [("B/1/P", "Europa"), ("G/1/P", "Earth"), ("F/1/P", None), (None, None)])
def test_a_deck_may_tell_the_planet(cabin, planet):
    assert made(HomePlanet=None, Cabin=cabin)["HomePlanet"] == planet
    assert made(HomePlanet="Mars", Cabin=cabin)["HomePlanet"] == "Mars"


@pytest.mark.parametrize(
    ("asleep", "age", "spent"),
    [(True, 30.0, 0.0), (False, 5.0, 0.0), (None, 5.0, 0.0), (False, 30.0, None), (None, None, None)],
)
def test_sleepers_and_children_spend_nothing(asleep, age, spent):
    assert made(CryoSleep=asleep, Age=age, Spa=None)["Spa"] == spent


@pytest.mark.parametrize(("asleep", "spa", "known"), [(None, 5.0, False), (None, 0.0, None), (True, 0.0, True)])
def test_who_spends_is_awake(asleep, spa, known):
    assert made(CryoSleep=asleep, Spa=spa)["CryoSleep"] is known


def test_spendings_add_up():
    row = made(RoomService=10.0, Spa=20.0, FoodCourt=70.0)
    sums = [math.expm1(row[name]) for name in ("Spent", "SpentOnTreats", "SpentOnNeeds")]  # they are logarithms
    assert sums == pytest.approx([100, 30, 70])
    assert row["ThingsBought"] == 3
    assert row["ShareOnTreats"] == pytest.approx(0.3)


def test_who_spends_nothing_has_no_shares():
    row = made()
    assert (row["SpentNothing"], row["ShareOnTreats"]) == (True, None)


@pytest.mark.parametrize(("age", "band"), [(4.0, "0"), (5.0, "1"), (79.0, "6"), (None, None)])
def test_an_unknown_age_is_of_no_band(age, band):
    assert made(Age=age)["AgeBand"] == band


def test_neighbours_are_of_one_place():
    near, far, port = (made(Cabin=cabin)["Place"] for cabin in ("F/299/S", "F/300/S", "F/299/P"))
    assert made(Cabin="F/0/S")["Place"] == near
    assert len({near, far, port}) == 3


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Return a folder with the files of a flight that never was: nearly all who spend in the spa stay, others go."""
    folder, draw = tmp_path_factory.mktemp("flight"), random.Random(0)
    rows = []
    for group in range(150):
        for member in range(1, draw.randint(2, 4)):
            spa = draw.choice([0.0, 0.0, 50.0, 700.0])
            cabin = f"{draw.choice('EFG')}/{group}/{draw.choice('PS')}"
            rows.append(
                PASSENGER
                | {
                    "PassengerId": f"{group:04}_{member:02}",
                    "Cabin": cabin,
                    "Age": float(draw.randint(20, 60)),
                    "Spa": spa,
                }
                | {"Transported": str((spa == 0) != (group % 40 == 7))}
            )
    flight = pl.DataFrame(rows)
    is_test = pl.col("PassengerId") >= "0110"
    flight.filter(~is_test).write_csv(folder / "train.csv")
    flight.filter(is_test).drop("Transported").write_csv(folder / "test.csv")
    flight.filter(is_test).select("PassengerId", Transported=pl.lit("False")).write_csv(
        folder / "sample_submission.csv"
    )
    return folder


def test_folds_split_no_group(made_up):
    data = read_dataset(Source("folder", made_up), COMPETITION.facts, COMPETITION.additions)
    splitter = COMPETITION.facts.splitter
    for fold in make_splitter(splitter.kind, splitter.settings).split(data.train).folds:
        groups = data.train.ids.str.head(4)
        assert not set(groups[fold.train]) & set(groups[fold.valid])


@pytest.mark.parametrize(
    "config", sorted(path.stem for path in (ROOT / "configs" / "spaceship_titanic").glob("*.yaml"))
)
def test_a_config_learns_who_stays(config, made_up, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / "spaceship_titanic", tmp_path / folder / "spaceship_titanic")
    competition = kagflow.load("spaceship_titanic", tmp_path)
    experiment = competition.experiment(config, ("rounds=100", "splitter.folds=3", "seeds=1", "threads=1"))
    run = kagflow.cross_validate(competition, experiment, config=config, source=made_up)
    assert run.scores["cv"] > 0.9  # all alike: a half
