"""Several targets: one model each, on the same folds and the same rows."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import Table
from kagflow.errors import ConfigError, DataError
from kagflow.metrics import find_metric
from kagflow.runs import compare, cross_validate, list_runs, predict
from kagflow.runs.directory import target_of, task_name
from kagflow.tracking import NoTracker
from kagflow.training import Task

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
TREES = ("rounds=3", "threads=1", "model.params.min_data_in_leaf=3")
SET = [word for one in RIDGE for word in ("--set", one)]

LOADS = {"target": ["heating", "cooling"], "metric": "mcrmse"}
EFFECTS = {"target": ["binds", "kills"], "metric": "mean_columnwise@auc", "task": "binary"}
# Something of every kind that looks at the target, and something that is shared by all targets.
FEATURES = """
from kagflow.features.encoders import Frequency, TargetMean

def double(x):
    return x.with_columns(x1__double=pl.col("x1") * 2)

def keep(x, y):
    numbers = y.to_physical().cast(pl.Float64)
    return numbers < numbers.max()

FEATURES = FeatureSet(rows=[double], fold=[Frequency("color")], target=[TargetMean("color", smooth=2.0)])
BLIND = FeatureSet(rows=[double], fold=[Frequency("color")])
PICKY = FeatureSet(rows=[double], target=[TargetMean("color", smooth=2.0)], keep=keep)
"""


def write_data(project, targets, sample=None):
    """Write 60 training rows and 12 test rows with these targets, each an (n,) array of 72."""
    for name in ("train", "test"):
        path = project.raw / f"{name}.csv"
        frame = pl.read_csv(path).drop("y", "heating", "cooling", "binds", "kills", strict=False)
        if name == "train":
            frame = frame.with_columns(pl.Series(name, y[:60]) for name, y in targets.items())
        frame.write_csv(path)
    columns = sample or {name: [0] * 12 for name in reversed(list(targets))}
    pl.DataFrame({"id": np.arange(71, 59, -1), **columns}).write_csv(project.raw / "sample_submission.csv")


def loads(project):
    """Two loads of a building: one goes with x1, the other with the colour."""
    rng = np.random.default_rng(3)
    x = pl.concat([pl.read_csv(project.raw / f"{name}.csv").select("x1", "color") for name in ("train", "test")])
    return {
        "heating": 20 + 3 * x["x1"].to_numpy() + rng.normal(size=72),
        "cooling": 30 + 5 * (x["color"] == "red").to_numpy() + rng.normal(size=72),
    }


@pytest.fixture
def building(project):
    """Two targets of regression, scored by the mean of their errors."""
    project.facts(**LOADS)
    project.features(FEATURES)
    write_data(project, loads(project))
    return project


@pytest.fixture
def drug(project):
    """Two labels a row, scored by the mean of their AUCs."""
    project.facts(**EFFECTS)
    project.features(FEATURES)
    of_value = {"heating": "binds", "cooling": "kills"}
    values = {of_value[name]: (y > np.median(y)).astype(int) for name, y in loads(project).items()}
    write_data(project, values)
    return project


def alone(project, target, *overrides, **facts):
    """Return the run of a competition of one of the targets, on the same files and folds."""
    project.facts(target=target, **facts)
    pl.DataFrame({"id": np.arange(60, 72), "y": 0}).write_csv(project.raw / "sample_submission.csv")
    return project.cv(*overrides)


# --- from the command line to the submission --------------------------------------------------------------------------


def test_two_loads_of_a_building(building):
    said = building.cli("cv", "toy", *SET)
    assert said.code == 0, said.err
    assert re.search(r"mcrmse \d\.\d+ ± 0\.\d+ \(less is better\)", said.out)
    assert re.search(r"  targets  heating \d\.\d+  cooling \d\.\d+\n", said.out)
    (run,) = list_runs(building.runs)

    oof = run.oof()
    assert oof.columns == [
        "id",
        "fold",
        "repeat",
        *[f"{what}__{name}" for what in ("y", "prediction") for name in LOADS["target"]],
    ]
    by_target = {name: rmse(oof, name) for name in LOADS["target"]}
    assert run.scores["targets"] == pytest.approx(by_target)
    assert run.scores["cv"] == pytest.approx(np.mean(list(by_target.values())))
    assert all(0.5 < score < 1.5 for score in by_target.values())  # the noise of either load is one

    submission = pl.read_csv(run.path / "submission.csv")
    assert submission.columns == ["id", "cooling", "heating"]  # as the sample has them
    assert submission["id"].to_list() == list(range(71, 59, -1))
    test = run.test()
    assert test.columns[:3] == ["id", "prediction__heating", "prediction__cooling"]
    assert np.array_equal(submission["cooling"], test["prediction__cooling"].reverse())
    folds = [f"{fold}-seed0-target{k}-{name}" for fold in range(3) for k, name in enumerate(LOADS["target"])]
    assert sorted(path.name for path in run.path.glob("folds/*")) == sorted(folds)
    assert test.columns[3:] == folds
    importance = pl.read_parquet(run.path / "importance.parquet")
    kind = importance.columns[1]
    assert importance.columns == ["feature", kind, f"{kind}__heating", f"{kind}__cooling"]
    assert importance[kind].to_numpy() == pytest.approx(importance[:, 2:].to_numpy().mean(axis=1))


def rmse(oof, name):
    return float(np.sqrt(np.mean((oof[f"y__{name}"] - oof[f"prediction__{name}"]).to_numpy() ** 2)))


def test_predict_in_a_new_process_gives_what_the_run_gave(building, tmp_path):
    run = building.cv(*RIDGE)
    new = tmp_path / "new"
    new.mkdir()
    for file in ("test.csv", "sample_submission.csv"):
        shutil.copy(building.raw / file, new)
    child = building.start("predict", "toy", "--data", str(new))
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert (building.root / "submission.csv").read_bytes() == (run.path / "submission.csv").read_bytes()
    frame, _ = predict(run, new)
    assert frame.equals(run.test())


def test_two_labels_by_their_mean_auc(drug):
    run = drug.cv(*LOGISTIC)
    oof = run.oof()
    columns = [oof.select(f"{what}__{name}" for name in EFFECTS["target"]) for what in ("y", "prediction")]
    y, prediction = columns[0].select(pl.all().to_physical()).to_numpy(), columns[1].to_numpy()
    one = [find_metric("auc").score(y[:, k].astype(int), prediction[:, k]) for k in (0, 1)]
    assert run.scores["targets"] == pytest.approx(dict(zip(EFFECTS["target"], one, strict=True)))
    assert run.scores["cv"] == pytest.approx(np.mean(one))
    assert run.scores["se"] > 0
    assert pl.read_csv(run.path / "submission.csv").select("binds", "kills").to_numpy().max() < 1


def test_a_look_at_one_fold_and_json(building):
    said = building.cli("cv", "toy", *SET, "--only-folds", "1", "--sample", "0.8", "--json")
    document = json.loads(said.out)
    assert list(document["targets"]) == LOADS["target"]
    assert len(document["folds"]) == 1


# --- each target is a competition of its own --------------------------------------------------------------------------


@pytest.mark.parametrize("features", ["default", "blind", "picky"])
@pytest.mark.parametrize("rounds", ["rounds=3", "rounds={limit: 6, patience: 2}"])
def test_a_target_is_predicted_as_if_it_were_the_only_one(building, features, rounds):
    options = (*TREES, rounds, f"features={features}")
    both = building.cv(*options).oof()
    for name in LOADS["target"]:
        other = next(each for each in LOADS["target"] if each != name)
        one = alone(building, name, *options, metric="rmse", ignore=["shop", "day", "w", other]).oof()
        assert one["fold"].equals(both["fold"])
        assert one["y"].equals(both[f"y__{name}"])
        assert one["prediction"].to_numpy().tobytes() == both[f"prediction__{name}"].to_numpy().tobytes()


@pytest.mark.parametrize(
    "options",
    [(*RIDGE, "threads=1"), (*RIDGE, "features=blind"), (*TREES, "features=picky")],
    ids=["ridge", "without target steps", "trees"],
)
def test_a_target_does_not_reach_the_predictions_of_another(building, options):
    before = building.cv(*options).oof()
    values = loads(building)
    write_data(building, values | {"heating": 1e6 * (-1.0) ** np.arange(72)})
    after = building.cv(*options).oof()
    assert before["prediction__cooling"].to_numpy().tobytes() == after["prediction__cooling"].to_numpy().tobytes()
    assert not before["prediction__heating"].equals(after["prediction__heating"])


def test_tallies_that_are_shared_by_the_targets_would_be_noticed(building, monkeypatch):
    """The same test fails where the second target finds what was counted of the first."""
    monkeypatch.setattr("kagflow.features.pool.Pool.with_target", share_tallies)
    with pytest.raises(AssertionError):
        test_a_target_does_not_reach_the_predictions_of_another(building, (*RIDGE, "threads=1"))


def test_a_second_fit_of_the_first_target_would_be_noticed(building, monkeypatch):
    """The same test fails where the second target's steps and models are handed the first target."""
    monkeypatch.setattr("kagflow.features.pool.Pool.with_target", lambda pool, y: pool)
    with pytest.raises(AssertionError):
        test_a_target_is_predicted_as_if_it_were_the_only_one(building, "default", "rounds=3")


