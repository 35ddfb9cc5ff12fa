"""How numbers and counts read."""

from kagflow.report.markup import Html
from kagflow.runs import Run
from kagflow.stats import rounded, with_noise

NO_SCORE = "no score"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 run``, ``2 runs``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def score(run: Run) -> str:
    """Return a run's score with its noise, or why it has none."""
    if not run.scored:
        return f"{NO_SCORE}: {run.scores.get('why_no_cv', 'unknown')}"
    return with_noise(run.scores["cv"], run.scores["se"])


def score_html(run: Run) -> Html:
    """Return the same with the noise in small."""
    if not run.scored or run.scores["se"] is None:
        return Html.escape(score(run))
    return noise_html(run.scores["cv"], run.scores["se"])


def noise_html(value: float, se: float | None) -> Html:
    """Return a number and its standard error."""
    shown, noise = (f"{value:.5g}", "?") if se is None else (rounded(value, se), rounded(se, se))
    return Html('{} <span class="se">± {}</span>').format(shown, noise)


def share(part: float, whole: float) -> str:
    """Return a share in percent, with the digits that make sense."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"
