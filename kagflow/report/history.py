"""The runs: what each changed, what it scored, and whether it was sent. Also the table that people keep by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from kagflow.errors import KagflowError
from kagflow.report.chart import strip
from kagflow.report.markup import Cell, Html, joined, listed, paragraph, table, tag
from kagflow.report.state import State
from kagflow.report.words import NO_SCORE, plural, score, score_html
from kagflow.runs import Run, compare
from kagflow.stats import with_noise
from kagflow.submit.ledger import Submission

_MOST_SHOWN = 4  # changes that a row names; of more it says how many
_MOST_PAIRED, _MOST_PAIRED_ROWS = 12, 3_000_000
_MOST_KEYS = 60


@dataclass(frozen=True)
class Entry:
    """A run as a line of the history.

    Attributes
    ----------
    run
        The run.
    parent
        The earlier run that it is most like, which it is taken to have come from; ``None`` for the first.
    changes
        What differs from the parent, in words.
    sent
        The ledger's row of it.
    """

    run: Run
    parent: Run | None
    changes: tuple[str, ...]
    sent: Submission | None

    @property
    def changed(self) -> str:
        """What it changed, in a line."""
        if self.run.kind == "ensemble":
            return f"blend of {plural(len(self.run.facts.get('members', ())), 'member')}"
        if self.parent is None:
            return "the first run"
        shown = ", ".join(self.changes[:_MOST_SHOWN]) or "nothing: the same settings again"
        return shown + (f" and {len(self.changes) - _MOST_SHOWN} more" if len(self.changes) > _MOST_SHOWN else "")

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        scores, sent = self.run.scores, self.sent
        return {
            "run": self.run.name,
            "config": self.run.facts["config"],
            "kind": self.run.kind,
            "parent": None if self.parent is None else self.parent.name,
            "changed": self.changed,
            "cv": scores["cv"],
            "se": scores["se"],
            "folds": scores["folds"],
            "seconds": self.run.facts["seconds"],
            "quick_look": self.run.quick,
            "honest": self.run.honest,
            "public": None if sent is None else sent.public,
            "private": None if sent is None else sent.private,
            "note": "" if sent is None else sent.message,
        }


def history(state: State) -> list[Entry]:
    """Return a line for each run, oldest first."""
    sent = state.sent_runs()
    settings = {run.name: settings_of(run) for run in state.runs}
    entries, before = [], []
    for run in state.runs:
        parent = min(before, key=lambda other: len(_differ(settings[other.name], settings[run.name])), default=None)
        changes = () if parent is None else tuple(_differ(settings[parent.name], settings[run.name]))
        entries.append(Entry(run, parent, changes, sent.get(run.name)))
        if run.kind != "ensemble":
            before.insert(0, run)  # of several alike the newest
    return entries


def settings_of(run: Run) -> dict[str, str]:
    """Return what a run was made with, as flat names and values; the competition's files by their hash."""
    path = run.path / "experiment.yaml"
    flat = dict(_flat(yaml.safe_load(run.experiment()) or {})) if path.is_file() else {}
    flat["files of the competition"] = run.facts["fingerprints"]["sources"][:6]
    flat["edition"] = run.facts["edition"]
    if run.quick:
        flat["quick look"] = str(run.facts["quick_look"])
    return flat


