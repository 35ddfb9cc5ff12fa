"""Leaks that a competitor could have written in `features.py`, `target.py` and `competition.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tests.leaks.folder import RIDGE, TREES, Folder

CLASS_OF_MEANS = """
@dataclass(frozen=True)
class Means:
    table: pl.DataFrame

    def transform(self, x):
        return x.select("shop").join(self.table, on="shop", how="left", maintain_order="left").select("shop_mean")

    def tables(self):
        return {}


def means(x, y):
    x = x.select("shop", y=y)
    return Means(x.group_by("shop", maintain_order=True).agg(shop_mean=pl.col("y").mean()))

"""


@dataclass(frozen=True)
class Planted:
    """A leak, and who must find it.

    Attributes
    ----------
    folder
        The competition.
    code
        Of the finding.
    columns
        How the names of those that are blamed begin.
    where
        A part of the finding's ``where``.
    found_by
        ``audit``; ``cv`` where a guard that is always on stops the run; ``check`` where the rows are at fault.
    """

    folder: Folder
    code: str
    columns: tuple[str, ...] = ()
    where: str = ""
    found_by: str = "audit"


MODULE_CACHE = """
CACHE = {}

@dataclass(frozen=True)
class CachedMean(TargetStep):
    def fit(self, x, y):
        if "means" not in CACHE:  # the same for all folds, so why count again?
            CACHE["means"] = means(x, y)
        return CACHE["means"]

FEATURES = FeatureSet(target=[CachedMean()])
"""
LRU_CACHE = """
SEEN = []

@lru_cache
def table():
    return means(*SEEN[0])

@dataclass(frozen=True)
class CachedMean(TargetStep):
    def fit(self, x, y):
        SEEN.append((x, y))
        return table()

FEATURES = FeatureSet(target=[CachedMean()])
"""
MUTABLE_DEFAULT = """
def remembered(x, y, seen=[]):
    seen.append(x.select("shop", y=y))
    return pl.concat(seen)

@dataclass(frozen=True)
class GrowingMean(TargetStep):
    def fit(self, x, y):
        known = remembered(x, y)
        return means(known, known["y"])

FEATURES = FeatureSet(target=[GrowingMean()])
"""
GLOBAL_IN_THEN = """
KNOWN = []

def plausible(x, y):
    KNOWN.append(x.select("shop", y=y))
    return y < 1000

def add_mean(x):
    known = pl.concat(KNOWN)
    table = means(known, known["y"])
    return x.with_columns(table.transform(x))

FEATURES = FeatureSet(keep=plausible, then=[add_mean])
"""
CHOSEN_ONCE = """
CHOSEN = []

@dataclass(frozen=True)
class MostCorrelated(Selector):
    def fit(self, x, y):
        if not CHOSEN:
            strength = x.select(pl.corr(pl.all().fill_null(0), pl.lit(y)).abs()).row(0, named=True)
            CHOSEN.extend(sorted(strength, key=strength.get)[-10:])
        return CHOSEN

def noises(x):
    return x.with_columns((pl.col("income") * (i + 1.7)).sin().alias(f"noise{i}") for i in range(40))

FEATURES = FeatureSet(rows=[noises], select=MostCorrelated(), drop=["shop", "colour"])
"""
OUTLIERS_ONCE = """
BOUNDS = []

def typical(x, y):
    if not BOUNDS:
        BOUNDS.extend([y.quantile(0.1), y.quantile(0.9)])
    return y.is_between(*BOUNDS)

FEATURES = FeatureSet(keep=typical)
"""
SCALED_ONCE = """
SCALES = {}

@dataclass(frozen=True)
class Scaled:
    mean: float

    def transform(self, x):
        return x.select(income__scaled=pl.col("income") - self.mean)

    def tables(self):
        return {}

@dataclass(frozen=True)
class ScaleOnce(FoldStep):
    def fit(self, x):
        return Scaled(SCALES.setdefault("income", x["income"].mean()))

