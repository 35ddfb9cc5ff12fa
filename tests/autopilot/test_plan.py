"""What is planned, as a pure function of the data's shape, the user's configs and the time."""

from dataclasses import replace

import pytest

from kagflow.autopilot.costs import Speed, core_seconds
from kagflow.autopilot.portfolio import BOOSTERS, MOST, PREFIX, fitting_level, portfolio, quick
from kagflow.autopilot.schedule import Crew, Schedule, Study, crew_for, fits, with_quick
from kagflow.autopilot.shape import Shape
from kagflow.config import Experiment, ModelConfig, RefitConfig, RoundsConfig

SMALL = Shape(task="regression", rows=1000, numbers=20)
MIDDLE = Shape(task="binary", rows=20_000, numbers=20, classes=2, levels=(3, 40))
LARGE = Shape(task="multiclass", rows=300_000, numbers=40, classes=7, levels=(5, 3000))


def names(members):
    return [member.name for member in members]


def planned(shape, seconds, cores=2, own=None, sets=("default",)):
    members = portfolio(shape, own or {}, sets, installed=False)
    crew = crew_for(shape, members[0], seconds, cores)
    members = with_quick(members, shape, crew)
    schedule = Schedule(shape, crew, members, better=lambda a, b: a < b)
    return fits(members, schedule, seconds)[0], crew


class FakeRun:
    def __init__(self, cv):
        self.scores = {"cv": cv, "se": 0.01}


# --- which members ----------------------------------------------------------------------------------------------------


def test_the_first_members_are_one_of_each_kind():
    first = [member.family for member in portfolio(SMALL, {}, ["default"], installed=False)[:4]]
    assert first == ["lightgbm", "catboost", "xgboost", "linear"]


@pytest.mark.parametrize("shape", [SMALL, MIDDLE, LARGE])
def test_members_differ_in_name_and_in_what_they_do(shape):
    members = portfolio(shape, {}, ["default", "linear", "deep"], installed=True)
    assert len(set(names(members))) == len(members)
    assert len({member.experiment.model_dump_json() for member in members}) == len(members)


def test_estimators_that_take_the_square_of_the_rows_are_for_few_rows():
    families = {member.family for member in portfolio(SMALL, {}, ["default"], installed=False)}
    assert {"svm", "neighbours"} <= families
    families = {member.family for member in portfolio(LARGE, {}, ["default"], installed=False)}
    assert not {"svm", "neighbours"} & families


def test_a_level_a_column_is_for_few_levels():
    wide = replace(MIDDLE, levels=(20_000,))
    families = {member.family for member in portfolio(wide, {}, ["default"], installed=False)}
    assert families == {"lightgbm", "xgboost", "catboost"}


def test_encodings_take_the_place_of_many_levels():
    wide = replace(MIDDLE, levels=(3, 20_000))
    members = portfolio(wide, {}, ["default", "encoded"], installed=False)
    features = {member.name: member.experiment.features for member in members}
    assert features["auto_lightgbm"] == "default"
    assert features["auto_lightgbm_encoded"] == features["auto_linear"] == features["auto_extra_trees"] == "encoded"
    assert wide.encoded().levels == (3,)


def test_networks_are_members_where_they_are_installed():
    assert "auto_tabm" not in names(portfolio(MIDDLE, {}, ["default"], installed=False))
    assert "auto_tabm" in names(portfolio(MIDDLE, {}, ["default"], installed=True))


def test_the_users_configs_come_first_and_are_what_variants_start_from():
    own = {
        "mine": Experiment(features="names", model=ModelConfig(kind="catboost", params={"l2_leaf_reg": 7})),
        "trees": Experiment(rounds=50),
    }
    members = portfolio(MIDDLE, own, ["default", "names"], installed=False)
    assert names(members)[:2] == ["trees", "mine"]
    deep = next(member.experiment for member in members if member.name == "auto_catboost_coarse")
    assert deep.features == "names"
    assert deep.model.params["l2_leaf_reg"] == 7
    assert PREFIX + "catboost" not in names(members)


