"""Extra rows by a config: rows of other files, and test rows with predicted targets; trained on, never scored."""

import gzip
import json
import shutil

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import Table, find_source, read_dataset
from kagflow.errors import ConfigError, DataError, KagflowError
from kagflow.runs import Look, cross_validate, predict
from kagflow.runs.context import features_context
from kagflow.runs.plan import make_plan

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
NEAREST = ("model.kind=sklearn", "model.estimator=sklearn.tree.DecisionTreeRegressor")
FILE = "extra.file=original.csv"


def train(project):
    return pl.read_csv(project.raw / "train.csv")


def original(project, rows=20, *, name="original.csv", **changes):
    """Write rows like train's that are not train's."""
    frame = train(project).head(rows).drop("id").with_columns(pl.col("x1") + 0.25)
    frame.with_columns(**changes).write_csv(project.raw / name)
    return frame


def joined(run):
    return list(run.facts["extra"]["joined"].values())


def told(run):
    return run.facts["extra"]["sources"][0]


# --- files -----------------------------------------------------------------------------------------------------------


def test_rows_of_a_file_are_trained_on_and_never_scored(project):
    original(project)
    run, plain = project.cv(*RIDGE, FILE), project.cv(*RIDGE)
    assert joined(run) == [20, 20, 20]
    assert run.oof()["id"].equals(plain.oof()["id"])
    assert run.scores["rows_scored"] == run.scores["rows"] == 60
    assert not run.oof()["prediction"].equals(plain.oof()["prediction"])
    assert plain.facts["extra"] is None


def test_a_file_does_what_a_table_in_python_does(project):
    frame = original(project)
    competition = load("toy", project.root)
    source = find_source("toy", competition.facts, project.root, None)
    known = read_dataset(source, competition.facts, competition.additions).train
    x = frame.with_columns(id=pl.lit(None, dtype=pl.Int64)).select(known.x.columns)
    table = Table(ids=pl.Series([None] * 20, dtype=pl.String), x=x, y=frame["y"])
    run = cross_validate(competition, competition.experiment(None, RIDGE), extra=table)
    assert run.oof().equals(project.cv(*RIDGE, FILE).oof())


def test_the_file_may_lie_in_three_places_and_be_packed(project, tmp_path):
    original(project)
    before = project.cv(*RIDGE, FILE)
    content = (project.raw / "original.csv").read_bytes()
    (project.raw / "original.csv").unlink()
    beside = project.root / "competitions" / "toy" / "original.csv.gz"
    beside.write_bytes(gzip.compress(content))
    assert project.cv(*RIDGE, FILE).oof().equals(before.oof())
    beside.unlink()
    project.write("elsewhere/original.csv", content.decode())
    assert project.cv(*RIDGE, "extra.file=elsewhere/original.csv").oof().equals(before.oof())
    assert project.cv(*RIDGE, f"extra.file={project.root}/elsewhere/original.csv").oof().equals(before.oof())


def test_columns_go_by_train_s_names_and_a_feature_that_is_missing_is_null(project):
    frame = original(project)
    frame.rename({"x1": "first", "y": "label"}).drop("x2").write_csv(project.raw / "original.csv")
    run = project.cv(*RIDGE, "extra={file: original.csv, rename: {first: x1, label: y}}")
    assert told(run)["null_columns"] == ["x2"]
    frame.with_columns(x2=None).write_csv(project.raw / "null.csv")
    assert run.oof().equals(project.cv(*RIDGE, "extra.file=null.csv").oof())


def test_a_column_may_be_left_out(project):
    original(project, color=pl.lit("mauve"))
    with pytest.raises(DataError, match=r"no value of 'color' is one of train's: it holds 'mauve', train holds 'blue'"):
        project.cv(*RIDGE, FILE)
    assert told(project.cv(*RIDGE, FILE, "extra.ignore=[color]"))["null_columns"] == ["color"]


def test_types_are_train_s(project):
    project.facts(categorical=["shop"], ignore=["day", "w"])
    original(project, shop=pl.col("shop").cast(pl.Float64), x1=pl.col("x1").round().cast(pl.Int64))
    run = project.cv(*RIDGE, FILE)  # shops are 3.0 there and 3 in train, x1 is 1 there and 1.0 in train
    assert joined(run) == [20, 20, 20]


