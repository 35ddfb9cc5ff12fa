"""The section of the models: what the best run uses, where it is wrong, and what that asks for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kagflow.data import Dataset
from kagflow.report.html.chart import plots
from kagflow.report.html.markup import Cell, Column, Html, code, folded, joined, paragraph, table, with_code
from kagflow.report.html.words import plural, score, share
from kagflow.report.models import charts
from kagflow.report.models.against import against_target
from kagflow.report.models.calibration import calibration
from kagflow.report.models.distributions import distributions
from kagflow.report.models.importance import importance_of
from kagflow.report.models.labels import confusions, threshold
from kagflow.report.models.learning import Learning, learning
from kagflow.report.models.outcome import Outcome, outcomes_of
from kagflow.report.models.permutation import permutation_of
from kagflow.report.models.segments import Segments, worst_segments
from kagflow.report.models.worst_rows import WorstRows, worst_rows
from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.runs import Run

_MOST_TARGETS = 3
_FORWARD = ("forward", "group_forward")


@dataclass(frozen=True)
class Part:
    """What there is to show of one thing.

    Attributes
    ----------
    charts
        Figures.
    further
        Tables and sentences below them.
    findings
        What ought to be done about it; nothing where all is well.
    document
        As numbers.
    """

    charts: Sequence[Html] = ()
    further: Sequence[Html] = ()
    findings: Sequence[str] = ()
    document: Mapping[str, Any] = field(default_factory=dict)


def models(state: State) -> Section | None:
    """Return the section of the best run's models; ``None`` where no run has a score."""
    run = state.best
    if run is None:
        return None
    outcomes = outcomes_of(run, state.competition)
    learner = state.learner
    shown = _worst_targets(run, outcomes)
    of_targets = [_target(state, run, outcome, outcomes) for outcome in shown]
    of_models = [] if learner is None else [_rows(state, learner)]
    if learner is not None and shown:
        of_models.insert(0, _features(state, learner, shown[0].target if len(outcomes) > 1 else ""))
    parts = [*of_models, *of_targets]
    findings = [finding for part in parts for finding in part.findings]
    about = _about(state, run, learner, outcomes, shown)
    if len(outcomes) > 1:
        body = joined(
            about, _shown(of_models), *(_named(each, part) for each, part in zip(shown, of_targets, strict=True))
        )
    else:
        body = joined(about, _shown(parts))
    document = {
        "run": run.name,
        "learner": None if learner is None else learner.name,
        "findings": findings,
        **{key: value for part in parts for key, value in part.document.items()},
    }
    answer = (
        findings[0] if findings else f"Nothing in the OOF of {run.facts['config']} stands out: no bias, no weak spot."
    )
    return Section("models", "Models", answer, body, document)


def _shown(parts: Sequence[Part]) -> Html:
    """Return charts beside each other, and what stands below them."""
    made = [chart for part in parts for chart in part.charts]
    return joined(plots(*made) if made else None, *(each for part in parts for each in part.further))


def _named(outcome: Outcome, part: Part) -> Html:
    """Return what there is to show of one of several targets."""
    return joined(Html("<h3>{}</h3>").format(outcome.target), _shown([part]))


