"""The section of the data: the columns at a glance, and whether test and the folds are like train."""

from collections.abc import Mapping, Sequence
from typing import Any

from kagflow.audit.check import check_competition
from kagflow.audit.findings import Finding
from kagflow.features.sources import sums_by_source
from kagflow.report.data.columns import Columns, Glance, glance_at
from kagflow.report.html.chart import OTHER, SOFT, figure, plot
from kagflow.report.html.markup import Cell, Column, Html, code, folded, joined, listed, paragraph, table, with_code
from kagflow.report.html.words import plural, share, shortened
from kagflow.report.models.importance import importance_of
from kagflow.report.section import Section
from kagflow.report.state import State

_DRIFT, _MIRROR = "KF131", "KF143"
_BARS, _ROW, _FRAME = 15, 22, 90
_MOST_ROWS = 200

_COLUMNS = (
    Column("column", "name"),
    Column("type"),
    Column("missing, train", "number"),
    Column("missing, test", "number"),
    Column("values", "number", "different ones in train"),
    Column("middle", about="median, or the most frequent value with its share"),
    Column("train to test", "number", "0: the same; 1: nothing in common"),
)


def data(state: State) -> Section:
    """Return the section of train and test: what `kagflow check` says of drift and folds, and every column."""
    if state.data is None:
        why = paragraph(state.no_data, kind="soft")
        return Section("data", "Data", "The data are not there, so nothing can be said of them.", why, {"columns": []})
    columns = glance_at(state.data)
    shown = _first(columns, _used(state, columns))
    findings = check_competition(state.competition, state.data).findings
    drift = next((each for each in findings if each.code == _DRIFT), None)
    mirror = next((each for each in findings if each.code == _MIRROR), None)
    others = [each for each in findings if each not in (drift, mirror)]
    accepted = state.competition.facts.accept
    body = joined(
        listed(
            [_told(drift, "Adversarial validation", _NO_DRIFT), _told(mirror, "Do the folds mirror test?", _NO_FOLDS)]
        ),
        _others(state, others),
        _chart(columns),
        _table(state, columns, shown),
    )
    document: dict[str, Any] = {
        "rows": {"train": state.data.train.height, "test": state.data.test.height},
        "adversarial": None if drift is None else drift.document(),
        "mirror": None if mirror is None else mirror.document(),
        "accepted": sorted({each.code for each in findings} & set(accepted)),
        "drifting": [each.name for each in columns.drifting],
        "columns": [_document(each) for each in shown],
    }
    return Section("data", "Data", _answer(drift, mirror, columns), body, document)


_NO_DRIFT = "a model cannot tell test rows from training rows beyond chance: nothing to do."
_NO_FOLDS = "there are no folds to compare with test."


def _answer(drift: Finding | None, mirror: Finding | None, columns: Columns) -> str:
    if mirror is not None and mirror.severity == "warning":
        return "The folds do not mirror test: valid differs from train otherwise than test does, so mistrust CV."
    if drift is not None and drift.severity == "warning":
        return f"Test differs from train (adversarial AUC {drift.size:.2f}), by {', '.join(drift.columns[:3])}."
    if columns.drifting:
        return columns.advice
    if drift is not None:
        return (
            f"Test differs from train a little (adversarial AUC {drift.size:.2f}); the folds mirror it as well as any."
        )
    return "Test is like train, and the folds mirror it."


def _told(finding: Finding | None, name: str, otherwise: str) -> Html:
    """Return what the check says of something, and what to do."""
    said = otherwise if finding is None else f"{finding.message}. {_do(finding)}"
    return Html("<b>{}</b>: {}").format(name, with_code(said))


def _do(finding: Finding) -> str:
    hint = finding.hint or "Nothing is to be done."
    return f"{hint[0].upper()}{hint[1:]}{'' if hint.endswith(('.', '`', ')')) else '.'}"


def _others(state: State, findings: list[Finding]) -> Html | None:
    """Say what else the check found, by weight."""
    if not findings:
        return None
    weights = [each.severity for each in findings]
    told = ", ".join(plural(weights.count(kind), kind) for kind in ("error", "warning", "note") if kind in weights)
    return paragraph(f"The check says more ({told}): ", code(f"kagflow check {state.competition.name}"), kind="soft")


def _chart(columns: Columns) -> Html | None:
    """Draw which columns are farthest between train and test; nothing where none is."""
    shown = columns.drifting[:_BARS]
    if not shown:
        return paragraph(with_code(columns.advice))
    made = figure("distance from train to test, 0 to 1", "column", height=len(shown) * _ROW + _FRAME)
    places = list(range(len(shown)))
    made.add_bar(
        x=[each.distance for each in shown],
        y=places,
        orientation="h",
        marker={"color": "rgba(0,0,0,0)", "line": {"color": OTHER, "width": 2}},
        hovertext=[each.name for each in shown],
        hovertemplate="%{hovertext}: %{x:.2f}<extra></extra>",
    )
    made.add_vline(x=0, line={"color": SOFT})
    names = [shortened(each.name) for each in shown]
    made.update_yaxes(tickvals=places, ticktext=names, autorange="reversed")
    made.update_xaxes(range=[0, 1])
    sample = f" On a sample of {columns.rows:,} rows." if columns.sampled else ""
    note = (
        "The largest difference between the shares of rows below a value, or half of all differences between the "
        f"shares of categories; only what is beyond chance and above 0.05.{sample}"
    )
    return plot("Which columns differ between train and test?", made, with_code(columns.advice), note)


_ORDER = "those that differ, then those that the best models use most, then those with most missing"


def _used(state: State, columns: Columns) -> dict[str, float]:
    """Return how much of the importance of features each column holds; nothing where none is recorded."""
    importance = None if state.learner is None else importance_of(state.learner)
    shares = {} if importance is None else {each.feature: each.share for each in importance.used}
    return sums_by_source(shares, [each.name for each in columns.all])


def _first(columns: Columns, used: Mapping[str, float]) -> list[Glance]:
    """Return at most so many columns, in the order that is told where some are left out."""

    def place(each: Glance) -> tuple[float, ...]:
        return -each.distance if each.drifts else 0.0, -used[each.name], -each.missing_train

    return sorted(columns.all, key=place)[:_MOST_ROWS]


def _table(state: State, columns: Columns, shown: Sequence[Glance]) -> Html:
    assert state.data is not None
    rows = [
        [
            each.name,
            each.type,
            Cell(share(each.missing_train, 1), each.missing_train),
            Cell(share(each.missing_test, 1), each.missing_test),
            Cell(f"{each.unique:,}", each.unique),
            each.middle,
            Cell(f"{each.distance:.2f}{' differs' if each.drifts else ''}", each.distance),
        ]
        for each in shown
    ]
    left = f", {len(shown)} of them shown: {_ORDER}" if len(shown) < len(columns.all) else ""
    sizes = f"{state.data.train.height:,} training rows, {state.data.test.height:,} test rows"
    summary = f"{plural(len(columns.all), 'column')} at a glance{left} ({sizes})"
    return folded(summary, Html('<div class="tall">{}</div>').format(table(_COLUMNS, rows, sorts=True)))


def _document(column: Glance) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "missing": [column.missing_train, column.missing_test],
        "unique": column.unique,
        "distance": column.distance,
        "drifts": column.drifts,
    }
