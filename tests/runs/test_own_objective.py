"""`metric.py` may also say what models fit, and what early stopping follows."""

import sys

import numpy as np
import polars as pl
import pytest
import yaml

from kagflow.competition import load
from kagflow.errors import ConfigError, KagflowError, ModelError
from kagflow.runs import predict

BOOSTING = ("lightgbm", "xgboost", "catboost")
SMALL = ("model.params.min_data_in_leaf=3", "model.params.min_data_per_group=3")  # lets LightGBM learn from forty rows
METRIC = """
import numpy as np
from kagflow.metrics import Metric

SEEN = []

def OBJECTIVE(y, prediction, weight):
    '''Squared error; what is too low costs nine times as much.'''
    cost = weight * np.where(prediction < y, 9.0, 1.0)
    return cost * (prediction - y), cost

def score(y, prediction, weight):
    SEEN.append((y, prediction, weight))
    return float(np.average(np.abs(y - prediction), weights=weight))

STOP_METRIC = Metric(
    name="watched", direction="minimize", wants="value", function=score, objective="absolute_error"
)
"""
NAMES = {name: [0] * 12 for name in ("low", "mid", "top")}  # of the submission of many classes
FOUND = ("rounds.limit=30", "rounds.patience=5")


@pytest.fixture
def own(project):
    project.facts(weight="w")
    project.write("competitions/toy/metric.py", METRIC)
    return project


def seen():
    return sys.modules["kagflow_competition_toy_metric"].SEEN


@pytest.mark.parametrize("kind", BOOSTING)
def test_an_own_objective_is_fitted_and_saved(own, kind):
    few = (f"model.kind={kind}", "rounds=20", *(SMALL if kind == "lightgbm" else ()))
    usual, run = own.cv(*few), own.cv(*few, "objective=own")
    assert run.oof()["prediction"].mean() > usual.oof()["prediction"].mean() + 0.02
    again, _ = predict(run, own.raw)
    assert again.equals(pl.read_parquet(run.path / "test.parquet"))


def test_it_predicts_the_same_in_a_new_process(own):
    run = own.cv("rounds=5", "objective=own", *SMALL)
    process = own.start("predict", "toy", run.name, "--data", str(own.raw), "--out", "made.csv")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (own.root / "made.csv").read_bytes() == (run.path / "submission.csv").read_bytes()


THOUSANDTHS = """
import numpy as np
from kagflow.training import TargetTransform

class Thousandths(TargetTransform):
    def fit(self, x, y):
        return self

    def forward(self, x, y):
        return y * 1000

    def back(self, x, prediction):
        return prediction / 1000

TARGET = Thousandths()
"""


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize("objective", ["own", "squared_error"])
def test_a_stop_metric_sees_stop_rows_on_the_original_scale_and_no_others(own, kind, objective):
    own.write("competitions/toy/target.py", THOUSANDTHS)
    run = own.cv(f"model.kind={kind}", f"objective={objective}", "stop_metric=own", "rounds.stop=0.25", *FOUND)
    oof = run.oof().sort("id")
    weights = pl.read_csv(own.raw / "train.csv")["w"].to_numpy()
    assert len(seen()) >= 15
    for truth, prediction, weight in seen():
        rows = [int(np.flatnonzero(oof["y"] == value)[0]) for value in truth]
        assert len(set(rows)) == 10  # a quarter of the 40 training rows of a fold
        assert oof["fold"][rows].n_unique() == 2  # none of the rows that the fold scores
        np.testing.assert_array_equal(weight, weights[rows])
        assert 0 < np.abs(prediction).max() < 10


def test_another_stop_metric_finds_other_rounds(own):
    text = METRIC.replace("np.abs(y - prediction)", "prediction").replace('"minimize"', '"maximize"')
    own.write("competitions/toy/metric.py", text)
    high, usual = own.cv("stop_metric=own", *FOUND, *SMALL), own.cv(*FOUND, *SMALL)
    assert high.facts["rounds"] != usual.facts["rounds"]


def test_both_are_written_out(own):
    run = own.cv("objective=own", *FOUND)
    written = yaml.safe_load((run.path / "experiment.yaml").read_text())
    assert (written["objective"], written["stop_metric"]) == ("own", "rmse")
    written = yaml.safe_load((own.cv("stop_metric=mae", *FOUND).path / "experiment.yaml").read_text())
    assert (written["objective"], written["stop_metric"]) == ("squared_error", "mae")
    written = yaml.safe_load((own.cv("rounds=3").path / "experiment.yaml").read_text())
    assert (written["objective"], written["stop_metric"]) == ("squared_error", None)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_kagflows_metrics_are_stop_metrics_too(project, task):
    project.facts(task=task, metric="log_loss")
    project.data(task, sample={"y": [0] * 12} if task == "binary" else NAMES)
    assert project.cv("stop_metric=accuracy", *FOUND).facts["rounds"]


def test_a_changed_function_is_another_run(own):
    before = load("toy", own.root).source_hash
    own.write("competitions/toy/metric.py", METRIC.replace("9.0", "8.0"))
    assert load("toy", own.root).source_hash != before


# --- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "overrides", "error", "problem"),
    [
        ("", ["objective=own"], ConfigError, "metric.py defines no OBJECTIVE"),
        ("", ["stop_metric=own"], ConfigError, "metric.py defines no STOP_METRIC"),
        ("OBJECTIVE = 1", [], ConfigError, "OBJECTIVE must be a function, got int"),
        ("STOP_METRIC = 'mae'", [], ConfigError, "STOP_METRIC must be a kagflow.metrics.Metric"),
        (METRIC, ["stop_metric=maee"], ConfigError, "no metric is called 'maee'"),
        (METRIC, ["stop_metric=auc"], ConfigError, "auc scores classes; the task is regression"),
        (METRIC, ["objective=log_loss"], ConfigError, "log_loss is no objective for values"),
        (METRIC, ["objective=owm"], ConfigError, "`objective` must be"),
        (METRIC, ["objective=own", "model.params.objective=tweedie"], ModelError, "params.objective says 'tweedie'"),
        (METRIC, ["stop_metric=mae", "model.params.metric=l2"], ModelError, "params.metric says 'l2'"),
        (METRIC, ["model.kind=sklearn", "objective=own"], ModelError, "Sklearn takes no `objective`"),
        (METRIC, ["model.kind=sklearn", "stop_metric=mae"], ModelError, "Sklearn takes no `stop_metric`"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_fitted(project, text, overrides, error, problem):
    project.write("competitions/toy/metric.py", text)
    with pytest.raises(error, match=problem):
        project.cv(*overrides)


def test_many_classes_take_no_own_objective(project):
    project.facts(task="multiclass", metric="log_loss")
    project.data("multiclass", sample=NAMES)
    project.write("competitions/toy/metric.py", METRIC)
    with pytest.raises(ModelError, match="the task is multiclass"):
        project.cv("objective=own")


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize(
    ("wrong", "right", "overrides", "line"),
    [
        ("cost = weight[:0, 7]", "cost = weight", ["objective=own"], 9),
        ("SEEN.lost", "SEEN.append", ["stop_metric=own", *FOUND], 13),
    ],
)
def test_an_error_in_a_function_names_its_line(own, kind, wrong, right, overrides, line):
    own.write("competitions/toy/metric.py", METRIC.replace(right, wrong))
    with pytest.raises(KagflowError, match=r"raised .*Error") as caught:
        own.cv(f"model.kind={kind}", *overrides)
    assert caught.value.where.endswith(f"metric.py:{line}")
