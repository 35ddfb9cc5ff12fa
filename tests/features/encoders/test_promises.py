"""These steps keep the promises that the author of a plug-in is held to."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from kagflow.features.encoders import (
    Bins,
    Components,
    Join,
    KMeansDistances,
    Lag,
    QuantileTransform,
    Rank,
    Rolling,
    SklearnStep,
    TargetLag,
    TargetRolling,
    TfidfComponents,
)
from kagflow.testing import check_step

ROWS = 60
WIDTHS = ["width", "rooms"]
TEXT_SIZES = pl.DataFrame({"about": ["red house", None], "size": [3, 4]})
OF_FEATURES = [
    Rank(WIDTHS),
    QuantileTransform(WIDTHS),
    Bins(WIDTHS, 4),
    SklearnStep(make_pipeline(StandardScaler(), SplineTransformer(4)), WIDTHS, "spline"),
    KMeansDistances(WIDTHS, 3),
    Components(WIDTHS, 2),
    Components(WIDTHS, 2, "svd"),
    TfidfComponents("about", 3),
    Join(TEXT_SIZES, "about", "sizes"),
]
OF_HISTORY = [
    Lag(WIDTHS, "about", timedelta(days=7)),
    TargetLag(["about", "rooms"], timedelta(days=7)),
    Rolling(WIDTHS, "about", timedelta(days=9), timedelta(days=7), ["mean", "std", "median"]),
    TargetRolling("about", timedelta(days=9), timedelta(days=7), ["max", "count"]),
]


def name(step):
    return type(step).__name__


@pytest.fixture
def x():
    rng = np.random.default_rng(6)
    texts = ["red house", "green garden", "red garden", "blue", None]
    return pl.DataFrame(
        {
            "day": pl.Series([date(2024, 1, 1) + timedelta(days=i // 2) for i in range(ROWS)]),
            "width": pl.Series(rng.normal(size=ROWS)).set(pl.Series(rng.random(ROWS) < 0.1), None),
            "rooms": rng.integers(1, 4, ROWS),
            "about": pl.Series(rng.choice(np.array(texts, dtype=object), ROWS).tolist(), dtype=pl.Enum(texts[:-1])),
        }
    )


@pytest.mark.parametrize("step", OF_FEATURES, ids=name)
def test_steps_that_learn_from_features(step, x):
    check_step(step, x)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("step", OF_HISTORY, ids=name)
def test_history_steps(step, classes, x):
    y = pl.Series("y", np.arange(ROWS) % 7, dtype=pl.Float64)
    if classes:
        y = (y % 3).cast(pl.Int64).cast(pl.String).cast(pl.Enum(["0", "1", "2"]))
    check_step(step, x, y, x["day"])