def test_classes_are_train_s(project):
    project.data("multiclass", {name: [0] * 12 for name in ("low", "mid", "top")})
    project.facts(task="multiclass", metric="log_loss")
    original(project)
    assert joined(project.cv(*LOGISTIC, FILE)) == [20, 20, 20]
    original(project, y=pl.lit("huge"))
    with pytest.raises(DataError, match="'huge' is no class of train's target") as refused:
        project.cv(*LOGISTIC, FILE)
    assert refused.value.hint.startswith("the classes are low, mid, top")


def test_a_weight_counts_as_so_many_rows(project):
    original(project, name="once.csv")
    pl.concat([original(project, name="twice.csv")] * 2).write_csv(project.raw / "twice.csv")
    project.features('FEATURES = FeatureSet(drop=["x2", "color"])')  # without preparation, which knows no weights
    ridge = (*RIDGE, "model.params.alpha=1e-9")
    once, twice = (
        project.cv(*ridge, "extra.file=once.csv", "extra.weight=2"),
        project.cv(*ridge, "extra.file=twice.csv"),
    )
    np.testing.assert_allclose(once.oof()["prediction"], twice.oof()["prediction"])
    assert not np.allclose(once.oof()["prediction"], project.cv(*ridge, "extra.file=once.csv").oof()["prediction"])
    assert "weight" not in once.oof().columns  # the score knows nothing of it


def test_several_files_at_once(project):
    original(project, 20)
    original(project, 5, name="more.csv", x1=pl.col("x1") + 7)
    run = project.cv(*RIDGE, "extra=[{file: original.csv, weight: 0.5}, {file: more.csv}]")
    assert joined(run) == [25, 25, 25]
    assert [source["rows"] for source in run.facts["extra"]["sources"]] == [20, 5]


def test_another_content_is_another_run_and_builds_features_anew(project):
    original(project)
    first = project.cv(*RIDGE, FILE)
    original(project, y=pl.col("y") * 2)
    second = project.cv(*RIDGE, FILE)
    assert first.name.rpartition("-")[2] != second.name.rpartition("-")[2]
    assert first.facts["fingerprints"] == second.facts["fingerprints"]  # so that their scores pair
    assert not first.oof().equals(second.oof())


def test_predict_needs_no_extra_rows(project, tmp_path):
    original(project, 20, color=pl.when(pl.col("x1") > 0).then(pl.lit("red")).otherwise(pl.lit("mauve")))
    run = project.cv("rounds=5", "model.params.min_data_in_leaf=3", FILE, "seeds=2", "refit.rows=all")
    later = tmp_path / "later"
    shutil.copytree(project.raw, later)
    for name in ("train.csv", "original.csv"):
        (later / name).unlink()
        (project.raw / name).unlink()
    assert predict(run, later)[0].equals(run.test())


def test_a_refit_learns_from_them_too(project):
    original(project)
    search = ("rounds.limit=40", "rounds.patience=3", "model.params.min_data_in_leaf=3")
    run = project.cv(*search, FILE, "refit.rows=all")
    found = [rounds for name, rounds in run.facts["rounds"].items() if not name.startswith("all")]
    assert run.facts["test_predicted_by"]["rows"] == 80
    assert run.facts["test_predicted_by"]["rounds"] == [round(np.mean(found) * 80 / 60)]  # 40 of train, 20 extra


# --- repeated rows ---------------------------------------------------------------------------------------------------


@pytest.fixture
def repeating(project):
    """Ten rows: four of train (target and all), two of test with a target of their own, four of nobody's."""
    own = train(project).drop("id")
    test = pl.read_csv(project.raw / "test.csv").drop("id").with_columns(y=pl.lit(0.5)).select(own.columns)
    fresh = own.tail(4).with_columns(pl.col("x1") + 3)
    pl.concat([own.head(4), test.head(2), fresh]).write_csv(project.raw / "original.csv")
    return project


def test_rows_with_the_features_of_a_valid_row_stay_out_of_its_fold(repeating):
    run = repeating.cv(*RIDGE, FILE)
    folds = run.oof().filter(pl.col("id") < 4)["fold"].to_list()
    assert joined(run) == [10 - folds.count(fold) for fold in range(3)]


@pytest.mark.parametrize(("word", "in_every_fold", "torn"), [("drop", 8, True), ("keep", 10, False)])
def test_it_is_switchable(repeating, word, in_every_fold, torn):
    run = repeating.cv(*RIDGE, FILE, f"extra.duplicates={word}")
    folds = run.oof().filter(pl.col("id") < 4)["fold"].to_list()
    assert joined(run) == [in_every_fold - torn * folds.count(fold) for fold in range(3)]


