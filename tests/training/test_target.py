"""Target transforms, and tasks side by side."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagflow.errors import ConfigError, DataError
from kagflow.training import Layout, find_transform, plan_layout, run_tasks

NOTHING = pl.DataFrame()


@given(st.lists(st.floats(-0.9, 1e9), min_size=1))
def test_log1p_there_and_back(values):
    y = pl.Series(values, dtype=pl.Float64)
    scale = find_transform("log1p").fit(NOTHING, y)
    np.testing.assert_allclose(scale.back(NOTHING, scale.forward(NOTHING, y).to_numpy()), values, rtol=1e-9, atol=1e-9)


def test_log1p_refuses_what_has_no_logarithm():
    with pytest.raises(DataError, match="above -1"):
        find_transform("log1p").fit(NOTHING, pl.Series([0.0, -1.0]))
    with pytest.raises(ConfigError, match="classes"):
        find_transform("log1p").fit(NOTHING, pl.Series(["a"], dtype=pl.Enum(["a"])))


def test_standardise_takes_away_units_and_gives_them_back():
    y = pl.Series([1e6, 2e6, 4e6])
    scale = find_transform("standardise").fit(NOTHING, y)
    learned = scale.forward(NOTHING, y).to_numpy()
    assert (learned.mean(), learned.std()) == pytest.approx((0, 1))
    assert scale.back(NOTHING, learned) == pytest.approx([1e6, 2e6, 4e6])
    constant = find_transform("standardise").fit(NOTHING, pl.Series([3.0, 3.0]))
    assert constant.back(NOTHING, np.zeros(2)).tolist() == [3.0, 3.0]
    with pytest.raises(ConfigError, match="classes"):
        find_transform("standardise").fit(NOTHING, pl.Series(["a"], dtype=pl.Enum(["a"])))


def test_an_unknown_transform_has_a_hint():
    with pytest.raises(ConfigError) as caught:
        find_transform("log")
    assert "log1p" in caught.value.hint


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_run_once_and_an_error_is_raised_here(jobs):
    assert sorted(run_tasks([3, 1, 2], lambda n: n * n, Layout(jobs, 1))) == [1, 4, 9]
    with pytest.raises(ZeroDivisionError):
        list(run_tasks([1, 0], lambda n: 1 // n, Layout(jobs, 1)))


@pytest.mark.parametrize(
    ("tasks", "rows", "threads", "expected"),
    [(5, 100, 8, Layout(5, 1)), (5, 100, 2, Layout(2, 1)), (5, 100_000, 8, Layout(1, 8)), (2, 100, 8, Layout(2, 4))],
)
def test_layout_by_size(tasks, rows, threads, expected):
    assert plan_layout(tasks, rows, threads) == expected
