"""How numbers and counts read."""

from collections.abc import Sequence

from kagflow.report.html.markup import Html
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


def value(number: float) -> str:
    """Return a target or a prediction to five digits, large ones in plain figures: ``12.346``, ``180,921``."""
    return f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:.5g}"


def share(part: float, whole: float) -> str:
    """Return a share in percent, with the digits that make sense."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"


def listing(items: Sequence[str], most: int = 5) -> str:
    """Return names in a row: ``a, b and c``; of more than so many it says how many are left out."""
    shown = [*items[:most], *([f"{len(items) - most} more"] if len(items) > most else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def shortened(name: str, most: int = 34) -> str:
    """Return a name of at most so many characters: its beginning and its end, which tells derived columns apart."""
    if len(name) <= most:
        return name
    end = most // 4
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Return an interval of 90 %."""
    return f"90 %: {low:.{digits}f} to {high:.{digits}f}"


def duration(days: float) -> str:
    """Return a time that is left, in days, or in hours where it is less than two days."""
    if days >= 2:
        return plural(int(days), "day")
    return plural(max(int(days * 24), 0), "hour")
