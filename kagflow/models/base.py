"""What a model is: something that fits a batch of rows, and predicts.

A model never sees the rows that score. Training rows come as one batch, stop rows (for early stopping) as another;
what fitting returns can predict any rows, tell what it relied on, and save itself.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.config import RoundsConfig, Task
from kagflow.data import Frame
from kagflow.errors import ModelError, did_you_mean
from kagflow.metrics import Objective
from kagflow.models.objective import OwnObjective, StopScore
from kagflow.models.space import Space

# Where in a library's own code it gave up; says nothing to its user.
_CODE_LOCATION = re.compile(r"^(\[\d\d:\d\d:\d\d\] )?\S+\.(cc|cpp|cu|h):\d+: ")
_NO_MEMORY = re.compile(r"out of (device )?memory|memory.?allocation|bad_alloc|not enough memory", re.IGNORECASE)

_MOST_KEPT = 4  # of a batch: binned data are large

Made = TypeVar("Made")


@dataclass(frozen=True)
class Batch:
    """Rows to fit on.

    Attributes
    ----------
    x
        (n, columns) numbers, booleans and categories (Enum, with one vocabulary for all rows of the competition).
    y
        (n,) target on the model's scale: Float64, or an Enum in class order.
    weight
        (n,) positive weights; ``None`` when all weigh the same.
    score
        Of stop rows: what early stopping follows; ``None`` for the library's own loss.
    kept
        Where an adapter keeps what it made of these rows (binned data) for the next fit on them, by whatever decides
        on it; ``None`` where there will be none. One fit at a time uses it.
    """

    x: Frame
    y: pl.Series
    weight: NDArray[np.float64] | None = None
    score: StopScore | None = None
    kept: dict[Hashable, Any] | None = None

    @property
    def target(self) -> NDArray[np.generic]:
        """(n,) values, or class codes."""
        return self.y.to_physical().to_numpy() if isinstance(self.y.dtype, pl.Enum) else self.y.to_numpy()


@dataclass(frozen=True)
class Problem:
    """What is to be learned.

    Attributes
    ----------
    task
        Regression, binary or multiclass.
    classes
        Labels in class order; empty for regression.
    objective
        What to fit.
    quantile
        Fit that quantile instead, in (0, 1); ``None`` for none.
    own
        Fit the competition's own objective instead; ``None`` for none.
    """

    task: Task
    classes: tuple[str, ...]
    objective: Objective
    quantile: float | None = None
    own: OwnObjective | None = None


@dataclass(frozen=True)
class Resources:
    """What one fit may use.

    Attributes
    ----------
    threads
        Of the CPU.
    device
        Where models are fitted.
    """

    threads: int = 1
    device: Literal["cpu", "cuda"] = "cpu"


class FittedModel(Protocol):
    """What fitting returns.

    Attributes
    ----------
    rounds
        Boosting rounds used; ``None`` for models without.
    """

    rounds: int | None

    def predict(self, x: Frame) -> NDArray[np.float64]:
        """Return (n,) values or P(positive), or (n, k) probabilities in class order."""

    def importance(self) -> Frame:
        """Return a frame of ``feature`` and one or more columns of numbers."""

    def save(self, path: Path) -> None:
        """Write the library's own format to a path without suffix; the module's ``load`` reads it."""


class Model(ABC):
    """A library's learner with its parameters.

    Parameters
    ----------
    params
        The library's own parameters, under their own names; they win over what kagflow would choose. Seed and
        threads belong to kagflow.
    rounds
        A number of boosting rounds, or how to find it on stop rows.
    estimator
        Import path of the estimator, for kinds that need one.

    Attributes
    ----------
    kind
        Its name in a config, which is also the name of its module.
    uses_rounds
        Whether it fits in rounds, and so may need stop rows.
    refits
        Whether it can be fitted again on all training rows, with the rounds that were found.
    rounds_grow
        Whether more rows want more rounds; not where a round is an epoch, which goes over all of them.
    objective_parameter, stop_parameter
        The native parameters in whose place an own objective and a stop metric stand; ``None`` where the kind takes
        none.
    gpu_memory
        Native parameters that decide most on how much memory a GPU needs; empty for a kind that is fitted on the CPU
        only.
    defaults
        Native parameters that kagflow chooses where the user does not; a run writes them out.
    space
        Where parameters are looked for when they are tuned, unless a config says otherwise.
    known
        Parameters that did well elsewhere, which a tuner tries first.
    owned
        Names of native parameters that kagflow sets, each with what to do instead.
    names
        Main name of every native parameter, by each of its names. Empty where the library itself refuses a parameter
        that it does not know, and gives it one name only.
    """

    kind: ClassVar[str]
    uses_rounds: ClassVar[bool]
    refits: ClassVar[bool] = True
    rounds_grow: ClassVar[bool] = True
    objective_parameter: ClassVar[str | None] = None
    stop_parameter: ClassVar[str | None] = None
    gpu_memory: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    space: ClassVar[Space] = MappingProxyType({})
    known: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    owned: ClassVar[Mapping[str, str]]
    names: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, params: Mapping[str, Any], rounds: int | RoundsConfig, estimator: str | None = None) -> None:
        self.params = self._by_main_names(params)
        self.rounds = rounds
        self.estimator = estimator

    def _by_main_names(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters by their main names, so that the user's win over a default under another name."""
        found: dict[str, Any] = {}
        for name, value in params.items():
            where = f"model.params.{name}"
            main = self.main_name(name, where)
            if main in found:
                raise ModelError(
                    f"{name!r} is another name of {main!r}, and that is given too", hint="keep one of them", where=where
                )
            found[main] = value
        return found

    def main_name(self, name: str, where: str) -> str:
        """Return the main name of a native parameter, by any of its names.

        Raises
        ------
        ModelError
            It belongs to kagflow, or the library has none of that name.
        """
        if name in self.owned:
            raise ModelError(f"{name!r} is set by kagflow", hint=self.owned[name], where=where)
        if self.names and name not in self.names:
            raise ModelError(
                f"{type(self).__name__} has no parameter {name!r}", hint=did_you_mean(name, self.names), where=where
            )
        return self.names.get(name, name)

    def search_space(self) -> Space:
        """Return where parameters are looked for, unless a config says otherwise."""
        return self.space

    def known_params(self) -> tuple[Mapping[str, Any], ...]:
        """Return parameters that did well elsewhere."""
        return self.known

    def parameter_names(self) -> Collection[str]:
        """Return the main names of all native parameters; empty where they are not known before a fit."""
        return set(self.names.values())

    def check_functions(self, problem: Problem, objective: str | None, stop_metric: str | None) -> None:
        """Refuse an objective or a stop metric of the experiment that this model cannot take.

        Raises
        ------
        ModelError
            The kind takes none, the task has more than two classes, or `model.params` say another one.
        """
        if objective is not None:
            self._check_function("objective", self.objective_parameter)
        if problem.own is not None and problem.task == "multiclass":
            raise ModelError(
                "an own objective is for regression and two classes; the task is multiclass",
                hint="leave `objective` out, or name one of the library's own in model.params",
                where="objective",
            )
        if stop_metric is not None:
            self._check_function("stop_metric", self.stop_parameter)

    def _check_function(self, key: str, native: str | None) -> None:
        if native is None:
            raise ModelError(
                f"{self.estimator or type(self).__name__} takes no `{key}`",
                hint="use a kind that does: lightgbm, xgboost or catboost",
                where=key,
            )
        if native in self.params:
            raise ModelError(
                f"`{key}` is given, and model.params.{native} says {self.params[native]!r}",
                hint="keep one of the two",
                where=key,
            )

    def _limit_and_patience(self, stop: "Batch | None", problem: Problem) -> tuple[int, int | None]:
        """Return the most rounds to fit, and the patience; the latter is ``None`` where rounds are given."""
        if not isinstance(self.rounds, RoundsConfig):
            return self.rounds, None
        if stop is None:
            raise ValueError("rounds are to be found, and there are no stop rows")
        if problem.own is not None and stop.score is None:
            raise ValueError("derivatives tell no loss that stopping could follow, and the stop rows have no score")
        return self.rounds.limit, self.rounds.patience

    def gpu_lacks(self, problem: Problem, *, scored: bool) -> str:
        """Return what this model needs and the library has on the CPU only; empty for nothing.

        Parameters
        ----------
        problem
            What is to be learned.
        scored
            Whether stop rows are scored by a metric of ours.
        """
        return ""

    def _refuses(self, error: Exception, resources: Resources | None = None) -> ModelError:
        """Return what to tell the user when the library could not fit."""
        message = _CODE_LOCATION.sub("", str(error).split("Stack trace:", maxsplit=1)[0].strip())
        first_line = next(iter(message.splitlines()), type(error).__name__)
        if resources is not None and resources.device == "cuda" and _NO_MEMORY.search(str(error)):
            # No silent change to the CPU: folds of one run would come from two devices.
            return ModelError(
                f"{type(self).__name__}: the memory of the GPU is too small: {first_line}",
                hint=f"lower {' or '.join(self.gpu_memory)}, take fewer rows or columns, or write `device: cpu`",
                where="device",
            )
        return ModelError(
            f"{self.estimator or type(self).__name__}: {first_line}",
            hint="check model.params against the library's documentation; --debug shows more",
            where="model.params",
        )

    def with_rounds(self, rounds: int) -> "Model":
        """Return the same model with a given number of rounds."""
        return type(self)(self.params, rounds, self.estimator)

    @abstractmethod
    def fit(
        self, train: Batch, stop: Batch | None, *, problem: Problem, resources: Resources, seed: int
    ) -> FittedModel:
        """Fit training rows.

        Parameters
        ----------
        train
            Rows to learn from.
        stop
            Rows that tell when to stop; given if and only if ``rounds`` is to be found.
        problem, resources, seed
            What to learn, with what, and where randomness starts. The same ones give the same model.

        Raises
        ------
        ModelError
            The parameters do not fit the library, or the library could not fit the data.
        """


def kept(batch: Batch, key: Hashable, make: Callable[[], Made]) -> Made:
    """Return what was made of a batch's rows before, or make it and keep it.

    Parameters
    ----------
    batch
        Keeps it for the next fit, where it has room to.
    key
        Everything but the rows that decides on what is made. What is kept must come out of a fit unchanged.
    make
        Makes it of the batch.
    """
    if batch.kept is None:
        return make()
    if key not in batch.kept:
        if len(batch.kept) >= _MOST_KEPT:
            del batch.kept[next(iter(batch.kept))]  # the oldest
        batch.kept[key] = make()
    made: Made = batch.kept[key]
    return made


def categorical_columns(x: Frame) -> list[str]:
    """Return the names of the categorical columns."""
    return [name for name, dtype in x.schema.items() if isinstance(dtype, pl.Enum)]


def to_numbers(x: Frame) -> Frame:
    """Return categories as integer codes (into their fixed vocabulary) and booleans as 0 and 1; nulls stay null."""
    codes, booleans = pl.selectors.enum(), pl.selectors.boolean()
    return x.with_columns(codes.to_physical().cast(pl.Int32), booleans.cast(pl.Int8))