def test_both_kinds_are_counted_and_told_in_one_line(repeating):
    said = repeating.cli("cv", "toy", "--set", FILE, *(word for each in RIDGE for word in ("--set", each)))
    source = json.loads((repeating.complete()[0] / "run.json").read_text())["extra"]["sources"][0]
    assert (source["same_as_train"], source["same_as_test"]) == (4, 2)
    assert (source["train_rows_repeated"], source["test_rows_repeated"]) == (4, 2)
    line = (
        "note: original.csv: 10 extra rows; they have the features of 6.67% of train and 16.67% of test: "
        "those of valid rows are left out of their folds, those of test rows are trained on\n"
    )
    assert said.err.count(line) == 1


def test_what_is_repeated_would_be_a_leak(project):
    """The negative control: a part of train itself as an extra file, its ids left out."""
    own = train(project).head(25)
    own.drop("id").write_csv(project.raw / "original.csv")

    def known_by_heart(*overrides):
        oof = project.cv(*NEAREST, FILE, *overrides).oof().filter(pl.col("id") < 25)
        return np.isclose(oof["prediction"], oof["y"]).mean()

    assert known_by_heart("extra.duplicates=keep") == 1
    assert known_by_heart() == 0


def test_a_file_that_holds_train_is_not_kept_as_it_is(project):
    train(project).write_csv(project.raw / "original.csv")
    with pytest.raises(DataError, match="the file holds 60 of train's 60 rows"):
        project.cv(*NEAREST, FILE, "extra.duplicates=keep")
    assert joined(project.cv(*NEAREST, FILE)) == [40, 40, 40]


def test_rows_repeat_stop_rows_neither(project):
    train(project).drop("id").write_csv(project.raw / "original.csv")
    competition = load("toy", project.root)
    origin = find_source("toy", competition.facts, project.root, None)
    setup = make_plan(competition, competition.experiment(None, (FILE,)), "default", origin).setup
    fold = setup.folds.folds[0]
    stop = setup.splitter.carve(setup.table, fold.train, 0.2, 0)
    extra = setup.pool.extra_rows_beside(np.setdiff1d(fold.train, stop), 0, np.concatenate([fold.valid, stop]))
    assert set(extra - 60) == set(np.setdiff1d(fold.train, stop))


def test_a_row_with_the_id_of_a_scored_row_stays_out(project):
    """An augmented row belongs to the row that it was made of, unless its id counts something else."""
    frame = train(project).head(10).with_columns(pl.col("x1") + 0.25)
    frame.write_csv(project.raw / "original.csv")
    run = project.cv(*RIDGE, FILE)
    folds = run.oof().filter(pl.col("id") < 10)["fold"].to_list()
    assert joined(run) == [10 - folds.count(fold) for fold in range(3)]
    assert joined(project.cv(*RIDGE, FILE, "extra.ignore=[id]")) == [10, 10, 10]


def test_a_row_of_a_scored_group_stays_out(project):
    project.facts(group="shop", splitter={"kind": "group", "folds": 3}, ignore=["day", "w"])
    frame = original(project)
    run = project.cv(*RIDGE, FILE)
    shop_of = dict(zip(train(project)["id"], train(project)["shop"], strict=True))
    for fold, count in enumerate(joined(run)):
        scored = {shop_of[row] for row in run.oof().filter(pl.col("fold") == fold)["id"]}
        assert count == sum(shop not in scored for shop in frame["shop"])


def test_groups_may_be_derived(project):
    project.features('GROUP = pl.col("color") + pl.col("shop").cast(pl.String)\nFEATURES = FeatureSet(drop=["shop"])')
    project.facts(splitter={"kind": "group", "folds": 3}, ignore=["day", "w"])
    frame = original(project)
    run = project.cv(*RIDGE, FILE)
    group = dict(train(project).select("id", pl.col("color") + pl.col("shop").cast(pl.String)).iter_rows())
    for fold, count in enumerate(joined(run)):
        scored = {group[row] for row in run.oof().filter(pl.col("fold") == fold)["id"]}
        assert count == sum(f"{color}{shop}" not in scored for color, shop in frame.select("color", "shop").iter_rows())


