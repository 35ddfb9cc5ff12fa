"""Sums by cell, which are fast, give what fitting again and again gives."""

from dataclasses import dataclass, replace

import polars.testing
import pytest

from kagflow.features.encoders import TargetMean, TargetStatistics
from tests.leaks.data import KINDS, two_repeats
from tests.leaks.pipelines import Hidden, every_step, plain_pipeline


@dataclass(frozen=True)
class CountsTwice(TargetMean):
    """A sum that is none: what is added counts for half."""

    def tally(self, x, y):
        return Halved(super().tally(x, y))

    def finish(self, tally):
        return super().finish(tally.tally)


@dataclass(frozen=True)
class Halved:
    tally: object

    def __add__(self, other):
        return Halved(self.tally + self.tally + other.tally)


@dataclass(frozen=True)
class Moments(TargetStatistics):
    """Statistics that follow from sums; the reference aggregates all rows anew."""

    statistics: tuple[str, ...] = ("mean", "std", "var", "count")

    def fit(self, x, y):
        return FromRows(self.columns, self.statistics, self.smooth).fit(x, y)


@dataclass(frozen=True)
class FromRows(TargetStatistics):
    """The same of statistics of which the engine is not told that they are sums."""

    adds_up = False


def assert_sums_equal_fits(kind, data, folds, step=TargetMean):
    """Compare whole builds, with and without stop rows, with training rows dropped and extra rows joined."""

    def features(hidden):
        def make(data):
            steps = [step(["shop", ("colour", "flag")]), step(["flag"], smooth=0)]
            return replace(every_step(kind)(data), target=[hidden(one) for one in steps], select=None)

        return make

    fast, slow = (plain_pipeline(kind, features=features(hidden)) for hidden in (lambda step: step, Hidden))
    for fold in folds:
        ours, reference = fast.frames(data, folds, fold.number), slow.frames(data, folds, fold.number)
        for name in [name for name in ours if not name.startswith("learned")]:
            polars.testing.assert_frame_equal(ours[name], reference[name], rel_tol=1e-12, abs_tol=0)


@pytest.mark.parametrize("step", [TargetMean, Moments])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.is_natural], ids=str)
def test_whole_builds(kind, step):
    data = kind.make()
    assert_sums_equal_fits(kind, data, kind.folds(data), step)


def test_repeats():
    data = KINDS[0].make()
    assert_sums_equal_fits(KINDS[0], data, two_repeats(data.train))


def test_a_tally_that_does_not_add_up_is_caught():
    data = KINDS[0].make()
    with pytest.raises(AssertionError, match="target_mean"):
        assert_sums_equal_fits(KINDS[0], data, KINDS[0].folds(data, 4), CountsTwice)
