"""What charts and the small lines in tables show of values that are far from all others."""

import re

import pytest

from kagflow.report.html.chart import near, strip


def test_what_is_far_out_is_beyond_the_ends():
    # quartiles 0.5125 and 0.5375
    assert near([0.50, 0.51, 0.52, 0.53, 0.54, 3.0]) == pytest.approx((0.50, 0.5375 + 3 * 0.025))


def test_values_of_one_cluster_have_their_own_ends():
    assert near([0.5, 0.7, 0.6]) == (0.5, 0.7)
    assert near([0.5, 0.5, 0.5, 0.5, 0.5, 0.9]) == (0.5, 0.9)  # the quartiles say nothing of distances
    assert near([0.5]) == (0.5, 0.5)


def test_a_fold_beyond_the_ends_is_marked_at_the_end_of_the_line():
    places = re.findall(r'x1="([\d.]+)" x2="\1"', strip([0.5, 0.75, 3.0, None], 0.5, 1.0, "folds"))
    assert places == ["4.0", "50.0", "96.0"]
