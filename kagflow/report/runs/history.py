"""What was tried: each run, what it changed, what it scored, and whether it was sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from kagflow.report.html.words import plural, score
from kagflow.report.state import State
from kagflow.runs import Run
from kagflow.submit.ledger import Submission

_MOST_SHOWN = 4  # changes that a row names; of more it says how many

Settings = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A run as a line of the history.

    Attributes
    ----------
    run
        The run.
    parent
        The earlier run that it is most like, which it is taken to have come from; ``None`` for the first, and for what
        has many parents: an ensemble, or predictions made elsewhere.
    settings
        What it was made with, as flat names and values.
    changes
        What differs from the parent, in words.
    sent
        The ledger's row of it; ``None`` if it was not sent.
    """

    run: Run
    parent: Run | None
    settings: Settings
    changes: tuple[str, ...]
    sent: Submission | None

    @property
    def changed(self) -> str:
        """What it changed, in a line."""
        if self.run.kind == "ensemble":
            return f"blend of {plural(len(self.run.facts.get('members', ())), 'member')}"
        if self.run.kind == "imported":
            return "made elsewhere"
        if self.parent is None:
            return "the first run"
        shown = ", ".join(self.changes[:_MOST_SHOWN]) or "nothing: the same settings again"
        return shown + (f" and {len(self.changes) - _MOST_SHOWN} more" if len(self.changes) > _MOST_SHOWN else "")

    @property
    def public(self) -> float | None:
        """Its score on the public board."""
        return None if self.sent is None else self.sent.public

    @property
    def private(self) -> float | None:
        """Its score on the private board."""
        return None if self.sent is None else self.sent.private

    @property
    def note(self) -> str:
        """What was written to it when it was sent."""
        return "" if self.sent is None else self.sent.message

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "run": self.run.name,
            "config": self.run.facts["config"],
            "kind": self.run.kind,
            "parent": None if self.parent is None else self.parent.name,
            "changed": self.changed,
            "cv": self.run.scores["cv"],
            "se": self.run.scores["se"],
            "folds": self.run.scores["folds"],
            "seconds": self.run.facts["seconds"],
            "quick_look": self.run.quick,
            "honest": self.run.honest,
            "public": self.public,
            "private": self.private,
            "note": self.note,
        }


@lru_cache(maxsize=1)
def history(state: State) -> tuple[Entry, ...]:
    """Return a line for each run, oldest first."""
    sent = state.sent_runs()
    entries: list[Entry] = []
    parents: list[tuple[Run, frozenset[tuple[str, str]]]] = []  # newest first: of several alike the newest is meant
    for run in state.runs:
        settings = settings_of(run)
        pairs = frozenset(settings.items())
        parent = None
        if run.kind not in {"ensemble", "imported"}:
            parent = min(parents, key=lambda other: len(other[1] ^ pairs), default=(None, None))[0]
            parents.insert(0, (run, pairs))
        known = next((entry.settings for entry in entries if entry.run is parent), {})
        changes = () if parent is None else tuple(_differ(known, settings))
        entries.append(Entry(run, parent, settings, changes, sent.get(run.name)))
    return tuple(entries)


@lru_cache(maxsize=1)
def labels(state: State) -> Mapping[str, str]:
    """Return what runs are called: by their config where it is of one run, else with the beginning of the hash.

    Either is enough for commands that take a run.
    """
    configs = Counter(run.facts["config"] for run in state.runs)
    return {run.name: _label(run, alone=configs[run.facts["config"]] == 1) for run in state.runs}


def _label(run: Run, *, alone: bool) -> str:
    config = str(run.facts["config"])
    return config if alone else f"{config}-{run.name.rpartition('-')[2][:4]}"


def settings_of(run: Run) -> Settings:
    """Return what a run was made with, as flat names and values; the competition's files by their hash."""
    path = run.path / "experiment.yaml"
    flat = dict(_flat(yaml.safe_load(run.experiment()) or {})) if path.is_file() else {}
    flat["the competition's files"] = run.facts["fingerprints"]["sources"][:6]
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


def _differ(before: Settings, after: Settings) -> list[str]:
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
    lines = [head, ["---", "---", "---:", "---:", "---:", "---", "---"], *map(_line, reversed(entries))]
    return "\n".join("| " + " | ".join(map(_in_a_cell, line)) + " |" for line in lines)


def _line(entry: Entry) -> list[str]:
    return [
        entry.run.name,
        entry.changed + (" (quick look)" if entry.run.quick else ""),
        score(entry.run),
        "" if entry.public is None else f"{entry.public:.6g}",
        "" if entry.private is None else f"{entry.private:.6g}",
        entry.note,
        "" if entry.parent is None else entry.parent.name,
    ]


def _in_a_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
