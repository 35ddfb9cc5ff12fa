import math
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kagflow

NAME = "amazon_employee_access"
ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load(NAME, ROOT)
COLUMNS = COMPETITION.facts.categorical


def requests(n: int, seed: int) -> pl.DataFrame:
    """Return made-up rows: a request is refused where manager and resource, both of two kinds, do not match."""
    rng = np.random.default_rng(seed)
    columns = {"id": np.arange(n) + n * seed} | {name: rng.integers(100, 106, n) for name in COLUMNS}
    fits = (columns["MGR_ID"] + columns["RESOURCE"]) % 2 == 0
    return pl.DataFrame(columns | {"ACTION": np.where(rng.random(n) < 0.05, ~fits, fits).astype(int)})


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    test = requests(100, seed=9).drop("ACTION")
    requests(500, seed=1).write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    test.select("id", ACTION=0.5).write_csv(folder / "sample_submission.csv")
    return folder


def cross_validate(config, overrides, source, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / NAME, tmp_path / folder / NAME)
    competition = kagflow.load(NAME, tmp_path)
    experiment = competition.experiment(config, ("splitter.folds=3", "rounds=20", "threads=1", *overrides))
    return kagflow.cross_validate(competition, experiment, config=config or "default", source=source)


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / NAME).glob("*.yaml")))
def test_a_config_finds_what_only_two_names_together_say(config, source, tmp_path):
    run = cross_validate(config, (), source, tmp_path)
    assert run.scores["cv"] > 0.75  # each name by itself scores 0.5


@pytest.mark.parametrize("name", ["default", "deep", "linear"])
def test_models_get_what_names_mean_and_no_names(name, source, tmp_path):
    run = cross_validate(None, (f"features={name}", "model.params={min_data_in_leaf: 5}"), source, tmp_path)
    columns = pl.read_parquet(run.path / "importance.parquet")["feature"]
    assert not set(columns) & set(COLUMNS)
    assert not columns.str.contains("ROLE_CODE").any()  # the title says it
    assert columns.str.ends_with("__frequency").sum() == 8 + 28  # names and pairs
    assert len(columns) - 36 == (8 + 28 if name == "default" else 8 + 28 + 56)


def test_a_pair_that_is_twice_as_common_is_one_step_further():
    (take_logs,) = COMPETITION.feature_set("linear").then
    x = pl.DataFrame({"a__frequency": [0.0, 0.1, 0.2, 0.4], "a__weight_of_evidence": [0.5, -0.5, 0.0, 2.0]})
    logs = take_logs(x)
    steps = logs["a__frequency"].diff().to_list()[2:]
    assert steps == pytest.approx([math.log(2)] * 2, abs=1e-3)
    assert logs["a__frequency"].is_finite().all()
    assert logs["a__weight_of_evidence"].equals(x["a__weight_of_evidence"])
