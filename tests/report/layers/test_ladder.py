"""The ladder: what each layer bought, against planted runs of which that is known."""

import json
import shutil

import numpy as np
import pytest

from kagflow.report.layers.ladder import ladder
from kagflow.report.layers.recipe import LAYERS
from kagflow.runs import compare, list_runs
from kagflow.tuning.studied import Studied
from tests.report.planted import Planted


def rungs_of(planted, **given):
    return {rung.layer: rung for rung in ladder(planted.competition, **given).rungs}


def plant_all(planted):
    """Plant a run a layer: features and the blend truly help, all others are noise."""
    first = planted.run("first", 1.0)
    planted.run("more_columns", 0.8, features="more")
    planted.run("other", 0.8, kind="xgboost")
    planted.run("third", 0.8, kind="catboost")
    planted.run("tuned", 0.8, tuned="study first, trial 3 of 40")
    planted.run("seeds", 0.8, seeds=5)
    members = [run.name for run in list_runs(planted.competition.runs_folder)]
    planted.ensemble("climb", 0.6, members)
    planted.ensemble("ridge", 0.6, members)
    return first


def test_layers_that_help_are_told_from_noise(planted):
    plant_all(planted)
    made = ladder(planted.competition)
    verdicts = {rung.layer: rung.verdict for rung in made.rungs}
    noise = dict.fromkeys(LAYERS, "noise")
    assert verdicts == {**noise, "baseline": "start", "features": "bought", "blend": "bought"}
    assert made.stop.layer == "blend"
    assert made.sentence.startswith(f"Stop at the blend: rmse {made.stop.score}, from the baseline's 0.9")
    assert made.sentence.endswith("; what stack bought above that is inside the noise, or worse.")


def test_where_nothing_helps_nothing_is_bought(planted):
    """The negative control: the same errors in every layer, and thirty runs to choose from."""
    for number in range(30):
        planted.run(f"run{number}", 1.0, own=0.3, features="default" if number < 10 else f"set{number % 5}")
    members = [run.name for run in list_runs(planted.competition.runs_folder)][:2]
    for method in ("climb", "mean", "ridge"):
        planted.ensemble(method, 1.0, members, own=0.3)
    made = ladder(planted.competition)
    assert made.stop.layer == "baseline"
    assert "buys more than noise over the baseline" in made.sentence


def test_the_best_of_many_runs_is_not_taken_at_its_word(planted):
    planted.run("first", 1.0, own=0.3)
    for number in range(25):
        planted.run(f"set{number}", 1.0, own=0.3, features=f"set{number}")
    features = rungs_of(planted)["features"]
    assert features.tried == 25
    assert features.difference.value < features.gain.value  # less is better: choosing flattered it
    assert features.verdict == "noise"


def test_small_steps_add_up_as_each_is_held_against_what_last_bought_something(project):
    planted = Planted(project, np.random.default_rng(4))
    planted.run("first", 1.0, own=0.3)
    planted.run("columns", 0.975, own=0.3, features="more")
    planted.run("seeds", 0.95, own=0.3, seeds=3)
    _, columns, seeds = list_runs(planted.competition.runs_folder)
    assert compare(seeds, columns, planted.competition.metric).better is None  # beside the rung right below
    rungs = rungs_of(planted)
    assert rungs["features"].verdict == "noise"
    assert (rungs["seeds"].verdict, rungs["seeds"].on) == ("bought", "baseline")


def test_a_worse_rung_flatters_no_later_one(planted):
    planted.run("first", 0.8)
    planted.run("other", 1.0, kind="xgboost")
    planted.run("seeds", 0.8, seeds=5)
    rungs = rungs_of(planted)
    assert rungs["second library"].verdict == "worse"
    assert (rungs["seeds"].verdict, rungs["seeds"].on) == ("noise", "baseline")


def test_the_baseline_is_the_plainest_run_not_the_first_or_the_best(planted):
    planted.run("rich", 0.5, features="more", tuned="by hand")
    planted.run("plain", 0.9)
    planted.run("again", 0.7)
    planted.run("boosted", 0.6, kind="catboost")
    baseline = rungs_of(planted)["baseline"]
    assert baseline.run.facts["config"] == "plain"
    assert baseline.tried == 2
    planted.run("line", 1.5, model={"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge", "params": {}})
    assert rungs_of(planted)["baseline"].what == "linear"


