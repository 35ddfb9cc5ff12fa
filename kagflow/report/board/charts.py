"""The charts of CV against the leaderboard."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kagflow.report.board.answers import BoardAnswers, PointAnswer
from kagflow.report.html.chart import CHOSEN, MARK, OTHER, PRIVATE, SOFT, faded, figure, near, plot
from kagflow.report.html.markup import Html
from kagflow.report.html.words import listing
from kagflow.stats import rounded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
_FEWEST = 2  # points that make a line
_FEWEST_NEAR = 6  # points of which one may lie far out


def scatter(metric: str, answers: BoardAnswers, named: Mapping[str, str]) -> Html:
    """Return every submission, CV against public, with both noises and what its lineage lets expect."""
    shown, far = _split(answers)
    drawn = figure(f"CV ({metric})", f"board ({metric})", height=380)
    scored = [point for point in shown.points if point.public is not None]
    _expected(drawn, shown)
    _public(drawn, scored, answers, named)
    private = [point for point in shown.points if point.private is not None]
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
    note = " ".join(filter(None, [_noises(answers), _left_out(far, named)]))
    return plot("Does the board score as CV does?", drawn, advice, note)


def _split(answers: BoardAnswers) -> tuple[BoardAnswers, list[PointAnswer]]:
    """Return the answers without points whose CV is so far out that all others would be one blot; and these points.

    What lies outside its band, or is to be chosen, is never left out.
    """
    if len(answers.points) < _FEWEST_NEAR:
        return answers, []
    low, high = near([point.cv for point in answers.points])
    chosen = set() if answers.choice is None else set(answers.choice.best.names)
    far = [point for point in answers.points if not (low <= point.cv <= high or point.outside or point.name in chosen)]
    return replace(answers, points=[point for point in answers.points if point not in far]), far


def _left_out(far: Sequence[PointAnswer], named: Mapping[str, str]) -> str:
    if not far:
        return ""
    names = listing([f"{named.get(point.name, point.name)} ({point.cv:.4g})" for point in far])
    return f"Not drawn, so far is {'its CV' if len(far) == 1 else 'their CV'} from the others: {names}."


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
    _bars(drawn, [point.cv for point in answers.points], answers.points, [0.0] * len(answers.points))


def _bars(drawn: "Figure", x: Sequence[float], points: Sequence[PointAnswer], base: Sequence[float]) -> None:
    """Draw what CV and noise let expect of public scores, above a base."""
    drawn.add_scatter(
        x=list(x),
        y=[(point.low + point.high) / 2 - own for point, own in zip(points, base, strict=True)],
        error_y={
            "type": "data",
            "array": [(point.high - point.low) / 2 for point in points],
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


def over_time(metric: str, answers: BoardAnswers, named: Mapping[str, str]) -> Html:
    """Return the offset of public from CV, submission by submission."""
    scored = [point for point in answers.points if point.public is not None]
    if len(scored) < _FEWEST:
        return Html()
    _, far = _split(answers)
    drawn = figure("submission, oldest first", f"public minus CV ({metric})", height=380)
    drawn.update_xaxes(dtick=max(len(scored) // 8, 1))
    places = [place for place, point in enumerate(scored, start=1) if point not in far]
    shown = [point for point in scored if point not in far]
    _bars(drawn, places, shown, [point.cv for point in shown])
    drawn.add_scatter(
        x=places,
        y=[(point.public or 0.0) - point.cv for point in shown],
        mode="markers",
        marker={"color": faded(OTHER, 0.0), "size": 9, "line": {"color": OTHER, "width": 2}},
        name="as it came",
        text=[named.get(point.name, point.name) for point in shown],
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
        "Does public run away from CV as time goes by?",
        drawn,
        advice,
        " ".join(filter(None, ["Each is expected without its own score.", _left_out(far, named)])),
    )
