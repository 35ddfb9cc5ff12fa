"""Pseudo-labels: test rows with targets that another run predicts, made fold by fold.

Those of fold k are what the source run's models of fold k said of the test rows. They were fitted without the rows
that fold k scores, so no target that is scored has a part in them. The mean over all folds' models, which knows every
target, labels the fits on all rows only.

Within a fold the labels do know its training rows: those that are carved off as stop rows (rounds may come out a little
long), and those that a target step encodes by one another. That is a matter of how well a model fits, not of its score.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.config import Experiment, PseudoLabels
from kagflow.data import Dataset, ExtraRows, FoldLabels, Frame, Table, Target
from kagflow.errors import ConfigError
from kagflow.features import FeatureSet
from kagflow.runs.record import PAIRING, Run, list_runs, read_run
from kagflow.splits import Folds

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """Extra rows of one source.

    Attributes
    ----------
    rows
        They.
    account
        What `run.json` says of them.
    fingerprint
        Hash of what they were made of.
    """

    rows: ExtraRows
    account: Mapping[str, Any]
    fingerprint: str


def part_of_run(
    asked: PseudoLabels, competition: Competition, experiment: Experiment, data: Dataset, folds: Folds
) -> Part:
    """Return the test rows with the labels that a run gives them.

    Raises
    ------
    ConfigError
        There is no such run, its models of a fold may know what the fold scores here, or the target cannot be
        labelled as asked.
    """
    run = _source(asked, competition, data, folds)
    said = SaidOfTest(run.test(), len(data.classes))
    label = _Labeller(asked, data)
    label.check(competition.feature_set(experiment.features))
    of_fold: dict[int | None, FoldLabels] = {
        fold.number: label(said.by_fold(fold.number), fold.train) for fold in folds
    }
    of_fold[None] = label(said.by_all(), np.arange(data.train.height))
    m, copies = data.test.height, label.copies
    test = data.test.take(np.tile(np.arange(m), copies))
    no_ids = pl.repeat(None, test.height, dtype=pl.String, eager=True)  # those of test may be train's as well
    nobody = np.zeros(test.height, dtype=np.bool_)  # but in folds, each with labels of its own
    table = Table(no_ids, test.x, of_fold[None].y, _groups(test, data.train), test.time)
    labelled = {
        "all" if number is None else str(number): int(own.joins.reshape(copies, m).any(axis=0).sum())
        for number, own in of_fold.items()
    }
    account = {
        "pseudo": run.name,
        "rows": m,
        "labels": "by models of the same fold",
        "labelled": labelled,
        "note": f"{run.name} labels {_range(list(labelled.values()))} of {m:,} test rows, fold by fold",
    }
    digest = hashlib.sha256((run.path / "test.parquet").read_bytes()).hexdigest()
    return Part(ExtraRows(table, nobody, of_fold=of_fold), account, digest)


def _groups(test: Table, train: Table) -> pl.Series | None:
    """Return the groups of test rows; null, so that they are of no group that is scored, where test does not tell."""
    if train.groups is None or test.groups is not None:
        return test.groups
    return pl.repeat(None, test.height, dtype=train.groups.dtype, eager=True)


def _range(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _source(asked: PseudoLabels, competition: Competition, data: Dataset, folds: Folds) -> Run:
    """Return the run that labels; refuse one whose models of a fold may know what the fold scores."""
    run, where = _find_run(asked.pseudo, competition), "extra.pseudo"
    wanted = {"edition": data.edition, "data": data.fingerprint, "folds": folds.fingerprint}
    other = [what for what in PAIRING if run.facts["fingerprints"][what] != wanted[what]]
    if run.quick or other:
        what = "looked at a part of the data only" if run.quick else f"was made on other {' and '.join(other)}"
        raise ConfigError(
            f"the run {run.name} {what}: its models of a fold may know targets that the fold scores here",
            hint="run its config on the same data with the same splitter, and this one without --sample",
            where=where,
        )
    if any(name.startswith("all-") for name in run.facts["task_seconds"]):
        raise ConfigError(
            f"test was predicted by models of all rows in the run {run.name}, which know every target that is scored",
            hint="run its config with `refit: null`",
            where=where,
        )
    return run


def _find_run(name: str, competition: Competition) -> Run:
    """Return the run of a name, or the newest of a config."""
    if not (competition.root / "configs" / competition.name / f"{name}.yaml").is_file():
        return read_run(competition.runs_folder, name)
    of_config = [run for run in list_runs(competition.runs_folder) if run.facts["config"] == name and not run.quick]
    if not of_config:
        raise ConfigError(
            f"the config {name!r} has no run yet",
            hint=f"first `kagflow cv {competition.name} --config {name}`",
            where="extra.pseudo",
        )
    return of_config[-1]


class SaidOfTest:
    """What the models of a run said of the test rows.

    Parameters
    ----------
    frame
        Its ``test.parquet``.
    classes
        Number of classes; 0 of values.
    """

    def __init__(self, frame: Frame, classes: int) -> None:
        self._frame, self._classes = frame, classes

    def by_fold(self, number: int) -> Numbers:
        """Return (m,) or (m, k) predictions by the models of one fold, the mean over its seeds."""
        return self._mean(rf"{number}-seed\d+")

    def by_all(self) -> Numbers:
        """Return (m,) or (m, k) predictions by the models of all folds, their mean."""
        return self._mean("prediction")

    def _mean(self, stem: str) -> Numbers:
        whole = [name for name in self._frame.columns if re.fullmatch(stem, name)]
        if whole:
            return _mean_of(self._frame.select(whole))
        of_classes = [
            self._frame.select(name for name in self._frame.columns if re.fullmatch(f"{stem}_{k}", name))
            for k in range(self._classes)
        ]
        return np.stack([_mean_of(each) for each in of_classes], axis=1)


def _mean_of(columns: Frame) -> Numbers:
    mean: Numbers = columns.to_numpy().mean(axis=1)
    return mean


@dataclass(frozen=True)
class _Labeller:
    """Makes labels of predictions."""

    asked: PseudoLabels
    data: Dataset

    @property
    def copies(self) -> int:
        """How many labels a row has: one, or of soft labels one a class."""
        return len(self.data.classes) if self.asked.soft else 1

    def check(self, features: FeatureSet) -> None:
        """Refuse cuts and soft labels where they mean nothing."""
        cuts = [name for name in ("confidence", "share", "soft") if getattr(self.asked, name)]
        if cuts and not self.data.classes:
            raise ConfigError(
                f"`{cuts[0]}` is for classes, whose labels have a probability; the target is a number",
                hint="leave it out: every test row joins with the value that was predicted",
                where=f"extra.{cuts[0]}",
            )
        if self.asked.soft and features.uses_target:
            raise ConfigError(
                "soft labels are one weighed row a class, and some steps see targets without weights",
                hint="leave `soft` out, or name a feature set without `target`, `history`, `keep`, `select`",
                where="extra.soft",
            )

    def __call__(self, said: Numbers, train: NDArray[np.int64]) -> FoldLabels:
        """Return the labels that predictions of the test rows come to, by models of some training rows."""
        m = len(said)
        if not self.data.classes:
            everybody = np.ones(m, dtype=np.bool_)
            return FoldLabels(pl.Series("y", said), self._weight(m), everybody, train)
        if said.ndim == 1 and len(self.data.classes) > 2:
            return self._grades(said, train)
        shares = np.stack([1 - said, said], axis=1) if said.ndim == 1 else said
        joins = self._sure_enough(shares.max(axis=1))
        if not self.asked.soft:
            return FoldLabels(self._as_classes(shares.argmax(axis=1)), self._weight(m), joins, train)
        weights = np.clip(shares.T.ravel(), 0, None)
        y = self._as_classes(np.repeat(np.arange(self.copies), m))
        return FoldLabels(y, pl.Series(weights * self.asked.weight), np.tile(joins, self.copies) & (weights > 0), train)

    def _grades(self, said: Numbers, train: NDArray[np.int64]) -> FoldLabels:
        """Return the nearest classes of predictions that are numbers, as `target_transform: as_numbers` makes them."""
        if self.asked.confidence or self.asked.share or self.asked.soft:
            raise ConfigError(
                "the run predicts classes as numbers, which have no probability",
                hint="leave `confidence`, `share` and `soft` out, or name a run that predicts probabilities",
                where="extra.pseudo",
            )
        nearest = np.clip(np.rint(said), 0, len(self.data.classes) - 1).astype(np.int64)
        return FoldLabels(self._as_classes(nearest), self._weight(len(said)), nearest >= 0, train)

    def _sure_enough(self, confidence: Numbers) -> NDArray[np.bool_]:
        """Return (m,) whether the label of a row is probable enough, or among the most probable ones."""
        if self.asked.confidence is not None:
            return confidence >= self.asked.confidence
        chosen = np.zeros(len(confidence), dtype=np.bool_)
        count = round((self.asked.share or 1.0) * len(confidence))
        chosen[np.argsort(-confidence, kind="stable")[:count]] = True
        return chosen

    def _weight(self, count: int) -> pl.Series | None:
        one = self.asked.weight
        return None if one == 1 else pl.repeat(one, count, dtype=pl.Float64, eager=True)

    def _as_classes(self, codes: NDArray[np.int64]) -> Target:
        return pl.Series("y", self.data.classes, dtype=pl.Enum(list(self.data.classes))).gather(codes)
