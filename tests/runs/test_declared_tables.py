"""A table that competition.yaml declares and a step names: an original data set beside the competition's own."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.errors import DataError, FeatureError
from kagflow.runs import predict

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
JOIN = """
from kagflow.features.encoders import Join
FEATURES = FeatureSet(fold=[Join("original", by="color", aggregate={"y": ["mean", "count"], "x1": "max"})])
"""
OWN_STEP = """
from dataclasses import dataclass
from kagflow.features import FoldStep, TableStep

@dataclass(frozen=True)
class Widest(FoldStep, TableStep):
    def fit(self, x):
        return Constant(self.frame["x1"].max())

@dataclass(frozen=True)
class Constant:
    value: float

    def transform(self, x):
        return x.select(widest=pl.lit(self.value) - pl.col("x1"))

    def tables(self):
        return {}

FEATURES = FeatureSet(fold=[Widest("original")])
"""


def original_rows(seed: int = 9) -> pl.DataFrame:
    """90 rows like train's, with ids that begin anew, a word for null, and a target that differs by colour."""
    rng = np.random.default_rng(seed)
    colours = rng.choice(["red", "green", "blue"], 90)
    level = {"red": 1.0, "green": 5.0, "blue": 9.0}
    y = [level[colour] for colour in colours] + rng.normal(size=90).round(3)
    x1 = [f"{value:.4f}" if i % 10 else "unknown" for i, value in enumerate(rng.normal(size=90))]
    return pl.DataFrame({"id": np.arange(90), "x1": x1, "color": colours, "y": y})


@pytest.fixture
def with_original(project):
    original_rows().write_csv(project.raw / "original.csv")
    project.facts(tables={"original": "original.csv"}, null_words=["unknown"])
    project.features(JOIN)
    return project


def learned_table(run):
    (path,) = (run.path / "folds" / "0-seed0" / "learned").iterdir()
    return pl.read_parquet(path)


def test_target_means_of_an_original_data_set(with_original):
    run = with_original.cv(*RIDGE)
    made = {row["color"]: row for row in learned_table(run).iter_rows(named=True)}
    known = original_rows()
    for colour in ("red", "green", "blue"):
        own = known.filter(pl.col("color") == colour)
        numbers = own["x1"].replace("unknown", None).cast(pl.Float64)  # the competition's word for null holds here too
        assert made[colour]["original__y_mean_by_color"] == pytest.approx(own["y"].mean())
        assert made[colour]["original__y_count_by_color"] == own.height
        assert made[colour]["original__x1_max_by_color"] == pytest.approx(numbers.max())
    features = pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()
    assert "original__y_mean_by_color" in features


def test_a_run_predicts_without_the_table_in_a_new_process(with_original, tmp_path):
    project = with_original
    run = project.cv(*RIDGE)
    folder = tmp_path / "later"
    shutil.copytree(project.raw, folder)
    for name in ("train.csv", "original.csv"):
        (folder / name).unlink()
        (project.raw / name).unlink()
    process = project.start("predict", "toy", run.name, "--data", str(folder), "--out", "made.csv")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (project.root / "made.csv").read_bytes() == (run.path / "submission.csv").read_bytes()
    assert predict(run, folder)[0].equals(run.test())


def test_a_step_of_the_competition_asks_for_a_table_too(with_original):
    with_original.features(OWN_STEP)
    run = with_original.cv(*RIDGE)
    assert "widest" in pl.read_parquet(run.path / "importance.parquet")["feature"]


def test_another_table_is_other_data(with_original):
    before = with_original.cv(*RIDGE).facts["fingerprints"]["data"]
    original_rows(seed=10).write_csv(with_original.raw / "original.csv")
    assert with_original.cv(*RIDGE).facts["fingerprints"]["data"] != before


def test_a_table_that_is_not_declared(with_original):
    with_original.features(JOIN.replace('"original"', '"orginal"'))
    with pytest.raises(FeatureError, match="Join names the table 'orginal', which is not declared") as caught:
        with_original.cv(*RIDGE)
    assert caught.value.hint == "did you mean 'original'?"
    assert caught.value.where.endswith("features.py")
    with_original.facts()
    with pytest.raises(FeatureError) as caught:
        with_original.cv(*RIDGE)
    assert caught.value.hint == "write `tables: {orginal: orginal.csv}` in competition.yaml"


