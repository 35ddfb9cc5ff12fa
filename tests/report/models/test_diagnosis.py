"""What the model pages say of a run's OOF: planted faults are found and named, and a sound model is left in peace."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from kagflow.report.models.against import against_target
from kagflow.report.models.binned import by_rank, even_edges, mean_of, shares, slope_of
from kagflow.report.models.calibration import calibration
from kagflow.report.models.labels import confusions, threshold
from kagflow.report.models.segments import worst_segments
from kagflow.report.models.worst_rows import worst_rows
from tests.report.models.outcomes import chances, outcome, seven, values

SEEDS = range(10)


# --- numbers that everything rests on ---------------------------------------------------------------------------------


def test_the_noise_of_a_mean_counts_units_not_rows():
    rng = np.random.default_rng(0)
    of_unit = rng.normal(size=100)
    values_, units = np.repeat(of_unit, 10), np.repeat(np.arange(100), 10)
    by_rows = mean_of(values_, np.ones(1000), np.arange(1000)).se
    assert mean_of(values_, np.ones(1000), units).se == pytest.approx(by_rows * np.sqrt(10), rel=0.01)
    assert by_rows == pytest.approx(values_.std() / np.sqrt(1000), rel=0.01)


def test_the_noise_of_a_slope_is_what_it_is_over_many_draws():
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=200)
        found.append(slope_of(x, 2 * x + rng.normal(size=200), np.ones(200), np.arange(200)))
    assert np.mean([each.value for each in found]) == pytest.approx(2, abs=0.02)
    assert np.mean([each.se for each in found]) == pytest.approx(np.std([each.value for each in found]), rel=0.15)


def test_rows_of_equal_value_share_a_bin():
    rows = np.array([0.0] * 50 + [1.0] * 3 + [2.0] * 47)
    codes = by_rank(rows, 10)
    assert all(len(set(codes[rows == value])) == 1 for value in (0, 1, 2))
    assert codes[0] < codes[-1]


def test_a_histogram_keeps_all_rows():
    rows = np.append(np.random.default_rng(0).normal(size=999), 1e9)
    edges = even_edges(rows, 30)
    assert edges[-1] < 10
    assert shares(rows, edges).sum() == pytest.approx(1)
    assert list(even_edges(np.array([0.0, 1, 2, 2]), 30)) == [-0.5, 0.5, 1.5, 2.5]


# --- values -----------------------------------------------------------------------------------------------------------


def test_a_sound_model_of_values_is_left_in_peace():
    found = [against_target(values(seed=seed)) for seed in SEEDS]
    assert not any(each.is_off or each.is_tilted or each.heavy for each in found)
    assert "nothing to correct" in found[0].advice
    assert sum(each.rows for each in found[0].bins) == found[0].cells.sum() == 2000


def test_predictions_that_are_too_high_are_said_to_be():
    sound = values()
    found = against_target(outcome(sound.known.y, sound.prediction + 0.5))
    assert found.is_off
    assert found.off.value == pytest.approx(-0.5, abs=0.1)
    assert "too high by 0.5" in found.advice


@pytest.mark.parametrize(("times", "word"), [(1.5, "too bold"), (0.6, "too timid")])
def test_predictions_that_go_too_far_or_not_far_enough_are_said_to(times, word):
    sound = values()
    found = against_target(outcome(sound.known.y, sound.prediction * times))
    assert found.is_tilted
    assert word in found.advice


def test_a_metric_of_logarithms_is_judged_on_logarithms():
    sound = values()
    y, made = np.expm1(sound.known.y), np.expm1(sound.prediction)
    found = against_target(outcome(y, made, metric="rmsle"))
    assert found.scale == "log1p"
    assert not found.is_off
    assert against_target(outcome(y, made)).off.value > 1  # a mean is above the exponential of a mean of logarithms


def test_a_metric_of_absolute_errors_asks_for_the_median():
    rng = np.random.default_rng(0)
    y = rng.exponential(size=4000)
    right = against_target(outcome(y, np.full(4000, np.log(2)) + rng.normal(size=4000) * 0.01, metric="mae"))
    mean = against_target(outcome(y, np.full(4000, 1.0) + rng.normal(size=4000) * 0.01, metric="mae"))
    assert (right.aim, right.is_off) == ("median", False)
    assert mean.is_off
    assert "wants the median" in mean.advice
    assert "more of the truths" in mean.advice


def test_few_rows_that_rule_the_score_are_told():
    sound = values()
    y = sound.known.y.copy()
    y[:10] += 60
    assert "objective that they rule less" in against_target(outcome(y, sound.prediction)).residual_advice


def test_classes_have_no_residuals():
    assert against_target(chances()) is None


# --- probabilities ----------------------------------------------------------------------------------------------------


def test_calibrated_probabilities_are_left_in_peace():
    found = [calibration(chances(seed=seed)) for seed in SEEDS]
    assert not any(each.wrong for each in found)
    assert "within noise" in found[0].advice


def test_probabilities_that_are_too_extreme_are_found_and_put_right():
    found = calibration(chances(extreme=2.0))
    (yes,) = found.classes
    assert yes.too_bold
    assert yes.slope.value == pytest.approx(0.5, abs=0.05)
    assert found.better
    assert found.gain.value < 0
    assert "`postprocess: platt`, cross-fitted, changes log_loss by -" in found.advice


def test_probabilities_that_are_too_near_the_middle_are_found():
    assert calibration(chances(extreme=0.5)).classes[0].too_timid


def test_a_class_that_is_predicted_too_often_is_told():
    found = calibration(chances(shift=0.8))
    assert found.classes[0].shifted
    assert "too high on the whole" in found.advice


def test_an_auc_does_not_care_and_the_page_says_so():
    found = calibration(chances(extreme=2.0, metric="auc"))
    assert found.order_only
    assert "looks at their order only" in found.advice


def test_of_seven_classes_the_worst_is_named():
    assert not calibration(seven()).wrong
    found = calibration(seven(sharper=2.0))
    assert len(found.classes) == 7
    assert "The probabilities of" in found.advice
    assert all(each.too_bold for each in found.classes)


def test_ranks_of_a_blend_are_no_probabilities():
    sound = chances()
    assert calibration(outcome(sound.known.y, sound.prediction * 3, metric="auc", task="binary")) is None


# --- labels -----------------------------------------------------------------------------------------------------------


def test_the_pair_that_is_taken_for_each_other_is_named():
    y = np.repeat(np.arange(3), 100)
    said = y.copy()
    said[:40] = 2
    found = confusions(outcome(y, np.eye(3)[said], metric="accuracy", task="multiclass", classes=("ash", "oak", "elm")))
    assert found.counts.sum() == 300
    assert found.worst == ("ash", "elm", 0.4)
    assert "40% of ash is taken for elm" in found.advice


def test_the_best_cut_is_found_with_its_noise():
    rng = np.random.default_rng(1)
    p = rng.random(4000)
    y = (rng.random(4000) < expit(12 * (p - 0.3))).astype(np.int64)  # even odds at 0.3
    found = threshold(outcome(y, p, metric="accuracy", task="binary", classes=("no", "yes")))
    assert found.low <= 0.3 <= found.high
    assert found.high - found.low < 0.2
    assert found.scores.max() == pytest.approx(found.scores[np.searchsorted(found.cuts, found.best)])
    assert found.better
    assert "`postprocess: threshold`" in found.advice


def test_a_cut_that_gains_nothing_is_not_advised():
    sound = chances(metric="accuracy")
    found = threshold(sound)
    assert not found.better
    assert "stay at 0.5" in found.advice
    half = np.searchsorted(found.cuts, 0.5)
    assert found.scores[half] == pytest.approx(sound.metric.score(sound.known.y, sound.prediction))


def test_a_metric_of_probabilities_has_no_cut():
    assert threshold(chances()) is None


# --- where it is bad --------------------------------------------------------------------------------------------------


def columns(n=4000, seed=5000):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "size": rng.normal(size=n),
            "colour": rng.choice(["red", "green", "blue", "grey"], n),
            "year": rng.integers(1990, 2020, n),
            "hole": pl.Series(np.where(rng.random(n) < 0.3, None, rng.normal(size=n)).tolist(), dtype=pl.Float64),
        }
    )


def noisy_where(bad, n=4000):
    rng = np.random.default_rng(2)
    made = rng.normal(size=n)
    return outcome(made + rng.normal(size=n) * np.where(bad, 3.0, 1.0), made)


def test_the_worst_rows_are_named():
    sound = values()
    y = sound.known.y.copy()
    y[7] += 100
    found = worst_rows(outcome(y, sound.prediction))
    assert found.rows[0].id == "7"
    assert found.rows[0].share > 0.5
    assert "open them" in found.advice
    assert "spread out" in worst_rows(sound).advice


def test_the_worst_rows_of_classes_name_the_truth_and_its_probability():
    (worst, *_) = worst_rows(seven()).rows
    assert worst.truth in "abcdefg"
    assert "for it" in worst.predicted


def test_no_segment_is_found_where_there_is_none():
    x = columns()
    for seed in SEEDS:
        assert worst_segments(values(4000, seed), x).found == ()
        assert worst_segments(chances(4000, seed), x).found == ()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (pl.col("colour") == "red", "colour is red"),
        (pl.col("size") > 1, "size is above"),
        (pl.col("hole").is_null(), "hole is null"),
    ],
)
def test_a_bad_segment_is_found_and_named(condition, words):
    x = columns()
    bad = x.select(condition).to_series().to_numpy()
    found = worst_segments(noisy_where(bad), x)
    assert words in found.found[0].words
    assert found.found[0].times > 2
    assert found.found[0].share == pytest.approx(bad.mean(), abs=0.06)
    assert words in found.advice


def test_a_bad_segment_of_two_conditions_is_found():
    x = columns(8000)
    bad = x.select((pl.col("colour") == "blue") & (pl.col("year") < 2000)).to_series().to_numpy()
    (first, *_) = worst_segments(noisy_where(bad, 8000), x).found
    assert set(first.columns) == {"colour", "year"}


def test_where_an_auc_is_bad_is_found():
    x = columns()
    rng = np.random.default_rng(4)
    odds = rng.normal(size=4000) * 3
    y = (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    bad = (x["colour"] == "green").to_numpy()
    made = expit(np.where(bad, rng.normal(size=4000), odds))  # there, it guesses
    guessed = outcome(y, made, metric="auc", task="binary", classes=("no", "yes"))
    name, losses = guessed.losses
    assert "wrong side" in name
    assert losses[y == 1].mean() == pytest.approx(1 - guessed.metric.score(y, made))
    assert "colour is green" in worst_segments(guessed, x).found[0].words


def test_whole_groups_are_the_units_of_segments():
    """One group in twenty is bad as a whole: with so few of them, no column is to be blamed for it."""
    rng = np.random.default_rng(3)
    units = np.repeat(np.arange(20), 200)
    made = rng.normal(size=4000)
    y = made + rng.normal(size=4000) * np.where(units == 3, 4.0, 1.0)
    x = pl.DataFrame({"of_group": rng.normal(size=20)[units]})
    assert worst_segments(outcome(y, made, units=units), x).found == ()
