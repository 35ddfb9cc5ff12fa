"""The section of CV against the leaderboard: every submission as a point, with both noise bands."""

from collections.abc import Mapping

from kagflow.report.board.answers import BoardAnswers, Correlation, LineageOffset
from kagflow.report.board.charts import over_time, scatter
from kagflow.report.board.study import study_of
from kagflow.report.html.chart import plots
from kagflow.report.html.markup import Cell, Column, Html, joined, listed, paragraph, table
from kagflow.report.html.words import interval, listing, plural
from kagflow.report.runs.history import labels
from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.stats import rounded


def board_section(state: State) -> Section | None:
    """Return the section; ``None`` as long as nothing was sent."""
    if not state.on_board:
        return None
    study = study_of(state)
    answers = study.answers
    if not answers.points:
        said = "No submission has a CV, so nothing can be held against the board."
        return Section("board", "CV against the board", said, listed(answers.notes), answers.document())
    named = {**{name: name for name in study.submissions}, **labels(state)}
    metric = state.competition.metric.name
    charts = plots(scatter(metric, answers, named), over_time(metric, answers, named))
    body = joined(charts, _lineages(answers), _choice(answers, named), _shake_up(answers), _notes(answers))
    return Section("board", "CV against the board", _answer(answers), body, answers.document())


def _answer(answers: BoardAnswers) -> str:
    scored = [point for point in answers.points if point.public is not None]
    if not scored:
        return f"{plural(len(answers.points), 'submission')}, none of which has a public score yet."
    outside = sum(point.outside for point in scored)
    lie = (
        "all lie where CV and noise let expect" if not outside else f"{outside} lie where they were not to be expected"
    )
    if len(scored) == 1:
        lie = "it lies where CV and noise let expect" if not outside else "it does not lie where it was to be expected"
    return f"{plural(len(scored), 'submission')} with a public score: {lie}."


def _lineages(answers: BoardAnswers) -> Html | None:
    """Return the offset of each lineage, and the agreement within and over them."""
    if not answers.lineages:
        return None
    columns = (
        Column("lineage", about="runs of one feature set and kind of model, which share their offset"),
        Column("submissions", "number"),
        Column("public minus CV, 90 %", "number"),
        Column("of which averaging explains", "number", about="test predictions are the mean of all folds' models"),
    )
    rows = [[each.lineage or "all", each.submissions, _offset(each), _averaging(each)] for each in answers.lineages]
    agreement = answers.agreement
    said = None
    if agreement is not None and agreement.pooled.tau is not None:
        parts = [f"Rank correlation of CV and public: {_tau(agreement.pooled)}"]
        if agreement.within.tau is not None:
            parts.append(f"within lineages {_tau(agreement.within)}")
        if agreement.ceiling is not None:
            parts.append(f"the board's noise alone would leave {agreement.ceiling:.2f}")
        said = paragraph("; ".join(parts) + ".")
    return joined(Html("<h3>How far is public from CV, lineage by lineage?</h3>"), table(columns, rows), said)


def _tau(found: Correlation) -> str:
    band = "" if found.low is None or found.high is None else f" ({interval(found.low, found.high)})"
    return f"{found.tau:.2f}{band}"


def _offset(lineage: LineageOffset) -> Cell:
    wide = lineage.high - lineage.low
    low, middle, high = (rounded(value, wide) for value in (lineage.low, lineage.offset, lineage.high))
    return Cell(f"{middle} ({low} to {high})", lineage.offset)


def _averaging(lineage: LineageOffset) -> str:
    return "not measured" if lineage.averaging is None else f"{lineage.averaging:.2g}"


def _choice(answers: BoardAnswers, named: Mapping[str, str]) -> Html | None:
    """Return the two to choose, and what other rules would choose."""
    choice = answers.choice
    if choice is None:
        return None
    columns = (
        Column("rule"),
        Column("the two", "name"),
        Column("private score expected", "number", about="of the better of the two"),
        Column("expected loss", "number", about="on the best private score of all submissions"),
    )
    rules = [("best expected private score", choice.best), ("best two by CV", choice.by_cv)]
    if choice.by_public is not None:
        rules.append(("best two by public (what counts if nothing is selected)", choice.by_public))
    noise = answers.noise
    se = None if noise is None else noise.pair or noise.private
    rows = [
        [
            rule,
            listing([named.get(name, name) for name in pair.names]),
            Cell(rounded(pair.expected, se), pair.expected),
            Cell(f"{pair.loss:.2g}", pair.loss),
        ]
        for rule, pair in rules
    ]
    return joined(Html("<h3>Which two to choose?</h3>"), table(columns, rows))


def _shake_up(answers: BoardAnswers) -> Html | None:
    """Return what to expect of the private board."""
    shake = answers.shake_up
    if shake is None:
        return None
    se = (shake.change_high - shake.change_low) / 4
    low, middle, high = (rounded(value, se) for value in (shake.change_low, shake.change, shake.change_high))
    parts = [
        f"The best public score will change by {middle} on the private board (90 %: {low} to {high}).",
        f"It is the best private one of yours too with a probability of {shake.first_again:.0%}.",
    ]
    if shake.rank is not None and shake.rank_low is not None and shake.rank_high is not None:
        parts.append(
            f"Rank to expect: {shake.rank:,} (90 %: {shake.rank_low:,} to {shake.rank_high:,}) of {shake.teams:,}."
        )
    return joined(Html("<h3>What shake-up is to be expected?</h3>"), paragraph(" ".join(parts)))


def _notes(answers: BoardAnswers) -> Html:
    return paragraph(" ".join(answers.notes), kind="soft small") if answers.notes else Html()
