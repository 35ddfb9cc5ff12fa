"""Outcomes with a truth that is known: made of numbers, not of runs."""

import numpy as np
import polars as pl

from kagflow.metrics import find_metric
from kagflow.report.models.outcome import Outcome
from kagflow.runs.scores import Known


def outcome(y, prediction, *, metric="rmse", task="regression", classes=(), scored=None, weight=None, units=None):
    """Return what a run of five folds predicted."""
    y, prediction = np.asarray(y), np.asarray(prediction, dtype=float)
    known = Known(y, np.arange(len(y)) % 5, weight, units)
    ids = pl.Series("id", np.arange(len(y)))
    return Outcome(
        "y", task, classes, find_metric(metric), ids, known, prediction, prediction if scored is None else scored
    )


def values(n=2000, seed=0, **changes):
    """Return a sound model of values: the truth is the prediction and noise."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=n) * 2
    return outcome(made + rng.normal(size=n), made, **changes)


def chances(n=4000, seed=0, *, extreme=1.0, shift=0.0, metric="log_loss"):
    """Return a model of two classes whose log odds are so many times what they ought to be, and too high by a shift."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=n) * 1.5
    y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    made = 1 / (1 + np.exp(-(odds * extreme + shift)))
    return outcome(y, made, metric=metric, task="binary", classes=("no", "yes"))


def seven(n=4000, seed=0, *, sharper=1.0):
    """Return a model of seven classes; sharpened, it is surer than it may be."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 7)) * 1.5
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 6)
    made = p**sharper / (p**sharper).sum(axis=1, keepdims=True)
    return outcome(y, made, metric="log_loss", task="multiclass", classes=tuple("abcdefg"))
