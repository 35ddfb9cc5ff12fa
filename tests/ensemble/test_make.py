"""An ensemble is a run: complete, the same bytes again, with two scores, and what it was chosen from."""

import json

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.ensemble import Bank, make_ensemble
from kagflow.errors import ConfigError, DataError
from kagflow.metrics import find_metric
from kagflow.runs import compare, list_runs, read_run

from .conftest import RIDGE

RESULTS = ("oof.parquet", "test.parquet", "scores.json", "submission.csv", "ensemble.json")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")


def ensemble(project, **settings):
    return make_ensemble(load("toy", project.root), **settings)


def bytes_of(run):
    return {name: (run.path / name).read_bytes() for name in RESULTS}


def test_an_ensemble_is_a_run_like_any_other(banked):
    made = ensemble(banked, methods=["mean"], without=[banked.complete()[1].name])
    run = read_run(banked.runs, "ensemble")
    assert run.facts["kind"] == "ensemble"
    assert run.path == made.run.path
    ridge, trees = (read_run(banked.runs, run["run"]) for run in run.facts["members"])
    mean = (ridge.oof()["prediction"] + trees.oof()["prediction"]) / 2
    assert made.document["method"] == "mean"
    np.testing.assert_allclose(run.oof()["prediction"], mean)
    assert run.scores["cv"] == find_metric("rmse").score(*(run.oof()[name].to_numpy() for name in ("y", "prediction")))
    assert run.scores["cv"] == run.scores["cv_crossfitted"]
    compare(run, ridge, load("toy", banked.root).metric)
    assert all(path.stat().st_mode & 0o222 == 0 for path in run.path.iterdir())  # nobody may write


def test_the_same_members_and_settings_find_the_same_run(banked):
    first, again = ensemble(banked), ensemble(banked)
    assert first.new
    assert not again.new
    assert again.run.path == first.run.path
    assert ensemble(banked, methods=["mean"]).run.path != first.run.path


def test_made_anew_it_is_the_same_to_the_byte(banked):
    first = ensemble(banked).run
    before = bytes_of(first)
    for path in sorted(first.path.rglob("*"), reverse=True):
        path.unlink()
    first.path.rmdir()
    assert bytes_of(ensemble(banked).run) == before


def test_the_order_in_which_members_are_named_does_not_matter(banked):
    names = [path.name for path in banked.complete()]
    first, again = ensemble(banked, members=names), ensemble(banked, members=names[::-1])
    assert again.run.path == first.run.path


def test_ensembles_are_members_only_where_they_are_named(banked):
    first = ensemble(banked).run
    assert first.name not in Bank.of(load("toy", banked.root)).names
    second = ensemble(banked, members=["ensemble", banked.complete()[2].name], methods=["mean"])
    assert first.name in {member["run"] for member in second.run.facts["members"]}
    assert {"kind": "ensemble", "config": "ensemble"}.items() <= second.run.facts["members"][1].items()


def test_both_scores_are_told_and_what_was_chosen_by_looking(banked):
    made = ensemble(banked, methods=["climb"])
    by_method = {each["method"]: each for each in made.document["candidates"]}
    assert set(by_method) == {"single", "climb"}
    assert by_method["climb"]["cv_fitted"] <= by_method["climb"]["cv_crossfitted"]
    assert made.run.facts["chosen_by_looking"][0].startswith("method: ")
    assert made.run.facts["honest"] is True
    assert {"members", "cv_fitted", "cv_crossfitted", "submission", "se", "folds"} <= made.result().keys()
    json.dumps(made.result(), allow_nan=False)


def test_a_single_run_is_an_ensemble_of_one(project):
    run = project.cv(*RIDGE)
    made = ensemble(project)
    assert made.document["method"] == "single"
    assert made.run.oof()["prediction"].equals(run.oof()["prediction"])
    assert (made.run.path / "submission.csv").read_bytes() == (run.path / "submission.csv").read_bytes()


