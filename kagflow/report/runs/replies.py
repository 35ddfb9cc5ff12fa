"""What the runs say: is the gain real, and what was tried."""

from collections import defaultdict

from kagflow.errors import KagflowError
from kagflow.report.html.reply import Reply
from kagflow.report.html.words import listing, plural, score
from kagflow.report.runs.history import labels
from kagflow.report.runs.paired import paired_with_best
from kagflow.report.state import State
from kagflow.runs import Run, compare
from kagflow.stats import with_noise


def gain(state: State) -> Reply | None:
    """Say whether the best run is better than the one that was the best before it, and what came since."""
    question = "Is the gain real?"
    if state.best is None:
        return None
    named = labels(state)
    place = state.alike.index(state.best)
    earlier, later = state.alike[:place], state.alike[place + 1 :]
    since = _since(state, later)
    before = _leader(state, earlier)
    if before is None:
        return Reply("gain", question, f"There is no earlier run to compare {named[state.best.name]} with.{since}")
    try:
        made = compare(state.best, before, state.competition.metric)
    except KagflowError as error:
        return Reply("gain", question, f"It cannot be said: {error.problem}.{since}")
    verdict = {True: "Yes", None: "Not beyond the noise", False: "No"}[made.better]
    difference = with_noise(abs(made.difference.value), made.se)
    answer = (
        f"{verdict}: {named[state.best.name]} scores {difference} better than {named[before.name]}, "
        f"the best before it, paired over the same rows.{since}"
    )
    known = {
        "run": state.best.name,
        "before": before.name,
        "difference": made.difference.value,
        "se": made.se,
        "better": made.better,
    }
    return Reply("gain", question, answer, known)


def _leader(state: State, runs: list[Run]) -> Run | None:
    sign = 1 if state.minimize else -1
    return min(runs, key=lambda run: (not run.honest, sign * run.scores["cv"]), default=None)


def _since(state: State, later: list[Run]) -> str:
    """Say what the runs after the best one came to."""
    if not later:
        return ""
    newest = later[-1]
    paired = next((each for each in paired_with_best(state) if each.run is newest), None)
    told = "" if paired is None else f"; the newest, {labels(state)[newest.name]}, is {paired.verdict}"
    return f" No better score in {plural(len(later), 'run')} since{told}."


def tried(state: State) -> Reply | None:
    """Say what was tried, by kind of model, and what is as good as the best."""
    if not state.alike:
        return None
    kinds: dict[str, list[Run]] = defaultdict(list)
    for run in state.alike:
        kinds[run.kind].append(run)
    best = {kind: _leader(state, runs) for kind, runs in kinds.items()}
    sign = 1 if state.minimize else -1
    order = sorted(kinds, key=lambda kind: sign * best[kind].scores["cv"])  # type: ignore[union-attr]
    told = listing([f"{kind} {score(best[kind])} ({plural(len(kinds[kind]), 'run')})" for kind in order])  # type: ignore[arg-type]
    as_good = [labels(state)[each.run.name] for each in paired_with_best(state) if each.better is None]
    close = f" Within the noise of the best: {listing(as_good)}." if as_good else ""
    return Reply("tried", "What was tried?", f"The best of each kind: {told}.{close}", {"as_good": as_good})
