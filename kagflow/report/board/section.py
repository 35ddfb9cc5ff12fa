"""The section of CV against the leaderboard: every submission as a point, with both noise bands."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kagflow.report.board.answers import BoardAnswers, Correlation, LineageOffset, PointAnswer
from kagflow.report.board.study import BoardStudy, study_of
from kagflow.report.html.chart import CHOSEN, MARK, OTHER, PRIVATE, SOFT, faded, figure, plot, plots
from kagflow.report.html.markup import Cell, Column, Html, joined, listed, paragraph, table
from kagflow.report.html.words import interval, listing, plural
from kagflow.report.runs.history import labels
from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.stats import rounded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
_FEWEST = 2  # points that make a line


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
    charts = plots(_scatter(state, study, named), _over_time(state, answers, named))
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


def _scatter(state: State, study: BoardStudy, named: Mapping[str, str]) -> Html:
    """Return every submission, CV against public, with both noises and what its lineage lets expect."""
    answers = study.answers
    metric = state.competition.metric.name
    drawn = figure(f"CV ({metric})", f"board ({metric})", height=380)
    scored = [point for point in answers.points if point.public is not None]
    _expected(drawn, answers)
    _public(drawn, scored, answers, named)
    private = [point for point in answers.points if point.private is not None]
    if private:
        drawn.add_scatter(
            x=[point.cv for point in private],
            y=[point.private for point in private],
            mode="markers",
            name="private",
            marker={"color": PRIVATE, "symbol": "x-thin", "size": 8, "line": {"color": PRIVATE, "width": 2}},
            text=[named.get(point.name, point.name) for point in private],
            hovertemplate="%{text}<br>CV %{x}<br>private %{y}<extra></extra>",
        )
    outside = [named.get(point.name, point.name) for point in scored if point.outside]
    advice = (
        f"Look at what is special about {listing(outside)}: the board scores it otherwise than CV lets expect."
        if outside
        else "Go on choosing by CV: no point lies where its noise does not explain it."
        if len(scored) >= _FEWEST
        else "Send a second, different run: one point says nothing of how CV and the board go together."
    )
    return plot("Does the board score as CV does?", drawn, advice, _noises(answers))


def _noises(answers: BoardAnswers) -> str:
    """Say how uncertain scores are alone, and what the arms are."""
    noise = answers.noise
    if noise is None or noise.public is None:
        return ""
    cv = "" if noise.cv is None else f"a CV is uncertain by ± {rounded(noise.cv, noise.cv)} and "
    alone = f"Alone {cv}a public score by ± {rounded(noise.public, noise.public)}, most of which all submissions share"
    return f"{alone}. Arms: the standard error of a difference of two. Symbols: lineages. Green: the two to choose."


def _expected(drawn: "Figure", answers: BoardAnswers) -> None:
    """Draw where public scores are to be expected, point by point, and the line of each lineage."""
    low, high = min(point.cv for point in answers.points), max(point.cv for point in answers.points)
    for place, lineage in enumerate(answers.lineages):
        drawn.add_scatter(
            x=[low, high],
            y=[low + lineage.offset, high + lineage.offset],
            mode="lines",
            line={"color": faded(SOFT, 0.7), "width": 1, "dash": "dot"},
            name="CV and the lineage's offset",
            legendgroup="offset",
            showlegend=place == 0,
            hoverinfo="skip",
        )
    drawn.add_scatter(
        x=[point.cv for point in answers.points],
        y=[(point.low + point.high) / 2 for point in answers.points],
        error_y={
            "type": "data",
            "array": [(point.high - point.low) / 2 for point in answers.points],
            "color": faded(SOFT, 0.4),
            "thickness": 6,
            "width": 0,
        },
        mode="markers",
        marker={"color": SOFT, "symbol": "line-ew-open", "size": 9},
        name="to be expected, 90 %",
        hoverinfo="skip",
    )


def _public(drawn: "Figure", scored: Sequence[PointAnswer], answers: BoardAnswers, named: Mapping[str, str]) -> None:
    """Draw the public scores, those of one lineage with one symbol, and the two to choose."""
    noise = answers.noise
    pair = None if noise is None else noise.pair
    on_cv = pair * noise.cv / noise.public if pair and noise is not None and noise.cv and noise.public else None
    chosen = set() if answers.choice is None else set(answers.choice.best.names)
    names = [named.get(point.name, point.name) for point in scored]
    lineages = list(dict.fromkeys(point.lineage for point in scored))
    drawn.add_scatter(
        x=[point.cv for point in scored],
        y=[point.public for point in scored],
        error_x=_arm(on_cv, MARK),
        error_y=_arm(pair, OTHER),
        mode="markers+text",
        name="public",
        marker={
            "color": [CHOSEN if point.name in chosen else faded(OTHER, 0.0) for point in scored],
            "symbol": [_SYMBOLS[lineages.index(point.lineage) % len(_SYMBOLS)] for point in scored],
            "size": 10,
            "line": {"color": [CHOSEN if point.name in chosen else OTHER for point in scored], "width": 2},
        },
        text=[name if point.outside or point.name in chosen else "" for name, point in zip(names, scored, strict=True)],
        textposition="top center",
        cliponaxis=False,
        customdata=[[name, *_expected_of(point), point.lineage] for name, point in zip(names, scored, strict=True)],
        hovertemplate="%{customdata[0]}<br>%{customdata[3]}<br>CV %{x}<br>public %{y}<br>"
        "expected %{customdata[1]} to %{customdata[2]}<extra></extra>",
    )


def _expected_of(point: PointAnswer) -> tuple[str, str]:
    wide = (point.high - point.low) / 4
    return rounded(point.low, wide), rounded(point.high, wide)


def _arm(length: float | None, colour: str) -> dict[str, Any] | None:
    if not length:
        return None
    return {"type": "constant", "value": length, "color": faded(colour, 0.5), "thickness": 1, "width": 0}


def _over_time(state: State, answers: BoardAnswers, named: Mapping[str, str]) -> Html:
    """Return the offset of public from CV, submission by submission."""
    scored = [point for point in answers.points if point.public is not None]
    if len(scored) < _FEWEST:
        return Html()
    metric = state.competition.metric.name
    drawn = figure("submission, oldest first", f"public minus CV ({metric})", height=380)
    drawn.update_xaxes(dtick=max(len(scored) // 8, 1))
    places = list(range(1, len(scored) + 1))
    drawn.add_scatter(
        x=places,
        y=[(point.low + point.high) / 2 - point.cv for point in scored],
        error_y={
            "type": "data",
            "array": [(point.high - point.low) / 2 for point in scored],
            "color": faded(SOFT, 0.5),
            "thickness": 6,
            "width": 0,
        },
        mode="markers",
        marker={"color": SOFT, "symbol": "line-ew-open", "size": 9},
        name="to be expected, 90 %",
        hoverinfo="skip",
    )
    drawn.add_scatter(
        x=places,
        y=[(point.public or 0.0) - point.cv for point in scored],
        mode="markers",
        marker={"color": faded(OTHER, 0.0), "size": 9, "line": {"color": OTHER, "width": 2}},
        name="as it came",
        text=[named.get(point.name, point.name) for point in scored],
        hovertemplate="%{text}<br>public minus CV %{y}<extra></extra>",
    )
    drift = answers.drift
    advice = "Too few submissions to tell whether public runs away from CV."
    if drift is not None:
        moved = f"{rounded(abs(drift.change), drift.se)} ± {rounded(drift.se, drift.se)}"
        verb = "gained" if drift.change > 0 else "lost"
        advice = (
            f"Choose by CV, not by public: public gained {moved} on CV over time, a sign of fitting the board."
            if drift.fits_public
            else f"No sign of fitting the board: over time public {verb} {moved} on CV, which is noise."
        )
    return plot(
        "Does public run away from CV as time goes by?", drawn, advice, "Each is expected without its own score."
    )


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
