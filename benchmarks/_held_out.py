"""A competition in small: a quarter of its training rows as the test rows, whose truth is known and scored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import kagflow
from kagflow.competition import Competition
from kagflow.config import SplitterConfig
from kagflow.data import Dataset, find_source, read_dataset
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.metrics import Metric
from kagflow.practice.truth import Truth, read_truth
from kagflow.splits import make_splitter
from kagflow.splits.frozen import split_by_id
from kagflow.stats import Difference, bootstrap_se, paired_difference

PARTS = 4
_SETTINGS = ("unit", "size", "bins")  # of a splitter, which say what is kept together


@dataclass(frozen=True)
class HeldOut:
    """A competition whose test rows are a part of its training rows.

    Attributes
    ----------
    competition
        What it is a part of.
    folder
        What contestants are given: train, test and sample submission, as Kaggle would.
    truth
        Of the held-out rows; contestants never see it.
    units
        (m,) codes of the independent units among them; ``None`` for rows.
    rows
        Number of training and of held-out rows.
    groups
        Number of groups among the training rows; ``None`` where rows have none.
    """

    competition: Competition
    folder: Path
    truth: Truth
    units: NDArray[np.int64] | None
    rows: tuple[int, int]
    groups: int | None

    @property
    def metric(self) -> Metric:
        """The competition's."""
        return self.competition.metric

    def score(self, prediction: NDArray[Any]) -> tuple[float, float]:
        """Return a score and its standard error."""
        y = self.truth.y
        return self.metric.score(y, prediction), bootstrap_se(self.metric, y, prediction, units=self.units)

    def against(self, first: NDArray[Any], second: NDArray[Any]) -> Difference:
        """Return the paired difference of scores on the held-out rows."""
        return paired_difference(self.metric, self.truth.y, first, second, units=self.units)

    def submitted(self, path: Path) -> NDArray[Any]:
        """Return the predictions that a submission file holds."""
        return self.truth.predictions(parse_csv(read_bytes(path), path, as_text=True))


def hold_out(name: str, root: Path, into: Path, seed: int) -> HeldOut:
    """Hold a quarter of a competition's training rows out, by the competition's own kind of split.

    Parameters
    ----------
    name, root
        Of the competition, and the project that holds it.
    into
        Where the files go: a folder by the competition's slug, and the truth apart from it.
    seed
        Of the draw; not that of the folds.
    """
    competition = kagflow.load(name, root)
    facts = competition.facts
    origin = find_source(competition.name, facts, root)
    data = read_dataset(origin, facts, competition.additions)
    held_out, rest = _quarter(data, facts.splitter, seed)
    texts = {
        role: parse_csv(read_bytes(path), path, as_text=True)
        for role, file in (("train", facts.train_file), ("test", facts.test_file), ("sample", facts.sample_file))
        for path in [find_file(origin.folder, file)]
    }
    folder, hidden = into / facts.slug, into / "truth"
    folder.mkdir(parents=True)
    hidden.mkdir()
    mine = texts["train"][held_out]
    sample = _sample(texts["sample"], mine[facts.id])
    texts["train"][rest].write_csv(folder / facts.train_file)
    mine.select(name for name in texts["test"].columns if name in mine.columns).write_csv(folder / facts.test_file)
    for each in (folder, hidden):
        sample.write_csv(each / facts.sample_file)
    mine.select(facts.id, *facts.targets).write_csv(hidden / "solution.csv")
    truth = read_truth(competition, hidden, data.classes)
    groups = None if data.train.groups is None else data.train.groups[rest].n_unique()
    return HeldOut(competition, folder, truth, _units(competition, data, held_out), (len(rest), len(held_out)), groups)


def _quarter(data: Dataset, declared: SplitterConfig, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the rows that are held out, and of the others."""
    if declared.kind in ("forward", "group_forward"):
        splitter = make_splitter("forward", {"folds": PARTS - 1})  # four blocks, of which the latest is taken
    else:
        kept = {name: value for name, value in declared.settings.items() if name in _SETTINGS}
        groups = PARTS if data.train.groups is None else data.train.groups.n_unique()  # there may be three
        splitter = make_splitter(declared.kind, {**kept, "folds": min(PARTS, groups), "seed": seed})
    fold = split_by_id(splitter, data.train).folds[-1]
    return fold.valid, fold.train


def _units(competition: Competition, data: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return codes of the independent units among some rows; ``None`` for rows, or where there is one unit only."""
    splitter = make_splitter(competition.facts.splitter.kind, competition.facts.splitter.settings)
    _, codes = splitter.units(data.train)
    own = None if codes is None else codes[rows]
    return own if own is not None and len(np.unique(own)) > 1 else None


def _sample(sample: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return a sample submission for other ids, with the same things in its other columns."""
    rows = np.resize(np.arange(sample.height), len(ids))
    return sample[rows].with_columns(ids.alias(sample.columns[0]))


# --- what contestants are told ----------------------------------------------------------------------------------------


_OF_AUTOGLUON = {
    "rmse": "root_mean_squared_error",
    "rmsle": "root_mean_squared_error",  # of the logarithms, which the target is given as
    "mae": "mean_absolute_error",
    "medae": "median_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "smape": "symmetric_mean_absolute_percentage_error",
    "auc": "roc_auc",
    "gini": "roc_auc",
}


def metric_of_autogluon(metric: Metric) -> str:
    """Return AutoGluon's name of a metric; most are called the same."""
    return _OF_AUTOGLUON.get(metric.name, metric.name)


def is_of_logs(metric: Metric) -> bool:
    """Say whether a metric is one of the logarithms."""
    return metric.name == "rmsle"


def columns_to_learn_from(held_out: HeldOut) -> list[str]:
    """Return the raw columns; row numbers are left out, ids that say more (a moment, a party) are not."""
    facts = held_out.competition.facts
    test = parse_csv(read_bytes(held_out.folder / facts.test_file), held_out.folder, as_text=True)
    is_number = test[facts.id].str.contains(r"^\d+$").all()
    return [name for name in test.columns if not (is_number and name == facts.id)]


def in_class_order(path: Path, held_out: HeldOut) -> NDArray[Any]:
    """Return predictions as the metric takes them: of a column a class, of one of labels, or of one of values."""
    frame, classes = parse_csv(read_bytes(path), path, as_text=True), held_out.truth.classes
    if not classes:
        return frame.to_series(0).cast(pl.Float64).to_numpy()
    if frame.width == 1:
        return frame.to_series(0).replace_strict(list(classes), range(len(classes)), return_dtype=pl.Int64).to_numpy()
    chances = frame.select(classes).cast(pl.Float64).to_numpy()
    return chances[:, 1] if len(classes) == 2 else chances