@pytest.mark.parametrize(
    ("task", "metric", "facts", "sample"),
    [
        ("binary", "auc", {}, {"y": [0] * 12}),
        ("binary", "accuracy", {"splitter": {"kind": "stratified", "folds": 3, "repeats": 2}}, {"y": ["False"] * 12}),
        ("multiclass", "log_loss", {}, {"p_top": [0] * 12, "p_low": [0] * 12, "p_mid": [0] * 12}),
        ("binary", "log_loss", {"time": "day", "ignore": ["shop", "w"], "splitter": {"kind": "forward"}}, None),
    ],
)
def test_tasks_repeats_and_rows_that_are_not_scored(project, task, metric, facts, sample):
    project.data(task, sample)
    project.facts(task=task, metric=metric, **facts)
    first, second = project.cv(*LOGISTIC), project.cv(*LOGISTIC, "drop=[x2]")
    made = ensemble(project, methods=["mean", "climb"])
    oof = made.run.oof()
    assert oof.drop(*(name for name in oof.columns if name.startswith("prediction"))).equals(
        first.oof().drop(*(name for name in first.oof().columns if name.startswith("prediction")))
    )
    assert made.run.scores["repeats"] == first.scores["repeats"]
    assert made.run.scores["rows_scored"] == first.scores["rows_scored"]
    single = next(each for each in made.document["candidates"] if each["method"] == "single")
    best = min if first.scores["direction"] == "minimize" else max
    assert single["cv_fitted"] == pytest.approx(best(first.scores["cv"], second.scores["cv"]))


def test_post_processing_is_that_of_the_best_member_unless_another_is_named(project):
    project.data("binary")
    project.facts(task="binary", metric="f1")
    project.cv(*LOGISTIC, "postprocess=threshold")
    made = ensemble(project)
    assert made.run.facts["postprocess"] == "threshold"
    assert "processed" in made.run.oof().columns
    assert "postprocess: threshold" in made.run.facts["chosen_by_looking"]
    assert ensemble(project, post="none").run.facts["postprocess"] is None
    with pytest.raises(ConfigError, match="no post-processing is called 'treshold'"):
        ensemble(project, post="treshold")


# --- files without OOF ------------------------------------------------------------------------------------------------


def test_a_file_without_oof_is_blended_in_and_leaves_no_score(banked):
    plain = ensemble(banked, methods=["mean"])
    file = banked.write("best.csv", "id,y\n" + "".join(f"{number},5.0\n" for number in range(60, 72)))
    made = ensemble(banked, methods=["mean"], added={file: 0.25})
    assert made.run.scores["cv"] is None
    assert made.run.scores["members_cv"] == plain.run.scores["cv"]
    assert made.run.facts["with"][0]["weight"] == 0.25
    without, with_file = (pl.read_csv(each.run.path / "submission.csv")["y"].to_numpy() for each in (plain, made))
    np.testing.assert_allclose(with_file, 0.75 * without + 0.25 * 5.0)
    assert not (made.run.path / "oof.parquet").exists()
    assert Bank.of(load("toy", banked.root)).names == [path.name for path in banked.complete()[:3]]


def test_a_file_that_cannot_be_blended_in_is_refused(banked):
    file = banked.write("best.csv", "id,y\n" + "".join(f"{number},5.0\n" for number in range(60, 71)))
    with pytest.raises(DataError, match="1 of 12 ids are missing, the first is 71"):
        ensemble(banked, added={file: 0.25})
    file.write_text(file.read_text() + "71,5\n", encoding="utf-8")
    for share in (0.0, 1.0, 1.5):
        with pytest.raises(ConfigError, match="a share between 0 and 1"):
            ensemble(banked, added={file: share})
    other = banked.write("second.csv", file.read_text())
    with pytest.raises(ConfigError, match="leaves nothing to the members"):
        ensemble(banked, added={file: 0.5, other: 0.5})


def test_an_unknown_method_is_refused_and_leaves_nothing_behind(banked):
    with pytest.raises(ConfigError, match="no ensemble is called 'clim'"):
        ensemble(banked, methods=["clim"])
    assert len(list_runs(banked.runs)) == 3
    assert not list(banked.runs.glob("*.partial"))


@pytest.mark.parametrize("limit", ["_MOST_NUMBERS", "_MOST_WORK"])
def test_of_very_many_predictions_a_slow_stack_is_made_where_it_is_asked_for(project, monkeypatch, limit):
    project.data("binary")
    project.facts(task="binary", metric="auc")
    project.cv(*LOGISTIC)
    project.cv(*LOGISTIC, "drop=[x2]")
    monkeypatch.setattr(f"kagflow.ensemble.candidates.{limit}", 100)
    told: list[str] = []
    tried = {each["method"] for each in ensemble(project, note=told.append).document["candidates"]}
    assert "logistic" not in tried
    assert told == ["logistic would take minutes with so many predictions: ask for it by --method logistic"]
    assert ensemble(project, methods=["logistic"]).document["method"] == "logistic"
