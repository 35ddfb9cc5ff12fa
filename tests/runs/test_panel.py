"""Sales of shops, day by day, to be foretold 28 days ahead: the past of a row is what was known 28 days before it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from kagflow.errors import FeatureError

HORIZON, DAYS, SHOPS = 28, 300, 4
FIRST = date(2024, 1, 1)
FEATURES = """\
from datetime import timedelta

import polars as pl
from kagflow.features import FeatureSet
from kagflow.features.encoders import TargetLag, TargetRolling, dates

LAG = timedelta(days={lag})
FEATURES = FeatureSet(
    rows=[dates("day", ["weekday"])],
    history=[TargetLag("shop", LAG), TargetRolling("shop", timedelta(days=14), LAG)],
)
"""


@pytest.fixture
def panel(project):
    rng = np.random.default_rng(0)
    days = [FIRST + timedelta(days=day) for day in range(DAYS + HORIZON)]
    level = 10 + np.cumsum(rng.normal(size=(SHOPS, len(days))), axis=1)  # a random walk: the past is what helps
    frame = pl.DataFrame(
        {
            "id": np.arange(SHOPS * len(days)),
            "day": days * SHOPS,
            "shop": np.repeat([f"shop {number}" for number in range(SHOPS)], len(days)),
            "y": level.ravel(),
        }
    )
    known = frame["day"] < days[DAYS]
    frame.filter(known).write_csv(project.raw / "train.csv")
    frame.filter(~known).drop("y").write_csv(project.raw / "test.csv")
    frame.filter(~known).select("id", y=pl.lit(0.0)).write_csv(project.raw / "sample_submission.csv")
    start = FIRST + timedelta(days=DAYS)
    starts = [str(start - timedelta(days=HORIZON * block)) for block in (3, 2, 1)]
    splitter = {"kind": "forward", "dates": starts}
    project.facts(time="day", ignore=[], splitter=splitter)
    return project


def write_features(project, lag):
    project.write("competitions/toy/features.py", FEATURES.format(lag=lag))


def test_a_lag_of_the_horizon_foretells(panel):
    write_features(panel, HORIZON)
    run = panel.cv("rounds=30", "refit.rows=all")
    without = panel.cv("rounds=30", "refit.rows=all", "drop=[shop__*]")
    assert run.scores["cv"] < without.scores["cv"]  # a random walk is best foretold by where it was
    assert run.scores["rows_scored"] == 3 * HORIZON * SHOPS
    assert pl.read_parquet(run.path / "test.parquet")["prediction"].is_finite().all()


def test_a_lag_within_the_horizon_is_refused_with_the_one_to_use(panel):
    """Most test rows would look for a day that nobody knows yet; in a fold it would be known, and the CV would lie."""
    write_features(panel, 7)
    with pytest.raises(FeatureError, match="its lag of 7 days, 0:00:00 is shorter than the horizon") as refused:
        panel.cv("rounds=5")
    assert refused.value.code == "KF305"
    assert "use a lag of at least 28 days" in refused.value.hint
