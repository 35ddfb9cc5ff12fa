"""Predicting with a saved run: in a new process, what the run predicted itself; for other rows, what its models say."""

import json
import shutil

import polars as pl
import pytest

from kagflow.errors import DataError
from kagflow.runs import predict, read_run

FEW = ("rounds=5",)
MODELS = {
    **{kind: (f"model.kind={kind}", *FEW) for kind in ("lightgbm", "xgboost", "catboost")},
    "ridge": ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge"),
    "forest": ("model.kind=sklearn", "model.estimator=sklearn.ensemble.ExtraTreesRegressor"),
}
RIDGE = MODELS["ridge"]
# Every kind of step, one of them of the competition's own.
FEATURES = """
from dataclasses import dataclass
from kagflow.features import FoldStep
from kagflow.features.encoders import Frequency, Scale, TargetMean

def double(x):
    return x.with_columns(twice=pl.col("x1") * 2, shade=pl.col("color") + "ish")

@dataclass(frozen=True)
class Largest(FoldStep):
    column: str

    def fit(self, x):
        return Beside(self.column, x[self.column].max())

@dataclass(frozen=True)
class Beside:
    column: str
    largest: float

    def transform(self, x):
        return x.select((self.largest - pl.col(self.column)).alias(f"{self.column}__below"))

    def tables(self):
        return {}

def product(x):
    return x.with_columns(product=pl.col("color__target_mean") * pl.col("x1__scaled"))

FEATURES = FeatureSet(
    rows=[double],
    pooled=[Frequency(["shade"])],
    fold=[Scale(["x1"]), Largest("x1")],
    target=[TargetMean(["color"])],
    then=[product],
    drop=["shade"],
)
"""


@pytest.fixture
def with_every_step(project):
    project.facts(pooled=True)
    project.features(FEATURES)
    return project


@pytest.fixture
def new_rows(project, tmp_path):
    folder = tmp_path / "later"
    shutil.copytree(project.raw, folder)
    (folder / "train.csv").unlink()
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_in_a_new_process_the_submission_is_the_run_s_own(with_every_step, new_rows, model):
    project = with_every_step
    run = project.cv(*MODELS[model])
    process = project.start("predict", "toy", run.name, "--data", str(new_rows), "--out", "made.csv")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("12 rows predicted by")
    assert (project.root / "made.csv").read_bytes() == (run.path / "submission.csv").read_bytes()


@pytest.mark.parametrize(
    "overrides", [RIDGE, (*RIDGE, "seeds=2"), (*RIDGE, "refit.rows=all"), (*RIDGE, "target_transform=log1p")]
)
def test_the_predictions_are_test_parquet(with_every_step, new_rows, overrides):
    project = with_every_step
    if "target_transform=log1p" in overrides:
        shift_target(project)
    run = project.cv(*overrides)
    made, _ = predict(run, new_rows)
    assert made.equals(run.test())


def shift_target(project):
    train = pl.read_csv(project.raw / "train.csv")
    train.with_columns(pl.col("y") + 10).write_csv(project.raw / "train.csv")


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes(project, new_rows, task):
    classes = {"binary": ["y"], "multiclass": ["low", "mid", "top"]}[task]
    project.data(task, {name: [0] * 12 for name in classes})
    shutil.copy(project.raw / "sample_submission.csv", new_rows)
    project.facts(task=task, metric="log_loss")
    run = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    made, submission = predict(run, new_rows)
    assert made.equals(run.test())
    assert submission.columns == ["id", *classes]


def test_other_rows_fewer_rows_and_categories_that_nobody_saw(with_every_step, new_rows):
    run = with_every_step.cv(*MODELS["lightgbm"])
    later = pl.read_csv(new_rows / "test.csv")[3:6].with_columns(pl.lit("mauve").alias("color"))
    later.write_csv(new_rows / "test.csv")
    later.select("id", y=pl.lit(0)).write_csv(new_rows / "sample_submission.csv")
    made, submission = predict(run, new_rows)
    assert made["id"].to_list() == submission["id"].cast(pl.Int64).to_list() == later["id"].to_list()
    assert made["prediction"].is_finite().all()


def test_whole_numbers_beside_nulls_may_have_a_point(project, new_rows):
    for name in ("train", "test"):
        frame = pl.read_csv(project.raw / f"{name}.csv")
        frame.with_columns(n=pl.col("id") % 3).write_csv(project.raw / f"{name}.csv")
    run = project.cv(*RIDGE)
    pl.read_csv(project.raw / "test.csv").with_columns(pl.col("n").cast(pl.Float64)).write_csv(new_rows / "test.csv")
    assert predict(run, new_rows)[0].equals(run.test())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda test: test.drop("x1"), "'x1' is missing"),
        (lambda test: test.with_columns(x1=pl.lit("much")), "holds 'much', which is no Float64"),
        (lambda test: test[[0, 0]], "unique"),
    ],
)
def test_files_that_do_not_fit_are_refused(project, new_rows, fault, said):
    run = project.cv(*RIDGE)
    fault(pl.read_csv(new_rows / "test.csv")).write_csv(new_rows / "test.csv")
    with pytest.raises(DataError, match=said):
        predict(run, new_rows)


def test_the_run_s_own_features_are_used_not_today_s(with_every_step, new_rows):
    project = with_every_step
    run = project.cv(*RIDGE)
    project.features(FEATURES.replace("* 2", "* 3").replace("self.largest - ", "self.largest + "))
    project.cv(*RIDGE)
    made, _ = predict(run, new_rows)
    assert made.equals(run.test())


def test_a_run_by_its_folder_and_json(project, new_rows):
    run = project.cv(*RIDGE)
    said = project.cli("predict", str(run.path), "--data", str(new_rows), "--json")
    document = json.loads(said.out)
    assert (document["run"], document["rows"]) == (str(run.path), 12)
    assert (project.root / document["submission"]).read_bytes() == (run.path / "submission.csv").read_bytes()


def test_errors_of_the_command(project, new_rows):
    assert "there are no runs yet" in project.cli("predict", "toy", "--data", str(new_rows)).err
    run = project.cv(*RIDGE)
    assert "add --data DIR" in project.cli("predict", "toy").err
    assert "does not exist" in project.cli("predict", "toy", "--data", "nowhere").err
    (run.path / "recipe.pkl").unlink()
    said = project.cli("predict", "toy", "--data", str(new_rows))
    assert (said.code, "nothing to predict with" in said.err) == (1, True)
    assert not (project.root / "submission.csv").exists()
    assert read_run(project.runs, run.name).scores == run.scores
