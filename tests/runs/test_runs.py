"""A run: the same config gives the same bytes, and a stranger can open it."""

import json
import shutil
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from kagflow.competition import load
from kagflow.errors import ConfigError, DataError, ModelError
from kagflow.metrics import find_metric
from kagflow.runs import best_run, compare, cross_validate, list_runs, read_run
from kagflow.stats import with_noise

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
SEARCH = ("rounds.limit=15", "rounds.patience=5", "rounds.refit=true", "model.params.min_data_in_leaf=3")
RESULTS = ("oof.parquet", "test.parquet", "scores.json", "submission.csv")


def bytes_of(run: Any) -> dict[str, bytes]:
    return {name: (run.path / name).read_bytes() for name in RESULTS}


@pytest.mark.parametrize("overrides", [(*SEARCH, "seeds=2"), RIDGE, (*RIDGE, "refit.rows=all")])
def test_the_same_config_gives_the_same_bytes(project, overrides):
    assert bytes_of(project.cv(*overrides)) == bytes_of(project.cv(*overrides))


def test_a_config_is_run_by_its_name(project):
    project.write("configs/toy/few.yaml", "rounds: 3\n")
    run = cross_validate(load("toy", project.root), config="few")
    assert run.facts["config"] == "few"
    assert set(run.facts["rounds"].values()) == {3}
    with pytest.raises(ConfigError, match="no config 'fwe'"):
        cross_validate(load("toy", project.root), config="fwe")


def test_a_run_and_a_comparison_are_lines_with_their_noise(project):
    first, second = project.cv(*RIDGE), project.cv(*RIDGE, "model.params.alpha=1000")
    score, se = with_noise(first.scores["cv"], first.scores["se"]).split(" ± ")
    assert str(first) == f"default: rmse {score} ± {se} (less is better)"
    made = compare(second, first, find_metric("rmse"))
    assert made.verdict == "worse"
    assert str(made) == f"difference in rmse: {with_noise(made.difference.value, made.se)}, worse"


def test_another_seed_gives_other_bytes(project):
    assert bytes_of(project.cv(*SEARCH))["oof.parquet"] != bytes_of(project.cv(*SEARCH, "seed=1"))["oof.parquet"]


def test_a_run_read_back_is_what_was_written(project):
    run = project.cv(*RIDGE)
    again = read_run(project.runs, run.name)
    assert (again.facts, again.scores) == (run.facts, run.scores)
    assert run.facts["status"] == "complete"
    assert run.facts["edition"] == "kaggle"
    assert set(run.facts["fingerprints"]) >= {"data", "folds", "sources"}
    assert run.facts["seeds"] == [0]
    assert {"polars", "lightgbm", "kagflow"} <= set(run.facts["versions"])
    assert run.scores == json.loads((run.path / "scores.json").read_text())


def test_oof_covers_each_row_once_and_scores_are_of_it(project):
    run = project.cv(*RIDGE)
    oof = run.oof()
    assert oof["id"].to_list() == list(range(60))
    rmse = find_metric("rmse")
    assert run.scores["cv"] == rmse.score(oof["y"].to_numpy(), oof["prediction"].to_numpy())
    by_fold = [
        rmse.score(own["y"].to_numpy(), own["prediction"].to_numpy())
        for _, own in oof.group_by("fold", maintain_order=True)
    ]
    assert sorted(run.scores["folds"]) == sorted(by_fold)
    assert run.scores["folds_mean"] == pytest.approx(np.mean(by_fold))


def test_a_split_forward_in_time_says_which_rows_it_leaves_out(project):
    project.facts(time="day", ignore=["shop", "w"], splitter={"kind": "forward", "folds": 3})
    run = project.cv(*RIDGE)
    assert (run.scores["rows"], run.scores["rows_scored"]) == (60, run.oof().height)
    assert run.oof()["id"].min() > 0
    assert run.oof()["id"].is_unique().all()


def test_weights_count_in_the_score(project):
    plain = project.cv(*RIDGE)
    project.facts(weight="w", ignore=["shop", "day"])
    weighted = project.cv(*RIDGE)
    oof = weighted.oof()
    error = (oof["y"] - oof["prediction"]).to_numpy()
    assert weighted.scores["cv"] == pytest.approx(np.sqrt(np.average(error**2, weights=oof["weight"].to_numpy())))
    assert weighted.scores["cv"] != plain.scores["cv"]