def test_test_rows_are_predicted_by_models_of_all_rows_but_for_networks_and_where_the_user_says_so():
    own = {"mine": Experiment(refit=None, model=ModelConfig(kind="catboost")), "trees": Experiment(rounds=50)}
    members = portfolio(MIDDLE, own, ["default"], installed=True)
    refitted = {member.name: member.experiment.refit for member in members}
    assert refitted["mine"] is None
    assert refitted["auto_catboost_coarse"] is None
    assert refitted["trees"] == refitted["auto_mlp"] == refitted["auto_tabm"] == "auto"
    assert refitted["auto_xgboost"] == refitted["auto_linear"] == RefitConfig()


@pytest.mark.parametrize("rows", [60, 201, 252, 1201, 1501, 26_215])
def test_no_batch_of_the_small_network_is_a_few_rows(rows):
    shape = replace(MIDDLE, rows=rows)
    batch = next(
        member.experiment.model.params["batch_size"]
        for member in portfolio(shape, {}, ["default"], installed=False)
        if member.family == "mlp"
    )
    for learned in (rows * 4 // 5, rows * 4 // 5 + 1):
        assert batch < learned
        assert learned % batch == 0 or learned % batch > 0.8 * batch


def test_where_rounds_are_a_number_some_members_find_them():
    own = {"trees": Experiment(rounds=50)}
    rounds = {member.name: member.experiment.rounds for member in portfolio(SMALL, own, ["default"], installed=False)}
    assert rounds["auto_lightgbm_large"] == 50
    assert isinstance(rounds["auto_lightgbm_stopped"], RoundsConfig)
    assert "auto_xgboost_stopped" not in rounds


def test_members_are_made_into_labels_as_the_users_are():
    own = {"trees": Experiment(postprocess="threshold"), "plain": Experiment(rounds=50)}
    members = portfolio(MIDDLE, own, ["default"], installed=False)
    assert {member.experiment.postprocess for member in members if member.name != "plain"} == {"threshold"}
    own["other"] = Experiment(postprocess="isotonic", rounds=60)  # they do not agree
    made = portfolio(MIDDLE, own, ["default"], installed=False)
    assert next(member for member in made if member.family == "mlp").experiment.postprocess is None


def test_linear_models_take_the_features_that_are_made_for_them():
    members = portfolio(SMALL, {}, ["default", "linear"], installed=False)
    by_family = {member.family: member.experiment.features for member in reversed(members)}
    assert by_family["linear"] == by_family["svm"] == "linear"
    assert by_family["xgboost"] == "default"


def test_the_targets_units_do_not_matter():
    scaled = portfolio(replace(SMALL, own_scale=True), {}, ["default"], installed=False)
    assert {member.family for member in scaled if member.experiment.target_transform == "standardise"} == {"svm", "mlp"}


# --- how long ---------------------------------------------------------------------------------------------------------


def test_with_more_time_there_is_less_haste():
    lightgbm = portfolio(LARGE, {}, ["default"], installed=False)[0]
    levels = [fitting_level(lightgbm, LARGE, seconds).level for seconds in (60, 6000, 600_000)]
    assert levels == sorted(levels, reverse=True)
    assert (levels[0], levels[-1]) == (MOST, 0)


def test_haste_makes_members_cheaper():
    for member in portfolio(MIDDLE, {}, ["default"], installed=False)[:3]:
        costs = [core_seconds(member.hurried(level, MIDDLE).experiment, MIDDLE) for level in range(MOST + 1)]
        assert costs == sorted(costs, reverse=True)
        assert costs[-1] < costs[0] / 2


def test_what_is_planned_fits_into_the_time():
    for shape in (SMALL, MIDDLE, LARGE):
        for seconds in (60, 300, 900):
            members, crew = planned(shape, seconds)
            schedule = Schedule(shape, crew, members, better=lambda a, b: a < b)
            assert sum(schedule.expected(member) for member in members) <= seconds * crew.workers
            assert members


def test_on_large_data_the_first_submission_takes_a_few_trees():
    members, crew = planned(LARGE, 60)
    assert members[0].name == "auto_quick"
    assert members[0].experiment.rounds < 60
    assert core_seconds(members[0].experiment, LARGE) < crew.core_seconds
    assert "auto_quick" not in names(planned(SMALL, 60)[0])


def test_the_first_member_is_begun_even_if_it_may_not_fit():
    members = portfolio(LARGE, {}, ["default"], installed=False)
    schedule = Schedule(LARGE, Crew(1, 2, 60), members, better=lambda a, b: a < b)
    assert schedule.next(1) is not None
    assert schedule.next(1) is None


def test_more_time_takes_more_members():
    assert len(planned(MIDDLE, 60)[0]) < len(planned(MIDDLE, 900)[0])


def test_small_data_are_fitted_side_by_side_and_large_ones_one_at_a_time():
    assert planned(SMALL, 300, cores=2)[1] == Crew(2, 1, 300)
    assert planned(LARGE, 300, cores=2)[1] == Crew(1, 2, 300)
    assert planned(LARGE, 3600, cores=2)[1] == Crew(2, 1, 3600)  # time enough for one thread
    assert planned(replace(SMALL, rows=50_000_000), 36_000, cores=2)[1] == Crew(1, 2, 36_000)
    assert planned(SMALL, 300, cores=16)[1] == Crew(8, 2, 300)


def test_a_slow_machine_is_known_after_the_first_member():
    speed = Speed()
    assert speed.expect("lightgbm", "default", 10) == 10
    speed.observe("lightgbm", "default", guessed=10, measured=40)
    assert speed.expect("lightgbm", "default", 10) == 40
    assert speed.expect("lightgbm", "auto", 10) == 40  # what is known of the family is all that is known
    assert 10 < speed.expect("catboost", "default", 10) < 40


def test_a_set_of_features_that_takes_long_does_not_make_the_others_slow():
    speed = Speed()
    speed.observe("lightgbm", "default", guessed=10, measured=10)
    speed.observe("lightgbm", "auto", guessed=10, measured=90)
    assert speed.expect("lightgbm", "default", 10) == 10
    assert speed.expect("lightgbm", "auto", 10) == 90
    assert speed.expect("lightgbm", "linear", 10) == pytest.approx(30)


# --- what next --------------------------------------------------------------------------------------------------------


def schedule_after(done, wanted=lambda name: True):
    """Return a schedule of which so many members are done, the last one the best, and none waits."""
    members = portfolio(SMALL, {}, ["default"], installed=False)[:done]
    made = Schedule(SMALL, Crew(2, 1, 900), [], better=lambda a, b: a < b, wanted=wanted)
    made.done = {member.name: (member, FakeRun(float(-k))) for k, member in enumerate(members)}
    return made


def test_what_does_not_fit_is_passed_over():
    members = portfolio(MIDDLE, {}, ["default"], installed=False)
    schedule = Schedule(MIDDLE, Crew(2, 1, 900), members, better=lambda a, b: a < b)
    cheap = min(members, key=lambda member: schedule.expected(schedule.in_time(member)))
    left = 1.01 * schedule.expected(schedule.in_time(cheap))
    first = schedule.next(0.0)
    assert first.name.startswith("auto_lightgbm")
    assert schedule.next(left).name == cheap.name
    assert schedule.next(0.0) is None


def test_the_best_library_is_tuned_once_there_are_members_and_time():
    schedule = schedule_after(8)
    best = next(member for member in schedule.ranked() if member.family in ("lightgbm", "xgboost", "catboost"))
    study = schedule.next(600)
    assert isinstance(study, Study)
    assert study.member is best
    assert study.seconds < 600 / 2
    assert schedule.next(600).member.family != best.family
    assert not isinstance(schedule.next(600), Study)


def test_nothing_is_tuned_while_members_wait_that_fit():
    schedule = schedule_after(8)
    waiting = portfolio(SMALL, {}, ["default"], installed=False)[8:10]
    schedule.waiting = list(waiting)
    assert [schedule.next(600).name, schedule.next(600).name] == names(waiting)
    assert isinstance(schedule.next(600), Study)


def test_where_the_luckiest_trial_would_win_nothing_is_tuned():
    schedule = schedule_after(8)
    schedule.tunes = False
    assert schedule.next(600).name.endswith("_s1")


def test_a_member_that_takes_the_time_of_all_is_taken_up_again_in_more_haste():
    members = portfolio(MIDDLE, {}, ["default"], installed=False)[:2]
    schedule = Schedule(MIDDLE, Crew(1, 1, 900), list(members), better=lambda a, b: a < b)
    first = schedule.next(900)
    assert not schedule.hastier(first, seconds=20, share=0.2)  # 100 s of 900 are its to take
    assert not schedule.hastier(first, seconds=400, share=0.8)  # soon done
    assert schedule.hastier(first, seconds=100, share=0.2)
    again = schedule.next(800)
    assert (again.family, again.level > first.level) == (first.family, True)


@pytest.mark.parametrize(("done", "left"), [(7, 600), (8, 60)])
def test_tuning_waits_for_members_and_needs_time(done, left):
    assert not isinstance(schedule_after(done).next(left), Study)


def test_when_nothing_else_is_left_the_best_members_get_more_seeds():
    schedule = schedule_after(6)
    takes = [member.name for member in schedule.ranked() if member.family not in ("linear", "svm", "neighbours")]
    more = [schedule.next(60) for _ in range(4)]
    assert [member.name for member in more] == [f"{name}_s1" for name in takes[:4]]
    assert [member.experiment.seed for member in more] == [1] * 4
    assert schedule.next(60).name.endswith("_s2")


def test_the_quickest_member_gets_no_more_seeds():
    schedule = schedule_after(6)
    best = quick(SMALL, 900.0)
    schedule.done[best.name] = (best, FakeRun(-100.0))
    assert schedule.ranked()[0] is best
    assert all(best.name not in schedule.next(60).name for _ in range(10))


def test_who_names_members_gets_no_others():
    schedule = schedule_after(8, wanted=lambda name: name == "auto_lightgbm")
    assert schedule.next(600) is None


def test_members_move_to_the_features_that_proved_better():
    members = portfolio(MIDDLE, {}, ["default", "pairs"], installed=False)
    waiting = next(member for member in members if member.name == "auto_xgboost_deep")
    plain, paired = members[0], members[0].on("pairs")
    schedule = Schedule(MIDDLE, Crew(1, 1, 900), [waiting], better=lambda a, b: a > b)
    schedule.done = {plain.name: (plain, FakeRun(0.80)), paired.name: (paired, FakeRun(0.803))}
    assert schedule.next(900).experiment.features == "default"  # within the noise
    schedule.waiting, schedule.done[paired.name] = [waiting], (paired, FakeRun(0.83))
    moved = schedule.next(900)
    assert (moved.experiment.features, "_on_pairs" in moved.name) == ("pairs", True)
    schedule.waiting = [next(member for member in members if member.family == "linear")]
    assert schedule.next(900).experiment.features == "default"  # of another kind: what trees like says little
    schedule.done[plain.name] = (plain, FakeRun(0.9))
    schedule.waiting = [member for member in members if member.name == "auto_xgboost_on_pairs"]
    assert schedule.next(900).experiment.features == "pairs"  # that is what it is for


def test_a_set_of_features_takes_the_time_of_its_own_columns():
    wide = replace(MIDDLE, sets={"names": replace(MIDDLE, levels=(3, 40, 5000, 5000))})
    cat = Experiment(model=ModelConfig(kind="catboost"))
    assert core_seconds(cat.model_copy(update={"features": "names"}), wide) > 1.5 * core_seconds(cat, wide)


def test_without_stop_rows_rounds_are_a_number():
    members = portfolio(replace(SMALL, stops=False), {}, ["default"], installed=False)
    assert all(isinstance(member.experiment.rounds, int) for member in members if member.family in BOOSTERS)
