"""Five small tables, one for each way in which rows can be split, and how to poison them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from kagflow.config import Task
from kagflow.data import Table
from kagflow.splits import Fold, Folds, make_splitter
from kagflow.splits.frozen import split_by_id

ROWS, TEST_ROWS, EXTRA_ROWS = 210, 40, 21
DAYS, TEST_DAYS = 60, 10
HIDDEN = ("row", "patient", "day")
SHOPS = [f"shop{number:02}" for number in range(30)]
CLASSES: Mapping[str, list[str]] = {"binary": ["no", "yes"], "multiclass": list("abcdefg")}


@dataclass(frozen=True)
class Data:
    """What a competition hands out, and extra rows beside it."""

    train: Table
    test: Table
    extra: Table
    task: Task

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(CLASSES.get(self.task, ()))


@dataclass(frozen=True)
class Kind:
    """A kind of data and one of the splitters that suit it."""

    name: str
    task: Task
    splitter: str

    def __str__(self) -> str:
        return f"{self.name}-{self.splitter}"

    @property
    def timed(self) -> bool:
        return self.name == "timed"

    @property
    def is_natural(self) -> bool:
        """Whether the splitter is the one that such data are made for."""
        return self.splitter != "kfold" or self.name == "regression"

    def make(self, seed: int = 7) -> Data:
        return make_data(self.task, timed=self.timed, seed=seed)

    def folds(self, data: Data, count: int = 3) -> Folds:
        return split_by_id(make_splitter(self.splitter, {"folds": count}), data.train)


KINDS = [
    Kind("regression", "regression", "kfold"),
    Kind("two-classes", "binary", "kfold"),
    Kind("two-classes", "binary", "stratified"),
    Kind("seven-classes", "multiclass", "stratified"),
    Kind("grouped", "binary", "group"),
    Kind("timed", "regression", "forward"),
    Kind("timed", "regression", "kfold"),
]


def make_data(task: Task, *, timed: bool = False, rows: int = ROWS, seed: int = 7) -> Data:
    """Return data in which the target hangs on a category of many levels, on a number and on the group."""
    rng = np.random.default_rng(seed)
    return Data(
        train=_table(rng, task, rows, (0, DAYS), timed),
        test=_table(rng, task, TEST_ROWS, (DAYS, DAYS + TEST_DAYS), timed, first=10_000, labelled=False),
        extra=_table(rng, task, EXTRA_ROWS, (0, 5), timed, first=20_000),
        task=task,
    )


def _table(
    rng: np.random.Generator,
    task: Task,
    rows: int,
    days: tuple[int, int],
    timed: bool,
    *,
    first: int = 0,
    labelled: bool = True,
) -> Table:
    # Every level occurs among test rows, so that no poisoning of rows changes a vocabulary.
    shop = rng.integers(0, len(SHOPS), rows) if labelled else np.arange(rows) % len(SHOPS)
    patient, area = rng.integers(0, 15, rows), rng.normal(50, 15, rows)
    latent = shop + 0.3 * area + 10 * np.sin(patient) + rng.normal(0, 3, rows)
    day = np.sort(rng.integers(*days, rows))
    missing = rng.random((2, rows)) < 0.06
    x = {
        "row": np.arange(first, first + rows),
        "patient": patient,
        **({"day": day} if timed else {}),
        "shop": [None if gone and labelled else SHOPS[code] for code, gone in zip(shop, missing[0], strict=True)],
        "colour": [["red", "green", "blue", "white"][code] for code in np.arange(rows) % 4],
        "grade": [["low", "mid", "high"][code] for code in np.arange(rows) % 3],
        "area": [None if gone else number for number, gone in zip(area, missing[1], strict=True)],
        "income": rng.lognormal(3, 1, rows),
        "rooms": rng.integers(1, 9, rows),
        "flag": rng.random(rows) < 0.5,
        "noise": rng.normal(size=rows),
    }
    frame = pl.DataFrame(x)
    return Table(
        ids=frame["row"],
        x=frame,
        y=_target(task, latent) if labelled else None,
        groups=frame["patient"],
        time=frame["day"] if timed else None,
        weight=pl.Series("weight", rng.uniform(0.5, 2, rows)) if labelled and task != "multiclass" else None,
    )


def _target(task: Task, latent: np.ndarray) -> pl.Series:
    if task == "regression":
        return pl.Series("y", latent - latent.min() + 1)
    classes = CLASSES[task]
    codes = np.argsort(np.argsort(latent)) * len(classes) // len(latent)
    return pl.Series("y", [classes[code] for code in codes], dtype=pl.Enum(classes))


Poison = Callable[[pl.Series], pl.Series]


def poisons(y: pl.Series) -> dict[str, Poison]:
    """Return ways to make targets unrecognisable, by name."""
    if isinstance(y.dtype, pl.Enum):
        return {"another class": another_class, "null": lambda y: y.clear(y.len())}
    return {"extreme": extreme, "NaN": lambda y: pl.Series(y.name, np.full(y.len(), np.nan))}


def extreme(y: pl.Series) -> pl.Series:
    """Return numbers of either sign, far from any others."""
    return pl.Series(y.name, 1e9 * (-1.0) ** np.arange(y.len()))


def another_class(y: pl.Series) -> pl.Series:
    """Return the next class of each."""
    classes = y.dtype.categories.to_list()
    return pl.Series(y.name, [classes[(code + 1) % len(classes)] for code in y.to_physical()], dtype=y.dtype)


def with_targets(data: Data, rows: np.ndarray, poison: Poison) -> Data:
    """Return the data with the targets of some training rows replaced."""
    y = data.train.y
    mask = pl.Series(np.isin(np.arange(y.len()), rows))
    everywhere = pl.concat([y.clear(1)] * y.len()).scatter(rows, poison(y[rows]))
    return replace(data, train=replace(data.train, y=everywhere.zip_with(mask, y).alias("y")))


def with_features(table: Table, rows: np.ndarray, rng: np.random.Generator) -> Table:
    """Return the table with the features of some rows replaced: text from each other, numbers by far away ones."""
    columns = []
    for column in table.x:
        if column.name in HIDDEN:
            new = column[rows]
        elif column.dtype == pl.String:
            new = column[rows[rng.permutation(len(rows))]]
        elif column.dtype == pl.Boolean:
            new = ~column[rows]
        else:
            new = column[rows] * 7 + 1000
        columns.append(column.clone().scatter(rows, new))
    return replace(table, x=pl.DataFrame(columns))


def two_repeats(table: Table) -> Folds:
    """Return folds of two repeats, each with folds of its own."""
    parts = [split_by_id(make_splitter("kfold", {"folds": 3, "seed": seed}), table) for seed in (1, 2)]
    folds = tuple(
        Fold(fold.number + repeat * len(part), repeat, fold.train, fold.valid)
        for repeat, part in enumerate(parts)
        for fold in part
    )
    return Folds(table.ids, folds, np.concatenate([part.cells for part in parts]))
