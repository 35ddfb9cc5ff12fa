"""An ensemble predicts later rows with its members' saved models."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import make_ensemble
from kagflow.ensemble.prediction import predict_any
from kagflow.errors import ConfigError

LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")


@pytest.mark.parametrize("method", ["single", "mean", "climb", "ridge"])
def test_the_same_rows_are_predicted_the_same(banked, method):
    run = make_ensemble(load("toy", banked.root), methods=[method]).run
    frame, submission = predict_any(run, banked.raw)
    np.testing.assert_allclose(frame["prediction"], run.test()["prediction"])
    written = pl.read_csv(run.path / "submission.csv")
    assert submission["id"].cast(pl.Int64).equals(written["id"])
    np.testing.assert_allclose(submission["y"], written["y"])


def test_labels_go_through_what_was_fitted_on_the_blend(project, tmp_path):
    project.data("binary", {"y": ["False"] * 12})
    project.facts(task="binary", metric="f1")
    project.cv(*LOGISTIC, "postprocess=threshold")
    project.cv(*LOGISTIC, "drop=[x2]")
    run = make_ensemble(load("toy", project.root), methods=["logistic"]).run
    said = project.cli("predict", "toy", "ensemble", "--data", str(project.raw), "--out", str(tmp_path / "made.csv"))
    assert said.code == 0, said.err
    assert (tmp_path / "made.csv").read_text() == (run.path / "submission.csv").read_text()


def test_an_ensemble_of_ensembles_predicts(banked):
    first = make_ensemble(load("toy", banked.root), methods=["mean"]).run
    above = make_ensemble(
        load("toy", banked.root), members=[first.name, banked.complete()[0].name], methods=["mean"]
    ).run
    np.testing.assert_allclose(predict_any(above, banked.raw)[0]["prediction"], above.test()["prediction"])


def test_what_has_no_models_says_so(banked):
    file = banked.write("best.csv", "id,y\n" + "".join(f"{number},5.0\n" for number in range(60, 72)))
    made = make_ensemble(load("toy", banked.root), added={file: 0.2})
    with pytest.raises(ConfigError, match="it holds a submission file"):
        predict_any(made.run, banked.raw)
