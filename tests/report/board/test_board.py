"""CV against the leaderboard: bands that cover, points outside, and the two to choose, on boards of known truth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from kagflow.metrics import find_metric
from kagflow.report.board.agreement import kendall
from kagflow.report.board.answers import Sent
from kagflow.report.board.choice import best_of_two
from kagflow.report.board.gaussian import Points
from kagflow.report.board.lineage import averaging_gain
from kagflow.report.board.noise import RowNoise, Sizes, resolve, row_covariance
from kagflow.report.board.posterior import expect
from kagflow.report.board.statistics import board_digits, study_board
from kagflow.runs.scores import Known

START = datetime(2026, 1, 1, tzinfo=UTC)

# --- boards of known truth, drawn from the covariance of one row ------------------------------------------------------

SIZES = Sizes(cv=1000, test=1000, share=0.3)
OWN = 0.03  # variance of a row that is one submission's alone; all of them have 1 in common


def noise_of_a_row(lineage):
    m = len(lineage)
    return np.ones((m, m)) + OWN * np.equal.outer(lineage, lineage) + OWN * np.eye(m)


def draw_board(rng, submissions=6):
    """Return the submissions and the private scores that come to pass."""
    lineage = np.unique(rng.integers(0, 2, submissions), return_inverse=True)[1]
    unit = np.sqrt(OWN / SIZES.board(0.3))
    skill = rng.normal(0, unit, submissions)
    own, apart = unit * np.minimum(10, np.abs(rng.standard_cauchy(2)))  # as the model thinks beforehand
    offset = rng.normal(0, 0.1) + rng.normal(0, apart, 2)[lineage] + rng.normal(0, own, submissions)
    root = np.linalg.cholesky(noise_of_a_row(lineage))
    rows = (SIZES.cv, SIZES.board(0.3), SIZES.board(0.7))
    on_cv, on_public, on_private = (root @ rng.standard_normal(submissions) / np.sqrt(n) for n in rows)
    points = Points(
        cv=skill - offset + on_cv,
        public=skill + on_public,
        lineage=lineage,
        averaging=np.zeros(submissions),
        rounding=1e-12,
    )
    return points, skill + on_private


def study(points, noise):
    sent = [
        Sent(name=str(k), when=START, cv=cv, public=public, lineage=str(lineage))
        for k, (cv, public, lineage) in enumerate(zip(points.cv, points.public, points.lineage, strict=True))
    ]
    return expect(points, noise, SIZES, sent, np.zeros(len(sent), dtype=bool))


def run_boards(boards, understated=1.0):
    """Return shares of public and private scores in their bands, and the mean private loss of three rules' two."""
    rng = np.random.default_rng(0)
    public, private, losses = [], [], []
    for _ in range(boards):
        points, truth = draw_board(rng)
        noise = RowNoise(understated * noise_of_a_row(points.lineage), np.zeros(len(truth)), "oof")
        found = study(points, noise)
        public.append((found.low <= points.public) & (points.public <= found.high))
        private.append(np.abs(truth - found.private) <= 1.645 * np.sqrt(np.diag(found.covariance)))
        better = best_of_two(found.private, found.covariance)
        best = np.unravel_index(np.argmax(better), better.shape)
        chosen = (list(best), np.argsort(points.public)[-2:], np.argsort(points.cv)[-2:])
        losses.append([truth.max() - truth[two].max() for two in chosen])
    return np.mean(public), np.mean(private), np.mean(losses, axis=0)


@pytest.fixture(scope="module")
def boards():
    return run_boards(500)


def test_the_bands_of_90_percent_cover_88_to_92(boards):
    public, private, _ = boards
    assert 0.88 <= public <= 0.92
    assert 0.88 <= private <= 0.92


def test_bands_that_understate_the_noise_are_seen_to_cover_too_little():
    _, private, _ = run_boards(100, understated=0.2)
    assert private < 0.8


