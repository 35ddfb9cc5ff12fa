"""The feature set that is made of another one: many levels become frequencies and mean targets."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.features import FeatureSet
from kagflow.features.encoded import MANY, drop_many, encoded, of_many

MANY_LEVELS = [f"town {number}" for number in range(MANY + 1)]


def with_towns(project):
    for file in ("train", "test"):
        path = project.raw / f"{file}.csv"
        frame = pl.read_csv(path)
        towns = np.resize(MANY_LEVELS, frame.height)
        frame.with_columns(town=pl.Series(towns)).write_csv(path)


def test_only_categories_of_many_levels_are_meant():
    x = pl.DataFrame(
        {
            "town": pl.Series(MANY_LEVELS, dtype=pl.Enum(MANY_LEVELS)),
            "color": pl.Series(["red"] * (MANY + 1), dtype=pl.Enum(["red", "green"])),
            "size": range(MANY + 1),
        }
    )
    assert of_many(x) == ["town"]
    assert drop_many(x).columns == ["color", "size"]


def test_what_the_set_says_stays():
    base = FeatureSet(drop=("x*",))
    assert encoded(base).drop == base.drop
    assert [len(steps) for steps in (encoded(base).fold, encoded(base).target, encoded(base).then)] == [1, 1, 1]


def test_a_run_has_numbers_in_the_place_of_levels(project):
    with_towns(project)
    run = project.cv("features=encoded", "rounds=5")
    names = pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()
    assert {"town__frequency", "town__target_mean", "color"} <= set(names)
    assert "town" not in names


def test_a_set_of_that_name_in_features_py_is_taken(project):
    project.features("FEATURES = FeatureSet()\nENCODED = FeatureSet(drop=('x1',))\n")
    assert load("toy", project.root).feature_set("encoded").drop == ("x1",)


def test_without_many_levels_there_is_nothing_to_encode(project):
    with pytest.raises(Exception, match=f"no category has more than {MANY} levels"):
        project.cv("features=encoded", "rounds=5")
