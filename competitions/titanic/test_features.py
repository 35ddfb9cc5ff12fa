import random
import shutil
from pathlib import Path

import polars as pl
import pytest

import kagflow
from kagflow.features.pool import run_row_function

ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load("titanic", ROOT)
FEATURES = COMPETITION.feature_set("default")
SIZES, (SHARE_THE_FARE, FILL_AGES, FATE_OF_THE_PARTY) = FEATURES.pooled[0], FEATURES.then

# Nobody of the real list.
PASSENGER = {
    "Pclass": "3", "Name": "Bexley, Mr. Tom", "Sex": "male", "Age": 30.0, "SibSp": 0, "Parch": 0, "Ticket": "T 100",
    "Fare": 8.0, "Cabin": None, "Embarked": "S",
}  # fmt: skip
TYPES = {"Age": pl.Float64, "Fare": pl.Float64, "Cabin": pl.String, "Embarked": pl.String}


def passengers(*changes):
    """Return a frame of passengers who differ from the usual one by these changes."""
    return pl.DataFrame([PASSENGER | change for change in changes], schema_overrides=TYPES)


def made(**changes):
    """Return what the row functions make of one passenger with these changes."""
    rows = passengers(changes)
    for function in FEATURES.rows:
        rows = run_row_function(function, rows)
    return rows.row(0, named=True)


@pytest.mark.parametrize(
    ("name", "sex", "title"),
    [
        ("Bexley, Mr. Tom", "male", "Mr"),
        ("Bexley, Mrs. Tom (Ann Low)", "female", "Mrs"),
        ("Bexley, Mlle. Ann", "female", "Miss"),
        ("Bexley, Master. Tim", "male", "Master"),
        ("Bexley, the Countess. of (Ann Low)", "female", "Mrs"),
        ("Bexley, Rev. Tom", "male", "Rank"),
        ("Bexley, Dr. Ann", "female", "Mrs"),
        ("Bexley, Emperor. Tom", "male", "Rank"),
    ],
)
def test_titles_are_few(name, sex, title):
    assert made(Name=name, Sex=sex)["Title"] == title


def test_a_surname_may_be_of_several_words():
    assert made(Name="van der Low, Miss. Ann", Sex="female")["Surname"] == "van der Low"


@pytest.mark.parametrize(
    ("siblings", "parents", "kind"), [(0, 0, "alone"), (1, 0, "small"), (1, 2, "small"), (3, 1, "large")]
)
def test_the_size_of_a_family_counts_oneself(siblings, parents, kind):
    row = made(SibSp=siblings, Parch=parents)
    assert (row["FamilySize"], row["FamilyKind"]) == (siblings + parents + 1, kind)


def test_only_women_and_boys_share_the_fate_of_their_party():
    father = made(Name="Low, Mr. Jo", Parch=1)
    mother = made(Name="Low, Mrs. Jo (Eve)", Sex="female", Parch=1)
    boy = made(Name="Low, Master. Max", Age=4.0, Parch=2)
    assert [row["IsFirst"] for row in (father, mother, boy)] == [False, True, True]
    assert father["FamilyParty"] == mother["FamilyParty"] == mother["FamilyFirst"] == boy["FamilyFirst"]
    assert (father["TicketFirst"], father["FamilyFirst"]) == (None, None)


def test_namesakes_of_another_class_are_no_family():
    assert made(Pclass="1")["FamilyParty"] != made(Pclass="3")["FamilyParty"]


def test_an_unknown_fare_still_makes_a_family():
    assert made(Fare=None)["FamilyParty"] == "Bexley/3/S"


def test_a_cabin_tells_its_deck():
    row, nowhere = made(Cabin="B51 B53 B55"), made(Cabin=None)
    assert (row["Deck"], row["Cabins"]) == ("B", 3)
    assert (nowhere["Deck"], nowhere["Cabins"]) == (None, None)


def test_sizes_count_the_rows_learned_from():
    parties = pl.Enum(["a", "b", "c"])
    seen = pl.DataFrame({name: pl.Series(["a", "a", "b"], dtype=parties) for name in SIZES.columns})
    asked = pl.DataFrame({name: pl.Series(["c", "b", "a"], dtype=parties) for name in SIZES.columns})
    fitted = SIZES.fit(seen)
    assert fitted.transform(asked)["TicketParty__size"].to_list() == [0, 1, 2]
    assert fitted.tables()["TicketParty"].rows() == [("a", 2), ("b", 1)]


def test_a_fare_is_shared_by_the_ticket():
    rows = pl.DataFrame({"Fare": [30.0, None], "TicketParty__size": [3, 1]})
    assert SHARE_THE_FARE(rows)["FarePerHead"].to_list() == [10.0, None]


def test_an_empty_age_is_that_of_the_title():
    rows = pl.DataFrame({"Age": [50.0, None], "Age__median_by_Title": [30.0, 4.0]})
    assert FILL_AGES(rows)["AgeFilled"].to_list() == [50.0, 4.0]


def test_a_fate_is_told_by_ticket_and_family():
    rows = pl.DataFrame(
        {
            "IsFirst": [True, True, False],
            "FamilyFirst": ["Low", None, None],
            "FamilyFirst__target_mean": [0.8, 0.1, 0.1],
            "TicketFirst__target_mean": [0.4, 0.4, 0.1],
        }
    )
    assert FATE_OF_THE_PARTY(rows)["PartyFate"].to_list() == pytest.approx([0.6, 0.4, None])


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Return a folder with the files of a ship that never was: 60 parties, whose women and boys share a fate
    that nothing else tells."""
    folder, draw = tmp_path_factory.mktemp("ship"), random.Random(0)
    rows = []
    for party in range(60):
        saved = party % 2
        for title in draw.sample(["Mr", "Mrs", "Miss", "Master", "Mr"], 4):
            sex = "male" if title in ("Mr", "Master") else "female"
            name = f"Name{party}, {title}. X"
            age = draw.choice([None, draw.randint(1, 70)])
            fare, cabin = draw.choice([7.0, 8.0]), draw.choice([None, "C10"])
            rows.append(
                (title != "Mr" and saved, party // 2 % 3 + 1, name, sex, age, 1, 2, f"T{party}", fare, cabin, "S")
            )
    draw.shuffle(rows)
    names = ["Survived", "Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"]
    ship = pl.DataFrame(rows, schema=names, orient="row").cast({"Survived": pl.Int64}).with_row_index("PassengerId", 1)
    train, test = ship.head(180), ship.tail(60)
    train.write_csv(folder / "train.csv")
    test.drop("Survived").write_csv(folder / "test.csv")
    test.select("PassengerId", Survived=pl.lit(0)).write_csv(folder / "sample_submission.csv")
    return folder


def score(config, made_up, root, *overrides):
    """Return the score of a config on the ship that never was."""
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / "titanic", root / folder / "titanic")
    competition = kagflow.load("titanic", root)
    experiment = competition.experiment(config, ("rounds=200", "splitter.folds=5", "seeds=1", "threads=1", *overrides))
    return kagflow.cross_validate(competition, experiment, config=config, source=made_up).scores["cv"]


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / "titanic").glob("*.yaml")))
def test_a_config_learns_that_a_party_shares_its_fate(config, made_up, tmp_path):
    assert score(config, made_up, tmp_path) > 0.75


def test_nothing_but_the_fate_of_the_party_tells(made_up, tmp_path):
    assert score("linear", made_up, tmp_path, "drop=[PartyFate]") < 0.75
