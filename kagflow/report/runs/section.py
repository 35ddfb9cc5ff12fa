"""The section of runs: a table that sorts and filters, and two of them side by side."""

from collections.abc import Sequence

from kagflow.report.html.chart import near, strip
from kagflow.report.html.markup import Cell, Column, Html, code, folded, joined, listed, paragraph, table
from kagflow.report.html.words import noise_html, plural, score, score_html
from kagflow.report.runs.history import Entry, history
from kagflow.report.runs.paired import Paired, paired_with_best
from kagflow.report.runs.side_by_side import side_by_side
from kagflow.report.section import Section
from kagflow.report.state import State

_COLUMNS = (
    Column("run", "run"),
    Column("what changed", about="against the earlier run that it is most like"),
    Column("CV ± s.e.", "number"),
    Column("minus the best", "number", about="the score minus that of the best run ± s.e., paired over the same rows"),
    Column("folds", about="the score of each fold, all runs on one line; those far out at its ends"),
    Column("public", "number"),
    Column("private", "number"),
    Column("seconds", "number"),
)


def runs_section(state: State) -> Section:
    """Return the section of all runs."""
    begun = _begun(state)
    if not state.runs:
        first = paragraph("The first one is made by ", code(f"kagflow cv {state.competition.name}"), ".")
        return Section("runs", "Runs", "There are no runs yet.", joined(first, begun), {"runs": []})
    entries = history(state)
    pairs = side_by_side(state, entries)
    body = joined(_legend(state), _table(state, entries), begun, pairs.body)
    document = {"runs": [entry.document() for entry in entries], "begun": list(state.begun), **pairs.document}
    return Section("runs", "Runs", _answer(state, entries), body, document)


def _answer(state: State, entries: Sequence[Entry]) -> str:
    kinds = sorted({entry.run.kind for entry in entries})
    sent = sum(entry.sent is not None for entry in entries)
    best = (
        "none has a score" if state.best is None else f"the best is {state.best.facts['config']}, {score(state.best)}"
    )
    return f"{plural(len(entries), 'run')} of {plural(len(kinds), 'kind')} ({', '.join(kinds)}), {sent} sent; {best}."


def _legend(state: State) -> Html:
    better = "less" if state.minimize else "more"
    return paragraph(
        f"Newest first; {state.competition.metric.name}, {better} is better. Where two runs differ by less than their "
        "folds do, only their paired difference tells which is better.",
        kind="soft",
    )


def _table(state: State, entries: Sequence[Entry]) -> Html:
    alike = {run.name for run in state.alike}
    scores = [score for run in state.alike for score in run.scores["folds"] if score is not None]
    low, high = near(scores or [0.0])
    paired = {each.run.name: each for each in paired_with_best(state)}
    private = any(entry.private is not None for entry in entries)
    columns = [column for column in _COLUMNS if private or column.name != "private"]
    rows = []
    for entry in reversed(entries):
        run = entry.run
        says = "folds: " + ", ".join(f"{score:.4g}" for score in run.scores["folds"] if score is not None)
        rows.append(
            [
                _named(entry, state),
                entry.changed,
                Cell(score_html(run), run.scores["cv"]),
                _against_best(paired.get(run.name)),
                strip(run.scores["folds"], low, high, says) if run.name in alike else "",
                _on_board(entry.public),
                *([_on_board(entry.private)] if private else []),
                Cell(f"{run.facts['seconds']:.0f}", run.facts["seconds"]),
            ]
        )
    return Html('<div class="tall">{}</div>').format(table(columns, rows, sorts=True))


def _against_best(paired: Paired | None) -> Cell:
    """Return the difference from the best run, and what it says."""
    if paired is None:
        return Cell("", None)
    noise = noise_html(paired.difference, paired.se)
    return Cell(Html('{}<div class="soft small">{}</div>').format(noise, paired.verdict), paired.difference)


def _on_board(score: float | None) -> Cell:
    return Cell("" if score is None else f"{score:.6g}", score)


def _named(entry: Entry, state: State) -> Html:
    """Return a run's config, what is special about it, and its name."""
    run = entry.run
    words = [
        "best" if state.best is not None and run.name == state.best.name else "",
        "sent" if entry.sent is not None else "",
        "quick look" if run.quick else "",
        "" if run.honest else "foreign",
        run.kind if run.kind in {"ensemble", "imported"} and run.kind != run.facts["config"] else "",
    ]
    tags = joined(*(Html(' <span class="tag">{}</span>').format(word) for word in words if word))
    return Html('<b>{}</b>{}<div class="soft small">{}</div>').format(run.facts["config"], tags, run.name)


def _begun(state: State) -> Html | None:
    if not state.begun:
        return None
    begun = f"{plural(len(state.begun), 'run')} begun and not complete; the same command continues"
    return folded(begun, listed(map(code, state.begun)))
