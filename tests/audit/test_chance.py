"""Chance is computed as it is: beside exact sums and beside draws."""

import itertools

import numpy as np
import pytest

from kagflow.audit.apart import compare_sides
from kagflow.audit.chance import alone, log_last, log_tail, log_whole, serial_z, trend_z


def exact_tail(miss, count):
    """P(at most so many events), by all combinations."""
    total = 0.0
    for happened in itertools.product((0, 1), repeat=len(miss)):
        if sum(happened) <= count:
            total += np.prod([1 - p if hit else p for p, hit in zip(miss, happened, strict=True)])
    return total


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_tail_is_a_bound_that_is_not_far_off(count):
    miss = np.array([0.1, 0.2, 0.05, 0.3, 0.02, 0.1, 0.15, 0.08])
    exact, bound = exact_tail(miss, count), np.exp(log_tail(np.log(miss), count))
    assert exact <= bound * (1 + 1e-9)
    assert bound < 10 * exact
    if count == 0:
        assert bound == pytest.approx(exact)


def test_groups_fall_whole_on_one_side_as_often_as_computed():
    sizes = np.array([1.0, 2.0, 3.0])
    assert np.exp(log_whole(sizes, 0.25)) == pytest.approx([1, 0.25**2 + 0.75**2, 0.25**3 + 0.75**3])
    assert np.isfinite(log_whole(np.array([1e6]), 0.5)).all()


def test_unseen_rows_are_as_many_as_in_draws_and_vary_as_much():
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(400):
        codes, order = rng.integers(0, 200, 600), rng.permutation(600)
        seen.append(compare_sides(codes, 200, order[:400], order[400:]))
    z = np.array([each.z for each in seen])
    assert abs(z.mean()) < 0.25
    assert 0.8 < z.std() < 1.2
    assert np.mean([each.log_p < np.log(0.01) for each in seen]) < 0.02


def test_values_that_are_all_alone_are_so_for_certain():
    assert alone(np.ones(10), 0.3) == (pytest.approx(1), pytest.approx(0, abs=1e-9))


def test_the_last_rows_are_of_one_side_as_seldom_as_computed():
    assert np.exp(log_last(1, 9, 1)) == pytest.approx(1 / 10)
    assert np.exp(log_last(2, 2, 2)) == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.permutation(400) / 400,
        lambda rng: (rng.random(400) < 0.5).astype(float),
        lambda rng: (rng.random(400) < 0.06).astype(float),
    ],
)
def test_random_orders_are_accused_no_more_often_than_stated(draw):
    rng = np.random.default_rng(1)
    z = np.array([[serial_z(values), trend_z(values)] for values in (draw(rng) for _ in range(4000))])
    assert (np.mean(np.abs(z) > 3.29, axis=0) < 3 * 0.001).all()


def test_orders_that_are_none_are_seen():
    steps = np.arange(400) / 400
    assert trend_z(steps) > 15 and serial_z(steps) > 15
    blocks = (np.arange(400) // 12 % 16 == 0).astype(float)  # a rare class in clumps
    assert blocks.mean() < 0.1 and serial_z(blocks) > 9
    assert serial_z(np.ones(10)) == trend_z(np.ones(10)) == 0
