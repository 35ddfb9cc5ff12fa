"""What members add to a blend: where that is a matter of seconds."""

from types import SimpleNamespace

import pytest

from kagflow.ensemble import is_quick
from kagflow.metrics import find_metric


@pytest.mark.parametrize(
    ("metric", "members", "rows", "quick"),
    [
        ("rmse", 5, 1_000_000, True),
        ("rmse", 6, 1_000_000, False),
        ("auc", 5, 200_000, True),
        ("auc", 5, 1_000_000, False),  # ranks all rows, again and again
        ("rmse", 61, 100, False),
    ],
)
def test_standings_are_quick_where_few_predictions_are_scored_by_a_mean_over_rows(metric, members, rows, quick):
    competition = SimpleNamespace(metric=find_metric(metric))
    bank = SimpleNamespace(members=range(members), known=SimpleNamespace(height=rows), competition=competition)
    assert is_quick(bank) is quick
