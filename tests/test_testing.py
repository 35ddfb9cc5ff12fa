"""The checks for authors of plug-ins: everything that is shipped passes, and every broken promise is caught."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import FastICA

from kagflow.config import ModelConfig
from kagflow.data import Table
from kagflow.errors import FeatureError
from kagflow.features import FoldStep, HistoryStep, TargetStep, encoders
from kagflow.features.steps import AdditiveStep
from kagflow.models import Model, Problem, make_model
from kagflow.splits import Splitter, make_splitter
from kagflow.splits.folds import folds_from_cells
from kagflow.testing import check_model, check_splitter, check_step

ROWS = 120
RNG = np.random.default_rng(0)
CITIES, KINDS_OF_SHOP = ["Aachen", "Bonn", "Celle", "Dachau"], ["big", "small"]


def categories(values, vocabulary):
    return pl.Series(RNG.choice(values, ROWS), dtype=pl.Enum(vocabulary))


X = pl.DataFrame(
    {
        "city": categories(CITIES[:3], CITIES),  # of the fourth there is no row
        "shop": categories(KINDS_OF_SHOP, KINDS_OF_SHOP),
        "open": RNG.integers(0, 2, ROWS).astype(bool),
        "area": RNG.normal(10, 3, ROWS),
        "rent": RNG.exponential(5, ROWS).round(2),
        "day": np.arange(ROWS) // 4,
    }
).with_columns(
    pl.when(pl.int_range(pl.len()) % 9 > 0).then("area").alias("area"),
    pl.when(pl.int_range(pl.len()) % 11 > 0).then("city").alias("city"),
)
TARGETS = {
    "regression": pl.Series("y", RNG.normal(size=ROWS)),
    "binary": pl.Series("y", RNG.choice(["no", "yes"], ROWS), dtype=pl.Enum(["no", "yes"])),
    "multiclass": pl.Series("y", RNG.choice(list("abc"), ROWS), dtype=pl.Enum(list("abc"))),
}
NUMBERS, WORDS = ["area", "rent"], ["city", "shop"]
PRICES = pl.DataFrame({"city": CITIES[:2], "price": [1.0, 2.0]})
STEPS = {
    "Bins": encoders.Bins(NUMBERS, n=3),
    "Components": encoders.Components(NUMBERS, n=2),
    "Count": encoders.Count(WORDS),
    "Frequency": encoders.Frequency([*WORDS, ("city", "shop")]),
    "GroupAggregate": encoders.GroupAggregate(NUMBERS, by=["city"]),
    "GroupDifference": encoders.GroupDifference(NUMBERS, by=["city"]),
    "GroupRatio": encoders.GroupRatio(["rent"], by=["city"]),
    "Impute": encoders.Impute(["area"]),
    "Join": encoders.Join(PRICES, by=["city"], name="prices"),
    "KMeansDistances": encoders.KMeansDistances(NUMBERS, k=3),
    "Lag": encoders.Lag(["rent"], key=["shop"], lag=2),
    "OneHot": encoders.OneHot(WORDS),
    "Power": encoders.Power(NUMBERS),
    "QuantileTransform": encoders.QuantileTransform(NUMBERS),
    "Rank": encoders.Rank(NUMBERS),
    "RareToOther": encoders.RareToOther(WORDS),
    "Rolling": encoders.Rolling(["rent"], key=["shop"], window=5, lag=2),
    "Scale": encoders.Scale(NUMBERS),
    "SklearnStep": encoders.SklearnStep(FastICA(2), NUMBERS, "ica"),
    "TargetLag": encoders.TargetLag(key=["shop"], lag=2),
    "TargetMean": encoders.TargetMean([*WORDS, ("city", "shop"), "open"]),
    "TargetRolling": encoders.TargetRolling(key=["shop"], window=5, lag=2),
    "TargetStatistics": encoders.TargetStatistics(WORDS),
    "TfidfComponents": encoders.TfidfComponents(["city"], n=2),
    "WeightOfEvidence": encoders.WeightOfEvidence(WORDS),
    "Winsorise": encoders.Winsorise(NUMBERS),
}
ONLY_FOR = {"WeightOfEvidence": "binary", "TargetLag": "regression", "TargetRolling": "regression"}


def test_every_step_that_is_shipped_is_checked_here():
    kinds = (FoldStep, TargetStep, HistoryStep)
    shipped = {name for name in encoders.__all__ if inspect.isclass(getattr(encoders, name))}
    assert {name for name in shipped if issubclass(getattr(encoders, name), kinds)} == set(STEPS)


def tasks_for(name):
    """Return the targets to try a step on: any one will do for a step that knows none."""
    return ["regression"] if isinstance(STEPS[name], FoldStep) else [ONLY_FOR[name]] if name in ONLY_FOR else TARGETS


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in STEPS for task in tasks_for(name)])
def test_shipped_steps_keep_their_promises(name, task):
    check_step(STEPS[name], X, TARGETS[task], X["day"].alias("day"))


# --- steps that break a promise -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """What the broken steps learn; each gives ``transform`` as a function."""

    make: object
    known: Mapping[str, pl.DataFrame]

    def transform(self, x):
        return self.make(x)

    def tables(self):
        return self.known


@dataclass(frozen=True)
class Broken(FoldStep):
    """A fold step around a function of (training rows, rows)."""

    make: object
    tables: object = None

    def fit(self, x):
        return Learned(lambda rows: self.make(x, rows), self.tables or {})


def count_fits(calls=[]):  # noqa: B006 (the fault is that it remembers)
    calls.append(1)
    return len(calls)


FAULTS = {
    "is not row-wise": Broken(
        lambda x, rows: rows.select(pl.col("rent") - pl.col("rent").mean()).rename({"rent": "r"})
    ),
    "that is there already": Broken(lambda x, rows: rows.select(pl.col("rent") + 1)),
    "was given 120 rows and returned": Broken(lambda x, rows: rows.select(r=pl.col("rent"))[1:]),
    "for rows of nulls it makes other columns": Broken(
        lambda x, rows: rows.select(r=pl.col("rent").cast(pl.String if rows["rent"].is_null().all() else pl.Float64))
    ),
    "learns something else": Broken(lambda x, rows: rows.select(r=pl.col("rent") + count_fits())),
    "tables() holds other things": Broken(lambda x, rows: rows.select(r=pl.col("rent")), {"seen": [1]}),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_broken_step_is_caught(said):
    with pytest.raises((AssertionError, FeatureError)) as caught:
        check_step(FAULTS[said], X)
    assert said in str(caught.value) or said == "learns something else"


@dataclass(frozen=True)
class Halves(AdditiveStep):
    """The mean target, of which a tally keeps only the mean: two of them do not add up."""

    columns: tuple[str, ...] = ("shop",)

    def tally(self, x, y):
        return np.array([y.to_physical().cast(pl.Float64).mean()])

    def finish(self, tally):
        return Learned(lambda rows: rows.select(m=pl.col("rent") * 0 + tally.sum()), {})


def test_tallies_that_do_not_add_up_are_caught():
    with pytest.raises(AssertionError, match="do not add up"):
        check_step(Halves(), X, TARGETS["regression"])


SEEN = {}


@dataclass(frozen=True)
class Peeking(TargetStep):
    """Remembers every target that it was ever handed, in a place that is not what ``fit`` returns."""

    def fit(self, x, y):
        SEEN.update(zip(x["rent"], y, strict=True))
        return Learned(lambda rows: rows.select(own=pl.col("rent").replace_strict(SEEN, default=0.0)), {})


def test_a_step_that_remembers_targets_beside_what_fit_returns_is_caught():
    with pytest.raises(AssertionError, match="own target reaches its own encoding"):
        check_step(Peeking(), X.with_columns(rent=pl.int_range(pl.len()).cast(pl.Float64)), TARGETS["regression"])


# --- models -----------------------------------------------------------------------------------------------------------

FEW = {"lightgbm": {"min_data_in_leaf": 5}}
PROBLEMS = {
    "regression": Problem("regression", (), "squared_error"),
    "binary": Problem("binary", ("no", "yes"), "log_loss"),
    "multiclass": Problem("multiclass", tuple("abc"), "log_loss"),
}
ESTIMATORS = {"regression": "linear_model.Ridge", "binary": "linear_model.LogisticRegression"}


def model(kind: str, task: str) -> Model:
    estimator = f"sklearn.{ESTIMATORS.get(task, 'linear_model.LogisticRegression')}" if kind == "sklearn" else None
    return make_model(ModelConfig(kind=kind, estimator=estimator, params=FEW.get(kind, {})), 5)


@pytest.mark.parametrize("task", PROBLEMS)
@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "catboost", "sklearn"])
def test_shipped_models_keep_their_promises(kind, task):
    check_model(model(kind, task), X.drop("day"), TARGETS[task], PROBLEMS[task])


class Wrapped(Model):
    """LightGBM, with its predictions spoilt."""

    kind = "lightgbm"
    uses_rounds = True
    owned: Mapping[str, str] = {}
    spoil = staticmethod(lambda predicted: predicted)

    def fit(self, train, stop, *, problem, resources, seed):
        fitted = model("lightgbm", problem.task).fit(train, stop, problem=problem, resources=resources, seed=seed)
        predict, spoil = fitted.predict, type(self).spoil
        fitted.predict = lambda x: spoil(predict(x))
        return fitted


def wrong_shape(predicted):
    return predicted[:, np.newaxis]


def not_finite(predicted):
    return predicted * np.nan


def never_the_same(predicted):
    return predicted + count_fits() * 1e-9


def centred(predicted):
    return predicted - predicted.mean()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_shape, "have the shape"),
        (not_finite, "not finite"),
        (never_the_same, "the same seed"),
        (centred, "otherwise among other rows"),
        (lambda predicted: predicted * 2, "saved and loaded"),
    ],
)
def test_a_broken_model_is_caught(spoil, said):
    broken = type("Broken", (Wrapped,), {"spoil": staticmethod(spoil)})({}, 5)
    with pytest.raises(AssertionError, match=said):
        check_model(broken, X.drop("day"), TARGETS["regression"], PROBLEMS["regression"])


# --- splitters --------------------------------------------------------------------------------------------------------

TABLE = Table(
    ids=pl.Series("id", RNG.permutation(ROWS)),
    x=X,
    y=TARGETS["binary"],
    groups=pl.Series("shop", np.arange(ROWS) // 5),
    time=pl.Series("day", np.arange(ROWS) // 4),
)
SPLITTERS = {
    "group": {"folds": 3},
    "stratified_group": {"folds": 3},
    "forward": {"folds": 3},
}
ROW_BY_ROW = {"kfold": {"folds": 3}, "stratified": {"folds": 3}}


@pytest.mark.parametrize("kind", SPLITTERS)
def test_shipped_splitters_keep_their_promises(kind):
    check_splitter(make_splitter(kind, SPLITTERS[kind]), TABLE)


@pytest.mark.parametrize("kind", ROW_BY_ROW)
def test_splitters_of_single_rows_too(kind):
    check_splitter(make_splitter(kind, ROW_BY_ROW[kind]), Table(ids=TABLE.ids, x=X, y=TABLE.y))


def test_a_splitter_that_cuts_groups_is_caught():
    with pytest.raises(AssertionError, match="cuts a group"):
        check_splitter(make_splitter("kfold", {"folds": 3}), TABLE)


@dataclass(frozen=True)
class Faulty(Splitter):
    """Folds by the position in the file, and stop rows of any rows."""

    kind = "faulty"

    def split(self, table):
        return folds_from_cells(table.ids, table.time.to_numpy() % 3)

    def carve(self, table, train, share, seed):
        return np.setdiff1d(np.arange(table.height), train)[:5]


def test_stop_rows_from_outside_the_training_rows_are_caught():
    with pytest.raises(AssertionError, match="other than training rows"):
        check_splitter(Faulty(), TABLE)
