"""The section of the ladder: what each layer bought, what it cost, and where to stop."""

from typing import TYPE_CHECKING

from kagflow.report.html.chart import CHOSEN, MARK, SOFT, figure, plot
from kagflow.report.html.markup import Cell, Column, Html, code, joined, listed, paragraph, table
from kagflow.report.html.words import plural
from kagflow.report.layers.ladder import Ladder, ladder
from kagflow.report.layers.rungs import SAID, Rung
from kagflow.report.section import Section
from kagflow.report.state import State

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLUMNS = (
    Column("layer", "name"),
    Column("score ± s.e.", "number"),
    Column("gained ± s.e.", "number", about="its score minus that of the last layer that bought something"),
    Column("over", "name", about="the last layer below that bought something"),
    Column("minutes", "number", about="beyond what the layers below had cost"),
    Column("verdict", "name"),
    Column("best of", "number", about="runs that the layer has"),
    Column("made of", "sentence"),
)
_ROW = 34  # pixels of a layer in the chart


def ladder_section(state: State) -> Section:
    """Return the section; without a run it says how to make the first."""
    made = ladder(state.competition, state.runs)
    if made.stop is None:
        first = paragraph("The first rung is made by ", code(made.rungs[0].todo), ".")
        return Section("ladder", "The ladder", "There is no run to stand on yet.", first, made.document())
    missing = [
        joined(f"{rung.layer}: {rung.what or 'no run yet'}; for one: ", code(rung.todo))
        for rung in made.rungs
        if rung.verdict == "missing"
    ]
    body = joined(_chart(made), _table(made), listed(missing), _left_out(made))
    return Section("ladder", "The ladder", made.sentence, body, made.document())


def _table(made: Ladder) -> Html:
    rows: list[list[object]] = []
    for rung in made.rungs:
        verdict = SAID[rung.verdict] + (": stop here" if rung is made.stop else "")
        if rung.run is None:
            rows.append([rung.layer, "", "", "", "", verdict, "", ""])
            continue
        minutes = Cell("?" if rung.minutes is None else f"{rung.minutes:.1f}", rung.minutes)
        score = Cell(rung.score, rung.run.scores["cv"])
        made_of = Html('{}<div class="soft small">{}</div>').format(rung.what, rung.run.name)
        rows.append([rung.layer, score, rung.gained, rung.on or "", minutes, verdict, rung.tried, made_of])
    return table(_COLUMNS, rows)


def _chart(made: Ladder) -> Html | None:
    """Return what each layer gained, as dots with two standard errors to either side."""
    rungs = [rung for rung in made.rungs if rung.gain is not None]
    if not rungs:
        return None
    better = "left" if made.direction == "minimize" else "right"
    drawn = figure(f"change of {made.metric} over the last layer that bought something; {better} is better", "layer")
    for verdict, colour in (("bought", CHOSEN), ("noise", SOFT), ("worse", MARK)):
        _add(drawn, [rung for rung in rungs if rung.verdict == verdict], colour)
    layers = [rung.layer for rung in rungs]
    drawn.update_yaxes(categoryorder="array", categoryarray=layers)
    drawn.add_vline(x=0, line={"dash": "dash", "color": SOFT})
    drawn.update_layout(height=140 + _ROW * len(rungs), legend={"orientation": "h", "y": 1.15})
    return plot(
        "Which layers bought more than noise?",
        drawn,
        _advice(made),
        "Bars reach two standard errors to either side; one that crosses the line is inside the noise. Each layer is "
        "held against the last one below it that bought something, so that small steps add up and a worse layer "
        "flatters no later one. What choosing among a layer's runs, and among a study's trials, made of a score is "
        "taken off.",
    )


def _add(drawn: "Figure", rungs: list[Rung], colour: str) -> None:
    """Add the layers of one verdict."""
    gains = [rung.gain for rung in rungs if rung.gain is not None]
    if not gains:
        return
    drawn.add_scatter(
        x=[gain.value for gain in gains],
        y=[rung.layer for rung in rungs],
        mode="markers",
        name=SAID[rungs[0].verdict],
        error_x={"type": "data", "array": [2 * gain.se for gain in gains]},
        marker={"color": colour, "size": 10, "symbol": "circle" if rungs[0].verdict == "bought" else "circle-open"},
        hovertext=[f"{rung.what}: {rung.gained}" for rung in rungs],
        hoverinfo="text",
    )


def _advice(made: Ladder) -> str:
    assert made.stop is not None
    index = made.rungs.index(made.stop)
    missing = [rung.layer for rung in made.rungs if rung.verdict == "missing"]
    if missing:
        return f"Try what is not tried: {', '.join(missing)}; the commands are below."
    if index + 1 == len(made.rungs):
        return "The last layer still buys something: more members, or other ones, may buy more."
    return f"Spend no more time above {made.stop.layer}; look for other features or members instead."


def _left_out(made: Ladder) -> Html | None:
    if not made.left_out:
        return None
    reasons = sorted(set(made.left_out.values()))
    return paragraph(f"On no rung: {plural(len(made.left_out), 'run')} ({'; '.join(reasons)}).", kind="soft")
