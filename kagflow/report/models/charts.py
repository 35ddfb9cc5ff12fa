"""The charts of the model pages, each of a statistic that is small already."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kagflow.report.html.chart import CHOSEN, MARK, OTHER, SCALE, SOFT, faded, figure, plot
from kagflow.report.html.markup import Html, with_code
from kagflow.report.html.words import shortened
from kagflow.report.models.against import Against
from kagflow.report.models.binned import Array
from kagflow.report.models.calibration import Calibration, Reliability
from kagflow.report.models.distributions import Distribution, Distributions
from kagflow.report.models.importance import Importance
from kagflow.report.models.labels import Confusions, Threshold
from kagflow.report.models.learning import Learning
from kagflow.report.models.permutation import Permutation

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SHOWN, _ROW, _FRAME = 20, 22, 90  # features; pixels of each, and around them
_WRITTEN = 12  # classes up to which a confusion has its numbers written in it


def importance_chart(found: Importance) -> Html:
    """Draw which features the models use."""
    shown = found.used[:_SHOWN]
    made = _beside("share of all importance, %", "feature", len(shown))
    made.add_bar(
        x=[100 * each.share for each in shown],
        y=_places(shown),
        error_x=_arms([100 * each.spread for each in shown]),
        orientation="h",
        marker_color=MARK,
        hovertext=[each.feature for each in shown],
        hovertemplate="%{hovertext}: %{x:.2g} %<extra></extra>",
    )
    _names(made, [each.feature for each in shown])
    more = f"{len(found.used) - len(shown):,} more features are not shown. " if len(found.used) > len(shown) else ""
    note = f"{more}Importance is the {found.what}, mean over fits; arms are one standard deviation over folds."
    return plot("Which features do the models use?", made, with_code(found.advice), note)


def permutation_chart(found: Permutation) -> Html:
    """Draw what the score loses without each group of columns."""
    made = _beside(f"{found.metric} lost when shuffled", "columns", len(found.groups))
    made.add_scatter(
        x=[each.worse.value for each in found.groups],
        y=_places(found.groups),
        error_x=_arms([2 * each.worse.se for each in found.groups]),
        mode="markers",
        marker={"color": MARK, "size": 9, "symbol": ["circle" if e.matters else "circle-open" for e in found.groups]},
        hovertext=[", ".join(each.columns[:8]) for each in found.groups],
        hovertemplate="%{hovertext}: %{x:.3g}<extra></extra>",
    )
    made.add_vline(x=0, line={"color": SOFT, "dash": "dash"})
    _names(made, [each.name for each in found.groups])
    left = f" {found.left_out:,} columns that the models use less were not looked at." if found.left_out else ""
    note = (
        f"On {found.rows:,} valid rows, by their fold's own models; columns with a rank correlation of 0.8 or more are "
        f"shuffled together. Arms are two standard errors; hollow is noise.{left}"
    )
    return plot("Which features does the score need?", made, with_code(found.advice), note)


def learning_chart(found: Learning) -> Html:
    """Draw what fewer training rows cost."""
    made = figure("training rows", f"{found.metric} lost against all rows", xaxis_type="log")
    rows = [*(each.rows for each in found.points), found.rows]
    made.add_scatter(
        x=rows,
        y=[*(each.lost.value for each in found.points), 0.0],
        error_y=_arms([*(2 * each.lost.se for each in found.points), 0.0]),
        mode="lines+markers",
        marker={"color": MARK, "size": 9},
        line={"color": MARK},
    )
    made.update_xaxes(tickvals=rows, ticktext=[f"{each:,}" for each in rows])
    note = "Both scored on the rows of the sample, paired; arms are two standard errors."
    return plot("More rows or more features?", made, with_code(found.advice), note)


def against_chart(found: Against) -> Html:
    """Draw OOF predictions against the truth."""
    on = f", {found.scale}" if found.scale else ""
    made = figure(f"OOF prediction{on}", f"truth{on}")
    cells = np.where(found.cells > 0, np.log10(np.maximum(found.cells, 1)) + 0.3, np.nan)
    made.add_heatmap(
        x=_middles(found.x_edges),
        y=_middles(found.y_edges),
        z=cells.T,
        colorscale=SCALE,
        showscale=False,
        opacity=0.5,
        hoverinfo="skip",
    )
    ends = [float(found.x_edges[0]), float(found.x_edges[-1])]
    made.add_scatter(x=ends, y=ends, mode="lines", name="truth = prediction", line={"color": SOFT, "dash": "dash"})
    made.add_scatter(
        x=[each.predicted for each in found.bins],
        y=[each.truth for each in found.bins],
        mode="lines+markers",
        name="mean truth",
        line={"color": MARK},
        marker={"color": MARK},
    )
    made.update_yaxes(range=[float(found.y_edges[0]), float(found.y_edges[-1])])
    note = (
        "The darker, the more rows (on a scale of logarithms); points are means of rows of about the same prediction."
    )
    return plot("Is the truth where the prediction says, high and low?", made, with_code(found.advice), note)


def residual_chart(found: Against) -> Html:
    """Draw the residuals."""
    made = figure(f"truth less OOF prediction{f', {found.scale}' if found.scale else ''}", "share of rows, %")
    made.add_bar(
        x=_middles(found.residual_edges),
        y=100 * found.residual_shares,
        width=np.diff(found.residual_edges),
        marker_color=MARK,
    )
    made.add_vline(x=0, line={"color": SOFT, "dash": "dash"})
    return plot(
        "Do a few rows rule the error?",
        made,
        with_code(found.residual_advice),
        "The outermost bars hold all beyond them.",
    )


def calibration_chart(found: Calibration) -> Html:
    """Draw probabilities against what came true, of the class that is farthest off and in pale those of the others."""
    ordered = sorted(found.classes, key=lambda each: (each.wrong, abs(each.slope.value - 1)))
    made = figure("predicted probability", "share that came true")
    made.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="right", line={"color": SOFT, "dash": "dash"})
    for each in ordered[:-1]:
        _reliability(made, each, faded(MARK, 0.35), arms=False)
    _reliability(made, ordered[-1], MARK, arms=True)
    made.update_layout(showlegend=True)
    classes = "" if len(ordered) == 1 else f" Each class against all others; {ordered[-1].name} is the farthest off."
    note = f"Points are rows of about the same probability; arms are two standard errors.{classes}"
    return plot("Do probabilities come true as often as they say?", made, with_code(found.advice), note)


def _reliability(made: "Figure", each: Reliability, colour: str, *, arms: bool) -> None:
    made.add_scatter(
        x=each.predicted,
        y=each.came_true,
        error_y=_arms([2 * noise for noise in each.noise]) if arms else None,
        mode="lines+markers",
        name=shortened(each.name),
        line={"color": colour},
        marker={"color": colour},
    )


def confusion_chart(found: Confusions) -> Html:
    """Draw which class is taken for which."""
    shares, k = found.shares, len(found.classes)
    made = figure("said", "true", height=max(280, 34 * min(k, 20) + _FRAME))
    labels = [shortened(name) for name in found.classes]
    made.add_heatmap(
        x=labels,
        y=labels,
        z=100 * shares,
        text=[[f"{100 * share:.0f}" for share in row] for row in shares] if k <= _WRITTEN else None,
        texttemplate="%{text}" if k <= _WRITTEN else None,
        colorscale=SCALE,
        showscale=False,
        hovertemplate="%{y} taken for %{x}: %{z:.1f} %<extra></extra>",
    )
    made.update_yaxes(autorange="reversed", type="category")
    made.update_xaxes(type="category")
    note = f"Percent of the rows of each true class; {found.said_by}."
    return plot("Which class is taken for which?", made, with_code(found.advice), note)


def threshold_chart(found: Threshold) -> Html:
    """Draw the score at each cut."""
    made = figure("cut of the probability", found.metric)
    if np.isfinite([found.low, found.high]).all():
        made.add_vrect(x0=found.low, x1=found.high, fillcolor=faded(CHOSEN), line_width=0)
    made.add_scatter(x=found.cuts, y=found.scores, mode="lines", line={"color": MARK}, name=found.metric)
    made.add_vline(x=found.best, line={"color": CHOSEN})
    if found.in_use is not None:
        made.add_vline(x=found.in_use, line={"color": SOFT, "dash": "dash"})
    note = "Green: the best cut, and where it lies in nine of ten redrawn samples; dashed: the cut in use."
    return plot("Where does the cut between the classes belong?", made, with_code(found.advice), note)


def distribution_chart(found: Distributions) -> Html:
    """Draw target and predictions, of values or two classes as histograms, of more classes by their shares."""
    question = "Are test rows predicted as valid rows are?"
    if len(found.parts) > 1:
        return plot(question, _class_shares(found), with_code(found.advice), _of_models(found))
    (part,) = found.parts
    what = f"P({shortened(part.name)})" if part.name else f"{found.target}, true or predicted"
    made = figure(what, "share of rows, %", showlegend=True)
    if len(part.train):
        _outline(made, part.edges, part.train, "train, true", {"color": SOFT, "dash": "dot"})
    _outline(made, part.edges, part.oof, "train, OOF", {"color": MARK})
    _outline(made, part.edges, part.test, "test", {"color": OTHER, "dash": "dash"})
    return plot(question, made, with_code(found.advice), f"{_means(part)} {_of_models(found)}")


def _means(part: Distribution) -> str:
    true, oof, test = (f"{mean:,.0f}" if abs(mean) >= 1000 else f"{mean:.4g}" for mean in part.means)
    return f"Means: {true} true, {oof} OOF, {test} test."


def _of_models(found: Distributions) -> str:
    if found.worst.drift.per_fold:
        return "Drift is judged fold by fold: the same models on valid and on test rows."
    return "Test predictions are means over models, and so nearer to each other than OOF."


def _class_shares(found: Distributions) -> "Figure":
    made = figure("class", "mean probability, or share of rows, %", showlegend=True, barmode="group")
    names = [shortened(part.name) for part in found.parts]
    looks: tuple[tuple[str, dict[str, Any]], ...] = (
        ("train, true", {"color": faded(SOFT, 0.5)}),
        ("train, OOF", {"color": MARK}),
        ("test", {"color": faded(OTHER, 0.15), "line": {"color": OTHER, "width": 2}}),
    )
    for place, (name, look) in enumerate(looks):
        made.add_bar(x=names, y=[100 * part.means[place] for part in found.parts], name=name, marker=look)
    return made.update_xaxes(type="category")


def _outline(made: "Figure", edges: Array, heights: Array, name: str, line: dict[str, Any]) -> None:
    made.add_scatter(
        x=edges,
        y=100 * np.append(heights, heights[-1]),
        mode="lines",
        name=name,
        line={**line, "shape": "hv"},
        hovertemplate="%{y:.2g} %<extra>" + name + "</extra>",
    )


# --- shared ----------------------------------------------------------------------------------------------------------


def _beside(x: str, y: str, rows: int) -> "Figure":
    """Return a figure with a row for each name."""
    return figure(x, y, height=rows * _ROW + _FRAME)


def _places(rows: Sequence[object]) -> list[int]:
    return list(range(len(rows)))


def _names(made: "Figure", names: Sequence[str]) -> None:
    """Write names beside the rows, the first on top; different ones may be shortened to the same."""
    made.update_yaxes(tickvals=_places(names), ticktext=[shortened(each) for each in names], autorange="reversed")


def _arms(noise: Sequence[float]) -> dict[str, Any]:
    return {"type": "data", "array": [each if np.isfinite(each) else 0.0 for each in noise], "color": SOFT, "width": 3}


def _middles(edges: Array) -> Array:
    return (edges[1:] + edges[:-1]) / 2
