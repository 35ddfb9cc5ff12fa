"""RealMLP (Holzmüller, Grinsztajn and Steinwart, 2024): a multilayer perceptron with tuned defaults."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from kagflow.config import RoundsConfig
from kagflow.models.base import Batch, Problem
from kagflow.models.neural import Network, load

__all__ = ["RealMLP", "load"]


class RealMLP(Network):
    """RealMLP-TD of pytabkit, with its own parameters.

    Its learning rate follows a schedule over ``n_epochs``, all of which are run (so that ``rounds.patience`` is of no
    meaning); the best of them on the stop rows is kept, and a refit stops after as many of the same schedule.
    """

    kind: ClassVar[str] = "realmlp"
    # Smoothed labels make better decisions and worse probabilities.
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({"n_epochs": 256, "use_ls": False})

    def with_rounds(self, rounds: int) -> "RealMLP":
        """Return the same model, stopped after that many epochs of the same schedule."""
        return RealMLP({**self.params, "n_epochs": self._schedule}, rounds, self.estimator)

    @property
    def _schedule(self) -> int:
        epochs: int = {**self.defaults, **self.params}["n_epochs"]
        return min(epochs, self.rounds.limit) if isinstance(self.rounds, RoundsConfig) else epochs

    def _epochs(self, stop: Batch | None) -> dict[str, Any]:
        return {"n_epochs": self._schedule} | ({} if stop is not None else {"stop_epoch": self.rounds})

    def _made(self, problem: Problem, params: Mapping[str, Any]) -> Any:
        from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

        if problem.task != "regression":
            return RealMLP_TD_Classifier(**params)
        return RealMLP_TD_Regressor(**{name: value for name, value in params.items() if name != "use_ls"})

    def _rounds(self, estimator: Any) -> int | None:
        if not isinstance(self.rounds, RoundsConfig):
            return self.rounds
        found: dict[str, int] = estimator.fit_params_["stop_epoch"]  # by the one metric that picks it
        return next(iter(found.values()))