def test_the_chosen_two_lose_less_than_two_by_public_or_by_cv(boards):
    _, _, (chosen, by_public, by_cv) = boards
    assert chosen < by_public
    assert chosen < by_cv


# --- boards drawn from rows, through the front door -------------------------------------------------------------------


def draw_rows(metric, rng, n, submissions):
    """Return targets and (submissions, n, ...) predictions, whose errors are largely the same."""
    errors = rng.standard_normal((n, 3)) + 0.3 * rng.standard_normal((submissions, n, 3))
    size = np.linspace(0.8, 1.2, submissions)[:, None, None]
    if metric.name == "rmse":
        y = rng.standard_normal(n)
        return y, y + (size * errors)[..., 0]
    classes = 2 if metric.name == "auc" else 3
    y = rng.integers(0, classes, n)
    odds = np.exp(np.eye(3)[y] + size * errors)[..., :classes]
    shares = odds / odds.sum(axis=-1, keepdims=True)
    return y, shares[..., 1] if classes == 2 else shares


def board_from_rows(name, submissions=5, n=300, digits=5, seed=0):
    """Return a metric, the submissions, and what ``study_board`` takes beside them; 600 test rows, half public."""
    metric = find_metric(name)
    y, predictions = draw_rows(metric, np.random.default_rng(seed), n + 600, submissions)
    cv, public, private = (slice(0, n), slice(n, n + 300), slice(n + 300, n + 600))
    sent = [
        Sent(
            name=f"s{k}",
            when=START + timedelta(hours=k),
            cv=metric.score(y[cv], made[cv]),
            public=round(metric.score(y[public], made[public]) + 0.01, digits),
            private=round(metric.score(y[private], made[private]) + 0.01, digits),
            lineage="ab"[k % 2],
        )
        for k, made in enumerate(predictions)
    ]
    rows = Known(y=y[cv], folds=np.zeros(n, dtype=np.int64))
    oof = {f"s{k}": made[cv] for k, made in enumerate(predictions)}
    return metric, sent, {"rows": rows, "oof": oof, "test_rows": 600, "public_share": 0.5}


@pytest.mark.parametrize("name", ["rmse", "auc", "log_loss"])
def test_a_board_is_studied_whatever_the_metric(name):
    metric, sent, known = board_from_rows(name)
    answers = study_board(metric, sent, **known)
    assert answers.noise.source == "oof"
    assert answers.noise.pair < answers.noise.public  # what is hard for one is hard for all
    assert [each.name for each in answers.points] == [each.name for each in sent]
    assert all(each.low < each.expected < each.high for each in answers.points)
    best = "s0"  # the smallest errors, by far
    assert best in answers.choice.best.names
    assert 0 <= answers.choice.best.loss <= answers.choice.by_public.loss
    assert answers.choice.best.loss <= answers.choice.by_cv.loss
    assert answers.choice.gain_over_cv >= 0
    assert answers.agreement.pooled.tau > 0.5  # signed so that agreement is 1, also where less is better


def test_private_scores_are_not_looked_at():
    metric, sent, known = board_from_rows("rmse")
    blind = study_board(metric, [replace(each, private=None) for each in sent], **known)
    seeing = study_board(metric, sent, **known)
    assert [each.private_expected for each in blind.points] == [each.private_expected for each in seeing.points]
    assert blind.choice == seeing.choice


def test_a_public_score_far_off_is_named_set_aside_and_does_not_move_the_others():
    metric, sent, known = board_from_rows("rmse", submissions=8)
    as_it_was = study_board(metric, sent, **known)
    assert not any(each.outside for each in as_it_was.points)

    wrong = [replace(each, public=each.public + 0.5) if each.name == "s4" else each for each in sent]
    answers = study_board(metric, wrong, **known)
    (odd,) = [each for each in answers.points if each.outside]
    assert (odd.name, odd.set_aside) == ("s4", True)
    assert odd.z < -3  # of rmse, more is worse
    for one, other in zip(as_it_was.points, answers.points, strict=True):
        if one.name != "s4":
            assert other.private_expected == pytest.approx(one.private_expected, abs=0.02)
    assert odd.private_expected > odd.expected + 0.3  # whatever broke the link is there on the private side as well


