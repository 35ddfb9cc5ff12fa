"""What a competitor writes before looking at folds, with a step of every kind in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from kagflow.config import Experiment, ModelConfig, RefitConfig, RoundsConfig
from kagflow.data import ExtraRows, Frame, Rows, Table, Target
from kagflow.data.table import target_codes
from kagflow.features import FeatureSet, FittedStep, HistoryStep, Selector, TargetStep, pandas_step
from kagflow.features.crossfit import Built, build
from kagflow.features.encoders import (
    Bins,
    Components,
    Count,
    Frequency,
    GroupAggregate,
    GroupDifference,
    GroupRatio,
    Impute,
    KMeansDistances,
    Lag,
    OneHot,
    Power,
    QuantileTransform,
    Rank,
    RareToOther,
    Scale,
    TargetMean,
    TargetRolling,
    TargetStatistics,
    TfidfComponents,
    WeightOfEvidence,
    Winsorise,
    combine,
    ordinal,
    text_lengths,
)
from kagflow.features.pool import Pool, make_pool
from kagflow.metrics import Objective
from kagflow.models import Model, Problem, Resources, make_model
from kagflow.splits import Fold, Folds, Splitter, make_splitter
from kagflow.training import Setup, Task, TaskResult, find_transform, run_task
from tests.leaks.data import HIDDEN, Data, Kind

LAG = 25  # days; blocks of time and stop rows before them are shorter
SMALL_TREES = {"min_data_in_leaf": 5, "num_leaves": 7, "learning_rate": 0.2}


def trees(rounds: int | RoundsConfig = 5) -> Model:
    return make_model(ModelConfig(kind="lightgbm", params=SMALL_TREES), rounds)


def stopped_trees(*, refit: bool) -> Model:
    return trees(RoundsConfig(limit=8, patience=2, stop=0.2, refit=refit))


def other_trees(kind: str) -> Model:
    """Boosting by another library, its rounds found on stop rows."""
    params = {"depth": 3} if kind == "catboost" else {"max_depth": 3}
    rounds = RoundsConfig(limit=6, patience=2, stop=0.2, refit=True)
    return make_model(ModelConfig(kind=kind, params=params), rounds)


def linear(task: str) -> Model:
    name = "Ridge" if task == "regression" else "LogisticRegression"
    return make_model(ModelConfig(kind="sklearn", estimator=f"sklearn.linear_model.{name}"), 1)


def support_vectors() -> Model:
    return make_model(ModelConfig(kind="sklearn", estimator="sklearn.svm.SVR"), 1)


@dataclass(frozen=True)
class Pipeline:
    """All that decides on the predictions of a fold, given data and frozen folds.

    ``features`` and ``extra`` are functions of the data: code that runs before any split, as the top of a notebook
    does, is where most leaks are. ``model`` also knows the fold, for the leak that needs it.
    """

    features: Callable[[Data], FeatureSet]
    model: Callable[[Data, Fold], Model] = lambda data, fold: trees()
    splitter: Splitter = field(default_factory=lambda: make_splitter("kfold", {}))
    extra: Callable[[Data], Table | None] = lambda data: data.extra
    scale: str = "none"
    pooled: bool = False
    refit: bool = False

    def pool(self, data: Data, folds: Folds) -> Pool:
        extra = self.extra(data)
        return make_pool(
            self.features(data),
            data.train,
            data.test,
            folds,
            extra=None if extra is None else ExtraRows.of(extra),
            pooled=self.pooled,
            hidden=[name for name in HIDDEN if name in data.train.x.columns],
        )

    def built(self, data: Data, folds: Folds, number: int) -> Built:
        """Return the features of a fold without stop rows."""
        return self._build(self.pool(data, folds), folds.folds[number], folds.folds[number].train, {})

    def frames(self, data: Data, folds: Folds, number: int) -> dict[str, Frame]:
        """Return all that features come to, by name: once without stop rows, and once with them."""
        pool, fold = self.pool(data, folds), folds.folds[number]
        stop = self.splitter.carve(data.train, fold.train, 0.2, 3)
        plain = self._build(pool, fold, fold.train, {})
        stopped = self._build(pool, fold, np.setdiff1d(fold.train, stop), {"stop": stop})
        return frames_of(plain) | {f"{name} beside stop rows": frame for name, frame in frames_of(stopped).items()}

    def predictions(self, data: Data, folds: Folds, number: int) -> dict[str, Frame]:
        """Return what the model of a fold says and what it is made of, by name."""
        result = self.trained(data, folds, number)
        made = {"oof": pl.DataFrame(result.oof), "importance": result.model.importance()}
        test = {} if result.test is None else {"test predictions": pl.DataFrame(result.test)}
        return made | test | {"rounds": pl.DataFrame({"rounds": [result.rounds]}, schema={"rounds": pl.Int64})}

    def _build(self, pool: Pool, fold: Fold, train: Rows, apply: dict[str, Rows]) -> Built:
        rows = {**apply, "valid": fold.valid}
        return build(pool, train, rows, test=not self.refit, repeat=fold.repeat)

    def trained(self, data: Data, folds: Folds, number: int) -> TaskResult:
        """Return what training a fold comes to."""
        return run_task(self.setup(data, folds, number), Task(number, 3))

    def setup(self, data: Data, folds: Folds, number: int, seeds: int = 1) -> Setup:
        """Return what the tasks share; ``number`` is the fold of which ``model`` is told."""
        objective: Objective = "squared_error" if data.task == "regression" else "log_loss"
        return Setup(
            table=data.train,
            pool=self.pool(data, folds),
            folds=folds,
            splitter=self.splitter,
            model=self.model(data, folds.folds[number]),
            problem=Problem(data.task, data.classes, objective),
            transform=find_transform(self.scale),
            experiment=Experiment(seed=3, seeds=seeds),
            resources=Resources(1),
            refit=RefitConfig() if self.refit else None,
        )


def frames_of(built: Built) -> dict[str, Frame]:
    """Return every frame that was built, the training targets and what the steps learned, by name."""
    learned = {
        f"learned {step} {name}": table
        for step, fitted in built.learned.items()
        for name, table in fitted.tables().items()
    }
    return {"train": built.x, "train y": built.y.to_frame(), **built.frames, **learned}


# --- steps -----------------------------------------------------------------------------------------------------------


def per_room(x: Frame) -> Frame:
    return x.with_columns(area__per_room=pl.col("area") / pl.col("rooms"))


@pandas_step
def big(frame):
    return frame.assign(rooms__big=frame["rooms"] > 5)


def above_mean_of_shop(x: Frame) -> Frame:
    """A row function that may use encodings."""
    mean = next(name for name in x.columns if name.startswith("shop__target_mean"))
    return x.with_columns(area__above=pl.col("area") - pl.col(mean).fill_null(0))


def not_the_largest(x: Frame, y: Target) -> pl.Series:
    """Drop training rows that look like outliers, by target or by feature."""
    codes = pl.Series(target_codes(y)).cast(pl.Float64)
    usual = codes.is_between(codes.quantile(0.01), codes.quantile(0.97)) if y.dtype == pl.Float64 else codes >= 0
    return usual & (x["income"] < 200)


@dataclass(frozen=True)
class MostCorrelated(Selector):
    """The columns that go with the target the most, in training rows."""

    count: int = 12

    def fit(self, x: Frame, y: Target) -> list[str]:
        return most_correlated(x, y, self.count)


def most_correlated(x: Frame, y: Target, count: int) -> list[str]:
    codes = target_codes(y).astype(float)
    size = {
        name: abs(np.corrcoef(column.to_physical().cast(pl.Float64).fill_null(0).to_numpy(), codes)[0, 1])
        for name, column in zip(x.columns, x, strict=True)
        if column.n_unique() > 1
    }
    return sorted(size, key=lambda name: (-size[name], name))[:count]


@dataclass(frozen=True)
class TargetLag(HistoryStep):
    """The latest target of the same shop that is at least a lag old."""

    lag: int = LAG
    allow_self: bool = False
    columns: tuple[str, ...] = ("shop",)

    def fit(self, x: Frame, y: Target, time: pl.Series) -> "FittedTargetLag":
        known = pl.DataFrame({"shop": x["shop"], "known": time.cast(pl.Int64), "target": target_codes(y)})
        latest = known.group_by("shop", "known").agg(pl.col("target").cast(pl.Float64).mean()).sort("known")
        return FittedTargetLag(0 if self.allow_self else self.lag, latest)


@dataclass(frozen=True)
class FittedTargetLag:
    lag: int
    latest: Frame

    def transform(self, x: Frame) -> Frame:
        asked = x.select("shop", known=pl.col("day") - self.lag).with_row_index("order").sort("known")
        found = asked.join_asof(self.latest, on="known", by="shop", check_sortedness=False).sort("order")
        return found.select(shop__lag=pl.col("target").cast(pl.Float64))

    def tables(self) -> Mapping[str, Frame]:
        return {"latest": self.latest.sort("known", "shop")}


@dataclass(frozen=True)
class Learned:
    """A fitted step made of one function."""

    encode: Callable[[Frame], Frame]

    def transform(self, x: Frame) -> Frame:
        return self.encode(x)

    def tables(self) -> Mapping[str, Frame]:
        return {}


@dataclass(frozen=True)
class Hidden(TargetStep):
    """Another target step, of which the engine does not know that it is a sum; so it is fitted again and again."""

    encoder: TargetStep

    def fit(self, x: Frame, y: Target) -> FittedStep:
        return self.encoder.fit(x, y)


def every_step(kind: Kind, *, pooled: bool = False, looks_at_y: bool = True) -> Callable[[Data], FeatureSet]:
    """Return a feature set with a step of every kind, or of those that do not look at y."""
    return lambda data: FeatureSet(
        rows=[
            per_room,
            big,
            ordinal({"grade": ["low", "mid", "high"]}),
            text_lengths("colour"),
            combine([("colour", "grade")]),
        ],
        pooled=[Scale(["noise"])] if pooled else [],
        keep=not_the_largest if looks_at_y else None,
        fold=[
            Frequency(["colour", ("colour", "flag")]),
            Count(["flag", ("shop", "colour")]),
            RareToOther(["shop"], at_least=6),
            OneHot(["colour"]),
            Impute(["area"]),
            Scale(["income"]),
            Winsorise(["noise"], share=0.1),
            Power(["income"]),
            GroupAggregate(["area__imputed"], by=["colour"], statistics=["mean", "median", "quantile_0.9", "nunique"]),
            GroupDifference(["income"], by=["colour", "flag"]),
            GroupRatio(["income"], by=["shop"], statistic="median"),
            Rank(["area"]),
            QuantileTransform(["income"]),
            Bins(["area"], 4),
            KMeansDistances(["area", "income"], 3),
            Components(["area", "income", "noise"], 2),
            TfidfComponents("shop", 2),
        ],
        history=[TargetLag(), Lag("income", "colour", LAG), TargetRolling("colour", 9, LAG, ["max"])]
        if kind.timed
        else [],
        target=[
            TargetMean(["shop", ("shop", "colour")]),
            TargetMean(["shop__rare"], smooth=2),
            TargetStatistics(["colour", ("colour", "flag")], "median"),
            TargetStatistics(["colour", ("colour", "flag")], "var"),
            *([WeightOfEvidence(["shop", ("colour", "flag")])] if kind.task == "binary" else []),
        ],
        then=[above_mean_of_shop],
        select=MostCorrelated() if looks_at_y else None,
        drop=["row*"],
    )


def plain_pipeline(kind: Kind, **changes: object) -> Pipeline:
    """Return a pipeline with every step, for one kind of data."""
    settings = {
        "features": every_step(kind),
        "splitter": make_splitter(kind.splitter, {"folds": 3}),
        # Forward in time every fold would have to reach from its own past to the test rows, beyond the lag.
        "refit": kind.timed,
        **changes,
    }
    return Pipeline(**settings)
