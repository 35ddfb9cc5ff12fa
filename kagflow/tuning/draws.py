"""Drawing parameters by TPE (Bergstra et al., 2011), from a copy of the study in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class Draws:
    """Draws the parameters of one trial after another.

    A study that is asked writes each parameter by itself. On a disk that is a transaction each, which together may
    take as long as a small fit; drawn here, all of a trial can be written in one.

    Parameters
    ----------
    direction
        ``minimize`` or ``maximize``.
    distributions
        Of every parameter.
    """

    def __init__(
        self, direction: Literal["minimize", "maximize"], distributions: "Mapping[str, BaseDistribution]"
    ) -> None:
        import optuna

        self._distributions = dict(distributions)
        self._copy = optuna.create_study(direction=direction)
        self._copied: set[int] = set()

    def draw(self, trials: "Sequence[FrozenTrial]", seed: int) -> dict[str, Any]:
        """Return the parameters of the next trial, given all that are finished or running."""
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        for trial in trials:
            if trial.state.name in ("COMPLETE", "PRUNED") and trial.number not in self._copied:
                self._copy.add_trial(trial)
                self._copied.add(trial.number)
        running = [trial for trial in trials if trial.state.name == "RUNNING"]
        self._copy.add_trials(running)  # so that the sampler keeps away from them
        self._copy.sampler = TPESampler(seed=seed)
        drawn = self._copy.ask(self._distributions)
        for number in range(drawn.number - len(running), drawn.number + 1):
            self._copy.tell(number, state=TrialState.FAIL)
        return drawn.params