FEATURES = FeatureSet(fold=[ScaleOnce()])
"""
IMPUTED_BY_ALL = """
ALL = []

def remember(x):
    ALL.append(x["area"])
    return x

@dataclass(frozen=True)
class Filled:
    def transform(self, x):
        return x.select(area__filled=pl.col("area").fill_null(pl.concat(ALL).median()))

    def tables(self):
        return {}

@dataclass(frozen=True)
class FillByAll(FoldStep):
    def fit(self, x):
        return Filled()

FEATURES = FeatureSet(rows=[remember], fold=[FillByAll()])
"""
COUNTED_BY_TEST = """
TEST = []

def remember(x):
    TEST[:] = [x["colour"].to_list()]  # test comes last
    return x

@dataclass(frozen=True)
class Counted:
    def transform(self, x):
        counts = {colour: TEST[0].count(colour) for colour in set(TEST[0])}
        return x.select(colour__in_test=pl.col("colour").cast(pl.String).replace_strict(counts, default=0))

    def tables(self):
        return {}

@dataclass(frozen=True)
class CountInTest(FoldStep):
    def fit(self, x):
        return Counted()

FEATURES = FeatureSet(rows=[remember], fold=[CountInTest()])
"""
REMEMBERING_TARGET = """
import polars as pl
from dataclasses import dataclass
from kagflow.training import TargetTransform

CENTRE = []

@dataclass(frozen=True)
class Centred(TargetTransform):
    def fit(self, x, y):
        if not CENTRE:
            CENTRE.append(y.mean())
        return self

    def forward(self, x, y):
        return y - CENTRE[0]

    def back(self, x, prediction):
        return prediction + CENTRE[0]

TARGET = Centred()
"""
LOOKING_AHEAD = """
@dataclass(frozen=True)
class Rolled:
    table: pl.DataFrame

    def transform(self, x):
        return x.select("day").join(self.table, on="day", how="left", maintain_order="left").select("y__rolled")

    def tables(self):
        return {}

@dataclass(frozen=True)
class CentredRolling(HistoryStep):
    lag: int

    def fit(self, x, y, time):
        by_day = pl.DataFrame({"day": time, "y": y}).group_by("day").agg(pl.col("y").mean()).sort("day")
        return Rolled(by_day.select("day", y__rolled=pl.col("y").rolling_mean(5, center=True)))

FEATURES = FeatureSet(history=[CentredRolling(lag=LAG)])
"""
RANKED = """
def ranked(x):
    return x.with_columns(income__rank=pl.col("income").rank())

FEATURES = FeatureSet(rows=[ranked])
"""
READ_AGAIN = """
from pathlib import Path
TRAIN = pl.read_csv(Path(__file__).parents[2] / "files" / "train.csv")
MEANS = TRAIN.group_by("shop").agg(shop_mean=pl.col("y").mean())

def add_mean(x):
    return x.join(MEANS, on="shop", how="left", maintain_order="left")

