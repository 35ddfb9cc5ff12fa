"""Pipelines without a leak, with every kind of step and model: nobody may be accused."""

from collections.abc import Mapping

from tests.leaks.folder import FEW_TREES, RIDGE, TREES, Folder, rows


def estimator(name, **params):
    return {"model": {"kind": "sklearn", "estimator": f"sklearn.{name}", "params": params}}


STEPS = """
def per_room(x):
    return x.with_columns(area__per_room=pl.col("area") / pl.col("rooms"))

def above_mean(x):
    return x.with_columns(above=pl.col("area__imputed") - pl.col("shop__target_mean"))

@dataclass(frozen=True)
class Varying(Selector):
    def fit(self, x, y):
        return [name for name in x.columns if x[name].n_unique() > 1]

@dataclass(frozen=True)
class Median:
    table: pl.DataFrame

    def transform(self, x):
        return x.select("shop").join(self.table, on="shop", how="left", maintain_order="left").select("shop__median")

    def tables(self):
        return {"medians": self.table}

@dataclass(frozen=True)
class ShopMedian(TargetStep):
    def fit(self, x, y):
        table = x.select("shop", y=y).group_by("shop", maintain_order=True).agg(shop__median=pl.col("y").median())
        return Median(table)

FEATURES = FeatureSet(
    rows=[per_room],
    fold=[Impute(["area"]), Scale(["income"]), GroupAggregate(["rooms"], by=["colour"])],
    target=[TargetMean(["shop", "colour"]), ShopMedian()],
    then=[above_mean],
    select=Varying(),
    keep=lambda x, y: y > y.quantile(0.02),
)
"""
MEANS = "FEATURES = FeatureSet(fold=[Impute(['area'])], target=[TargetMean(['shop', 'colour'])])"
AUTOMATIC = """
from kagflow.features.automatic import automatic
FEATURES = automatic(FeatureSet(), aggregates=False, arithmetic=False)
"""
POOLED = "FEATURES = FeatureSet(pooled=[Frequency(['shop'])])"
HISTORY = "FEATURES = FeatureSet(history=[TargetLag(key=['shop'], lag=13)])"
RATIO = """
import polars as pl
from dataclasses import dataclass
from kagflow.training import TargetTransform

@dataclass(frozen=True)
class Centred(TargetTransform):
    centre: float = 0.0

    def fit(self, x, y):
        return Centred(y.mean())

    def forward(self, x, y):
        return y - self.centre

    def back(self, x, prediction):
        return prediction + self.centre

TARGET = Centred()
"""
BINARY = {"task": "binary", "metric": "auc", "splitter": {"kind": "stratified", "folds": 4}}
LABELS = {**BINARY, "metric": "accuracy"}
SEVERAL = {"task": "multiclass", "metric": "log_loss", "splitter": {"kind": "stratified", "folds": 3}}
GROUPED = {"group": "patient", "ignore": ["day"], "splitter": {"kind": "group", "folds": 4}}
TIMED = {"time": "day", "ignore": ["patient"]}
FORWARD = {**TIMED, "splitter": {"kind": "forward", "folds": 3}}
STOPPED = {"rounds": {"limit": 12, "patience": 4, "refit": True}, "model": TREES["model"]}
CLEAN: Mapping[str, Folder] = {
    "every kind of step": Folder(STEPS),
    "automatic features": Folder(AUTOMATIC),
    "rounds found on stop rows": Folder(MEANS, config=STOPPED),
    "stopped and not refitted": Folder(config={**STOPPED, "rounds": {"limit": 12, "patience": 4, "refit": False}}),
    "pooled, declared": Folder(POOLED, facts={"pooled": True}),
    "xgboost": Folder(MEANS, config={"rounds": 8, "model": {"kind": "xgboost", "params": {"max_depth": 3}}}),
    "catboost, two threads": Folder(
        MEANS, config={"rounds": 8, "threads": 2, "model": {"kind": "catboost", "params": {"depth": 3}}}
    ),
    "a linear model": Folder(MEANS, config=RIDGE),
    "nearest neighbours": Folder(MEANS, config=estimator("neighbors.KNeighborsRegressor")),
    "a random forest": Folder(MEANS, config=estimator("ensemble.RandomForestRegressor", n_estimators=10)),
    "two classes, cut": Folder(MEANS, facts=LABELS, config={**TREES, "postprocess": "threshold"}),
    "two classes, isotonic": Folder(facts=BINARY, config={**TREES, "postprocess": "isotonic"}),
    "several classes": Folder(MEANS, facts=SEVERAL, config=STOPPED),
    "whole groups": Folder(MEANS, facts=GROUPED),
    "forward in time, with a past": Folder(HISTORY, facts=FORWARD, config={**TREES, "refit": {"rows": "all"}}),
    "repeats": Folder(MEANS, facts={"splitter": {"kind": "kfold", "folds": 3, "repeats": 2}}),
    "a joined table of other rows": Folder(
        "FEATURES = FeatureSet(fold=[Join('original', by='shop', aggregate={'y': 'mean'})])",
        tables={"original": lambda train: rows(seed=9)[0].drop("row")},
    ),
    "several seeds": Folder(
        config={"rounds": 8, "seeds": 3, "model": {"kind": "lightgbm", "params": {**FEW_TREES, "bagging_freq": 1}}}
    ),
    "a target transform of its own": Folder(MEANS, target=RATIO),
    "blocks of days": Folder(MEANS, facts={**TIMED, "splitter": {"kind": "blocks", "folds": 4, "unit": 1, "size": 6}}),
}