def test_parameters_by_hand_are_tuning_too(planted):
    planted.run("first", 1.0)
    planted.run("leaves", 0.8, model={"kind": "lightgbm", "params": {"num_leaves": 5}})
    assert rungs_of(planted)["tuning"].run.facts["config"] == "leaves"


def test_each_library_has_a_rung(planted):
    planted.run("first", 1.0)
    for kind, error in (("xgboost", 0.9), ("catboost", 0.8), ("tabm", 0.95)):
        planted.run(kind, error, kind=kind)
    rungs = rungs_of(planted)
    assert rungs["second library"].what == "catboost"
    assert rungs["third library"].what == "xgboost"
    assert (rungs["second library"].tried, rungs["third library"].tried) == (3, 2)


def test_rungs_without_a_run_say_how_to_make_one(planted):
    planted.project.features("FEATURES = FeatureSet()\nLINEAR = FeatureSet()\n")
    planted.project.write("configs/toy/quick.yaml", "rounds: 5\n")
    planted.run("quick", 1.0)
    made = ladder(planted.competition)
    assert {rung.layer: rung.todo for rung in made.rungs if rung.verdict == "missing"} == {
        "features": "kagflow cv toy --set features=linear",
        "second library": "kagflow cv toy --set model.kind=xgboost",
        "third library": "kagflow cv toy --set model.kind=xgboost",
        "tuning": "kagflow tune toy --config quick",
        "seeds": "kagflow cv toy --config quick --set seeds=5",
        "blend": "two runs to blend come first",
        "stack": "two runs to blend come first",
    }
    assert made.stop.layer == "baseline"
    assert "No run yet for: features, second library" in made.sentence
    planted.run("xgb", 1.0, kind="xgboost")
    rungs = rungs_of(planted)
    assert rungs["third library"].todo == "kagflow cv toy --set model.kind=catboost"
    assert rungs["blend"].todo == "kagflow ensemble toy --method climb"
    assert rungs["stack"].todo == "kagflow ensemble toy --method ridge"


def test_a_config_that_is_no_file_of_the_users_is_named_by_its_path(planted):
    name = planted.run("auto_lightgbm", 1.0)
    assert rungs_of(planted)["tuning"].todo == f"kagflow tune toy --config runs/toy/{name}/experiment.yaml"
    planted.project.write("runs/toy/autopilot/auto_lightgbm.yaml", "rounds: 5\n")
    assert rungs_of(planted)["tuning"].todo == "kagflow tune toy --config runs/toy/autopilot/auto_lightgbm.yaml"


def test_a_stack_that_an_ensemble_tried_and_did_not_choose_is_told(planted):
    planted.run("first", 1.0)
    name = planted.ensemble("climb", 0.9, [planted.run("second", 1.0, kind="xgboost")])
    tried = [
        {"method": "climb", "cv_crossfitted": 0.9, "se": 0.03},
        {"method": "ridge", "cv_crossfitted": 0.95, "se": 0.031},
    ]
    (planted.competition.runs_folder / name / "ensemble.json").write_text(json.dumps({"candidates": tried}))
    stack = rungs_of(planted)["stack"]
    assert (stack.verdict, stack.what) == ("missing", "ridge was tried beside climb and not chosen: 0.950 ± 0.031")


def test_foreign_runs_and_what_holds_them_make_no_claim(planted):
    planted.run("first", 1.0)
    planted.run("second", 1.0, kind="xgboost")
    foreign = planted.run("theirs", 0.1, kind="imported", facts={"foreign": True})
    blend = planted.ensemble("climb", 0.1, [foreign], honest=False)
    made = ladder(planted.competition)
    assert made.left_out == dict.fromkeys([foreign, blend], "foreign: its score makes no claim")
    assert made.stop.layer == "baseline"
    assert all(rung.run is None or rung.run.name not in (foreign, blend) for rung in made.rungs)


