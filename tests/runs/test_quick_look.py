"""A quick look at a part of the data: marked, and kept apart from what looks at all of it."""

from itertools import combinations

import pytest

from kagflow.competition import load
from kagflow.errors import ConfigError
from kagflow.runs import Look, Run, best_run, compare, cross_validate, list_runs, read_run

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


def look_at(project, **look) -> Run:
    competition = load("toy", project.root)
    return cross_validate(competition, competition.experiment(None, RIDGE), look=Look(**look))


def test_some_folds_are_scored_as_they_are_in_a_whole_run(project):
    whole, quick = project.cv(*RIDGE), look_at(project, folds=(0, 2))
    assert quick.facts["quick_look"] == {"sample": 1.0, "folds": [0, 2]}
    assert quick.oof().equals(whole.oof().filter(whole.oof()["fold"].is_in([0, 2])))
    assert quick.scores["folds"] == [whole.scores["folds"][k] for k in (0, 2)]
    assert (quick.path / "submission.csv").is_file()


def test_a_sample_has_that_share_of_the_rows(project):
    quick = look_at(project, sample=0.5)
    assert quick.oof().height == quick.scores["rows"] == 30
    assert quick.test().height == 12


def test_a_sample_takes_whole_groups(project):
    project.facts(group="shop", ignore=["day", "w"], splitter={"kind": "group", "folds": 3})
    whole, quick = project.cv(*RIDGE).oof(), look_at(project, sample=0.5).oof()
    sizes = dict(whole["unit"].value_counts().iter_rows())
    assert quick["unit"].n_unique() == 4
    assert sorted(quick["unit"].value_counts()["count"]) in _sums_of(sizes)


def _sums_of(sizes):
    return [sorted(chosen) for chosen in combinations(sizes.values(), 4)]


def test_it_is_neither_the_best_run_nor_compared_nor_found_by_its_config(project):
    whole, quick = project.cv(*RIDGE), look_at(project, folds=(1,))
    quick.scores["cv"] = 0.0
    assert best_run([quick, whole]) is whole
    assert best_run([whole, quick]) is quick  # there is nothing else that it compares with
    assert read_run(project.runs, "default").name == whole.name
    with pytest.raises(ConfigError, match="quick look"):
        compare(quick, whole, load("toy", project.root).metric)
    assert "default (quick look)" in project.cli("runs", "toy").out


def test_it_does_not_continue_as_a_whole_run(project):
    assert look_at(project, folds=(0,)).name.rpartition("-")[2] != project.cv(*RIDGE).name.rpartition("-")[2]
    assert len(list_runs(project.runs)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only-folds", "7"), "--only-folds: there is no fold 7"),
        (("--sample", "0"), "--sample: a sample is a share"),
        (("--sample", "1.5"), "--sample: a sample is a share"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(project, words, said):
    made = project.cli("cv", "toy", *words)
    assert made.code == 1
    assert said in made.err
    assert project.complete() == []


def test_it_says_what_it_is(project):
    said = project.cli("cv", "toy", "--set", RIDGE[0], "--set", RIDGE[1], "--sample", "0.5", "--only-folds", "1")
    assert "quick    0.5 of the training rows, 1 of the folds: the score compares with no other run's" in said.out