def test_frames_that_are_shared_though_a_step_sees_the_target_would_be_noticed(building, monkeypatch):
    monkeypatch.setattr("kagflow.features.steps.FeatureSet.uses_target", False)
    with pytest.raises(AssertionError):
        test_a_target_does_not_reach_the_predictions_of_another(building, (*RIDGE, "threads=1"))


@pytest.mark.parametrize(("steps", "fits"), [("", 3), (", target=[TargetMean('color')]", 6)])
def test_features_that_see_no_target_are_built_once_for_all(building, steps, fits):
    """Three folds and two targets: six fits of a model, and three of a step that knows nothing of the target."""
    building.features(COUNTING.replace("STEPS", steps))
    building.cv(*RIDGE)
    assert (building.root / "counted").read_text() == "x" * fits


COUNTING = """
from dataclasses import dataclass
from pathlib import Path
from kagflow.features.encoders import Frequency, TargetMean

@dataclass(frozen=True)
class Counting(Frequency):
    def fit(self, x):
        with (Path(__file__).parents[2] / "counted").open("a") as file:
            file.write("x")
        return super().fit(x)

FEATURES = FeatureSet(fold=[Counting("color")]STEPS)
"""


def share_tallies(pool, y):
    return replace(pool, y=y)


def test_no_step_sees_a_target_among_the_features(building):
    building.features(FEATURES.replace('pl.col("x1") * 2', 'pl.col("cooling")'))
    said = building.cli("cv", "toy", *SET)
    assert said.code == 1
    assert "ColumnNotFoundError" in said.err