def test_runs_that_do_not_compare_with_the_newest_are_left_out(planted):
    older = planted.run(
        "older", 0.1, facts={"fingerprints": dict.fromkeys(("data", "folds", "edition", "sources"), "x")}
    )
    shifted = planted.run("shifted", 0.1, y=planted.y + 1)
    path = planted.competition.runs_folder / shifted / "run.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "fingerprints": {**document["fingerprints"], "sources": "before"}}))
    quick = planted.run("quick", 0.1, facts={"quick_look": {"sample": 0.1}})
    planted.run("first", 1.0)
    made = ladder(planted.competition)
    assert made.left_out == {
        older: "of another edition, data set or set of folds than the newest run",
        shifted: "of another target, weight or group",
        quick: "a quick look",
    }
    assert made.rungs[0].run.facts["config"] == "first"


def test_the_order_of_runs_does_not_matter(planted):
    for number in range(4):
        planted.run(f"run{number}", 1.0, features=f"set{number // 2}", seeds=1 + number % 2)
    runs = list_runs(planted.competition.runs_folder)
    assert ladder(planted.competition, runs[::-1]).document() == ladder(planted.competition, runs).document()


def test_one_run_is_a_baseline(planted):
    planted.run("only", 1.0)
    made = ladder(planted.competition)
    assert [rung.verdict for rung in made.rungs] == ["start"] + ["missing"] * 7
    assert made.stop is made.rungs[0]


def test_no_run_is_no_ladder(planted):
    made = ladder(planted.competition)
    assert made.stop is None
    assert made.sentence == "There is no run to stand on yet: `kagflow cv toy` makes the first."
    assert [rung.todo for rung in made.rungs] == ["kagflow cv toy"] * 8
    assert made.document()["minutes"] is None


# --- costs ------------------------------------------------------------------------------------------------------------


def study(seconds=600.0, flattery=0.0):
    account = {"cv_tuned": 0.8, "cv_corrected": 0.8 + flattery}
    return Studied("first", "minimize", (), seconds, account, ())


def test_each_run_study_and_member_is_paid_for_once(planted):
    first = planted.run("first", 1.0)
    tuned = planted.run("tuned", 0.8, tuned="study first, trial 3 of 40")
    planted.run("seeds", 0.7, seeds=5, tuned="study first, trial 3 of 40", seconds=300)
    beside = planted.run("beside", 1.0, kind="xgboost", seconds=120)
    worse = planted.run("worse", 1.1, kind="xgboost", seconds=240)
    planted.ensemble("climb", 0.6, [first, tuned, beside, worse])
    rungs = rungs_of(planted, studies=[study()])
    assert {layer: rung.minutes for layer, rung in rungs.items() if rung.run} == {
        "baseline": 1.0,
        "second library": 2.0,
        "tuning": 1.0 + 10.0,
        "seeds": 5.0,
        "blend": pytest.approx(0.1 + 4.0),  # itself, and the one member that stands on no rung
    }
    assert rungs["second library"].minutes_tried == 6.0


def test_a_cost_that_is_not_known_is_not_guessed(planted):
    planted.run("first", 1.0)
    planted.run("tuned", 0.8, tuned="study elsewhere, trial 3 of 40")
    planted.ensemble("climb", 0.6, ["a-run-that-was-removed"])
    made = ladder(planted.competition)
    rungs = {rung.layer: rung for rung in made.rungs}
    assert (rungs["tuning"].minutes, rungs["blend"].minutes, made.minutes) == (None, None, None)


def test_what_choosing_among_trials_made_of_a_score_is_taken_off(planted):
    planted.run("first", 1.0)
    planted.run("tuned", 0.95, tuned="study first, trial 3 of 40")
    plain, corrected = (rungs_of(planted, studies=[study(flattery=each)])["tuning"] for each in (0.0, 0.05))
    assert (plain.verdict, corrected.verdict) == ("bought", "noise")
    assert corrected.gain.value == pytest.approx(plain.gain.value + 0.05)


def test_a_run_without_its_copy_of_the_experiment_still_stands(planted):
    name = planted.run("first", 1.0)
    (planted.competition.runs_folder / name / "experiment.yaml").unlink()
    shutil.rmtree(planted.competition.runs_folder / planted.run("gone", 1.0))
    assert rungs_of(planted)["baseline"].run.name == name
