"""Two runs side by side: the paired difference, what differs in how they were made, and the rows that moved most."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import combinations
from typing import Any

from kagflow.report.html.chart import script_json
from kagflow.report.html.markup import Cell, Column, Html, code, folded, joined, paragraph, table, template
from kagflow.report.html.words import listing, noise_html, plural
from kagflow.report.models.outcome import outcomes_of
from kagflow.report.runs.history import Entry, labels
from kagflow.report.runs.moved import NEARER, MovedRow, Predicted
from kagflow.report.runs.paired import Paired, PairedRuns, paired_runs, paired_with_best
from kagflow.report.runs.sides import APART, MOST_NAMED, Side, differing, sides_of, why_apart
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.stats import with_noise

_FALSE_ALARMS = 0.05  # beyond two standard errors, where nothing differs

_WORDS = {
    "apart": "There is no paired difference:",
    "ask": "The paired difference of these two is not on this page; this command gives it:",
    "same": "This is one and the same run.",
    "moved": "Rows that moved most",
    "none_moved": "None: the predictions are the same.",
    "row": "row",
    "truth": "truth",
    "nearer": NEARER,
    "about": f"{NEARER} is nearer to the truth.",
}


@dataclass(frozen=True)
class SideBySide:
    """The part of the page, and what JSON shows of it."""

    body: Html
    document: dict[str, Any]


@dataclass(frozen=True)
class _Told:
    """What is said of a run and another: their paired difference, and the rows that moved most, where they compare."""

    said: str
    moved: Sequence[MovedRow] | None

    def document(self) -> dict[str, Any]:
        return {"said": self.said, "moved": None if self.moved is None else [astuple(row) for row in self.moved]}


_Pairs = Mapping[tuple[str, str], _Told]


def side_by_side(state: State, entries: Sequence[Entry]) -> SideBySide:
    """Return the newest run beside the best one, and what the page's script needs to show any other two."""
    if len(entries) < 2 or state.best is None:
        return SideBySide(Html(), {})
    paired = paired_runs(state)
    sides = {side.name: side for side in sides_of(entries, labels(state), {run.name for run in paired.strangers})}
    predicted = [Predicted(outcomes_of(run, state.competition)) for run in paired.runs]
    told = _told(state, paired, predicted)
    about = " ".join([*(each.about for each in predicted[:1] if each.about), _WORDS["about"]])
    best = sides[state.best.name]
    newest = sides[_newest(paired, entries, state.best).name]
    body = template(
        "side_by_side.html",
        legend=joined(_legend(paired, best, list(sides.values()))),
        shown=_shown(newest, best, told.get((newest.name, best.name)), about, state),
        each=joined(_each_against_each(paired, state)),
        command=_command(state),
        data=script_json(_for_script(state, sides, told, about, (newest.name, best.name))),
    )
    return SideBySide(body, _document(paired, state))


def _newest(paired: PairedRuns, entries: Sequence[Entry], best: Run) -> Run:
    """Return the newest run that pairs with the best one, or the newest of all."""
    return next(iter(paired.runs[1:]), None) or [entry.run for entry in entries if entry.run.name != best.name][-1]


def _told(state: State, paired: PairedRuns, predicted: Sequence[Predicted]) -> _Pairs:
    found = {}
    for (run, one), (other, two) in combinations(zip(paired.runs, predicted, strict=True), 2):
        pair = paired.of(other, run)
        if pair is not None:
            found[other.name, run.name] = _Told(_said(pair, state), two.moved(one))
    return found


def _said(pair: Paired, state: State) -> str:
    """Return in a sentence whether two runs differ; it is the same whichever comes first."""
    named = labels(state)
    metric = state.competition.metric.name
    amount = f"{with_noise(abs(pair.difference), pair.se)} in {metric}, paired over the same rows"
    if pair.better is None:
        return f"Inside the noise: {named[pair.run.name]} and {named[pair.other.name]} differ by {amount}."
    better = pair if pair.better else pair.turned()
    return f"Real: {named[better.run.name]} is better than {named[better.other.name]} by {amount}."


def _command(state: State) -> str:
    return f"kagflow runs {state.competition.name}"


