"""What tuning brought, in honest numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kagflow import selection
from kagflow.runs.directory import write_json
from kagflow.runs.plan import Plan
from kagflow.runs.results import Repeat, known_of, scores_of
from kagflow.stats import Difference
from kagflow.tuning.oof import TrialFolder
from kagflow.tuning.space import AS_IT_IS
from kagflow.tuning.study import TrialBook
from kagflow.tuning.work import trial_repeats

ACCOUNT = "account.json"
_MOST_NUMBERS = 100_000_000  # of predictions, held at once; of many rows the best trials stand for all


@dataclass(frozen=True)
class Account:
    """Scores of a study's trials: all by models without a refit, on the same rows.

    Attributes
    ----------
    before, before_se
        Of the config as it is.
    tuned, tuned_se
        Of the best trial, on the rows by which it was chosen.
    corrected, corrected_se
        The same with the bias of choosing taken out; ``None`` where there are fewer than two independent units.
    difference, difference_se
        ``tuned`` minus ``before``, paired; its standard error is ``None`` where it cannot be had.
    gain, gain_se
        ``corrected`` minus ``before``.
    worth_it
        Whether the gain is an improvement beyond two of its standard errors.
    """

    before: float
    before_se: float | None
    tuned: float
    tuned_se: float | None
    corrected: float | None
    corrected_se: float | None
    difference: float
    difference_se: float | None
    gain: float | None
    gain_se: float | None
    worth_it: bool

    @property
    def sentence(self) -> str:
        """The verdict."""
        if not self.difference:
            return "nothing better than the config as it is was found"
        if self.worth_it:
            return "worth it: the gain is beyond two standard errors"
        return "inside the noise: other rows might well favour the config as it is"

    def document(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        return {
            "cv_before": self.before,
            "se_before": self.before_se,
            "cv_tuned": self.tuned,
            "se_tuned": self.tuned_se,
            "cv_corrected": self.corrected,
            "se_corrected": self.corrected_se,
            "difference": self.difference,
            "difference_se": self.difference_se,
            "gain": self.gain,
            "gain_se": self.gain_se,
            "worth_it": self.worth_it,
            "verdict": self.sentence,
        }


def account_of(plan: Plan, book: TrialBook) -> Account | None:
    """Return the account of a study; ``None`` where another machine has the predictions that it needs."""
    before = next((trial for trial in book.complete_trials() if book.is_point(trial, AS_IT_IS)), None)
    folds = [fold.number for fold in plan.setup.folds]
    best = book.best()
    if before is None or not all(TrialFolder(book.folder, trial.number).has(folds) for trial in (before, best)):
        return None
    was = trial_repeats(plan, book, before.number)
    candidates = [trial_repeats(plan, book, number) for number in _candidates(plan, book)]
    accounts = [
        _of_repeat(plan, mine, [candidate[number] for candidate in candidates]) for number, mine in enumerate(was)
    ]
    tuned = trial_repeats(plan, book, best.number)
    corrected, corrected_se = _mean([(each.corrected.score, each.corrected.se) for each in accounts])
    difference, difference_se = _mean([(each.difference.value, each.difference.se) for each in accounts])
    gain, _ = _mean([(each.gain.value, each.gain.se) for each in accounts])
    gain_se = float(np.mean([max(each.gain.se, each.difference.se) for each in accounts]))
    return Account(
        **_with_noise("before", scores_of(plan, was)),
        **_with_noise("tuned", scores_of(plan, tuned)),
        corrected=_finite(corrected),
        corrected_se=_finite(corrected_se),
        difference=difference,
        difference_se=_finite(difference_se),
        gain=_finite(gain),
        gain_se=_finite(gain_se),
        worth_it=bool(plan.competition.metric.better(gain, 0.0)) and not Difference(gain, gain_se).is_noise,
    )


def write_account(folder: Path, account: Account) -> None:
    """Write it into the study's folder, ``runs/<name>/studies/<study>``, for reports."""
    write_json(folder / ACCOUNT, account.document())


def _candidates(plan: Plan, book: TrialBook) -> list[int]:
    """Return the numbers of the trials that could have been chosen, best first; of many rows only the best of them."""
    folds = [fold.number for fold in plan.setup.folds]
    sign = 1 if plan.competition.metric.direction == "minimize" else -1
    there = [trial for trial in book.complete_trials() if TrialFolder(book.folder, trial.number).has(folds)]
    there.sort(key=lambda trial: (sign * float(trial.value or 0.0), trial.number))
    width = plan.data.train.height * max(len(plan.data.classes), len(plan.setups), 1)
    return [trial.number for trial in there[: max(2, _MOST_NUMBERS // width)]]


def _of_repeat(plan: Plan, before: Repeat, candidates: Sequence[Repeat]) -> selection.Account:
    y, noise = known_of(plan, before.rows)
    predictions: list[NDArray[Any]] = [each.scored for each in candidates]
    return selection.account(plan.competition.metric, y, before.scored, predictions, **noise)


def _with_noise(name: str, scores: dict[str, Any]) -> dict[str, Any]:
    return {name: scores["cv"], f"{name}_se": scores["se"]}


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    value, se = np.mean(pairs, axis=0)
    return float(value), float(se)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
