"""What the report says of a run's features, rows, distributions and columns: planted truths are found."""

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.data import find_source, read_dataset
from kagflow.report.data.columns import glance_at
from kagflow.report.models.distributions import chance_of, distributions, kolmogorov_distance
from kagflow.report.models.importance import importance_of
from kagflow.report.models.learning import learning
from kagflow.report.models.outcome import outcomes_of
from kagflow.report.models.permutation import permutation_of
from kagflow.report.state import read_state
from kagflow.runs import Look, cross_validate
from tests.report.models.outcomes import outcome

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
LOGISTIC = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
FEW = ("rounds=20", "model.params.min_data_in_leaf=3")


def data_of(project):
    competition = load("toy", project.root)
    return read_dataset(find_source(competition.name, competition.facts, competition.root), competition.facts)


def outcome_of(project, run):
    (only,) = outcomes_of(run, load("toy", project.root))
    return only


def permuted(project, run):
    return permutation_of(
        run, outcome_of(project, run), importance_of(run), load("toy", project.root), data_of(project)
    )


# --- features ---------------------------------------------------------------------------------------------------------


def test_the_feature_that_makes_the_target_leads(project):
    found = importance_of(project.cv(*FEW))
    assert found.used[0].feature == "x1"
    assert sum(each.share for each in found.used) == pytest.approx(1)
    assert found.used[0].spread < found.used[0].share
    assert "gain" in found.what
    assert "x1" in found.advice


def test_shuffling_the_feature_that_makes_the_target_costs_score(project):
    found = permuted(project, project.cv(*RIDGE))
    assert found.why_none == ""
    assert found.groups[0].columns == ("x1",)
    assert found.groups[0].matters
    assert found.rows == 60
    idle = {group.name for group in found.groups if not group.matters}
    assert "color" in idle
    assert "color" in found.advice


def test_columns_that_say_the_same_are_shuffled_together(project):
    copied = "def copied(x):\n    return x.with_columns(x1__copy=pl.col('x1') * 2 + 1)\n"
    project.features(f"{copied}FEATURES = FeatureSet(rows=[copied])\n")
    found = permuted(project, project.cv(*RIDGE))
    assert set(found.groups[0].columns) == {"x1", "x1__copy"}
    assert found.groups[0].matters


OWN_COLUMNS = """
from dataclasses import dataclass
from kagflow.features.steps import Selector


@dataclass(frozen=True)
class Uneven(Selector):
    def fit(self, x, y):  # the folds' training rows have different means, of which some are above that of all
        return [name for name in x.columns if name != "x2" or y.mean() > MEAN]


FEATURES = FeatureSet(select=Uneven())
"""


def test_a_column_that_some_folds_do_without_can_be_shuffled(project):
    mean = pl.read_csv(project.raw / "train.csv")["y"].mean()
    project.features(OWN_COLUMNS.replace("MEAN", str(mean)))
    found = permuted(project, project.cv(*RIDGE))
    assert found.groups[0].columns == ("x1",)
    assert ("x2",) in {group.columns for group in found.groups}


def test_models_that_do_not_repeat_the_oof_are_not_asked(project):
    run = project.cv(*RIDGE)
    data = data_of(project)
    moved = data.train.x.with_columns(pl.col("x1") + 1)
    other = type(data)(**{**vars(data), "train": type(data.train)(**{**vars(data.train), "x": moved})})
    found = permutation_of(run, outcome_of(project, run), None, load("toy", project.root), other)
    assert found.groups == ()
    assert "do not repeat its OOF" in found.advice


def test_fits_of_several_seeds_and_of_classes_can_be_asked(project):
    project.data("multiclass", {name: [0.0] * 12 for name in ("low", "mid", "top")})
    project.facts(task="multiclass", metric="log_loss", splitter={"kind": "stratified", "folds": 3})
    assert permuted(project, project.cv(*LOGISTIC, "seeds=2")).groups[0].columns == ("x1",)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_without_quick_looks_the_page_says_what_makes_the_curve(project):
    run = project.cv(*RIDGE)
    found = learning(read_state(load("toy", project.root)), run)
    assert found.points == ()
    assert found.command("toy") == "kagflow cv toy --sample 0.25 && kagflow cv toy --sample 0.5"


