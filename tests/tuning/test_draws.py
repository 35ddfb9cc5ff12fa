"""Drawing parameters in memory: the same as asking a study that holds the same trials."""

import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from kagflow.tuning.draws import Draws

SPACE = {"rate": FloatDistribution(0.0, 1.0)}


def trial(value, rate, state=TrialState.COMPLETE, number=0):
    made = create_trial(
        state=state, value=value if state == TrialState.COMPLETE else None, params={"rate": rate}, distributions=SPACE
    )
    made.number = number
    return made


def history():
    return [trial((k / 20 - 0.3) ** 2, k / 20, number=k) for k in range(20)]


def asked(trials, seed):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.add_trials(trials)
    return study.ask(SPACE).params


def test_a_draw_is_what_a_study_would_ask_for():
    assert Draws("minimize", SPACE).draw(history(), 7) == asked(history(), 7)


def test_earlier_draws_leave_nothing_behind():
    draws = Draws("minimize", SPACE)
    for seed in range(5):
        draws.draw(history()[:10], seed)
    assert draws.draw(history(), 7) == asked(history(), 7)


def test_what_others_run_is_known_as_long_as_it_runs():
    draws, running = Draws("minimize", SPACE), trial(None, 0.3, TrialState.RUNNING, 20)
    assert draws.draw([*history(), running], 7) == asked([*history(), running], 7)
    assert draws.draw(history(), 7) == asked(history(), 7)