def test_assemble_sees_no_target(building):
    """Rows made of several files get all targets beside them afterwards."""
    extra = pl.DataFrame({"id": np.arange(72), "floor": np.arange(72) % 5})
    extra.write_csv(building.raw / "floors.csv")
    building.facts(**LOADS | {"tables": {"floors": "floors.csv"}})
    building.write("competitions/toy/tables.py", ASSEMBLE)
    run = building.cv(*RIDGE)
    features = pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()
    assert "floor" in features
    assert not set(LOADS["target"]) & set(features)
    building.write("competitions/toy/tables.py", ASSEMBLE.replace('how="left")', 'how="left").with_columns("cooling")'))
    with pytest.raises(DataError, match="ColumnNotFoundError"):
        building.cv(*RIDGE)


ASSEMBLE = """
import polars as pl

def assemble(tables):
    return tuple(tables[name].join(tables["floors"], on="id", how="left") for name in ("train", "test"))
"""


def test_a_target_in_the_test_file_is_no_feature_either(building):
    path = building.raw / "test.csv"
    pl.read_csv(path).with_columns(cooling=pl.lit(1.0)).write_csv(path)
    run = building.cv(*RIDGE)
    assert "cooling" not in pl.read_parquet(run.path / "importance.parquet")["feature"].to_list()


# --- what goes with a run ---------------------------------------------------------------------------------------------


def test_runs_compare_over_all_targets(building):
    first, second = building.cv(*RIDGE), building.cv(*RIDGE, "model.params.alpha=1000")
    comparison = compare(second, first, load("toy", building.root).metric)
    assert comparison.difference.value == pytest.approx(second.scores["cv"] - first.scores["cv"])
    assert comparison.better is False
    assert "worse" in building.cli("runs", "toy", second.name, "--against", first.name).out


