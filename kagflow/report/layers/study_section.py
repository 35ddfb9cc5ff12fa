"""The section of the studies: what tuning found, how it went on, and what it is worth."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kagflow.report.html.chart import MARK, OTHER, SOFT, figure, plot, plots
from kagflow.report.html.markup import Column, Html, code, joined, paragraph, table
from kagflow.report.html.words import plural
from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.stats import with_noise
from kagflow.tuning.studied import Studied, read_studies

_ENDED = ("complete", "pruned")
_MOST_STUDIES, _MOST_TRIALS, _MOST_BARS = 4, 1000, 12
_FEWEST, _FEW = 3, 20  # trials with a score that make a curve; and of which none hides the others
_FLAT = 0.25  # of the trials, that brought nothing better, after which more will hardly

_COLUMNS = (
    Column("study", "name"),
    Column("trials", "number", about="that came to an end; stopped early ones among them"),
    Column("minutes", "number"),
    Column("before ± s.e.", "number", about="the config as it is"),
    Column("tuned ± s.e.", "number", about="the best trial, on the rows by which it was chosen"),
    Column("corrected ± s.e.", "number", about="without the bias of choosing"),
    Column("gain ± s.e.", "number", about="corrected minus before"),
    Column("verdict"),
)


def study_section(state: State) -> Section:
    """Return the section; without a study it says how to begin one."""
    name = state.competition.name
    studies = read_studies(state.competition.runs_folder)
    if not studies:
        first = paragraph("A first study is made by ", code(f"kagflow tune {name} --budget 20m"), ".")
        return Section("studies", "Tuning", "Nothing was tuned yet.", first, {"studies": []})
    shown = sorted(studies, key=lambda study: (-len(study.trials), study.name))
    pictures = [plots(*_pictures(study, state)) for study in shown[:_MOST_STUDIES] if len(study.complete) >= _FEWEST]
    body = joined(table(_COLUMNS, [_row(study) for study in shown]), _unfinished(shown, name), *pictures)
    return Section("studies", "Tuning", _answer(shown), body, {"studies": [_document(study) for study in shown]})


def _answer(studies: list[Studied]) -> str:
    trials = plural(sum(_ended(study) for study in studies), "trial")
    worth = [study.name for study in studies if study.account is not None and study.account["worth_it"]]
    known = [study for study in studies if study.account is not None]
    start = f"{trials} in {plural(len(studies), 'study').replace('studys', 'studies')}"
    if not known:
        return f"{start}; what they are worth is not known yet."
    if not worth:
        return f"{start}: none is worth more than the noise over its config as it was."
    return f"{start}: the parameters of {', '.join(worth)} are worth it, beyond two standard errors."


def _ended(study: Studied) -> int:
    return sum(trial.state in _ENDED for trial in study.trials)


def _row(study: Studied) -> list[object]:
    account = study.account or {}
    scores = [_noisy(account, f"cv_{what}", f"se_{what}") for what in ("before", "tuned", "corrected")]
    gain = _noisy(account, "gain", "gain_se")
    verdict = account.get("verdict", "not known: no call came to its end here")
    return [study.name, _ended(study), f"{study.seconds / 60:.1f}", *scores, gain, verdict]


def _noisy(account: Mapping[str, Any], value: str, se: str) -> str:
    if account.get(value) is None:
        return ""
    return "0" if account[se] == 0 and account[value] == 0 else with_noise(account[value], account[se] or None)


def _unfinished(studies: list[Studied], name: str) -> Html | None:
    """Return how to have the account of studies that have none."""
    lacking = [study.name for study in studies if study.account is None]
    if not lacking:
        return None
    command = code(f"kagflow tune {name} --config {lacking[0]}")
    return paragraph(f"Without an account: {', '.join(lacking)}. It is made at the end of ", command, ".", kind="soft")


def _pictures(study: Studied, state: State) -> list[Html]:
    return [picture for picture in (_history(study, state), _importances(study)) if picture]


def _history(study: Studied, state: State) -> Html:
    metric = state.competition.metric.name
    sign = 1 if study.direction == "minimize" else -1
    complete = study.complete
    scores = np.array([trial.score for trial in complete], dtype=np.float64)
    numbers = np.array([trial.number for trial in complete])
    best = sign * np.minimum.accumulate(sign * scores)
    some = np.unique(np.linspace(0, len(scores) - 1, min(len(scores), _MOST_TRIALS)).astype(int))
    drawn = figure("trial", f"{metric} over all OOF")
    marker = {"color": SOFT, "symbol": "circle-open"}
    drawn.add_scatter(x=numbers[some], y=scores[some], mode="markers", name="trial", marker=marker)
    line = {"color": MARK, "shape": "hv"}
    drawn.add_scatter(x=numbers[some], y=best[some], mode="lines", name="best so far", line=line)
    if study.account is not None:
        dashed = {"dash": "dash", "color": OTHER}
        drawn.add_hline(y=study.account["cv_before"], line=dashed, annotation_text="before")
    worst = len(scores) - 1 if len(scores) < _FEW else int(0.9 * len(scores))  # they would flatten all others
    low, high = np.sort(sign * scores)[[0, worst]]
    room = (high - low) * 0.15 or abs(low) * 0.01
    drawn.update_yaxes(range=sorted((sign * (low - room), sign * (high + room))))
    pruned = sum(trial.state == "pruned" for trial in study.trials)
    tail = ", and the worst tenth," if len(scores) >= _FEW else ""
    note = f"Without {plural(pruned, 'trial')} stopped early{tail.rstrip(',')}." if pruned or tail else ""
    return plot(f"{study.name}: does it still find better parameters?", drawn, _advice(study), note)


def _advice(study: Studied) -> str:
    best = study.best
    last = max(trial.number for trial in study.trials if trial.state in _ENDED)
    assert best is not None
    idle = last - best.number
    since = f"The best trial is {best.number}, {plural(idle, 'trial')} ago"
    if idle > max(_FLAT * last, 10):
        return f"{since}: more trials will hardly help; other features will."
    return f"{since}: it may still find better ones with more time."


def _importances(study: Studied) -> Html | None:
    shares = list(study.importances.items())[:_MOST_BARS]
    if not shares:
        return None
    names, values = [name for name, _ in shares][::-1], [share for _, share in shares][::-1]
    drawn = figure("share of what moves the score", "parameter")
    drawn.add_bar(x=values, y=names, orientation="h", marker={"color": MARK})
    return plot(
        f"{study.name}: which parameters matter?",
        drawn,
        f"Narrow or widen the space of {shares[0][0]} first; fix those that do nothing.",
        "PED-ANOVA over the best tenth of the trials (Watanabe and others, 2023); rough below some dozens of trials.",
    )


def _document(study: Studied) -> dict[str, Any]:
    best = study.best
    return {
        "study": study.name,
        "trials": _ended(study),
        "trials_pruned": sum(trial.state == "pruned" for trial in study.trials),
        "minutes": round(study.seconds / 60, 3),
        "best_trial": None if best is None else best.number,
        "params": None if best is None else dict(best.params),
        "importances": study.importances,
        **(study.account or {}),
    }
