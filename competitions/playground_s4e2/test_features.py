import random
import shutil
from pathlib import Path

import polars as pl
import pytest

import kagflow
from kagflow.errors import FeatureError
from kagflow.features.pool import run_row_function

ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load("playground_s4e2", ROOT)

# Nobody who was asked.
PERSON = {
    "Gender": "Female", "Age": 30.5, "Height": 2.0, "Weight": 100.0, "CAEC": "Sometimes", "CALC": "no",
    "family_history_with_overweight": "no", "FAVC": "no", "SMOKE": "no", "SCC": "no", "MTRANS": "Walking",
    "FCVC": 2.0, "NCP": 3.0, "CH2O": 2.5, "FAF": 1.0, "TUE": 0.0,
}  # fmt: skip
LEVELS = ("Insufficient_Weight", "Normal_Weight", "Obesity_Type_I")


def made(feature_set="linear", **changes):
    """Return what the row functions make of one person with these changes."""
    row = pl.DataFrame([PERSON | changes])
    for function in COMPETITION.feature_set(feature_set).rows:
        row = run_row_function(function, row)
    return row.row(0, named=True)


@pytest.mark.parametrize("feature_set", ["default", "linear"])
def test_words_are_numbered_from_never_to_always(feature_set):
    words = ("no", "Sometimes", "Frequently", "Always")
    assert [made(feature_set, CAEC=word)["CAEC__ordinal"] for word in words] == [0, 1, 2, 3]


def test_a_word_without_a_place_is_refused():
    with pytest.raises(FeatureError, match="Rarely"):
        made(CAEC="Rarely")


def test_whole_numbers_are_marked():
    row = made()
    assert (row["Age__is_whole"], row["FCVC__is_whole"], row["CH2O__is_whole"]) == (False, True, False)


def test_the_index_is_weight_by_height_squared():
    assert made()["BMI"] == 25.0


def test_a_line_bends_above_each_limit():
    row = made(Weight=120.0)  # an index of 30
    assert [row[f"BMI__above_{limit}"] for limit in (18.5, 25, 30, 35)] == [11.5, 5.0, 0.0, 0.0]


def test_men_have_bends_of_their_own():
    assert [made(Gender=gender, Weight=120.0)["BMI__above_25__of_men"] for gender in ("Male", "Female")] == [5.0, 0.0]


def test_habits_say_nothing_more_of_an_index_of_25():
    assert (made()["FAF__by_BMI"], made(Weight=120.0, FAF=2.0)["FAF__by_BMI"]) == (0.0, 10.0)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Return a folder with the files of people who never were: three levels, by the index alone."""
    folder, draw = tmp_path_factory.mktemp("people"), random.Random(0)
    rows = []
    for number in range(260):
        height, bmi = draw.uniform(1.6, 1.7), draw.uniform(15, 35)
        person = {"Age": draw.uniform(14, 60), "Height": height, "Weight": bmi * height**2, "FAF": draw.uniform(0, 3)}
        person |= {"Gender": draw.choice(["Male", "Female"]), "CALC": draw.choice(["no", "Sometimes"])}
        rows.append({"id": number} | PERSON | person | {"NObeyesdad": LEVELS[(bmi > 20) + (bmi > 28)]})
    people = pl.DataFrame(rows)
    people.head(200).write_csv(folder / "train.csv")
    people.tail(60).drop("NObeyesdad").write_csv(folder / "test.csv")
    people.tail(60).select("id", NObeyesdad=pl.lit(LEVELS[1])).write_csv(folder / "sample_submission.csv")
    return folder


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / "playground_s4e2").glob("*.yaml")))
def test_a_config_learns_the_levels(config, made_up, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / "playground_s4e2", tmp_path / folder / "playground_s4e2")
    competition = kagflow.load("playground_s4e2", tmp_path)
    experiment = competition.experiment(config, ("rounds=60", "splitter.folds=3", "seeds=1", "threads=1"))
    run = kagflow.cross_validate(competition, experiment, config=config, source=made_up)
    assert run.scores["cv"] > 0.7  # all of one level: 0.4