def test_offsets_are_fitted_by_lineage():
    metric, sent, known = board_from_rows("rmse", submissions=8)
    shifted = [replace(each, public=each.public + 0.3) if each.lineage == "b" else each for each in sent]
    a, b = study_board(metric, shifted, **known).lineages
    assert (a.submissions, b.submissions) == (4, 4)
    assert b.offset - a.offset == pytest.approx(0.3, abs=0.05)
    assert a.low < a.offset < a.high < b.low


def test_public_scores_that_run_away_from_cv_are_a_drift():
    metric, sent, known = board_from_rows("rmse", submissions=10)
    steady = study_board(metric, sent, **known).drift
    assert not steady.fits_public
    fitted = [replace(each, public=each.public - 0.03 * k) for k, each in enumerate(sent)]
    found = study_board(metric, fitted, **known).drift
    assert found.fits_public
    assert found.change == pytest.approx(0.27, abs=0.08)  # for the better, whichever way that is


# --- little is known --------------------------------------------------------------------------------------------------


def test_nothing_sent_says_so():
    answers = study_board(find_metric("auc"), [])
    assert (answers.points, answers.choice, answers.noise) == ((), None, None)
    assert answers.notes == ("Nothing was sent yet.",)


def test_one_submission_is_chosen_and_has_bands():
    metric, sent, known = board_from_rows("auc")
    answers = study_board(metric, sent[:1], **known)
    assert answers.choice.best.names == ("s0",)
    assert answers.choice.correlation is None
    assert answers.choice.best.loss == 0
    assert answers.agreement is None
    assert answers.drift is None
    assert answers.points[0].private_low < answers.points[0].private_high


def test_without_any_public_score_cv_decides():
    metric, sent, known = board_from_rows("rmse")
    unseen = [replace(each, public=None, private=None) for each in sent]
    answers = study_board(metric, unseen, **known)
    assert answers.choice.by_public is None
    assert answers.choice.gain_over_public is None
    assert "s0" in answers.choice.best.names
    assert answers.shake_up is None
    assert all(each.z is None and not each.outside for each in answers.points)


def test_without_oof_the_noise_is_read_off_the_points():
    metric, sent, known = board_from_rows("rmse", submissions=8)
    answers = study_board(metric, sent, test_rows=600, public_share=0.5)
    assert answers.noise.source == "points"
    assert "There is no OOF" in answers.notes[0]
    assert len(answers.points) == 8
    some = {name: made for name, made in known["oof"].items() if name != "s1"}
    assert "1 of 8" in study_board(metric, sent, **{**known, "oof": some}).notes[0]


def test_one_submission_of_which_nothing_is_known_has_no_bands():
    answers = study_board(find_metric("rmse"), [Sent(name="file", when=START, cv=0.5, public=0.6)])
    assert (answers.points, answers.choice) == ((), None)
    assert "too few scores" in answers.notes[-1]


def test_without_a_share_of_public_rows_the_noise_is_a_range_and_the_bands_are_wider():
    metric, sent, known = board_from_rows("rmse")
    exact = study_board(metric, sent, **known)
    vague = study_board(metric, sent, **{**known, "public_share": None})
    assert exact.noise.public_low == exact.noise.public_high
    assert vague.noise.public_low < vague.noise.public < vague.noise.public_high
    assert any("20% to 50%" in note for note in vague.notes)