def test_predictions_are_the_mean_over_seeds(project):
    both = project.cv("rounds=5", "model.params.min_data_in_leaf=3", "seeds=2")
    single = [project.cv("rounds=5", "model.params.min_data_in_leaf=3", f"seed={seed}") for seed in (0, 1)]
    mean = np.mean([run.oof()["prediction"].to_numpy() for run in single], axis=0)
    np.testing.assert_allclose(both.oof()["prediction"].to_numpy(), mean)
    test = both.test()
    np.testing.assert_allclose(test["prediction"].to_numpy(), test.drop("id", "prediction").to_numpy().mean(axis=1))
    assert test.width == 2 + 3 * 2


def test_refit_predicts_test_with_one_model_of_all_rows(project):
    run = project.cv(*RIDGE, "refit.rows=all")
    assert run.test().columns == ["id", "prediction", "all-seed0"]
    assert not run.test()["prediction"].equals(project.cv(*RIDGE).test()["prediction"])


@pytest.mark.parametrize(
    ("task", "metric", "overrides", "sample", "allowed"),
    [
        ("regression", "rmse", RIDGE, {"y": [0] * 12}, None),
        ("binary", "auc", LOGISTIC, {"y": [0] * 12}, None),
        ("binary", "accuracy", LOGISTIC, {"y": ["False"] * 12}, {"True", "False"}),
        ("multiclass", "log_loss", LOGISTIC, {"p_top": [0] * 12, "p_low": [0] * 12, "p_mid": [0] * 12}, None),
    ],
)
def test_the_submission_has_the_form_of_the_sample(project, task, metric, overrides, sample, allowed):
    project.data(task, sample)
    project.facts(task=task, metric=metric, splitter={"kind": "kfold", "folds": 3})
    run = project.cv(*overrides)
    submission = pl.read_csv(run.path / "submission.csv", infer_schema=False)
    shape = pl.read_csv(project.raw / "sample_submission.csv", infer_schema=False)
    assert submission.columns == shape.columns
    assert submission["id"].equals(shape["id"])
    test = run.test().reverse()  # as the sample
    if allowed:
        assert set(submission["y"]) == allowed
    elif task == "multiclass":
        for k, label in enumerate(("low", "mid", "top")):
            np.testing.assert_allclose(submission[f"p_{label}"].cast(float), test[f"prediction_{k}"])
    else:
        np.testing.assert_allclose(submission["y"].cast(float), test["prediction"])


def test_columns_that_do_not_name_a_class_are_refused(project):
    project.data("multiclass", {"a": [0] * 12, "b": [0] * 12, "c": [0] * 12})
    project.facts(task="multiclass", metric="log_loss")
    with pytest.raises(DataError, match="do not tell which class"):
        project.cv(*LOGISTIC)


def test_ids_are_written_as_the_sample_writes_them(project):
    text = (project.raw / "sample_submission.csv").read_text().splitlines()
    project.write(
        "data/toy/kaggle/raw/sample_submission.csv", "\n".join([text[0], *("00" + line for line in text[1:])])
    )
    assert pl.read_csv(project.cv(*RIDGE).path / "submission.csv", infer_schema=False)["id"][0] == "0071"


