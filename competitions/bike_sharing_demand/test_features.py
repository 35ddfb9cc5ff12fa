import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kagflow

NAME = "bike_sharing_demand"
ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load(NAME, ROOT)


def hours(first: str, days: int) -> pl.DataFrame:
    """Return made-up rows, one an hour: many ride by day, few by night."""
    start = datetime.fromisoformat(first)
    moments = [start + timedelta(hours=hour) for hour in range(24 * days)]
    rng = np.random.default_rng(0)
    n = len(moments)
    weekday = np.array([moment.weekday() for moment in moments])
    by_day = np.array([6 < moment.hour < 22 for moment in moments])
    return pl.DataFrame(
        {
            "datetime": [str(moment) for moment in moments],
            "season": [(moment.month - 1) // 3 + 1 for moment in moments],
            "holiday": np.zeros(n, dtype=int),
            "workingday": (weekday < 5).astype(int),
            "weather": rng.integers(1, 5, n),
            "temp": rng.normal(15, 5, n),
            "atemp": rng.normal(18, 5, n),
            "humidity": rng.integers(20, 100, n),
            "windspeed": np.where(rng.random(n) < 0.1, 0.0, rng.uniform(6, 40, n)),
            "casual": np.ones(n, dtype=int),
            "registered": np.where(by_day, 200, 10) + rng.integers(0, 5, n),
        }
    ).with_columns(count=pl.col("casual") + pl.col("registered"))


def made(name: str = "default", **changes: object) -> dict[str, object]:
    """Return what the row functions make of one hour with these changes."""
    hour = hours("2011-03-01", 1).head(1).drop("casual", "registered", "count")
    hour = hour.with_columns(
        pl.lit(value, dtype=hour.schema[column]).alias(column) for column, value in changes.items()
    )
    for function in COMPETITION.feature_set(name).rows:
        hour = function(hour)
    return hour.row(0, named=True)


def test_the_moment_is_taken_apart():
    row = made(datetime="2012-02-29 17:00:00")
    parts = ("hour", "weekday", "month", "year", "day_of_year", "day_number", "hour_of_week")
    assert [row[part] for part in parts] == [17, 3, 2, 2012, 60, 424, 2 * 24 + 17]


def test_the_week_ends_on_sunday_night():
    assert made(datetime="2011-01-02 23:00:00")["hour_of_week"] == 7 * 24 - 1


@pytest.mark.parametrize(("hour", "works", "is_rush"), [(8, 1, True), (13, 1, False), (8, 0, False), (13, 0, True)])
def test_it_is_crowded_at_other_hours_on_days_off(hour, works, is_rush):
    assert made(datetime=f"2011-03-01 {hour:02}:00:00", workingday=works)["is_rush"] is is_rush


def test_few_work_on_the_day_after_thanksgiving():
    friday, week_before = (made(datetime=f"2011-11-{day} 08:00:00", workingday=1) for day in (25, 18))
    assert (friday["workingday"], friday["holiday"], friday["is_rush"]) == (False, True, False)
    assert (week_before["workingday"], week_before["holiday"], week_before["is_rush"]) == (True, False, True)


def test_zeros_of_the_weather_were_not_measured():
    row = made(windspeed=0.0, humidity=0)
    assert (row["windspeed"], row["humidity"]) == (None, None)
    assert made(windspeed=7.0)["windspeed"] == 7


def test_for_lines_a_thunderstorm_is_rain():
    assert made("linear", weather=4)["weather"] == made("linear", weather=3)["weather"]


def test_the_same_month_of_two_years_has_two_levels():
    first, second = (made("linear", datetime=f"{year}-05-01 00:00:00")["month_number"] for year in (2011, 2012))
    assert first != second


def test_hours_of_one_day_are_scored_together():
    days = hours("2011-01-01", 60).select(COMPETITION.additions.time).to_series()
    splitter = kagflow.splits.make_splitter(COMPETITION.facts.splitter.kind, COMPETITION.facts.splitter.settings)
    table = kagflow.data.Table(ids=pl.Series(range(len(days))), x=pl.DataFrame({"a": days}), time=days)
    for fold in splitter.split(table).folds:
        assert not set(days[fold.train].dt.date()) & set(days[fold.valid].dt.date())


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / NAME).glob("*.yaml")))
def test_a_config_scores_far_better_than_the_mean_hour(config, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    hours("2011-01-01", 60).write_csv(source / "train.csv")
    test = hours("2011-03-02", 9).drop("casual", "registered", "count")
    test.write_csv(source / "test.csv")
    test.select("datetime", count=0).write_csv(source / "sample_submission.csv")
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / NAME, tmp_path / folder / NAME)
    competition = kagflow.load(NAME, tmp_path)
    overrides = ("splitter.folds=3", "splitter.size=3", "rounds=100", "threads=1")
    run = kagflow.cross_validate(competition, competition.experiment(config, overrides), config=config, source=source)
    assert run.scores["cv"] < 0.5  # the same for every hour: 1.3
