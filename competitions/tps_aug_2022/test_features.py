import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kagflow

NAME = "tps_aug_2022"
ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load(NAME, ROOT)
FEATURES = COMPETITION.feature_set("default")
USUAL = FEATURES.pooled[0]
MEASUREMENTS = [f"measurement_{number}" for number in range(18)]


def products(codes: str, each: int, seed: int) -> pl.DataFrame:
    """Return made-up rows: a product has a level of its own, and fails by how far it is loaded above that."""
    rng = np.random.default_rng(seed)
    n = len(codes) * each
    code = np.repeat(list(codes), each)
    level = np.array([ord(letter) for letter in code])
    load = rng.normal(size=n)
    columns = {"id": np.arange(n) + 1000 * seed, "product_code": code, "loading": level + load}
    columns |= {f"attribute_{number}": [f"material_{letter}" for letter in code] for number in range(2)}
    columns |= {f"attribute_{number}": level for number in (2, 3)}
    columns |= {name: level + rng.normal(size=n) for name in MEASUREMENTS}
    frame = pl.DataFrame(columns).with_columns(
        pl.when(pl.lit(rng.random(n) > 0.1)).then(name).alias(name) for name in MEASUREMENTS[3:]
    )
    return frame.with_columns(failure=(rng.normal(size=n) < load).astype(int))


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    test = products("DE", 100, seed=2).drop("failure")
    products("ABC", 600, seed=1).write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    test.select("id", failure=0.5).write_csv(folder / "sample_submission.csv")
    return folder


def made(rows: pl.DataFrame, name: str = "default") -> pl.DataFrame:
    """Return what a feature set makes of rows, before columns are dropped."""
    features = COMPETITION.feature_set(name)
    for function in features.rows:
        rows = function(rows)
    rows = rows.with_columns(pl.col("product").cast(pl.Enum(sorted(set(rows["product"])))))
    for step in features.pooled:
        rows = rows.with_columns(step.fit(rows).transform(rows))
    for function in features.then:
        rows = function(rows)
    return rows


def test_missing_measurements_are_said():
    rows = products("A", 3, seed=1).with_columns(measurement_3=pl.Series([None, 1.0, 2.0]), measurement_5=pl.lit(1.0))
    told = made(rows)
    assert told["measurement_3__missing"].to_list() == [True, False, False]
    assert not told["measurement_5__missing"].any()


def test_the_mean_passes_over_what_is_missing():
    rows = products("A", 2, seed=1).with_columns(pl.lit(4.0).alias(name) for name in MEASUREMENTS[3:17])
    assert made(rows.with_columns(measurement_9=None))["lab__mean"].to_list() == [4.0, 4.0]


@pytest.mark.parametrize("column", USUAL.columns)
def test_numbers_count_from_the_mean_of_their_own_product(column):
    rows = made(products("AZ", 50, seed=1))
    moments = rows.group_by("product").agg(
        pl.col(f"{column}__within").mean().alias("mean"), pl.col(f"{column}__within").std().alias("std")
    )
    assert moments["mean"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert moments["std"].to_numpy() == pytest.approx(1)


def test_for_lines_the_usual_stands_in_for_what_is_missing():
    rows = products("A", 30, seed=1)
    assert rows["measurement_17"].null_count() > 0
    assert made(rows)["measurement_17__within"].null_count() == rows["measurement_17"].null_count()
    assert made(rows, "linear")["measurement_17__within"].null_count() == 0


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / NAME).glob("*.yaml")))
def test_a_config_foretells_products_that_it_has_not_seen(config, source, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / NAME, tmp_path / folder / NAME)
    competition = kagflow.load(NAME, tmp_path)
    experiment = competition.experiment(config, ("rounds=30", "threads=1"))
    run = kagflow.cross_validate(competition, experiment, config=config, source=source)
    assert run.scores["cv"] > 0.6  # what is known of products themselves scores 0.5


@pytest.mark.parametrize("name", ["default", "linear"])
def test_no_column_tells_the_product(name, source, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / NAME, tmp_path / folder / NAME)
    competition = kagflow.load(NAME, tmp_path)
    experiment = competition.experiment(None, (f"features={name}", "rounds=2", "threads=1"))
    run = kagflow.cross_validate(competition, experiment, source=source)
    columns = set(pl.read_parquet(run.path / "importance.parquet")["feature"])
    missing = {"measurement_3__missing", "measurement_5__missing"}
    assert columns == missing | {f"{column}__within" for column in USUAL.columns}
