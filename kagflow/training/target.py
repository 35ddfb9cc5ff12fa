"""Target transforms: the scale on which a model learns. Scores and files are always on the original scale."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame, Target
from kagflow.errors import ConfigError, DataError, did_you_mean


class FittedTransform(Protocol):
    """A scale."""

    def forward(self, x: Frame, y: Target) -> Target:
        """Return (n,) targets on the model's scale; ``x`` are the features of these rows."""

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) predictions on the original scale."""


class TargetTransform(ABC):
    """How to find the scale; it may learn from training rows, never from others."""

    @abstractmethod
    def fit(self, x: Frame, y: Target) -> FittedTransform:
        """Learn from the training rows of a fit."""


@dataclass(frozen=True)
class Identity(TargetTransform):
    """The original scale."""

    def fit(self, x: Frame, y: Target) -> "Identity":
        return self

    def forward(self, x: Frame, y: Target) -> Target:
        """Return the target as it is."""
        return y

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the predictions as they are."""
        return prediction


@dataclass(frozen=True)
class Log1p(TargetTransform):
    """The logarithm of one plus the target: relative errors count, not absolute ones."""

    def fit(self, x: Frame, y: Target) -> "Log1p":
        if not isinstance(y.dtype, pl.Float64):
            raise ConfigError("log1p is for numbers; the target has classes", where="target_transform")
        least = y.min()
        if isinstance(least, float) and least <= -1:
            raise DataError(
                f"log1p needs a target above -1; the least is {least}",
                hint="choose another metric or `target_transform: none`",
                where="target_transform",
            )
        return self

    def forward(self, x: Frame, y: Target) -> Target:
        """Return log(1 + y)."""
        return pl.Series(y.name, np.log1p(y.to_numpy()))

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return exp(prediction) - 1."""
        return np.expm1(prediction)


@dataclass(frozen=True)
class Standardise(TargetTransform):
    """The target less its mean, by its standard deviation, both of training rows: parameters without units."""

    def fit(self, x: Frame, y: Target) -> "Standardised":
        if not isinstance(y.dtype, pl.Float64):
            raise ConfigError("standardise is for numbers; the target has classes", where="target_transform")
        values = y.to_numpy()
        return Standardised(float(values.mean()), float(values.std()) or 1.0)


@dataclass(frozen=True)
class Standardised:
    """Mean and standard deviation of the training rows' target."""

    mean: float
    deviation: float

    def forward(self, x: Frame, y: Target) -> Target:
        """Return (y - mean) / deviation."""
        return (y - self.mean) / self.deviation

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return prediction * deviation + mean."""
        return prediction * self.deviation + self.mean


@dataclass(frozen=True)
class AsNumbers(TargetTransform):
    """Classes as the numbers 0 to k - 1, for a model of values: grades have an order that classes lack."""

    def fit(self, x: Frame, y: Target) -> "Grades":
        if not isinstance(y.dtype, pl.Enum):
            raise ConfigError("as_numbers is for classes; the target is a number", where="target_transform")
        return Grades(len(y.dtype.categories))


@dataclass(frozen=True)
class Grades:
    """The number of classes."""

    k: int

    def forward(self, x: Frame, y: Target) -> Target:
        """Return the class codes as numbers."""
        return y.to_physical().cast(pl.Float64)

    def back(self, x: Frame, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the predictions, none beyond the lowest or highest class."""
        return np.clip(prediction, 0, self.k - 1)


TRANSFORMS: dict[str, TargetTransform] = {
    "none": Identity(),
    "log1p": Log1p(),
    "standardise": Standardise(),
    "as_numbers": AsNumbers(),
}


def find_transform(name: str) -> TargetTransform:
    """Return the target transform of that name.

    Raises
    ------
    ConfigError
        There is none.
    """
    if name not in TRANSFORMS:
        raise ConfigError(
            f"no target transform is called {name!r}", hint=did_you_mean(name, TRANSFORMS), where="target_transform"
        )
    return TRANSFORMS[name]