def test_files_of_a_complete_run_are_read_only_and_nothing_else_is_left(project):
    run = project.cv(*RIDGE)
    modes = {path.stat().st_mode & 0o777 for path in run.path.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert [path.name for path in project.runs.iterdir()] == [run.name]


def test_the_experiment_is_written_out_and_runs_again_to_the_same_scores(project):
    run = project.cv(*SEARCH, "model.params.colsample_bytree=0.9")
    written = yaml.safe_load(run.experiment())
    assert written["model"]["params"]["feature_fraction"] == 0.9  # LightGBM's main name, given once
    assert written["model"]["params"]["learning_rate"] == 0.03
    assert {"kind": "kfold", "folds": 3, "seed": 1}.items() <= written["splitter"].items()
    assert (written["rounds"]["refit"], written["target_transform"]) == (True, "none")
    (project.root / "configs/toy").mkdir(parents=True)
    shutil.copy(run.path / "experiment.yaml", project.root / "configs/toy/again.yaml")
    again = project.cv(config="again")
    assert bytes_of(again) == bytes_of(run)
    assert again.experiment() == run.experiment()


def test_features_are_kept_as_they_were(project):
    path = project.features("FEATURES = FeatureSet()\n")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    run = project.cv(*RIDGE)
    assert (run.path / "features.py").read_bytes() == path.read_bytes()


def test_edited_features_run_even_within_a_second_and_at_the_same_length(project):
    project.features("FEATURES = FeatureSet(drop=('x1',))\n")
    without_x1 = project.cv(*RIDGE)
    project.features("FEATURES = FeatureSet(drop=('x2',))\n")
    assert project.cv(*RIDGE).scores["cv"] < without_x1.scores["cv"]  # x1 is the signal


class TestCompare:
    def test_runs_are_paired(self, project):
        good, bad = project.cv(*RIDGE), project.cv(*RIDGE, "drop=[x1]")
        comparison = compare(good, bad, find_metric("rmse"))
        assert comparison.difference.value == pytest.approx(good.scores["cv"] - bad.scores["cv"])
        assert comparison.better is True
        assert compare(bad, good, find_metric("rmse")).better is False
        assert "-- x1" in comparison.changes

    def test_weights_count(self, project):
        project.facts(weight="w", ignore=["shop", "day"])
        good, bad = project.cv(*RIDGE), project.cv(*RIDGE, "drop=[x1]")
        difference = compare(good, bad, find_metric("rmse")).difference
        assert difference.value == pytest.approx(good.scores["cv"] - bad.scores["cv"])

    def test_a_run_against_itself_is_no_difference(self, project):
        run = project.cv(*RIDGE)
        comparison = compare(run, run, find_metric("rmse"))
        assert (comparison.difference.value, comparison.se, comparison.better, comparison.changes) == (0, 0, None, [])

    def test_one_group_gives_no_standard_error(self, project):
        project.facts(group="shop", time="day", ignore=["w"], splitter={"kind": "forward", "folds": 3})
        train = pl.read_csv(project.raw / "train.csv").with_columns(shop=pl.lit(1))
        train.write_csv(project.raw / "train.csv")
        run = project.cv(*RIDGE)
        assert run.scores["se"] is None
        assert compare(run, run, find_metric("rmse")).se is None

    @pytest.mark.parametrize("what", ["folds", "data", "edition"])
    def test_other_rows_are_refused(self, project, what, tmp_path_factory):
        run = project.cv(*RIDGE)
        overrides = RIDGE
        if what == "folds":
            overrides = (*RIDGE, "splitter.kind=kfold", "splitter.folds=4")
        elif what == "data":
            project.data("regression", {"y": [1] * 12})
        else:
            project.raw.parents[1].rename(project.root / "moved")
            (project.root / "kept").mkdir()
            shutil.move(project.root / "moved/kaggle/raw", project.root / "kept/raw")
        competition = load("toy", project.root)
        source = project.root / "kept/raw" if what == "edition" else None
        other = cross_validate(competition, competition.experiment(None, overrides), source=source)
        with pytest.raises(ConfigError, match=f"different {what}"):
            compare(run, other, find_metric("rmse"))

    def test_another_target_of_the_same_file_is_refused(self, project):
        run = project.cv(*RIDGE)
        project.facts(target="w", ignore=["shop", "day", "y"])
        with pytest.raises(ConfigError, match="another target"):
            compare(run, project.cv(*RIDGE), find_metric("rmse"))


def test_the_best_run_is_among_those_that_compare_with_the_last(project):
    project.cv(*RIDGE, "splitter.kind=kfold", "splitter.folds=10")
    good, bad = project.cv(*RIDGE), project.cv(*RIDGE, "drop=[x1]")
    assert best_run(list_runs(project.runs)).name == good.name != bad.name


def test_a_damaged_run_is_named(project):
    run = project.cv(*RIDGE)
    (run.path / "scores.json").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        list_runs(project.runs)


def test_a_fold_that_has_no_score_alone_does_not_spoil_the_run(project):
    project.facts(
        task="binary", metric="auc", time="day", splitter={"kind": "forward", "folds": 3}, ignore=["shop", "w"]
    )
    project.data("binary")
    train = pl.read_csv(project.raw / "train.csv", schema_overrides={"y": pl.String})
    last = pl.col("id") >= 45  # the last block
    train.with_columns(y=pl.when(last).then(pl.lit("False")).otherwise("y")).write_csv(project.raw / "train.csv")
    scores = project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression").scores
    assert scores["folds"][-1] is None
    assert all(0 <= score <= 1 for score in (*scores["folds"][:2], scores["cv"], scores["folds_mean"]))


def test_what_another_version_of_the_code_began_is_not_continued(project, monkeypatch):
    def key() -> str:
        return project.cv(*RIDGE).name.rpartition("-")[2]

    assert key() == key()
    before = key()
    monkeypatch.setattr("kagflow.runs.surroundings.code_hash", lambda: "other")
    assert key() != before


def test_rounds_that_cannot_be_found_are_refused(project):
    with pytest.raises(ModelError, match="cannot stop early"):
        project.cv("model.params.boosting=dart", "rounds.limit=5")
