"""What the sections on ladder, bank, studies and audits say."""

import json

import numpy as np
import pytest

from kagflow.report.audit import audit_section
from kagflow.report.layers import bank_section as bank_page
from kagflow.report.layers.bank_section import bank_section
from kagflow.report.layers.ladder_section import ladder_section
from kagflow.report.layers.study_section import study_section
from kagflow.report.state import read_state


def state_of(planted):
    return read_state(planted.competition)


def text_of(section):
    return section.body.striptags()


def test_sections_of_a_competition_without_runs_say_how_to_begin(planted):
    state = state_of(planted)
    assert "kagflow cv toy" in text_of(ladder_section(state))
    assert bank_section(state).answer == "There is nothing to blend: there are no runs yet."
    assert "kagflow tune toy" in text_of(study_section(state))
    assert "kagflow audit toy" in text_of(audit_section(state))


# --- the ladder -------------------------------------------------------------------------------------------------------


def test_the_ladder_shows_each_layer_and_where_to_stop(planted):
    planted.run("first", 1.0)
    planted.run("columns", 0.8, features="more")
    planted.run("seeds", 0.8, seeds=5)
    planted.run("theirs", 0.1, kind="imported", facts={"foreign": True})
    made = ladder_section(state_of(planted))
    said = text_of(made)
    assert made.answer.startswith("Stop at the features")
    assert "bought something: stop here" in said
    assert "inside the noise" in said
    assert "kagflow tune toy" in said
    assert "On no rung: 1 run (foreign: its score makes no claim)." in said
    assert made.document["stop"] == "features"
    json.dumps(made.document, allow_nan=False)


# --- the bank ---------------------------------------------------------------------------------------------------------


def test_members_that_say_the_same_are_named(planted):
    planted.run("first", 1.0, own=0.001)
    planted.run("again", 1.0, own=0.001, kind="xgboost")
    planted.error = planted.rng.normal(size=len(planted.y))
    planted.run("other", 1.0, kind="catboost")
    made = bank_section(state_of(planted))
    assert made.answer.startswith("3 members; the best is ")
    assert "first and again say the same" in text_of(made) or "again and first say the same" in text_of(made)
    added = {each["run"]: each["adds"] for each in made.document["members"]}
    assert min(added.values()) < 0  # less is better: the one that errs otherwise helps
    assert made.document["highest_correlation"] > 0.999
    json.dumps(made.document, allow_nan=False)


def test_members_that_err_otherwise_are_not_said_to_be_alike(planted):
    planted.run("first", 1.0)
    planted.error = planted.rng.normal(size=len(planted.y))
    planted.run("other", 1.0, kind="catboost")
    assert "No two are alike" in text_of(bank_section(state_of(planted)))


def test_one_member_is_no_bank(planted):
    planted.run("first", 1.0)
    assert bank_section(state_of(planted)).answer == "It has one member, so that there is nothing to blend."


def test_of_many_members_like_ones_share_a_place(planted, monkeypatch):
    monkeypatch.setattr(bank_page, "_MOST_SHOWN", 2)
    planted.run("first", 1.0, own=0.01)
    planted.run("best", 0.99, own=0.01)
    planted.error = planted.rng.normal(size=len(planted.y))
    planted.run("other", 1.0)
    made = bank_section(state_of(planted))
    assert "3 members in 2 groups, each shown by its best one" in text_of(made)
    assert "best (and 1 like it)" in made.body
    assert len(made.document["members"]) == 3


def test_a_slow_bank_names_the_command_instead(planted, monkeypatch):
    monkeypatch.setattr(bank_page, "is_quick", lambda bank: False)
    planted.run("first", 1.0)
    planted.run("second", 1.0)
    made = bank_section(state_of(planted))
    assert "kagflow runs toy --bank" in text_of(made)
    assert made.document["blend"] is None


def test_of_very_many_predictions_the_best_members_are_read(planted, monkeypatch):
    monkeypatch.setattr(bank_page, "_MOST_NUMBERS", 1)
    monkeypatch.setattr(bank_page, "_FEWEST", 2)
    planted.run("first", 1.0)
    planted.run("worst", 2.0)
    planted.run("best", 0.5)
    made = bank_section(state_of(planted))
    assert len(made.document["members"]) == 2
    assert "not among the 2 best" in text_of(made)


# --- studies ----------------------------------------------------------------------------------------------------------


