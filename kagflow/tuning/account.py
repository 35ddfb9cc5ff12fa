"""What tuning brought, in honest numbers."""

from dataclasses import dataclass
from typing import Any

from kagflow.metrics import Metric
from kagflow.runs.plan import Plan
from kagflow.runs.results import difference_of, scores_of
from kagflow.tuning.oof import TrialFolder
from kagflow.tuning.space import AS_IT_IS
from kagflow.tuning.study import TrialBook
from kagflow.tuning.work import trial_repeats


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
        The same with the bias of choosing taken out; ``None`` where it is not known.
    difference, difference_se
        ``tuned`` minus ``before``, paired; its standard error is ``None`` where it cannot be had.
    better
        Whether the difference is an improvement beyond two of its standard errors.
    """

    before: float
    before_se: float | None
    tuned: float
    tuned_se: float | None
    corrected: float | None
    corrected_se: float | None
    difference: float
    difference_se: float | None
    better: bool

    @property
    def sentence(self) -> str:
        """The verdict."""
        if not self.difference:
            return "nothing better than the config as it is was found"
        if self.better:
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
            "worth_it": self.better,
            "verdict": self.sentence,
        }


def account_of(plan: Plan, book: TrialBook, metric: Metric) -> Account | None:
    """Return the account of a study; ``None`` where another machine has the predictions that it needs."""
    before = next((trial for trial in book.complete_trials() if book.is_point(trial, AS_IT_IS)), None)
    folds = [fold.number for fold in plan.setup.folds]
    best = book.best()
    if before is None or not all(TrialFolder(book.folder, trial.number).has(folds) for trial in (before, best)):
        return None
    was, tuned = (trial_repeats(plan, book, trial.number) for trial in (before, best))
    scores_before, scores_tuned = scores_of(plan, was), scores_of(plan, tuned)
    difference = difference_of(plan, tuned, was)
    return Account(
        before=scores_before["cv"],
        before_se=scores_before["se"],
        tuned=scores_tuned["cv"],
        tuned_se=scores_tuned["se"],
        corrected=None,
        corrected_se=None,
        difference=difference.value,
        difference_se=difference.se if difference.se == difference.se else None,
        better=not difference.is_noise and metric.better(difference.value, 0.0),
    )