def test_a_row_from_the_future_stays_out(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3}, ignore=["shop", "w"])
    original(project, day=pl.lit(4))
    run = project.cv(*RIDGE, FILE)
    assert joined(run)[0] == 0
    assert joined(run)[-1] == 20


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "asked", "problem"),
    [
        ({}, "extra.file=orignal.csv", "there is no file orignal.csv"),
        ({}, "extra={file: original.csv, rename: {z1: x1}}", "there is no column 'z1', which `rename` names"),
        ({}, "extra={file: original.csv, rename: {x2: x1}}", "two columns are called 'x1'"),
        ({}, "extra={file: original.csv, ignore: [y]}", "extra rows need a target, and the file has no column 'y'"),
        ({"y": pl.lit(None)}, FILE, "the target is null in 20 of 20 rows"),
        ({"y": pl.lit("many")}, FILE, "a target must be a number; 'many' is none"),
        ({"x1": pl.lit("wide")}, FILE, "'x1' holds 'wide', which is no Float64"),
    ],
)
def test_files_that_are_refused(project, changes, asked, problem):
    original(project, **changes)
    with pytest.raises(DataError) as refused:
        project.cv(*RIDGE, asked)
    assert problem in refused.value.problem
    assert refused.value.hint


def test_a_file_without_any_feature_is_refused(project):
    original(project).select("y", z=pl.col("x1")).write_csv(project.raw / "original.csv")
    with pytest.raises(DataError, match="the file has none of train's features"):
        project.cv(*RIDGE, FILE)


def test_groups_and_times_are_needed_where_train_has_them(project):
    original(project).drop("shop").write_csv(project.raw / "original.csv")
    project.facts(group="shop", splitter={"kind": "group", "folds": 3})
    with pytest.raises(DataError, match="extra rows need a group as train's have, and the file has no column 'shop'"):
        project.cv(*RIDGE, FILE)


def test_rows_that_join_no_fold_are_refused(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3}, ignore=["shop", "w"])
    original(project, day=pl.lit(50))
    with pytest.raises(ConfigError, match="no extra row joins the training rows of any fold"):
        project.cv(*RIDGE, FILE)


def test_several_targets_are_refused(project):
    project.facts(target=["y", "x1"], metric="mean_columnwise@rmse")
    original(project)
    with pytest.raises(KagflowError, match="extra rows come with one target, and the competition has 2"):
        project.cv(*RIDGE, FILE)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("extra: {fiel: a.csv}", "unknown key `extra.0.fiel`"),
        ("extra: {weight: 1}", "the key `extra.0.file` is missing"),
        ("extra: {file: a.csv, weight: 0}", "`extra.0.weight` must be greater than 0, got 0"),
        (
            "extra: {file: a.csv, duplicates: no}",
            "`extra.0.duplicates` must be 'drop_valid', 'drop' or 'keep', got 'no'",
        ),
        ("extra: {pseudo: base, sahre: 0.5}", "unknown key `extra.0.sahre`"),
        (
            "extra: {pseudo: base, share: 0.5, confidence: 0.9}",
            "`confidence` and `share` both say which test rows join",
        ),
        ("extra: [{file: a.csv}, original.csv]", "`extra.1` must be `key: value` pairs, got 'original.csv'"),
    ],
)
def test_configs_that_are_refused(project, text, problem):
    project.write("configs/toy/odd.yaml", text)
    with pytest.raises(ConfigError) as refused:
        load("toy", project.root).experiment("odd")
    assert problem in refused.value.problem
    if "unknown" in problem:
        assert refused.value.hint in ("did you mean 'file'?", "did you mean 'share'?")


def test_an_audit_goes_on_with_extra_rows(repeating):
    said = repeating.cli("audit", "toy", "--set", FILE, *(word for each in RIDGE for word in ("--set", each)))
    assert said.code == 0, said.out + said.err
    assert "declared: extra: 10 rows of original.csv join the training rows; they stand as they are\n" in said.out


# --- pseudo-labels ---------------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(project):
    """A project with a run of the config ``base``."""
    project.write("configs/toy/base.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.Ridge}\n")
    project.cv(config="base")
    return project


PSEUDO = "extra.pseudo=base"


def pools(project, *overrides):
    """Return the pools of fold 0, 1, 2 and of all rows, and the pool that belongs to none of them."""
    competition = load("toy", project.root)
    origin = find_source("toy", competition.facts, project.root, None)
    pool = make_plan(competition, competition.experiment(None, overrides), "default", origin).setup
    return [pool.for_fold(number).pool for number in (0, 1, 2, None)], pool.pool