def test_quick_looks_of_the_same_settings_make_the_curve(project):
    competition = load("toy", project.root)
    run = project.cv(*RIDGE)
    for share in (0.3, 0.6):
        cross_validate(competition, competition.experiment(None, RIDGE), look=Look(sample=share))
    cross_validate(competition, competition.experiment(None, (*RIDGE, "drop=[x1]")), look=Look(sample=0.5))
    found = learning(read_state(competition), run)
    assert [(each.share, each.rows) for each in found.points] == [(0.3, 18), (0.6, 36)]
    assert found.points[0].lost.value == pytest.approx(found.points[0].score - found.points[0].whole)
    assert "A doubling of the training rows is worth" in found.advice


# --- distributions ----------------------------------------------------------------------------------------------------


def distributed(project, run):
    return distributions(outcome_of(project, run), run.test(), 0, in_time=False)


def test_shares_of_train_oof_and_test_are_over_the_same_bins(project):
    found = distributed(project, project.cv(*RIDGE))
    (part,) = found.parts
    for each in (part.train, part.oof, part.test):
        assert len(each) == len(part.edges) - 1
        assert each.sum() == pytest.approx(1)
    assert part.drift.per_fold
    assert not part.drift.found
    assert "within noise" in found.advice


def test_grades_that_are_predicted_as_values_are_shown_as_values():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 300)
    graded = outcome(y, y + rng.normal(size=300), metric="quadratic_kappa", task="multiclass", classes=tuple("abcd"))
    test = pl.DataFrame({"id": np.arange(300), "prediction": y + rng.normal(size=300)})
    (part,) = distributions(graded, test, 0, in_time=False).parts
    assert part.name == ""
    assert part.means[0] == pytest.approx(y.mean())
    assert part.train.sum() == pytest.approx(1)


def test_test_rows_that_are_predicted_otherwise_are_told(project):
    path = project.raw / "test.csv"
    pl.read_csv(path).with_columns(pl.col("x1") + 5).write_csv(path)
    found = distributed(project, project.cv(*RIDGE))
    assert found.parts[0].drift.found
    assert "standard deviations higher" in found.advice


def test_the_distance_of_two_samples_is_told_from_chance():
    rng = np.random.default_rng(0)
    alike = [chance_of(kolmogorov_distance(*rng.normal(size=(2, 400))), 400, 400) for _ in range(300)]
    assert np.mean(np.array(alike) < 0.05) == pytest.approx(0.05, abs=0.035)
    moved = kolmogorov_distance(rng.normal(size=400), rng.normal(size=400) + 1)
    assert moved == pytest.approx(0.38, abs=0.08)
    assert chance_of(moved, 400, 400) < 1e-10


# --- columns ----------------------------------------------------------------------------------------------------------


def wide(project, *, shift=0.0, colour="red", rows=600):
    rng = np.random.default_rng(1)

    def part(n, moved):
        share = [0.4, 0.3, 0.3] if colour == "red" or not moved else [0.1, 0.2, 0.7]
        return pl.DataFrame(
            {
                "id": np.arange(n) + (10_000 if moved else 0),
                "x1": rng.normal(size=n) + (shift if moved else 0),
                "x2": [None if each else 1.5 for each in rng.random(n) < 0.5],
                "color": rng.choice(["red", "green", "blue"], n, p=share),
                "free": [f"{each:.9f}" + "x" for each in rng.random(n)],
            }
        )

    part(rows, False).with_columns(y=pl.Series(rng.normal(size=rows))).write_csv(project.raw / "train.csv")
    part(rows, True).write_csv(project.raw / "test.csv")
    project.facts(ignore=[])
    sample = {"id": np.arange(rows) + 10_000, "y": [0] * rows}
    pl.DataFrame(sample).write_csv(project.raw / "sample_submission.csv")
    return glance_at(data_of(project))


def test_columns_at_a_glance(project):
    found = {each.name: each for each in wide(project).all}
    assert list(found) == ["x1", "x2", "color", "free"]
    assert [each.type for each in found.values()] == ["number", "number", "category", "text"]
    assert found["x2"].missing_train == pytest.approx(0.5, abs=0.1)
    assert found["color"].unique == 3
    assert found["color"].middle.startswith("red (4")


def test_columns_of_one_law_do_not_drift(project):
    found = wide(project)
    assert found.drifting == []
    assert found.advice.startswith("No column of test differs")


def test_a_column_that_is_shifted_in_test_is_named(project):
    found = wide(project, shift=1.0)
    assert [each.name for each in found.drifting] == ["x1"]
    assert found.advice.startswith("x1 differs between train and test")


def test_categories_of_other_shares_are_named(project):
    assert [each.name for each in wide(project, colour="blue").drifting] == ["color"]
