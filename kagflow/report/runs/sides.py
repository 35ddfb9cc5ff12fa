"""What stands on either side when two runs are set side by side: how each was made, and on what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from kagflow.report.html.words import score
from kagflow.report.runs.history import Entry, Settings
from kagflow.runs import Run
from kagflow.runs.record import PAIRING

MOST_NAMED = 12
_MOST_KEYS, _MOST_FEATURES = 60, 60

APART = {
    "edition": "they were made on different editions of the data",
    "data": "they were made on different data",
    "folds": "they were made on different folds",
    "metric": "they are scored by different metrics",
    "rows": "one has another target, other groups or other weights",
}
"""Why the rows of two runs do not pair, by what differs between them; the first that applies tells it."""


@dataclass(frozen=True)
class Side:
    """A run, as it stands beside another.

    Attributes
    ----------
    name, shown
        Its name, and what it is called.
    cv, public
        Its score with the noise, and that on the public board; ``""`` where it was not sent.
    folds
        The score of each fold.
    settings
        What it was made with, of that what not all runs share.
    features
        Those that not all runs have.
    changed
        What it changed, in a line.
    alone
        Whether it is one model of its own settings: no ensemble, and not made elsewhere.
    made_on
        What two runs must share for their rows to pair.
    unpaired
        Why its rows pair with those of no run; ``""`` where they may.
    """

    name: str
    shown: str
    cv: str
    public: str
    folds: Sequence[float | None]
    settings: Settings
    features: Sequence[str]
    changed: str
    alone: bool
    made_on: Mapping[str, str]
    unpaired: str


def telling_keys(entries: Sequence[Entry]) -> list[str]:
    """Return the settings in which runs differ."""
    keys = dict.fromkeys(key for entry in entries for key in entry.settings)
    return [key for key in keys if len({entry.settings.get(key) for entry in entries}) > 1][:_MOST_KEYS]


def sides_of(entries: Sequence[Entry], named: Mapping[str, str], strangers: Collection[str]) -> list[Side]:
    """Return a side for each run; ``strangers`` are names of runs whose rows are known to be others."""
    keys = telling_keys(entries)
    return [
        Side(
            name=entry.run.name,
            shown=named[entry.run.name],
            cv=score(entry.run),
            public="" if entry.public is None else f"{entry.public:.6g}",
            folds=entry.run.scores["folds"],
            settings={key: entry.settings[key] for key in keys if key in entry.settings},
            features=features,
            changed=entry.changed,
            alone=entry.run.kind not in {"ensemble", "imported"},
            made_on=_made_on(entry.run, strangers),
            unpaired=_unpaired(entry.run),
        )
        for entry, features in zip(entries, _own_features(entries), strict=True)
    ]


def why_apart(one: Side, other: Side) -> str:
    """Return why the rows of two runs do not pair; ``""`` where nothing speaks against it."""
    if one.unpaired or other.unpaired:
        return one.unpaired or other.unpaired
    return next((said for what, said in APART.items() if one.made_on[what] != other.made_on[what]), "")


def differing(one: Side, other: Side, *, minimize: bool) -> list[tuple[str, str, str]]:
    """Return what differs between two runs: its name, and what it is of either."""
    rows = [("CV ± s.e.", one.cv, other.cv)]
    if one.public or other.public:
        rows.append(("public", one.public or "not sent", other.public or "not sent"))
    if not why_apart(one, other):
        rows.append(("folds in which it is better", *_better_folds(one, other, minimize=minimize)))
    if not (one.alone and other.alone):
        return [*rows, ("what changed", one.changed, other.changed)]
    for key in dict.fromkeys([*one.settings, *other.settings]):
        values = one.settings.get(key, "not set"), other.settings.get(key, "not set")
        if values[0] != values[1]:
            rows.append((key, *values))
    own = _only(one, other), _only(other, one)
    return [*rows, ("features of its own", *own)] if own[0] != own[1] else rows


def _only(one: Side, other: Side) -> str:
    own = [name for name in one.features if name not in other.features]
    return (", ".join(own[:MOST_NAMED]) or "none") + (" and more" if len(own) > MOST_NAMED else "")


def _better_folds(one: Side, other: Side, *, minimize: bool) -> tuple[str, str]:
    pairs = [(a, b) for a, b in zip(one.folds, other.folds, strict=False) if a is not None and b is not None]
    less = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
    first, second = less if minimize else less[::-1]
    return f"{first} of {len(pairs)}", f"{second} of {len(pairs)}"


def _made_on(run: Run, strangers: Collection[str]) -> dict[str, str]:
    prints = run.facts["fingerprints"]
    rows = "others" if run.name in strangers else ""
    return {**{what: prints[what][:12] for what in PAIRING}, "metric": run.scores["metric"], "rows": rows}


def _unpaired(run: Run) -> str:
    if run.quick:
        return f"{run.facts['config']} is a quick look at a part of the data"
    return "" if run.scored else f"{run.facts['config']} has no score: {run.scores['why_no_cv']}"


def _own_features(entries: Sequence[Entry]) -> list[list[str]]:
    """Return of each run the features that not all runs have."""
    sets = [_features(entry.run) for entry in entries]
    models = [names for names in sets if names]
    common = set.intersection(*models) if models else set()
    return [sorted(names - common)[:_MOST_FEATURES] for names in sets]


def _features(run: Run) -> set[str]:
    path = run.path / "importance.parquet"
    return set(pl.read_parquet(path, columns=["feature"])["feature"]) if path.is_file() else set()