def test_places_are_told_only_with_a_leaderboard():
    metric, sent, known = board_from_rows("rmse")
    assert study_board(metric, sent, **known).shake_up.rank is None
    field = np.round(np.random.default_rng(1).normal(1.1, 0.1, 200), 5)
    shake = study_board(metric, sent, **known, others=field.tolist()).shake_up
    best = min(each.public for each in sent)
    assert shake.rank_now == 1 + int((field < best).sum())
    assert shake.teams == 201
    assert 1 <= shake.rank_low <= shake.rank <= shake.rank_high <= 201


# --- the parts --------------------------------------------------------------------------------------------------------


def test_the_noise_of_a_row_is_that_of_its_loss():
    rng = np.random.default_rng(0)
    y, (first, second) = draw_rows(find_metric("rmse"), rng, 2000, 2)
    rows = Known(y=y, folds=np.zeros(2000, dtype=np.int64))
    made = row_covariance(find_metric("mae"), rows, [first, second], seed=0)
    losses = np.abs(np.array([first, second]) - y)
    assert made == pytest.approx(np.cov(losses), rel=0.2)


def test_a_board_resolves_what_its_rows_can_tell():
    metric = find_metric("rmse")
    rng = np.random.default_rng(0)
    y = rng.standard_normal(2000)
    rows = Known(y=y, folds=np.zeros(2000, dtype=np.int64))
    good = y + rng.standard_normal(2000)
    much, little = good + rng.standard_normal(2000), good + 0.1 * rng.standard_normal(2000)
    assert resolve(metric, rows, good, much, public_rows=1000).resolved
    close = resolve(metric, rows, good, little, public_rows=50)
    assert not close.resolved
    assert 0.5 < close.right < 0.98
    assert close.rows_needed > 50
    same = resolve(metric, rows, good, good, public_rows=50)
    assert (same.resolved, same.right, same.rows_needed) == (False, 0.5, None)
    assert not resolve(metric, rows, good, much, public_rows=1000, digits=0).resolved  # the board shows no such digit


def test_what_averaging_wins_is_carried_over_from_repeats_to_models():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(4000)
    rows = Known(y=y, folds=np.zeros(4000, dtype=np.int64))
    bias = 0.5 * rng.standard_normal(4000)
    repeats = [y + bias + rng.standard_normal(4000) for _ in range(3)]
    ten = [y + bias + rng.standard_normal(4000) for _ in range(10)]
    rmse = find_metric("rmse")
    found = averaging_gain(rmse, rows, repeats, members=10)
    truth = rmse.score(y, np.mean(ten, axis=0)) - np.mean([rmse.score(y, each) for each in ten])
    assert found.gain == pytest.approx(truth, rel=0.15)  # of squared errors it would be exact
    assert 0 < found.se < 0.1 * abs(found.gain)
    assert averaging_gain(rmse, rows, repeats[:1], members=10) is None


def test_of_two_equals_the_pair_that_fails_apart_is_worth_more():
    covariance = np.array([[1.0, 0.99, 0.0], [0.99, 1.0, 0.0], [0.0, 0.0, 1.0]])
    better = best_of_two(np.zeros(3), covariance)
    assert better[0, 2] == pytest.approx(1 / np.sqrt(np.pi))
    assert better[0, 1] < 0.1 < better[0, 2]


def test_kendall_counts_ties_out_and_pairs_within_lineages():
    from scipy.stats import kendalltau

    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, 30).astype(float), rng.integers(0, 5, 30).astype(float)
    assert kendall(first, second) == pytest.approx(kendalltau(first, second).statistic)
    lineage = np.array([0, 0, 1, 1])
    found = kendall(np.array([1.0, 2, 3, 4]), np.array([9.0, 8, 19, 18]), np.equal.outer(lineage, lineage))
    assert found == -1  # pooled it would be 1 / 3


@pytest.mark.parametrize(("scores", "digits"), [([0.97, 0.97118], 5), ([0.12, 0.1], 2), ([], 5), ([3.0], 1)])
def test_digits_are_those_that_the_board_shows(scores, digits):
    assert board_digits(scores) == digits
