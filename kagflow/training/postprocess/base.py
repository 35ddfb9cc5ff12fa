"""What every post-processing is: something that is fitted, and then applied row by row."""

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kagflow.errors import KagflowError

Values = NDArray[np.generic]
Array = NDArray[np.float64]


class FittedPost(Protocol):
    """What fitting a post-processing step returns; its attributes are what was learned."""

    def apply(self, prediction: Values) -> Values:
        """Return processed predictions of any rows, each row by itself."""


class Post(ABC):
    """One kind of post-processing."""

    @abstractmethod
    def fit(self, y: Values, prediction: Values, weight: Values | None = None) -> FittedPost:
        """Learn from predictions that were made without their own targets.

        Parameters
        ----------
        y
            (n,) values, or class codes.
        prediction
            (n,) values or P(positive), or (n, k) probabilities in class order.
        weight
            (n,) positive weights; all one when absent.

        Raises
        ------
        KagflowError
            The rows do not allow it: no rows, another form of predictions, one class only.
        """


def weights_of(y: Values, weight: Values | None) -> Array:
    """Return the (n,) weights of the rows; one each where none are given."""
    return np.ones(len(y)) if weight is None else weight.astype(np.float64)


def one_column(name: str, y: Values, prediction: Values) -> Array:
    """Return (n,) predictions after looking at them."""
    values = prediction.astype(np.float64)
    if values.shape != (len(y),) or len(y) == 0:
        raise KagflowError(
            f"{name} takes one prediction a row; {len(y)} targets came with predictions of shape {values.shape}",
            hint="it is not for one probability a class",
            where=name,
        )
    return values
