"""Studies read back for a report."""

import json
from datetime import datetime, timedelta

import pytest

from kagflow.runs import read_run
from kagflow.tuning.studied import _covered, read_studies, study_of


def test_a_study_is_read_as_it_was_left(project):
    assert read_studies(project.runs) == []
    said = project.cli("tune", "toy", "--config", "quick", "--no-prune", "--trials", "4", "--json")
    made = json.loads(said.out)
    (study,) = read_studies(project.runs)
    assert (study.name, study.direction, len(study.complete)) == ("quick", "minimize", 4)
    assert study.best.number == made["best_trial"]
    assert study.best.score == made["cv_tuned"]
    assert study.account["verdict"] == made["verdict"]
    assert study.flattery == pytest.approx(made["cv_corrected"] - made["cv_tuned"])
    assert set(study.importances) <= {"learning_rate", "num_leaves", "min_data_in_leaf"}
    assert 0 < study.seconds < made["seconds"]
    tuned = read_run(project.runs, "quick_tuned").facts["chosen_by_looking"][0].removeprefix("parameters: ")
    assert study_of(tuned) == "quick"


@pytest.mark.parametrize("tuned", [None, "by hand", "study"])
def test_parameters_of_no_study_name_none(tuned):
    assert study_of(tuned) is None


def test_time_in_which_trials_ran_side_by_side_counts_once():
    def at(minute):
        return datetime(2026, 1, 1) + timedelta(minutes=minute)

    spans = [(at(60), at(63)), (at(0), at(10)), (at(2), at(5)), (at(8), at(12)), (at(61), None)]
    assert _covered(spans) == (12 + 3) * 60
    assert _covered([]) == 0
