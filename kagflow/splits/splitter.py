"""The splitter's interface, and finding one by its name."""

import dataclasses
import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kagflow.data import Rows, Table
from kagflow.data.table import dense_codes
from kagflow.errors import SplitError, did_you_mean
from kagflow.splits.folds import Folds, folds_from_cells


@dataclass(frozen=True, kw_only=True)
class Splitter(ABC):
    """How rows are divided; a frozen dataclass whose fields are the settings that a config may give.

    The same splitter also carves stop rows out of training rows, so that early stopping sees the kind of rows that
    are scored: whole groups where groups are scored, the latest rows where the future is.
    """

    kind: ClassVar[str]

    @abstractmethod
    def split(self, table: Table) -> Folds:
        """Return folds of a table.

        Parameters
        ----------
        table
            Rows in ascending order of their ids, so that the folds do not depend on the order of the file.

        Raises
        ------
        SplitError
            The rows do not allow it.
        """

    @abstractmethod
    def carve(self, table: Table, train: Rows, share: float, seed: int) -> Rows:
        """Return the stop rows among training rows.

        Parameters
        ----------
        table
            All rows of the training table.
        train
            Ascending positions of the training rows.
        share
            Wanted share of them, in (0, 0.5]; whole groups or moments make it inexact.
        seed
            Of the draw, where there is one.

        Returns
        -------
        Rows
            Ascending positions, a strict subset of ``train``.
        """

    def units(self, table: Table) -> tuple[str, Rows | None]:
        """Return what is independent, for the noise of a score: what it is called, and (n,) codes.

        Groups where the table has them; else rows, which need no codes.
        """
        return ("rows", None) if table.groups is None else ("groups", dense_codes(table.groups))


@dataclass(frozen=True, kw_only=True)
class RandomSplitter(Splitter):
    """What splitters that draw at random have in common.

    Parameters
    ----------
    folds
        Their number; at least two.
    seed
        Of the draw; not negative.
    repeats
        How often the rows are dealt out anew; every repeat scores all rows.
    """

    folds: int = 5
    seed: int = 42
    repeats: int = 1

    def __post_init__(self) -> None:
        check_at_least("folds", self.folds, 2)
        check_at_least("seed", self.seed, 0)
        check_at_least("repeats", self.repeats, 1)

    def split(self, table: Table) -> Folds:
        """Deal the rows out, once a repeat."""
        seeds: list[int | list[int]] = [self.seed, *([self.seed, repeat] for repeat in range(1, self.repeats))]
        return folds_from_cells(table.ids, np.array([self.deal(table, np.random.default_rng(seed)) for seed in seeds]))

    @abstractmethod
    def deal(self, table: Table, rng: np.random.Generator) -> Rows:
        """Return (n,) the fold that scores each row, 0 to ``folds - 1``.

        Raises
        ------
        SplitError
            The rows do not allow it.
        """


def make_splitter(kind: str, settings: dict[str, Any]) -> Splitter:
    """Return the splitter of that kind.

    Raises
    ------
    SplitError
        There is no such kind, or it lacks a setting of that name, or a value does not fit.
    """
    classes = _splitters()
    if kind not in classes:
        raise SplitError(f"no splitter is called {kind!r}", hint=did_you_mean(kind, classes), where="splitter.kind")
    known = [field.name for field in dataclasses.fields(classes[kind])]
    for name in settings:
        if name not in known:
            raise SplitError(
                f"the splitter {kind} has no setting {name!r}", hint=did_you_mean(name, known), where=f"splitter.{name}"
            )
    return classes[kind](**settings)


def settings_of(kind: str) -> tuple[str, ...]:
    """Return the names of the settings of a kind of splitter; of an unknown kind there are none."""
    classes = _splitters()
    return tuple(field.name for field in dataclasses.fields(classes[kind])) if kind in classes else ()


def check_at_least(name: str, value: object, least: int) -> None:
    """Raise a SplitError unless a setting is a whole number of at least that size."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SplitError(f"expected a whole number of at least {least}, got {value!r}", where=f"splitter.{name}")


def _splitters() -> dict[str, type[Splitter]]:
    """Return every splitter class of this room by its kind; a new file is found by being there."""
    room = importlib.import_module("kagflow.splits")
    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    root: Any = Splitter  # mypy would not have an abstract class as a value
    ours = [splitter for splitter in _below(root) if splitter.__module__.startswith(f"{room.__name__}.")]
    return {splitter.kind: splitter for splitter in ours if "kind" in vars(splitter)}  # a kind of its own


def _below(parent: type[Splitter]) -> list[type[Splitter]]:
    children = parent.__subclasses__()
    return children + [deeper for child in children for deeper in _below(child)]
