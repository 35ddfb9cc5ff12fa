"""What every check of data and splits looks at, made once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from kagflow.audit.advice import Advice
from kagflow.audit.chance import Floats
from kagflow.audit.keys import Key
from kagflow.audit.moments import both_times
from kagflow.config import Task
from kagflow.data import Frame, Rows, Table
from kagflow.data.table import dense_codes, target_codes
from kagflow.splits import Fold, Folds


@dataclass(frozen=True)
class Look:
    """Train and test, the folds in use, and what was found out about how test was drawn.

    Attributes
    ----------
    table
        The training rows, with target, groups and time as the competition declares them.
    train, test
        (n, ...) and (m, ...) columns that both have, of one type each; with ``GROUP`` and ``TIME`` where
        `features.py` makes them.
    id
        Name of the id.
    task
        What is predicted.
    folds
        The folds in use; ``None`` where the rows cannot be split as the competition says.
    keys
        What may hold rows together.
    advice
        How to split.
    advised_in_use
        Whether the folds are of the splitter that is advised.
    """

    table: Table
    train: Frame
    test: Frame
    id: str
    task: Task
    folds: Folds | None
    keys: tuple[Key, ...]
    advice: Advice
    advised_in_use: bool = False

    @property
    def n(self) -> int:
        """Number of training rows."""
        return self.train.height

    @cached_property
    def once(self) -> tuple[Fold, ...]:
        """The folds of the first repeat; further repeats score the same rows again."""
        return () if self.folds is None else tuple(fold for fold in self.folds if fold.repeat == 0)

    @cached_property
    def features(self) -> list[str]:
        """Columns that models see: not the id, nor what `features.py` derives for the splitter alone."""
        known = set(self.train.columns)
        return [name for name in self.table.x.columns if name != self.id and name in known]

    @cached_property
    def advised_group(self) -> Key | None:
        """The key that the advice calls a group."""
        return next((key for key in self.keys if key.made_of == self.advice.group), None)

    @cached_property
    def units(self) -> Rows:
        """(n,) codes of what is independent in train: declared groups, else advised ones, else rows."""
        if self.table.groups is not None:
            return dense_codes(self.table.groups)
        key = self.advised_group
        return np.arange(self.n) if key is None else key.codes[: self.n]

    @cached_property
    def drawn(self) -> Rows:
        """(n + m,) codes of what was drawn for train or test as a whole: groups, runs of one side in time, or rows."""
        if self.advised_group is not None:
            return self.advised_group.codes
        if self.advice.splitter.kind != "blocks" or self.time is None:
            return np.arange(self.n + self.test.height)
        moments = dense_codes(both_times(*self.time))
        order = np.argsort(moments, kind="stable")
        changes = np.diff((order >= self.n).astype(np.int64)) != 0
        runs = np.empty(len(order), dtype=np.int64)
        runs[order] = np.concatenate([[0], np.cumsum(changes)])
        return runs

    @cached_property
    def time(self) -> tuple[pl.Series, pl.Series] | None:
        """The times of train and test by which test was drawn, or that are declared; ``None`` without any."""
        if self.advice.time in self.train.columns:
            return self.train[self.advice.time], self.test[self.advice.time]
        if self.table.time is not None and self.table.time.name in self.train.columns:
            return self.table.time, self.test[self.table.time.name]
        return None

    @cached_property
    def signals(self) -> Floats:
        """(n, k) the target as numbers: ranks in [0, 1] of values, or an indicator a class (one of two classes)."""
        y = self.table.y
        assert y is not None  # train has a target
        codes = target_codes(y)
        if self.task == "regression":
            ranks = dense_codes(y).astype(np.float64)[:, np.newaxis]
            return ranks / max(float(ranks.max()), 1.0)
        classes = np.arange(1, 2) if self.task == "binary" else np.arange(int(codes.max()) + 1)
        indicators: Floats = (codes[:, np.newaxis] == classes).astype(np.float64)
        return indicators
