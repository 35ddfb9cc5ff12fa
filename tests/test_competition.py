"""A competition is loaded from its folder by path."""

import polars as pl
import pytest

from kagflow.competition import config_name, find_root, load
from kagflow.data import Source, read_dataset
from kagflow.errors import ConfigError, DataError, FeatureError, SplitError


def test_a_folder_of_facts_is_enough(project):
    competition = load("toy", project.root)
    assert (competition.name, competition.metric.name, list(competition.feature_sets)) == ("toy", "rmse", ["default"])
    assert list(competition.sources) == ["competition.yaml"]


def test_hyphens_stand_for_underscores(project):
    (project.root / "competitions/toy").rename(project.root / "competitions/toy_two")
    assert load("toy-two", project.root).name == "toy_two"


def test_named_feature_sets(project):
    project.features("FEATURES = FeatureSet()\nLINEAR = FeatureSet(drop=('x1',))\n")
    competition = load("toy", project.root)
    assert competition.feature_set("linear").drop == ("x1",)
    with pytest.raises(ConfigError, match="no feature set 'tree'"):
        competition.feature_set("tree")


def test_a_config_is_a_name_or_a_path(project):
    project.write("configs/toy/few.yaml", "rounds: 3\n")
    path = project.write("elsewhere/more.yaml", "rounds: 7\n")
    competition = load("toy", project.root)
    assert competition.experiment("few").rounds == competition.experiment("few.yaml").rounds == 3
    assert competition.experiment(str(path)).rounds == 7
    assert [config_name(config) for config in (None, "few.yaml", str(path))] == ["default", "few", "more"]
    with pytest.raises(ConfigError, match="missing"):
        competition.experiment("elsewhere/none.yaml")


def test_a_competition_reads_its_files(project):
    data = load("toy", project.root).read()
    assert (data.train.height, data.test.height, data.edition) == (60, 12, "kaggle")
    assert "y" not in data.train.x
    with pytest.raises(DataError, match="does not exist"):
        load("toy", project.root).read(project.root / "nowhere")


def test_a_module_without_features_is_refused(project):
    project.features("LINEAR = FeatureSet()\n")
    with pytest.raises(ConfigError, match="defines no FEATURES"):
        load("toy", project.root)


def test_what_runs_is_the_text_that_is_kept(project):
    project.features("FEATURES = FeatureSet(drop=('x1',))\n")
    before = load("toy", project.root)
    project.features("FEATURES = FeatureSet(drop=('x2',))\n")  # as long as before, and within the same second
    after = load("toy", project.root)
    assert (before.feature_set("default").drop, after.feature_set("default").drop) == (("x1",), ("x2",))
    assert before.source_hash != after.source_hash
    assert not list(project.root.rglob("__pycache__"))


def test_an_error_names_file_and_line(project):
    path = project.features("FEATURES = FeatureSet(rows=[1])\n")
    with pytest.raises(FeatureError) as caught:
        load("toy", project.root)
    assert caught.value.where == f"{path}:3"


def test_the_root_is_found_from_below(project, tmp_path_factory):
    assert find_root(project.root / "competitions/toy") == project.root
    with pytest.raises(ConfigError, match="holds `competitions`"):
        find_root(tmp_path_factory.mktemp("elsewhere"))


def test_an_own_metric_must_be_a_metric_and_be_named(project):
    project.write("competitions/toy/metric.py", "METRIC = 1\n")
    with pytest.raises(ConfigError, match="must be a kagflow"):
        load("toy", project.root)


# --- groups and time by expression -----------------------------------------------------------------------------------

EXPRESSIONS = "FEATURES = FeatureSet()\nGROUP = pl.col('color').str.head(1)\nTIME = pl.col('day') // 3\n"


def test_groups_and_time_may_be_expressions(project):
    project.features(EXPRESSIONS)
    competition = load("toy", project.root)
    data = read_dataset(Source("folder", project.raw), competition.facts, competition.additions)
    assert set(data.train.groups) == {"r", "g", "b"}
    assert data.train.time.to_list() == [row // 6 // 3 for row in range(60)]


def test_a_run_splits_by_them(project):
    project.features(EXPRESSIONS)
    oof = project.cv("splitter.kind=group", "splitter.folds=3", "rounds=3").oof()
    fold_of = oof.join(pl.read_csv(project.raw / "train.csv"), on="id").group_by("color").agg(pl.col("fold").n_unique())
    assert fold_of["fold"].to_list() == [1, 1, 1]
    with pytest.raises(SplitError, match="groups of 'GROUP'"):
        project.cv("rounds=3")  # folds of rows cut through the groups


def test_an_expression_and_a_column_for_the_same_thing_are_refused(project):
    path = project.features(EXPRESSIONS)
    project.facts(group="shop")
    with pytest.raises(ConfigError, match="names the column 'shop' under `group`") as caught:
        load("toy", project.root)
    assert (caught.value.hint, caught.value.where) == ("keep one of the two", str(path))


def test_group_must_be_an_expression(project):
    project.features("FEATURES = FeatureSet()\nGROUP = 'color'\n")
    with pytest.raises(ConfigError, match="GROUP must be a polars expression, got str"):
        load("toy", project.root)


def test_the_check_names_what_is_wrong_with_them(project):
    project.features("FEATURES = FeatureSet()\nTIME = pl.col('day').rank()\n")
    said = project.cli("check", "toy")
    assert said.code == 1
    assert "features.py, TIME" in said.err


# --- folds that somebody else decided on -----------------------------------------------------------------------------


def test_a_column_of_train_says_the_fold(project):
    project.facts(fold="shop", ignore=["day", "w"], splitter={"kind": "column"})
    oof = project.cv("rounds=3").oof().join(pl.read_csv(project.raw / "train.csv"), on="id")
    assert (oof["fold"] == oof["shop"].rank("dense") - 1).all()


def test_a_file_of_the_competition_says_the_fold(project):
    project.facts(fold_file="folds.csv", splitter={"kind": "column"})
    folds = pl.DataFrame({"id": range(60)}).select("id", first=pl.col("id") % 3, second=pl.col("id") // 30)
    folds.reverse().write_csv(project.root / "competitions/toy/folds.csv")
    oof = project.cv("rounds=3").oof()
    assert (oof.filter(repeat=0).select(pl.col("fold") == pl.col("id") % 3)).to_series().all()
    assert (oof.filter(repeat=1).select(pl.col("fold") == 3 + pl.col("id") // 30)).to_series().all()


def test_folds_are_given_once(project):
    project.facts(fold="shop", fold_file="folds.csv")
    with pytest.raises(ConfigError, match="keep one of the two"):
        load("toy", project.root)
