"""Class weights: how much more a row of a rare class counts when a model is fitted. Scores do not know them."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kagflow.data import Target
from kagflow.data.table import target_codes
from kagflow.errors import ConfigError, did_you_mean

ClassWeights = Literal["balanced"] | Mapping[str, float]


def check_class_weights(asked: ClassWeights | None, classes: tuple[str, ...], *, learns_classes: bool) -> None:
    """Raise unless class weights fit what is learned.

    Raises
    ------
    ConfigError
        Values are learned; a label is unknown; a weight is not positive.
    """
    if asked is None:
        return
    if not learns_classes:
        raise ConfigError("the model learns values, which have no classes", hint="leave it out", where="class_weights")
    for label, weight in {} if asked == "balanced" else asked.items():
        if label not in classes:
            raise ConfigError(
                f"no class is called {label!r}", hint=did_you_mean(label, classes), where=f"class_weights.{label}"
            )
        if not weight > 0:
            raise ConfigError(f"a weight must be positive, got {weight}", where=f"class_weights.{label}")


def weights_of_classes(asked: ClassWeights, classes: tuple[str, ...], y: Target) -> NDArray[np.float64]:
    """Return (k,) the weight of each class.

    Parameters
    ----------
    asked
        By label, where a class that is not named weighs 1; or ``balanced``: inversely to how often a class occurs, so
        that all classes weigh the same and a row weighs 1 on average (King and Zeng, 2001).
    classes
        Labels in class order.
    y
        (n,) target of the training rows.
    """
    if asked != "balanced":
        return np.array([asked.get(label, 1.0) for label in classes], dtype=np.float64)
    counts = np.bincount(target_codes(y), minlength=len(classes))
    present = np.count_nonzero(counts)
    weights: NDArray[np.float64] = np.where(counts > 0, len(y) / (present * np.maximum(counts, 1)), 1.0)
    return weights
