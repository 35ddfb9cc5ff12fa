"""What holds for every metric: the same number elsewhere, what weights mean, which way is better, what is refused."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from kagflow.errors import KagflowError
from kagflow.metrics import METRICS, Metric
from kagflow.stats import bootstrap_se, paired_difference
from tests.metrics.examples import EXAMPLES, RNG, ROWS, WEIGHTS, Example, Floats, example

NAMES = list(EXAMPLES)


def test_every_metric_has_an_example() -> None:
    assert set(METRICS) <= set(EXAMPLES)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_what_others_compute(name: str, weight: Floats | None) -> None:
    metric, given = example(name)
    if metric.needs_weight and weight is None:
        pytest.skip("not defined without weights")
    expected = given.reference(given.y, given.prediction, sample_weight=weight, **given.further)
    assert metric.score(given.y, given.prediction, weight, given.further) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_two_is_a_row_twice(name: str) -> None:
    metric, given = example(name)
    times = RNG.integers(1, 4, ROWS)
    further = {key: column.repeat(times) for key, column in given.further.items()}
    y, prediction = np.repeat(given.y, times, axis=0), np.repeat(given.prediction, times, axis=0)
    twice = metric.score(y, prediction, np.ones(len(y)), further)
    assert metric.score(given.y, given.prediction, times, given.further) == pytest.approx(twice)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    metric, given = example(name)
    order = RNG.permutation(ROWS)
    further = {key: column[order] for key, column in given.further.items()}
    rounded = np.round(given.prediction, 1)  # with ties, which must not be broken by place
    score = metric.score(given.y, rounded, WEIGHTS, given.further)
    assert metric.score(given.y[order], rounded[order], WEIGHTS[order], further) == pytest.approx(score)


@pytest.mark.parametrize("name", NAMES)
def test_float32_predictions_are_scored_in_float64(name: str) -> None:
    metric, given = example(name)
    rounded = given.prediction.astype(np.float32)
    expected = metric.score(given.y, rounded.astype(np.float64), WEIGHTS, given.further)
    assert metric.score(given.y, rounded, WEIGHTS, given.further) == pytest.approx(expected, rel=1e-12)


def follows_the_direction(metric: Metric, given: Example) -> bool:
    """Say whether the truth beats predictions halfway to it, these the predictions, and these those of other rows."""
    ladder = [
        given.perfect.astype(np.float64),
        (given.prediction + given.perfect) / 2,
        given.prediction,
        given.prediction[np.random.default_rng(0).permutation(ROWS)],
    ]
    perfect, halfway, predicted, shuffled = (metric.score(given.y, p, WEIGHTS, given.further) for p in ladder)
    best = metric.better(perfect, halfway) or halfway == pytest.approx(perfect)
    return best and metric.better(halfway, predicted) and metric.better(predicted, shuffled)


@pytest.mark.parametrize("name", NAMES)
def test_worse_predictions_have_a_worse_score(name: str) -> None:
    metric, given = example(name)
    assert follows_the_direction(metric, given)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_direction_would_be_noticed(name: str) -> None:
    metric, given = example(name)
    other = "minimize" if metric.direction == "maximize" else "maximize"
    assert not follows_the_direction(replace(metric, direction=other), given)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_that_is_not_finite_is_refused(name: str, value: float) -> None:
    metric, given = example(name)
    broken = given.prediction.copy()
    broken[7] = value
    with pytest.raises(KagflowError, match=f"{name}: 1 of {ROWS} predictions are not finite") as caught:
        metric.score(given.y, broken, WEIGHTS, given.further)
    assert "target transform" in caught.value.hint


@pytest.mark.parametrize("name", NAMES)
def test_a_short_cut_of_the_bootstrap_gives_the_same_draws(name: str) -> None:
    """Functions that can be redrawn without repeating rows are what their plain call is on repeated rows."""
    metric, given = example(name)
    if not hasattr(metric.function, "redrawn"):
        pytest.skip("rows are repeated")
    counts = RNG.integers(0, 3, ROWS)
    prediction = metric.prepare(given.prediction)
    columns = [np.repeat(column, counts, axis=0) for column in (given.y, prediction, WEIGHTS)]
    redrawn = metric.function.redrawn(given.y, prediction, WEIGHTS)
    assert redrawn(counts) == pytest.approx(metric.function(*columns))


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_standard_error(name: str) -> None:
    metric, given = example(name)
    rows = slice(0, 60)
    further = {key: column[rows] for key, column in given.further.items()}
    y, prediction, weight = given.y[rows], given.prediction[rows], WEIGHTS[rows]
    assert bootstrap_se(metric, y, prediction, weight=weight, further=further) > 0
    assert paired_difference(metric, y, prediction, prediction, weight=weight, further=further).se == 0


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_sent_to_another_process(name: str) -> None:
    metric, given = example(name)
    sent = pickle.loads(pickle.dumps(metric))
    score = metric.score(given.y, given.prediction, WEIGHTS, given.further)
    assert sent.score(given.y, given.prediction, WEIGHTS, given.further) == score