def _worst_targets(run: Run, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return at most a few targets, those with the worst scores."""
    of_targets = run.scores.get("targets") or {}
    sign = 1 if run.scores["direction"] == "maximize" else -1

    def by_score(outcome: Outcome) -> float:
        value = of_targets.get(outcome.target)
        return math.inf if value is None else sign * value

    return sorted(outcomes, key=by_score)[:_MOST_TARGETS]


def _about(state: State, run: Run, learner: Run | None, outcomes: Sequence[Outcome], shown: Sequence[Outcome]) -> Html:
    """Say which run this is about, and what of it is not shown."""
    told = [f"All of this is about the best run, {run.facts['config']} ({score(run)}), out of fold."]
    if learner is None:
        told.append("Neither it nor a run like it keeps models, so there is nothing on features.")
    elif learner is not run:
        told.append(
            f"It has no models of its own: features and rows are those of {learner.facts['config']} ({score(learner)})."
        )
    if not outcomes:
        told.append("It has no OOF.")
    rows, scored = run.scores.get("rows"), run.scores.get("rows_scored")
    if rows and scored and scored < rows:
        told.append(f"No fold scores {share(rows - scored, rows)} of the training rows, so they are not in it.")
    if len(shown) < len(outcomes):
        told.append(f"Of {len(outcomes)} targets it shows the {len(shown)} with the worst scores.")
    return paragraph(" ".join(told), kind="soft")


# --- features --------------------------------------------------------------------------------------------------------


def _features(state: State, learner: Run, target: str) -> Part:
    """Show what the models use, and what the score needs."""
    importance = importance_of(learner, target)
    outcome = next((each for each in outcomes_of(learner, state.competition) if target in ("", each.target)), None)
    made, further = [], []
    document: dict[str, Any] = {"importance": None, "permutation": None}
    if importance is not None:
        made.append(charts.importance_chart(importance))
        document["importance"] = {each.feature: each.share for each in importance.used[:50]}
    else:
        further.append(paragraph(f"{learner.kind} models do not say which features they use.", kind="soft"))
    if outcome is not None:
        permutation = permutation_of(learner, outcome, importance, state.competition, state.data)
        if permutation.groups:
            made.append(charts.permutation_chart(permutation))
        else:
            further.append(paragraph(f"What the score needs of the features: {permutation.advice}", kind="soft"))
        document["permutation"] = [
            {"columns": list(each.columns), "worse": each.worse.value, "se": _plain(each.worse.se)}
            for each in permutation.groups
        ]
    return Part(made, further, (), document)


def _rows(state: State, learner: Run) -> Part:
    """Show whether more rows would help."""
    found = learning(state, learner)
    document = {
        "learning": [
            {"rows": each.rows, "score": each.score, "lost": each.lost.value, "se": _plain(each.lost.se)}
            for each in found.points
        ]
    }
    if found.points:
        return Part([charts.learning_chart(found)], (), (), document)
    return Part((), [_no_curve(state, found)], (), document)


def _no_curve(state: State, found: Learning) -> Html:
    return paragraph(
        Html("<b>More rows or more features?</b> "), found.advice, " Run ", code(found.command(state.competition.name))
    )


# --- one target ------------------------------------------------------------------------------------------------------


def _target(state: State, run: Run, outcome: Outcome, all_targets: Sequence[Outcome]) -> Part:
    """Show how the OOF of a target lies to the truth."""
    made: list[Html] = []
    findings: list[str] = []
    document: dict[str, Any] = {}
    against, right = against_target(outcome), calibration(outcome)
    cut = threshold(outcome)
    taken = None if outcome.order_only else confusions(outcome)  # a label is nothing to a metric of the order
    segments = _segments(outcome, state.data)
    if against is not None:
        made += [charts.against_chart(against), charts.residual_chart(against)]
        findings += [against.advice] if against.is_off or against.is_tilted else []
        findings += [against.residual_advice] if against.heavy else []
        document["off"] = {"aim": against.aim, "value": against.off.value, "se": _plain(against.off.se)}
    if right is not None:
        made.append(charts.calibration_chart(right))
        findings += [right.advice] if right.wrong else []
        document["calibration"] = {each.name: _plain(each.slope.value) for each in right.classes}
    if cut is not None:
        made.append(charts.threshold_chart(cut))
        findings += [cut.advice] if cut.better else []
        document["threshold"] = {"best": cut.best, "low": _plain(cut.low), "high": _plain(cut.high)}
    if taken is not None:
        made.append(charts.confusion_chart(taken))
        document["confusion"] = {"classes": list(taken.classes), "rows": taken.counts.tolist()}
    test = run.test()
    number = all_targets.index(outcome)
    in_time = state.competition.facts.splitter.kind in _FORWARD
    spread = distributions(outcome, test, number, in_time=in_time)
    made.append(charts.distribution_chart(spread))
    findings += [spread.advice] if spread.worst.drift.found else []
    findings += [segments.advice] if segments is not None and segments.found else []
    document["drift_of_predictions"] = spread.worst.drift.distance
    worst = worst_rows(outcome)
    document["worst_rows"] = [each.id for each in worst.rows]
    if segments is not None:
        document["worst_segments"] = [{"where": each.words, "times": each.times} for each in segments.found]
    further = [_segments_table(segments, state), _rows_table(worst)]
    return Part(made, further, findings, {outcome.target: document} if len(all_targets) > 1 else document)


def _segments(outcome: Outcome, data: Dataset | None) -> Segments | None:
    """Return the worst segments; ``None`` where the rows' columns are not there."""
    if data is None:
        return None
    ids, positions = data.train.ids, outcome.ids.to_frame("id")
    places = ids.to_frame("id").with_row_index("row")
    rows = positions.join(places, on="id", how="left", maintain_order="left")["row"]
    if rows.null_count():
        return None
    x = data.train.x.drop(ids.name, strict=False)
    return worst_segments(outcome, x[rows.to_numpy()])


def _segments_table(found: Segments | None, state: State) -> Html:
    head = Html("<h3>Where is the model bad?</h3>")
    if found is None:
        return joined(
            head, paragraph(f"It cannot be said: {state.no_data or 'the rows have other ids now'}.", kind="soft")
        )
    if not found.found:
        return joined(head, paragraph(with_code(found.advice)))
    columns = (
        Column("rows where"),
        Column("rows", "number"),
        Column("loss against average", "number"),
        Column("share of all loss", "number"),
    )
    cells = [
        [
            each.words,
            Cell(share(each.share, 1), each.share),
            Cell(f"{each.times:.1f} ± {each.times * each.more.se / each.loss:.1f} times", each.times),
            Cell(share(each.of_loss, 1), each.of_loss),
        ]
        for each in found.found
    ]
    note = (
        f"A row's loss is {found.loss}. A tree of three cuts found these kinds of rows on one half of the OOF; what is "
        "shown was measured on the other half."
    )
    return joined(head, paragraph(with_code(found.advice)), table(columns, cells), paragraph(note, kind="soft small"))


def _rows_table(found: WorstRows) -> Html:
    columns = (
        Column("id", "name"),
        Column("truth"),
        Column("prediction"),
        Column("fold", "number"),
        Column("share of all loss", "number"),
    )
    cells = [
        [each.id, each.truth, each.predicted, each.fold, Cell(share(each.share, 1), each.share)] for each in found.rows
    ]
    return joined(
        paragraph(with_code(found.advice)),
        folded(f"The {plural(len(cells), 'row')} that cost most", table(columns, cells)),
    )


def _plain(value: float) -> float | None:
    """Return a number as JSON knows it."""
    return value if math.isfinite(value) else None