def test_seeds_and_a_refit(building):
    run = building.cv(
        *TREES, "seeds=2", "refit.rows=all", "model.params.bagging_fraction=0.5", "model.params.bagging_freq=1"
    )
    test = run.test()
    assert test.columns[3:] == [
        f"all-seed{seed}-target{k}-{name}" for k, name in enumerate(LOADS["target"]) for seed in (0, 1)
    ]
    own = test.select(name for name in test.columns if name.endswith("cooling") and name.startswith("all"))
    assert test["prediction__cooling"].to_numpy() == pytest.approx(own.to_numpy().mean(axis=1))


def test_an_interrupted_run_goes_on_with_the_fits_that_are_missing(building):
    whole = building.cv(*RIDGE)
    expected = (whole.path / "oof.parquet").read_bytes()
    partial = whole.path.rename(whole.path.with_name(f"{whole.name}.partial"))
    shutil.rmtree(partial / "folds" / "1-seed0-target1-cooling")
    shutil.rmtree(partial / "folds" / "2-seed0-target0-heating")
    for path in partial.rglob("*"):
        path.chmod(0o755)
    said = building.cli("cv", "toy", *SET)
    assert "continuing: 4 of 6 fits were done before" in said.err
    (again,) = list_runs(building.runs)
    assert (again.path / "oof.parquet").read_bytes() == expected


def test_the_positive_label_is_that_of_all_targets(drug):
    before = drug.cv(*LOGISTIC).oof()
    drug.facts(**EFFECTS | {"positive": 0})
    after = drug.cv(*LOGISTIC).oof()
    for name in EFFECTS["target"]:
        assert after[f"prediction__{name}"].to_numpy() == pytest.approx(1 - before[f"prediction__{name}"].to_numpy())


def test_check_knows_that_targets_are_no_missing_columns(building):
    said = building.cli("check", "toy")
    assert said.code == 0
    assert "heating" not in said.out


def test_each_target_is_mirrored(building):
    seen = {}

    class Mirror(NoTracker):
        def summary(self, values):
            seen.update(values)

    competition = load("toy", building.root)
    run = cross_validate(competition, competition.experiment(None, RIDGE), tracker=Mirror())
    assert {name: seen[f"target_{name}"] for name in LOADS["target"]} == run.scores["targets"]


def test_labels_are_cut_for_each_target_by_itself(drug):
    drug.facts(**EFFECTS | {"metric": "mean_columnwise@f1"})
    run = drug.cv(*LOGISTIC, "postprocess=threshold")
    assert run.scores["cv_fitted"] >= run.scores["cv"]
    labels = pl.read_csv(run.path / "submission.csv").select("binds", "kills")
    assert set(np.unique(labels.to_numpy())) <= {0, 1}
    assert set(run.oof()["processed__kills"].unique()) <= {0, 1}


def test_the_scale_follows_from_the_metric_of_one_target(building):
    building.facts(**LOADS | {"metric": "mean_columnwise@rmsle"})
    run = building.cv(*RIDGE)
    assert "target_transform: log1p" in run.experiment()


def test_a_submission_in_another_form(building):
    """One row for each id and target, as some competitions want it."""
    ids = [f"{row}_{name}" for row in range(60, 72) for name in LOADS["target"]]
    pl.DataFrame({"key": ids, "value": 0.0}).write_csv(building.raw / "sample_submission.csv")
    with pytest.raises(DataError, match="are not the targets heating, cooling"):
        building.cv(*RIDGE)
    building.write("competitions/toy/submission.py", LONG)
    run = building.cv(*RIDGE)
    wanted = run.test().select("prediction__heating", "prediction__cooling").to_numpy().ravel()
    assert pl.read_csv(run.path / "submission.csv")["value"].to_numpy() == pytest.approx(wanted)


LONG = """
import polars as pl

def submission(predictions, sample):
    long = predictions.unpivot(index="id", variable_name="target")
    keyed = long.select(pl.format("{}_{}", "id", "target").alias("key"), "value")
    return sample.select("key").join(keyed, on="key", how="left", maintain_order="left")
"""


