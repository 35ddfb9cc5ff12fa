"""Class weights: rows of a rare class count more in the fit, and no more than others in the score."""

import numpy as np
import polars as pl
import pytest
from sklearn.utils.class_weight import compute_class_weight

from kagflow.errors import ConfigError
from kagflow.training.weights import weights_of_classes

CLASSES = ("no", "yes")
Y = pl.Series("y", ["no"] * 9 + ["yes"] * 3, dtype=pl.Enum(CLASSES))
FITS = {
    "lightgbm": ("model.params.min_data_in_leaf=3", "rounds=10"),
    "xgboost": ("model.kind=xgboost", "model.params.min_child_weight=0", "rounds=10"),
    "catboost": ("model.kind=catboost", "rounds=10"),
    "sklearn": ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression"),
}


def test_balanced_is_what_scikit_learn_calls_so():
    theirs = compute_class_weight("balanced", classes=np.array(CLASSES), y=Y.to_numpy())
    assert weights_of_classes("balanced", CLASSES, Y) == pytest.approx(theirs)


def test_a_class_that_training_rows_lack_weighs_one():
    assert (
        weights_of_classes(
            "balanced", ("no", "perhaps", "yes"), Y.cast(pl.String).cast(pl.Enum(["no", "perhaps", "yes"]))
        )[1]
        == 1
    )


def test_weights_by_label_leave_the_others_at_one():
    assert weights_of_classes({"yes": 4.0}, CLASSES, Y).tolist() == [1, 4]


@pytest.fixture
def binary(project):
    project.data("binary")
    project.facts(task="binary", metric="log_loss")
    return project


@pytest.mark.parametrize("kind", FITS)
def test_a_heavier_class_is_predicted_more_often(binary, kind):
    usual, heavy = binary.cv(*FITS[kind]), binary.cv(*FITS[kind], "class_weights={True: 9}")
    assert heavy.oof()["prediction"].mean() > usual.oof()["prediction"].mean() + 0.02


def test_they_do_what_weights_of_the_rows_do(binary):
    """Nine for True: a column of weights that says the same gives the same models, but is in the score too."""
    few = FITS["lightgbm"]
    by_class = binary.cv(*few, "class_weights={True: 9}")
    for name in ("train", "test"):
        path = binary.raw / f"{name}.csv"
        rows = pl.read_csv(path)
        heavy = pl.col("y") if "y" in rows.columns else pl.lit(False)
        rows.with_columns(w=pl.when(heavy).then(9).otherwise(1)).write_csv(path)
    binary.facts(task="binary", metric="log_loss", weight="w")
    by_row = binary.cv(*few)
    assert by_class.oof()["prediction"].to_list() == by_row.oof()["prediction"].to_list()
    assert by_class.scores["cv"] != by_row.scores["cv"]


def test_many_classes_are_balanced(project):
    project.data("multiclass", sample={name: [0] * 12 for name in ("low", "mid", "top")})
    project.facts(task="multiclass", metric="log_loss")
    few = FITS["lightgbm"]
    usual, balanced = project.cv(*few), project.cv(*few, "class_weights=balanced")
    counts = pl.read_csv(project.raw / "train.csv")["y"].value_counts().sort("count")
    rare, common = (f"prediction_{('low', 'mid', 'top').index(label)}" for label in (counts["y"][0], counts["y"][-1]))
    assert balanced.oof()[rare].mean() > usual.oof()[rare].mean()
    assert balanced.oof()[common].mean() < usual.oof()[common].mean()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("class_weights={Ture: 3}", "no class is called 'Ture'"),
        ("class_weights={True: 0}", "a weight must be positive, got 0"),
        ("class_weights=equal", "class_weights"),
    ],
)
def test_what_is_no_weight_is_refused(binary, asked, message):
    with pytest.raises(ConfigError, match=message):
        binary.cv(asked, "rounds=2")


def test_values_have_no_classes(project):
    with pytest.raises(ConfigError, match="the model learns values"):
        project.cv("class_weights=balanced", "rounds=2")
