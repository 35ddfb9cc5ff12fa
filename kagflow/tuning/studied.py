"""Studies as a report reads them: what was tried, how long it took, and what it brought; nothing is changed."""

import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kagflow.tuning.account import ACCOUNT
from kagflow.tuning.storage import local_storage

if TYPE_CHECKING:
    from datetime import datetime

    from optuna import Study
    from optuna.trial import FrozenTrial

_ENOUGH = 4  # trials with a score, below which importances say nothing


@dataclass(frozen=True)
class SeenTrial:
    """A trial.

    Attributes
    ----------
    number
        Of the trial, from 0.
    state
        ``complete``, ``pruned``, ``fail``, ``running`` or ``waiting``.
    score
        ``None`` where it has none.
    params
        What was drawn for it.
    """

    number: int
    state: str
    score: float | None
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Studied:
    """A study.

    Attributes
    ----------
    name
        That of the config that was tuned.
    direction
        ``minimize`` or ``maximize``.
    trials
        By number.
    seconds
        Wall time in which at least one trial ran; hours between two calls are not in it.
    account
        What it brought: ``account.json`` of its folder, ``None`` where no call came to its end.
    """

    name: str
    direction: Literal["minimize", "maximize"]
    trials: tuple[SeenTrial, ...]
    seconds: float
    account: Mapping[str, Any] | None
    _frozen: "Sequence[FrozenTrial]" = field(repr=False)

    @property
    def complete(self) -> list[SeenTrial]:
        """The trials that have a score."""
        return [trial for trial in self.trials if trial.state == "complete" and trial.score is not None]

    @property
    def best(self) -> SeenTrial | None:
        """The trial with the best score; of equal ones the first."""
        sign = 1 if self.direction == "minimize" else -1
        return min(self.complete, key=lambda trial: sign * (trial.score or 0.0), default=None)

    @property
    def flattery(self) -> float:
        """What choosing the best trial alone did to its score: corrected minus tuned; 0 where it is not known."""
        corrected = None if self.account is None else self.account["cv_corrected"]
        return 0.0 if corrected is None else float(corrected - self.account["cv_tuned"])  # type: ignore[index]

    @cached_property
    def importances(self) -> dict[str, float]:
        """Share of each parameter in what moves the score, the largest first; empty where it is unknown.

        By PED-ANOVA (Watanabe, Bansal and Hutter, 2023): a matter of milliseconds.
        """
        import optuna
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        if len(self.complete) < _ENOUGH:
            return {}
        study = optuna.create_study(direction=self.direction)
        study.add_trials([trial for trial in self._frozen if trial.state.name == "COMPLETE"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                shares = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
                return {name: float(share) for name, share in shares.items()}
            except (ValueError, RuntimeError):  # scores that are all equal have none
                return {}


def read_studies(runs: Path) -> list[Studied]:
    """Return the studies of ``runs/<name>/studies.sqlite``, by name, without those inside outer folds."""
    if not (runs / "studies.sqlite").is_file():
        return []
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(local_storage(runs))
    names = sorted(optuna.get_all_study_names(storage))
    outer = [name for name in names if not _is_inner(name, names)]
    return [_read(optuna.load_study(study_name=name, storage=storage), runs) for name in outer]


def study_of(tuned: str | None) -> str | None:
    """Return the name of the study that an experiment's ``tuned`` names; ``None`` where it names none."""
    found = re.match(r"study (.+), trial \d+ of \d+$", tuned or "")
    return found.group(1) if found else None


def _is_inner(name: str, names: Sequence[str]) -> bool:
    """Say whether it is the study of an outer fold, which ``tune --nested`` makes."""
    return any(re.fullmatch(rf"{re.escape(other)}-nested-\d+", name) for other in names)


def _read(study: "Study", runs: Path) -> Studied:
    trials = study.get_trials(deepcopy=False)
    path = runs / "studies" / study.study_name / ACCOUNT
    return Studied(
        name=study.study_name,
        direction="minimize" if study.direction.name == "MINIMIZE" else "maximize",
        trials=tuple(map(_seen, trials)),
        seconds=_covered((trial.datetime_start, trial.datetime_complete) for trial in trials),
        account=json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None,
        _frozen=trials,
    )


def _seen(trial: "FrozenTrial") -> SeenTrial:
    state = trial.state.name.lower()
    return SeenTrial(trial.number, state, trial.value if state == "complete" else None, dict(trial.params))


def _covered(intervals: "Iterable[tuple[datetime | None, datetime | None]]") -> float:
    """Return the seconds that at least one interval covers."""
    known = sorted((start, end) for start, end in intervals if start is not None and end is not None)
    seconds, until = 0.0, None
    for start, end in known:
        since = start if until is None else max(start, until)
        seconds += max((end - since).total_seconds(), 0.0)
        until = end if until is None else max(end, until)
    return seconds