def plant_study(planted, *, account):
    import optuna

    from kagflow.tuning.storage import local_storage

    storage = local_storage(planted.competition.runs_folder)
    rng = np.random.default_rng(0)
    for name in ("lgbm", "lgbm-nested-0"):
        study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
        for _ in range(8):
            trial = study.ask({"rate": optuna.distributions.FloatDistribution(0, 1)})
            study.tell(trial, 1 + trial.params["rate"] + 0.01 * rng.normal())
        study.tell(study.ask(), state=optuna.trial.TrialState.PRUNED)
    if account is not None:
        folder = planted.competition.runs_folder / "studies" / "lgbm"
        folder.mkdir(parents=True)
        (folder / "account.json").write_text(json.dumps(account))


ACCOUNT = {
    "cv_before": 1.2,
    "se_before": 0.05,
    "cv_tuned": 1.0,
    "se_tuned": 0.05,
    "cv_corrected": 1.05,
    "se_corrected": 0.05,
    "gain": -0.15,
    "gain_se": 0.02,
    "worth_it": True,
    "verdict": "worth it: the gain is beyond two standard errors",
}


def test_a_study_shows_what_it_brought_and_which_parameters_matter(planted):
    plant_study(planted, account=ACCOUNT)
    made = study_section(state_of(planted))
    assert made.answer == "9 trials in 1 study: the parameters of lgbm are worth it, beyond two standard errors."
    said = text_of(made)
    for words in (
        "1.200 ± 0.050",
        "1.050 ± 0.050",
        "-0.150 ± 0.020",
        "lgbm: which parameters matter?",
        "Without 1 trial stopped early.",
    ):
        assert words in said
    (study,) = made.document["studies"]  # that of an outer fold is not one of its own
    assert study["importances"] == {"rate": 1.0}
    json.dumps(made.document, allow_nan=False)


def test_a_study_without_a_gain_or_an_account_is_not_praised(planted):
    plant_study(planted, account=None)
    made = study_section(state_of(planted))
    assert made.answer == "9 trials in 1 study; what they are worth is not known yet."
    assert "kagflow tune toy --config lgbm" in text_of(made)
    folder = planted.competition.runs_folder / "studies" / "lgbm"
    folder.mkdir(parents=True)
    (folder / "account.json").write_text(json.dumps({**ACCOUNT, "worth_it": False, "verdict": "inside the noise"}))
    assert "none is worth more than the noise" in study_section(state_of(planted)).answer


# --- the audit and the check ------------------------------------------------------------------------------------------


def plant_audit(planted, config="first", **changes):
    finding = {
        "code": "KF201",
        "severity": "error",
        "message": "targets move",
        "where": "",
        "columns": [],
        "hint": "look",
    }
    document = {
        "config": config,
        "experiments": [{"name": "valid targets", "passed": False}],
        "declared": ["pooled: Scale learns from test features"],
        "subsampled": [],
        "findings": [finding],
        "accepted": [{**finding, "code": "KF122", "reason": "ids are dates"}],
        **changes,
    }
    (planted.competition.runs_folder / f"{config}-0123.audit.json").write_text(json.dumps(document))


def test_leaks_come_first_and_what_was_accepted_keeps_its_reason(planted):
    planted.run(
        "first", 1.0, facts={"pooled": ["Rank"], "extra": {"sources": [{"file": "original.csv", "rows": 1200}]}}
    )
    plant_audit(planted)
    made = audit_section(state_of(planted))
    assert made.answer.startswith("The audit found 1 leak (KF201)")
    assert made.document["accepted"] == [{"code": "KF122", "what": "targets move", "reason": "ids are dates"}]
    assert made.document["declared"] == [
        "pooled: Scale learns from test features",
        "pooled: Rank learns from test features (first)",
        "extra: 1,200 rows of original.csv join the training rows (first)",
    ]
    assert not made.document["checked"]
    assert "could not be checked" in text_of(made)  # these runs are of other data
    json.dumps(made.document, allow_nan=False)


def test_a_clean_audit_of_another_config_than_the_best_is_no_comfort(planted):
    planted.run("first", 1.0)
    planted.run("best", 0.5)
    plant_audit(planted, findings=[], accepted=[])
    answer = audit_section(state_of(planted)).answer
    assert answer == "No leak in 1 audit, but the best run's config, best, was not audited; nothing else found."


@pytest.mark.parametrize("most", [10, 10**6])
def test_the_check_is_made_where_data_are_small(project, monkeypatch, most):
    from kagflow.competition import load
    from kagflow.report import audit as page

    monkeypatch.setattr(page, "_MOST_CELLS", most)
    project.cv("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")
    made = audit_section(read_state(load("toy", project.root)))
    found = [each["code"] for each in made.document["findings"]]
    assert (found, made.document["checked"]) == ((["KF143"], True) if most > 10 else ([], False))