def test_a_fold_is_labelled_by_the_models_of_the_same_fold(labelled):
    labelled.cv(config="base")
    run = labelled.cv(config="base")
    of_folds, whole = pools(labelled, *RIDGE, PSEUDO)
    for number, pool in enumerate(of_folds[:3]):
        np.testing.assert_array_equal(pool.y[60:], run.test()[f"{number}-seed0"])
    np.testing.assert_array_equal(of_folds[3].y[60:], run.test()["prediction"])
    assert len(whole.extra_rows_beside(np.arange(60), 0)) == 0  # what belongs to no fold joins none


def test_they_join_every_fold_and_the_refit(labelled):
    run = labelled.cv(*RIDGE, PSEUDO, "seeds=2", "refit.seeds=2")
    assert run.facts["extra"]["joined"] == {"0": 12, "1": 12, "2": 12, "all": 12}
    assert run.oof()["id"].n_unique() == 60
    source = told(run)
    assert source["pseudo"] in run.experiment()  # the run by its name, where the config was named
    assert source["note"] == f"{source['pseudo']} labels 12 of 12 test rows, fold by fold"


def test_they_go_with_a_file(labelled):
    original(labelled)
    run = labelled.cv(*RIDGE, "extra=[{pseudo: base, weight: 0.5}, {file: original.csv}]")
    assert joined(run) == [32, 32, 32]


@pytest.fixture(params=["binary", "multiclass"])
def classes(request, project):
    labels = {"binary": ["y"], "multiclass": ["low", "mid", "top"]}[request.param]
    project.data(request.param, {name: [0] * 12 for name in labels})
    project.facts(task=request.param, metric="log_loss", splitter={"kind": "kfold", "folds": 3})
    project.write(
        "configs/toy/base.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}\n"
    )
    project.cv(config="base")
    return project


def test_classes_are_the_most_probable_ones(classes):
    of_folds, _ = pools(classes, *LOGISTIC, PSEUDO)
    test = classes.cv(config="base").test()
    own = test.select(name for name in test.columns if name.startswith("1-seed0")).to_numpy()
    codes = own.argmax(axis=1) if own.shape[1] > 1 else (own[:, 0] > 0.5).astype(int)
    np.testing.assert_array_equal(of_folds[1].y[60:].to_physical(), codes)


def test_only_sure_labels_join(classes):
    half = classes.cv(*LOGISTIC, PSEUDO, "extra.share=0.5")
    assert joined(half) == [6, 6, 6]
    sure = classes.cv(*LOGISTIC, PSEUDO, "extra.confidence=0.7")
    assert all(0 < count < 12 for count in joined(sure))
    with pytest.raises(ConfigError, match="no extra row joins"):
        classes.cv(*LOGISTIC, PSEUDO, "extra.confidence=0.9999999")


def test_a_soft_label_is_a_weighed_row_of_each_class(classes):
    of_folds, _ = pools(classes, *LOGISTIC, PSEUDO, "extra.soft=true")
    pool = of_folds[2]
    k = len(pool.y.dtype.categories)
    weights = pool.weight[60:].to_numpy().reshape(k, 12)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert pool.y[60:].to_list() == [label for label in pool.y.dtype.categories for _ in range(12)]
    test = classes.cv(config="base").test()
    own = test.select(name for name in test.columns if name.startswith("2-seed0")).to_numpy()
    np.testing.assert_allclose(weights[-1], own[:, -1])
    assert joined(classes.cv(*LOGISTIC, PSEUDO, "extra.soft=true")) == [12 * k] * 3
    classes.features(
        "from kagflow.features.encoders import TargetMean\nFEATURES = FeatureSet(target=[TargetMean(['color'])])"
    )
    with pytest.raises(ConfigError, match="some steps see targets without weights"):
        classes.cv(*LOGISTIC, PSEUDO, "extra.soft=true")


def test_pooled_steps_learn_from_a_test_row_once(labelled):
    labelled.facts(pooled=True)
    labelled.features(
        "from kagflow.features.encoders import Count\nFEATURES = FeatureSet(pooled=[Count(['color'])], drop=['color'])"
    )
    labelled.cv(config="base")
    of_folds, _ = pools(labelled, *RIDGE, PSEUDO)
    rows = pl.concat([train(labelled)["color"], pl.read_csv(labelled.raw / "test.csv")["color"]])
    assert sorted(of_folds[0].x["color__count"].unique()) == sorted(rows.value_counts()["count"].unique())


