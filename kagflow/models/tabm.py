"""TabM (Gorishniy, Kotelnikov and Babenko, 2025): an ensemble of perceptrons that share most of their weights."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from kagflow.config import RoundsConfig
from kagflow.errors import ModelError
from kagflow.models.base import Batch, Problem
from kagflow.models.neural import Network, load

__all__ = ["TabM", "load"]


class TabM(Network):
    """TabM-D of pytabkit, with its own parameters; it always needs stop rows, and is not refitted.

    It stops after ``patience`` epochs without a better one on the stop rows, or those of ``rounds`` where they are
    less.
    """

    kind: ClassVar[str] = "tabm"
    refits: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({"patience": 16})

    def __init__(self, params: Mapping[str, Any], rounds: int | RoundsConfig, estimator: str | None = None) -> None:
        super().__init__(params, rounds, estimator)
        if not isinstance(rounds, RoundsConfig):
            raise ModelError(
                "TabM cannot be fitted without stop rows",
                hint="leave `rounds` to be found; `rounds.limit` is the most epochs",
                where="rounds",
            )
        if rounds.refit:
            raise ModelError(
                "TabM cannot be fitted again on all training rows: it does not say how many epochs it took",
                hint="leave `rounds.refit` out",
                where="rounds.refit",
            )

    def _epochs(self, stop: Batch | None) -> dict[str, Any]:
        assert isinstance(self.rounds, RoundsConfig)
        asked = {**self.defaults, **self.params}
        return {
            "n_epochs": min(asked.get("n_epochs", self.rounds.limit), self.rounds.limit),
            "patience": min(asked["patience"], self.rounds.patience),
        }

    def _made(self, problem: Problem, params: Mapping[str, Any]) -> Any:
        from pytabkit import TabM_D_Classifier, TabM_D_Regressor

        return (TabM_D_Regressor if problem.task == "regression" else TabM_D_Classifier)(**params)

    def _rounds(self, estimator: Any) -> int | None:
        return None  # it keeps the best epoch, and does not say which that was
