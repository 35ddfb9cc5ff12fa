"""Two runs side by side: the paired difference, what differs in how they were made, and the rows that moved most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from kagflow.errors import KagflowError
from kagflow.report.html.chart import script_json
from kagflow.report.html.markup import Column, Html, joined, paragraph, table, template
from kagflow.report.html.words import score
from kagflow.report.runs.history import Entry
from kagflow.report.state import State
from kagflow.runs import Run, compare
from kagflow.runs.record import prediction_columns
from kagflow.stats import with_noise

_MOST_PAIRED, _FEWEST_PAIRED = 12, 3
_PAIRED_ROWS = 3_000_000  # over all pairs: the bootstrap is what takes time
_MOST_KEYS, _MOST_FEATURES, _MOST_ROWS = 60, 60, 8


@dataclass(frozen=True)
class Paired:
    """A run's score minus that of the best one, over the same rows.

    Attributes
    ----------
    run
        The run.
    difference, se
        In the metric's units; ``se`` is ``None`` where it cannot be had.
    better
        Whether the run is better than the best one; ``None`` inside the noise.
    """

    run: Run
    difference: float
    se: float | None
    better: bool | None

    @property
    def verdict(self) -> str:
        """What the difference says."""
        return _VERDICTS[self.better]


_VERDICTS = {True: "better", False: "worse", None: "inside the noise"}


@dataclass(frozen=True)
class SideBySide:
    """The part of the page, and what JSON shows of it."""

    body: Html
    document: dict[str, Any]


@lru_cache(maxsize=1)
def paired_with_best(state: State) -> tuple[Paired, ...]:
    """Return the differences of the newest runs and of the next best ones from the best run."""
    best = state.best
    if best is None:
        return ()
    others = [run for run in state.alike if run is not best]
    sign = 1 if state.minimize else -1
    by_score = sorted(others, key=lambda run: sign * run.scores["cv"])
    wanted = {run.name: run for run in [*reversed(others[-3:]), *by_score]}
    rows = max(best.scores.get("rows_scored") or 1, 1)
    most = min(_MOST_PAIRED, max(_FEWEST_PAIRED, _PAIRED_ROWS // rows))
    found = []
    for run in list(wanted.values())[:most]:
        try:
            made = compare(run, best, state.competition.metric)
        except KagflowError:  # the rows do not pair: another target, say
            continue
        found.append(Paired(run, made.difference.value, made.se, made.better))
    return tuple(found)


def side_by_side(state: State, entries: Sequence[Entry]) -> SideBySide:
    """Return how runs differ from the best one, and what the page's script needs to show any two."""
    paired = paired_with_best(state)
    if state.best is None or not paired:
        return SideBySide(Html(), {})
    known = {run.name for run in state.alike}
    data = script_json(_for_script([entry for entry in entries if entry.run.name in known], state, paired))
    body = joined(
        _moved(paired[0].run, state.best),
        template("side_by_side.html", data=data, command=f"kagflow runs {state.competition.name} RUN --against RUN"),
    )
    shown = [
        {"run": each.run.name, "difference": each.difference, "se": each.se, "better": each.better} for each in paired
    ]
    return SideBySide(body, {"against_best": shown})


def _moved(run: Run, best: Run) -> Html | None:
    """Return the rows whose predictions differ most between two runs; nothing where each row has several."""
    mine, others = run.oof().filter(repeat=0), best.oof().filter(repeat=0)
    first, second = prediction_columns(mine), prediction_columns(others)
    if first.ndim != 1 or "y" not in mine.columns or not np.issubdtype(first.dtype, np.number):
        return None
    moved = np.subtract(first, second, dtype=np.float64)
    order = np.argsort(-np.abs(moved), kind="stable")[:_MOST_ROWS]
    rows = mine.select("id", "y").with_columns(mine=pl.Series(first), best=pl.Series(second), moved=pl.Series(moved))[
        order.tolist()
    ]
    name, other = run.facts["config"], best.facts["config"]
    columns = (
        Column("row", "name"),
        Column("target", "number"),
        Column(name, "number"),
        Column(f"{other} (best)", "number"),
        Column("moved by", "number"),
    )
    shown = [
        [row["id"], *(_number(row[part]) for part in ("y", "mine", "best", "moved"))] for row in rows.rows(named=True)
    ]
    share = float(np.abs(moved).max(initial=0.0))
    return joined(
        Html("<h3>Rows that moved most</h3>"),
        paragraph(f"OOF predictions of {name}, which was made last of these, against {other}.", kind="soft"),
        table(columns, shown) if share else paragraph("None: the predictions are the same."),
    )


def _number(value: float | str) -> str:
    """Return a target or prediction, numbers to five digits in plain figures."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.5g}"


def _for_script(entries: Sequence[Entry], state: State, paired: Sequence[Paired]) -> dict[str, Any]:
    """Return what the script shows of any two runs."""
    assert state.best is not None
    places = {entry.run.name: place for place, entry in enumerate(entries)}
    keys = dict.fromkeys(key for entry in entries for key in entry.settings)
    telling = [key for key in keys if len({entry.settings.get(key) for entry in entries}) > 1][:_MOST_KEYS]
    return {
        "runs": [
            {
                "shown": f"{entry.run.facts['config']} · {entry.run.name[:15]}",
                "cv": score(entry.run),
                "folds": entry.run.scores["folds"],
                "settings": {key: entry.settings[key] for key in telling if key in entry.settings},
                "features": features,
                "changed": entry.changed,
                "alone": entry.run.kind not in {"ensemble", "imported"},
            }
            for entry, features in zip(entries, _own_features(entries), strict=True)
        ],
        "keys": telling,
        "differences": _said(paired, places, places[state.best.name]),
        "minimize": state.minimize,
        "first": places[paired[0].run.name],
        "second": places[state.best.name],
    }


def _said(paired: Sequence[Paired], places: Mapping[str, int], best: int) -> dict[str, str]:
    """Return the paired differences in words, by the places of both runs, either way round."""
    said = {}
    for each in paired:
        place = places[each.run.name]
        turned = None if each.better is None else not each.better
        said[f"{place} {best}"] = f"{with_noise(each.difference, each.se)}, {each.verdict}"
        said[f"{best} {place}"] = f"{with_noise(-each.difference, each.se)}, {_VERDICTS[turned]}"
    return said


def _own_features(entries: Sequence[Entry]) -> list[list[str]]:
    """Return of each run the features that not all runs have."""
    sets = [_features(entry.run) for entry in entries]
    models = [names for names in sets if names]
    common = set.intersection(*models) if models else set()
    return [sorted(names - common)[:_MOST_FEATURES] for names in sets]


def _features(run: Run) -> set[str]:
    path = run.path / "importance.parquet"
    return set(pl.read_parquet(path, columns=["feature"])["feature"]) if path.is_file() else set()