def test_odd_names_make_folders_of_their_own():
    names = ("a/b", "a b", "../up", "x" * 300, "température °C")
    made = [task_name(Task(0, 0, k), names) for k in range(len(names))]
    assert len(set(made)) == len(names)
    assert made[:3] == ["0-seed0-target0-a_b", "0-seed0-target1-a_b", "0-seed0-target2-.._up"]
    assert max(map(len, made)) < 100
    assert [target_of(name) for name in made] == list(range(len(names)))
    assert (task_name(Task(None, 1)), target_of("all-seed1")) == ("all-seed1", 0)


def test_a_list_of_one_target_is_that_target(project):
    assert alone(project, ["y"], *RIDGE).oof().columns[3:] == ["y", "prediction"]


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "problem", "hint"),
    [
        ({"metric": "rmse"}, "rmse scores one target, and `target` names 2", "mean_columnwise@rmse"),
        ({"target": "heating"}, "mcrmse scores several targets, and `target` names one: heating", "`metric: rmse`"),
        ({"task": "multiclass"}, "several targets are for regression and binary tasks; the task is multiclass", ""),
        ({"target": ["heating", "heating"]}, "`target` names a column twice", ""),
        ({"target": []}, "`target` must be a column, or a list of columns, got []", ""),
        ({"target": {"a": 1}}, "`target` must be a column, or a list of columns", ""),
        ({"target": ["heating", "colling"]}, "there is no column 'colling', which `target` names", "cooling"),
        ({"metric": "mean_columnwise"}, "it lacks its setting", "mean_columnwise@auc"),
        ({"metric": "mean_columnwise@mcrmse"}, "'mcrmse' is not the metric of one target", ""),
        ({"metric": "mean_columnwise@rmsee"}, "no metric is called 'rmsee'", "rmse"),
    ],
)
def test_what_does_not_fit_is_an_error(building, facts, problem, hint):
    building.facts(**LOADS | facts)
    said = building.cli("cv", "toy", *SET)
    assert said.code == 1
    assert problem in said.err
    assert hint in said.err


def test_labels_must_be_the_same_for_all(drug):
    path = drug.raw / "train.csv"
    pl.read_csv(path).with_columns(kills=pl.col("kills").cast(pl.String).replace({"0": "no", "1": "yes"})).write_csv(
        path
    )
    with pytest.raises(DataError, match="binds has 0, 1, kills has no, yes"):
        drug.cv(*LOGISTIC)


def test_a_null_in_the_second_target_is_named(building):
    path = building.raw / "train.csv"
    pl.read_csv(path).with_columns(pl.when(pl.col("id") > 3).then("cooling").alias("cooling")).write_csv(path)
    with pytest.raises(DataError, match="column cooling: the target is null in 4 of 60 rows"):
        building.cv(*RIDGE)


def test_extra_rows_have_one_target(building):
    extra = Table(pl.Series([900]), pl.DataFrame({"x1": [0.0]}), pl.Series([1.0]))
    with pytest.raises(ConfigError, match="extra rows come with one target, and the competition has 2"):
        cross_validate(load("toy", building.root), extra=extra)


def test_the_mean_over_targets_of_a_metric_of_ones_own(building):
    building.write("competitions/toy/metric.py", WORST.replace(", several=True", "").replace("axis=0", "axis=-1"))
    building.facts(**LOADS | {"metric": "mean_columnwise@worst"})
    run = building.cv(*RIDGE)
    assert run.scores["cv"] == pytest.approx(np.mean([rmse(run.oof(), name) for name in LOADS["target"]]))


def test_a_metric_of_ones_own(building):
    building.write("competitions/toy/metric.py", WORST)
    building.facts(**LOADS | {"metric": "worst"})
    run = building.cv(*RIDGE)
    assert run.scores["cv"] == pytest.approx(max(rmse(run.oof(), name) for name in LOADS["target"]))
    assert "targets" not in run.scores
    said = building.cli("cv", "toy", *SET, "--set", "postprocess=clip")
    assert "worst has no metric of one target" in said.err


WORST = """
import numpy as np
from kagflow.metrics import Metric

def worst(y, prediction, weight):
    return np.sqrt(np.mean((y - prediction) ** 2, axis=0)).max()

METRIC = Metric(
    name="worst", direction="minimize", wants="value", function=worst, objective="squared_error", several=True
)
"""
