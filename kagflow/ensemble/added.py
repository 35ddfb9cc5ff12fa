"""Submission files without OOF, which are blended into what is submitted: no score can say what they add."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kagflow.competition import Competition
from kagflow.data import Dataset
from kagflow.ensemble.files import PredictionFile
from kagflow.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Added:
    """Predictions of the test rows from a file.

    Attributes
    ----------
    path, hash
        Where it lies, and the hash of its contents.
    weight
        Its share of what is submitted, in (0, 1).
    prediction
        (m,) or (m, k) predictions, in the order of the test rows.
    """

    path: Path
    hash: str
    weight: float
    prediction: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path, weight: float, competition: Competition, data: Dataset) -> Self:
        """Read a file in the form of the sample submission.

        Raises
        ------
        ConfigError
            The weight is no share.
        DataError
            Its ids are not those of test, or its predictions are no numbers.
        """
        if not 0 < weight < 1:
            raise ConfigError(
                f"the weight of {path.name} is a share between 0 and 1, got {weight:g}",
                hint=f"for example --with {path}=0.2",
                where="--with",
            )
        file = PredictionFile(path, competition.facts, data)
        order = file.order(data.test.ids, "test")
        return cls(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16], weight, file.values()[order])

    def document(self) -> dict[str, Any]:
        """Return it as `run.json` has it."""
        return {"file": str(self.path), "weight": self.weight, "sha256": self.hash}


def mix(blend: NDArray[Any], files: Sequence[Added], scale: Any) -> NDArray[Any]:
    """Return the blend and the files, by their weights, on the scale on which predictions are added up.

    Raises
    ------
    ConfigError
        Their weights leave nothing to the blend.
    """
    if not files:
        return blend
    rest = 1 - sum(each.weight for each in files)
    if rest <= 0:
        raise ConfigError(
            f"the files' weights add up to {1 - rest:g}, which leaves nothing to the members",
            hint="they must add up to less than 1",
            where="--with",
        )
    total = rest * scale.forward(blend)
    for each in files:
        total = total + each.weight * scale.forward(each.prediction)
    made: NDArray[Any] = scale.back(total)
    return made