FEATURES = FeatureSet(rows=[add_mean])
"""


def repeated(train):
    return pl.concat([train, train[:120].with_columns(pl.col("row") + 1000)])


def with_later_ids(train):
    return train.with_columns(row=pl.col("y").rank("ordinal") + 1000)


def sorted_by_target(train):
    return train.sort("y")


TIME = {"time": "day", "ignore": ["patient"]}
FORWARD = {**TIME, "splitter": {"kind": "forward", "folds": 3}}
FOLDERS: Mapping[str, Planted] = {
    "a target step that keeps the first fold's means": Planted(
        Folder(CLASS_OF_MEANS + MODULE_CACHE), "KF201", ("shop_mean",), "CachedMean() at"
    ),
    "a target step behind lru_cache": Planted(
        Folder(CLASS_OF_MEANS + LRU_CACHE), "KF201", ("shop_mean",), "CachedMean() at"
    ),
    "a target step with a mutable default": Planted(
        Folder(CLASS_OF_MEANS + MUTABLE_DEFAULT), "KF201", ("shop_mean",), "GrowingMean() at"
    ),
    "a function of `then` that uses a global": Planted(
        Folder(CLASS_OF_MEANS + GLOBAL_IN_THEN), "KF201", ("shop_mean",), "add_mean at"
    ),
    "features selected once for all folds": Planted(
        Folder(CHOSEN_ONCE, config=RIDGE), "KF201", ("noise", "income"), "MostCorrelated() at"
    ),
    "outliers found once for all folds": Planted(Folder(OUTLIERS_ONCE), "KF201", (), "typical at"),
    "a scaler fitted once for all folds": Planted(
        Folder(SCALED_ONCE, config=RIDGE), "KF204", ("income__scaled",), "ScaleOnce() at"
    ),
    "a median of all rows for what is missing": Planted(
        Folder(IMPUTED_BY_ALL, config=RIDGE), "KF204", ("area__filled",), "FillByAll() at"
    ),
    "counts in test, which the rules forbid": Planted(
        Folder(COUNTED_BY_TEST, config=RIDGE), "KF205", ("colour__in_test",), "CountInTest() at"
    ),
    "a target transform that remembers": Planted(Folder(target=REMEMBERING_TARGET), "KF201", (), "Centred() at"),
    "random folds on data that are forecast": Planted(
        Folder(facts={**TIME, "forecast": True}), "KF206", (), "splitter"
    ),
    "a rolling mean that looks ahead": Planted(
        Folder("LAG = 13" + LOOKING_AHEAD, facts=FORWARD, config={**TREES, "refit": {"rows": "all"}}),
        "KF305",
        where="CentredRolling() at",
        found_by="cv",
    ),
    "a rolling mean that holds the row itself": Planted(
        Folder("LAG = 60" + LOOKING_AHEAD, facts=FORWARD), "KF203", ("y__rolled",), "CentredRolling() at"
    ),
    "a rank over all rows": Planted(Folder(RANKED), "KF301", where="ranked at", found_by="cv"),
    "a target mean from the file": Planted(Folder(READ_AGAIN), "KF302", where="features.py", found_by="cv"),
    "a joined table that holds train's own means": Planted(
        Folder(
            "FEATURES = FeatureSet(fold=[Join('known', by='shop')])",
            tables={"known": lambda train: train.group_by("shop").agg(pl.col("y").mean().alias("usual"))},
        ),
        "KF210",
        ("known__usual", "usual"),
        "Join(",
    ),
    "a joined table of train's rows, the target renamed": Planted(
        Folder(
            "FEATURES = FeatureSet(fold=[Join('known', by='shop', aggregate={'paid': 'mean'})])",
            tables={"known": lambda train: train.select("shop", paid="y").sample(fraction=1, shuffle=True, seed=1)},
        ),
        "KF210",
        ("known__paid",),
        "Join(",
    ),
    "a column that is the target": Planted(
        Folder(add=({"sold": pl.col("y") * 2}, {"sold": pl.lit(None)})), "KF303", where="the files", found_by="cv"
    ),
    "frequencies pooled over train and test undeclared": Planted(
        Folder("FEATURES = FeatureSet(pooled=[Frequency(['shop'])])"), "KF304", where="pooled", found_by="cv"
    ),
    "a group in both halves": Planted(
        Folder(facts={"group": "patient", "ignore": ["day"]}), "KF307", where="splitter.kind", found_by="cv"
    ),
    "rows that repeat in other folds": Planted(Folder(train=repeated), "KF112", found_by="check"),
    "an id that carries the target": Planted(Folder(train=with_later_ids), "KF122", found_by="check"),
    "an order of rows that carries the target": Planted(Folder(train=sorted_by_target), "KF123", found_by="check"),
}