def _legend(paired: PairedRuns, best: Side, sides: Sequence[Side]) -> Html | None:
    """Say what "real" means, and which runs there is nothing to say of."""
    parts = []
    if paired.problem:
        parts.append(f"The runs could not be compared: {paired.problem}.")
    if paired.pairs:
        parts.append("Real is what lies beyond two standard errors of the difference.")
        by_chance = len(paired.pairs) * _FALSE_ALARMS
        if by_chance >= 1:
            parts.append(f"Of {len(paired.pairs)} pairs chance alone makes about {by_chance:.0f} look so.")
    reasons = Counter(filter(None, (_reason(side, best) for side in sides)))
    if reasons:
        told = listing([f"{count} {reason}" for reason, count in reasons.items()])
        parts.append(f"{plural(sum(reasons.values()), 'run')} cannot be compared with the best one: {told}.")
    return paragraph(" ".join(parts), kind="soft") if parts else None


def _reason(side: Side, best: Side) -> str:
    """Return in a few words why a run does not compare with the best one; ``""`` where it does."""
    if side.unpaired:
        return "of a part of the data or without a score"
    apart = next((what for what in APART if side.made_on[what] != best.made_on[what]), None)
    return "" if apart is None else f"on other {apart}" if apart != "metric" else "by another metric"


def _shown(one: Side, other: Side, told: _Told | None, about: str, state: State) -> Html:
    """Return two runs side by side, as the page's script does it for any two."""
    columns = (Column(""), Column(one.shown), Column(other.shown))
    rows = table(columns, differing(one, other, minimize=state.minimize))
    if told is not None:
        return joined(
            paragraph(told.said, kind="said"),
            rows,
            None if told.moved is None else _moved(one, other, told.moved, about),
        )
    apart = why_apart(one, other)
    if apart:
        return joined(paragraph(f"{_WORDS['apart']} {apart}.", kind="said"), rows)
    command = code(f"{_command(state)} {one.name} --against {other.name}")
    return joined(paragraph(_WORDS["ask"], " ", command, kind="said"), rows)


def _moved(one: Side, other: Side, moved: Sequence[MovedRow], about: str) -> Html:
    head = joined(Html("<h4>{}</h4>").format(_WORDS["moved"]), paragraph(about, kind="soft"))
    if not moved:
        return joined(head, paragraph(_WORDS["none_moved"]))
    names = _WORDS["truth"], one.shown, other.shown
    columns = [Column(_WORDS["row"], "name"), *(Column(name, "number") for name in names)]
    return joined(head, table(columns, [[row.row, row.truth, *row.marked] for row in moved]))


def _each_against_each(paired: PairedRuns, state: State) -> Html | None:
    """Return the differences of any two in a table, which needs no script."""
    if len(paired.runs) < 3 or not paired.pairs:
        return None
    named = labels(state)
    sign = 1 if state.minimize else -1
    runs = sorted(paired.runs, key=lambda run: sign * run.scores["cv"])
    columns = [Column("this run minus …", "run"), *(Column(f"… {named[run.name]}", "number") for run in runs)]
    rows = [[named[run.name], *(_cell(paired.of(run, other)) for other in runs)] for run in runs]
    shown = Html('<div class="square">{}</div>').format(table(columns, rows))
    return folded(f"Each of these {len(runs)} runs against each other", shown)


def _cell(pair: Paired | None) -> Cell | str:
    if pair is None:
        return ""
    noise = noise_html(pair.difference, pair.se)
    return Cell(Html('{}<div class="soft small">{}</div>').format(noise, pair.verdict), pair.difference)


def _for_script(
    state: State, sides: Mapping[str, Side], told: _Pairs, about: str, shown: tuple[str, str]
) -> dict[str, Any]:
    """Return what the script shows of any two runs, which it knows by their places."""
    places = {name: place for place, name in enumerate(sides)}
    return {
        "runs": [asdict(side) for side in sides.values()],
        "pairs": {f"{places[one]} {places[other]}": each.document() for (one, other), each in told.items()},
        "apart": APART,
        "about": about,
        "words": _WORDS,
        "command": _command(state),
        "minimize": state.minimize,
        "most_named": MOST_NAMED,
        "shown": [places[name] for name in shown],
    }


def _document(paired: PairedRuns, state: State) -> dict[str, Any]:
    def told(pair: Paired) -> dict[str, Any]:
        return {"difference": pair.difference, "se": pair.se, "better": pair.better}

    return {
        "against_best": [{"run": pair.run.name, **told(pair)} for pair in paired_with_best(state)],
        "pairs": [{"run": pair.run.name, "other": pair.other.name, **told(pair)} for pair in paired.pairs],
    }