def _flat(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        elif value not in (None, {}, [], ""):
            pairs.append((f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return pairs


def _differ(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what differs, in words."""
    words = []
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        name = key.removeprefix("model.params.").removeprefix("model.")
        if old != new:
            words.append(f"no {name}" if new is None else f"{name} {new}" if old is None else f"{name} {old} → {new}")
    return words


def markdown(entries: Sequence[Entry]) -> str:
    """Return the table that people keep by hand, newest first."""
    head = ["run", "what changed", "CV ± s.e.", "public", "private", "note", "parent"]
    lines = [head, ["---", "---", "---:", "---:", "---:", "---", "---"]]
    for entry in reversed(entries):
        sent = entry.sent
        lines.append(
            [
                entry.run.name,
                entry.changed + (" (quick look)" if entry.run.quick else ""),
                score(entry.run),
                "" if sent is None or sent.public is None else f"{sent.public:.6g}",
                "" if sent is None or sent.private is None else f"{sent.private:.6g}",
                "" if sent is None else sent.message,
                "" if entry.parent is None else entry.parent.name,
            ]
        )
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def runs_section(state: State, entries: Sequence[Entry]) -> Html:
    """Return the table of all runs, and two of them side by side."""
    if not entries:
        return joined(paragraph("There are no runs yet: ", tag("code", f"kagflow cv {state.competition.name}"), " makes the first."))
    alike = {run.name for run in state.alike}
    folds = [value for entry in entries if entry.run.name in alike for value in entry.run.scores["folds"] if value is not None]
    low, high = (min(folds), max(folds)) if folds else (0.0, 1.0)
    rows = []
    for entry in reversed(entries):
        run = entry.run
        sent = entry.sent
        rows.append(
            [
                joined(tag("b", run.facts["config"]), " ", *_tags(entry, state), tag("div", run.name, class_="soft small")),
                entry.changed,
                Cell(score_html(run), "" if run.scores["cv"] is None else run.scores["cv"]),
                strip(run.scores["folds"], low, high, lambda value: f"{value:.4g}") if run.name in alike else "",
                Cell("" if sent is None or sent.public is None else f"{sent.public:.6g}", "" if sent is None or sent.public is None else sent.public),
                Cell(f"{run.facts['seconds']:.0f}", run.facts["seconds"]),
            ]
        )
    metric = state.competition.metric
    better = "less" if state.minimize else "more"
    parts = [
        paragraph(
            f"{plural(len(entries), 'run')}, newest first; {metric.name}, {better} is better. A strip shows the folds' scores, all on one "
            f"line from {low:.4g} to {high:.4g}: where runs differ by less than their folds do, only a paired difference tells."
        ),
        tag("div", table(
            ["run", "what changed", "CV ± s.e.", "folds", "public", "seconds"],
            ["name", "text", "number", "", "number", "number"], rows, sorts=True,
        ), class_="tall"),
    ]  # fmt: skip
    if state.begun:
        parts.append(paragraph(f"Begun and not complete ({len(state.begun)}), continued by the same command:"))
        parts.append(listed(tag("code", name) for name in state.begun))
    return joined(*parts)


def _tags(entry: Entry, state: State) -> list[Html]:
    run = entry.run
    words = [
        "best" if state.best is not None and run.name == state.best.name else "",
        "sent" if entry.sent is not None else "",
        "quick look" if run.quick else "",
        "" if run.honest else "foreign",
        run.kind if run.kind in ("ensemble", "imported") else "",
    ]
    return [joined(tag("span", word, class_="tag"), " ") for word in words if word]


# --- two runs side by side -------------------------------------------------------------------------------------------


def paired_with_best(state: State) -> list[dict[str, Any]]:
    """Return the paired difference of the newest and the next best runs from the best one."""
    best = state.best
    if best is None:
        return []
    others = [run for run in state.alike if run is not best]
    sign = 1 if state.minimize else -1
    by_score = sorted(others, key=lambda run: sign * run.scores["cv"])
    wanted = {run.name: run for run in [*others[-3:], *by_score]}
    most = min(_MOST_PAIRED, max(3, _MOST_PAIRED_ROWS // max(best.scores.get("rows_scored") or 1, 1)))
    found = []
    for run in list(wanted.values())[:most]:
        try:
            made = compare(run, best, state.competition.metric)
        except KagflowError:
            continue
        found.append({"run": run.name, "config": run.facts["config"], "difference": made.difference.value, "se": made.se,
                      "better": made.better})  # fmt: skip
    return found


def side_by_side(state: State, paired: Sequence[Mapping[str, Any]]) -> tuple[Html, dict[str, Any]]:
    """Return the differences from the best run, and what the script needs to show any two runs."""
    runs = state.alike
    if state.best is None or len(runs) < 2:
        return Html(""), {}
    places = {run.name: k for k, run in enumerate(runs)}
    settings = [settings_of(run) for run in runs]
    keys = [key for key in dict.fromkeys(key for each in settings for key in each) if len({each.get(key) for each in settings}) > 1]
    best = places[state.best.name]
    known = {}
    for each in paired:
        k, verdict = places[each["run"]], verdict_of(each["better"])
        said = with_noise(each["difference"], each["se"])
        back = with_noise(-each["difference"], each["se"])
        turned = verdict_of(None if each["better"] is None else not each["better"])
        known[f"{k} {best}"] = f"Paired over the same rows: {said}, {verdict}."
        known[f"{best} {k}"] = f"Paired over the same rows: {back}, {turned}."
    data = {
        "runs": [
            {"shown": f"{run.facts['config']} · {run.name[:15]}", "cv": score(run), "folds": run.scores["folds"],
             "settings": {key: each[key] for key in keys[:_MOST_KEYS] if key in each}}
            for run, each in zip(runs, settings, strict=True)
        ],
        "keys": keys[:_MOST_KEYS],
        "differences": known,
        "minimize": state.minimize,
        "first": best,
        "second": max((k for k in range(len(runs)) if k != best)),
    }  # fmt: skip
    rows = [
        [each["config"], each["run"], Cell(with_noise(each["difference"], each["se"]), each["difference"]), verdict_of(each["better"])]
        for each in paired
    ]
    shown = joined(
        tag("h3", "Against the best run, paired over the same rows"),
        table(["config", "run", "its score minus the best one's ± s.e.", "than the best"], ["name", "name", "number", "name"], rows),
        tag("h3", "Two runs side by side"),
        tag("div", paragraph("Choosing two runs here needs JavaScript; without it: ",
                             tag("code", f"kagflow runs {state.competition.name} RUN --against RUN")), id="side-by-side"),
    )  # fmt: skip
    return shown, data


def verdict_of(better: bool | None) -> str:
    """Return what a paired difference says."""
    return {True: "better", False: "worse", None: "inside the noise"}[better]


def spread_of(run: Run) -> float | None:
    """Return the standard deviation of the folds' scores."""
    there = [value for value in run.scores["folds"] if value is not None]
    return float(np.std(there, ddof=1)) if len(there) > 1 else None


__all__ = ["NO_SCORE", "Entry", "history", "markdown", "paired_with_best", "runs_section", "settings_of", "side_by_side"]