def test_test_rows_without_a_group_are_of_no_group_that_is_scored(project):
    project.facts(group="shop", splitter={"kind": "group", "folds": 3}, ignore=["day", "w"])
    project.write("configs/toy/base.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.Ridge}\n")
    project.cv(config="base")
    own = project.cv(*RIDGE, PSEUDO)
    assert all(count < 12 for count in joined(own))  # shops of test are shops of train: they stay out where scored
    test = pl.read_csv(project.raw / "test.csv").drop("shop")
    test.write_csv(project.raw / "test.csv")
    project.cv(config="base")
    assert joined(project.cv(*RIDGE, PSEUDO)) == [12, 12, 12]


@pytest.mark.parametrize("pair", [(FILE, FILE), (PSEUDO, f"{PSEUDO} extra.weight=2")], ids=["file", "labels"])
def test_kept_features_are_told_apart(labelled, pair):
    def context(asked):
        competition = load("toy", labelled.root)
        origin = find_source("toy", competition.facts, labelled.root, None)
        experiment = competition.experiment(None, (*RIDGE, *asked.split()))
        plan = make_plan(competition, experiment, "default", origin)
        return features_context(plan, plan.setup)

    original(labelled)
    first = context(pair[0])
    assert context(pair[0]) == first
    original(labelled, y=pl.col("y") + 1)
    assert context(pair[1]) != first


def refused_source(project, *overrides, look=None):
    competition = load("toy", project.root)
    with pytest.raises(ConfigError) as refused:
        cross_validate(competition, competition.experiment(None, (*RIDGE, *overrides)), look=look)
    return refused.value


def test_a_run_of_other_folds_is_refused(labelled):
    problem = refused_source(labelled, PSEUDO, "splitter.seed=9")
    assert "was made on other folds: its models of a fold may know targets that the fold scores" in problem.problem
    assert problem.where == "extra.pseudo"


def test_a_run_of_other_data_is_refused(labelled):
    frame = train(labelled)
    frame.with_columns(pl.col("y") + 1).write_csv(labelled.raw / "train.csv")
    assert "was made on other data" in refused_source(labelled, PSEUDO).problem


def test_a_sample_is_refused(labelled):
    assert "was made on other data and folds" in refused_source(labelled, PSEUDO, look=Look(sample=0.5)).problem


def test_a_run_whose_models_of_all_rows_predict_test_is_refused(labelled):
    labelled.cv("refit.rows=all", config="base")
    problem = refused_source(labelled, PSEUDO)
    assert "test was predicted by models of all rows" in problem.problem
    assert problem.hint == "run its config with `refit: null`"


def test_a_config_without_a_run_and_an_unknown_name_are_refused(project):
    project.write("configs/toy/base.yaml", "seeds: 1\n")
    assert refused_source(project, PSEUDO).hint == "first `kagflow cv toy --config base`"
    project.write("configs/toy/base_tuned.yaml", "seeds: 1\n")
    project.cv(*RIDGE, config="base_tuned")  # a run whose name only begins so
    assert "the config 'base' has no run yet" in refused_source(project, PSEUDO).problem
    assert "there is no run 'bsae'" in refused_source(project, "extra.pseudo=bsae").problem


@pytest.mark.parametrize("cut", ["confidence=0.5", "share=0.5", "soft=true"])
def test_values_have_no_confidence(labelled, cut):
    problem = refused_source(labelled, PSEUDO, f"extra.{cut}")
    assert f"`{cut.partition('=')[0]}` is for classes" in problem.problem


def test_later_test_rows_join_no_fold_forward_in_time(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3}, ignore=["shop", "w"])
    project.write("configs/toy/base.yaml", "model: {kind: sklearn, estimator: sklearn.linear_model.Ridge}\n")
    project.cv(config="base")
    assert "test was predicted by models of all rows" in refused_source(project, PSEUDO).problem
    project.cv("refit=null", config="base")
    assert "no extra row joins the training rows of any fold" in refused_source(project, PSEUDO).problem


def test_an_audit_goes_on_with_pseudo_labels(labelled):
    said = labelled.cli("audit", "toy", "--set", PSEUDO, *(word for each in RIDGE for word in ("--set", each)))
    assert said.code == 0, said.out + said.err
    assert "join the training rows, labelled by models of the same fold; they stand as they are\n" in said.out