def test_a_declared_table_that_is_missing(with_original):
    (with_original.raw / "original.csv").unlink()
    with pytest.raises(DataError, match=r"original\.csv is missing"):
        with_original.cv(*RIDGE)


def test_labels_of_an_original_data_set_are_the_competition_s(project):
    """Two classes by name: their mean is the share of the last one."""
    project.data("binary")
    rows = original_rows().with_columns(y=pl.when(pl.col("y") > 4).then(pl.lit("True")).otherwise(pl.lit("False")))
    rows.write_csv(project.raw / "original.csv")
    project.facts(task="binary", metric="auc", tables={"original": "original.csv"}, null_words=["unknown"])
    project.features(JOIN)
    run = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    made = dict(learned_table(run).select("color", "original__y_mean_by_color").iter_rows())
    for colour, share in made.items():
        own = rows.filter(pl.col("color") == colour)["y"]
        assert share == pytest.approx((own == "True").mean())


def test_keys_have_train_s_types(project):
    """Shops are numbers in the table, and categories (so: text) in train; ``3.0`` there is ``3`` here."""
    pl.DataFrame({"shop": [0.0, 1.0, 2.0], "size": [10, 20, 30]}).write_csv(project.raw / "shops.csv")
    project.facts(categorical=["shop"], ignore=["day", "w"], tables={"shops": "shops.csv"})
    project.features('from kagflow.features.encoders import Join\nFEATURES = FeatureSet(fold=[Join("shops", "shop")])')
    assert learned_table(project.cv(*RIDGE)).rows() == [("0", 10), ("1", 20), ("2", 30)]


# --- rows of train in it ----------------------------------------------------------------------------------------------


def test_an_original_data_set_with_train_s_rows_is_refused(with_original):
    """The usual slip: ``concat([train, original])`` was written to a file, and its target means are joined."""
    train = pl.read_csv(with_original.raw / "train.csv", infer_schema=False)
    original = original_rows().select(pl.all().cast(pl.String))
    both = pl.concat([train.select("id", "x1", "color", "y"), original])
    both.write_csv(with_original.raw / "original.csv")
    with pytest.raises(DataError, match="holds the target 'y' and 60 of train's rows under their own ids") as caught:
        with_original.cv(*RIDGE)
    assert caught.value.where.endswith("original.csv")
    both.with_columns(id=pl.int_range(1000, 1000 + pl.len())).write_csv(with_original.raw / "original.csv")
    with pytest.raises(DataError, match="holds the target 'y' and 60 of train's rows:"):
        with_original.cv(*RIDGE)


def test_without_the_target_train_s_rows_do_no_harm(with_original):
    train = pl.read_csv(with_original.raw / "train.csv")
    train.drop("y").write_csv(with_original.raw / "original.csv")
    with_original.features(JOIN.replace('"y": ["mean", "count"], ', ""))
    assert with_original.cv(*RIDGE).scores["cv"] > 0


def test_a_few_rows_of_train_are_said_by_check(with_original):
    train = pl.read_csv(with_original.raw / "train.csv", infer_schema=False)
    original = original_rows().select(pl.all().cast(pl.String))
    some = train.select("id", "x1", "color", "y")[:5].with_columns(id=pl.lit("500"))
    pl.concat([some, original]).write_csv(with_original.raw / "original.csv")
    with_original.cv(*RIDGE)
    findings = json.loads(with_original.cli("check", "toy", "--json").out)["findings"]
    (found,) = [finding for finding in findings if finding["code"] == "KF106"]
    assert (found["severity"], found["size"]) == ("warning", 5)
    assert found["message"] == "5 rows of train stand in the table 'original' too, beside the target"


def test_a_table_of_key_and_target_repeats_nothing(with_original):
    """Keys that many rows share tell no row apart, so that a table of means by key is no copy."""
    original_rows().select("color", "y").write_csv(with_original.raw / "original.csv")
    with_original.features(JOIN.replace(', "x1": "max"', ""))
    assert load("toy", with_original.root).additions.tables == ("original",)
    with_original.cv(*RIDGE)
