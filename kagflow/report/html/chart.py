"""Charts: plotly figures, each under the question that it answers and above what to do about it.

A colour has one meaning on all of the page, and is never the only sign of it: ``MARK`` is what was measured out of fold
(filled), ``OTHER`` what it is held against (test rows, the public board; hollow or dashed), ``PRIVATE`` the private
board, ``CHOSEN`` what is advised, ``SOFT`` noise, and where things would lie if all were well. They are of Okabe and
Ito's palette (2008), which the colour-blind tell apart; on a dark page the script puts brighter ones in their places.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kagflow.report.html.markup import Html, element

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MARK = "#0072B2"
OTHER = "#D55E00"
PRIVATE = "#CC79A7"
CHOSEN = "#009E73"
SOFT = "#7F8791"

SCALE = ((0.0, MARK + "00"), (1.0, MARK))
"""From nothing to much, for heat maps; it lets the page's ground through."""

_BRIGHTER = {MARK: "#56B4E9", OTHER: "#FF8F45", PRIVATE: "#E3A6C9", CHOSEN: "#2FC79C", SOFT: "#9AA5B1"}


def _look(ink: str, line: str, card: str) -> dict[str, Any]:
    """Return the layout that all figures share, on a page of these colours."""
    axis = {"gridcolor": line, "linecolor": line, "zeroline": False, "automargin": True, "ticks": "", "showline": True}
    return {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 12, "t": 8, "b": 48},
        "xaxis": {**axis, "title": {"standoff": 8}},
        "yaxis": {**axis, "title": {"standoff": 8}},
        "colorway": [MARK, OTHER, CHOSEN, PRIVATE, SOFT],
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        "hoverlabel": {"align": "left", "bgcolor": card, "bordercolor": line, "font": {"color": ink}},
        "hovermode": "closest",
        "dragmode": False,
        "bargap": 0.15,
    }


TEMPLATES = {
    "light": _look("#1b1f24", "#e1e5ea", "#ffffff"),
    "dark": _look("#e7eaee", "#2f363e", "#1c2026"),
    "brighter": _BRIGHTER,
}
"""The look of all figures on a light and on a dark page, and what the colours become on the latter."""

_DIGITS = 6  # significant ones, of which no screen shows more
_HEIGHT = 320
_FAR = 3.0


def faded(colour: str, share: float = 0.2) -> str:
    """Return a colour that lets so much of itself show, for bands and areas."""
    return f"{colour}{round(255 * share):02X}"


def figure(x: str, y: str, **layout: Any) -> "Figure":
    """Return an empty figure.

    Parameters
    ----------
    x, y
        What the axes show, with the unit.
    layout
        More of plotly's layout.
    """
    from plotly.graph_objects import Figure

    made = Figure(layout={"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}})
    return made.update_layout(**layout)


def plot(question: str, figure: "Figure", advice: str | Html, note: str | Html = "") -> Html:
    """Return a figure under the question that it answers, above a sentence on what to do.

    It is drawn when it is scrolled into view. Draw at most some thousands of points: aggregate before.

    Parameters
    ----------
    question
        What it answers.
    figure
        Of plotly, with titles on its axes; colours are those of this module, the rest of the look is the page's.
    advice
        What to do about it.
    note
        What it leaves out, or how it was made.

    Raises
    ------
    ValueError
        An axis has no title.
    """
    document = figure.to_plotly_json()
    layout = document["layout"]
    layout.pop("template", None)  # the page has its own, one for light and one for dark
    for axis in (name for name in layout if name.startswith(("xaxis", "yaxis"))):
        if not (layout[axis].get("title") or {}).get("text") and layout[axis].get("visible", True):
            raise ValueError(f"the chart {question!r} does not say what its {axis} shows")
    drawn = {"data": _plain(document["data"]), "layout": _plain(layout)}
    height = int(layout.get("height") or _HEIGHT)
    return element("plot", question, script_json(drawn), height, f"{question} {Html(advice).striptags()}", advice, note)


def plots(*figures: Html) -> Html:
    """Return charts beside each other where there is room, and below each other where there is not."""
    return element("plots", [figure for figure in figures if figure])


def script_json(document: object) -> Html:
    """Return JSON that can stand in a script element: nothing in it ends the element."""
    return Html(json.dumps(document, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _plain(value: Any) -> Any:
    """Return what JSON knows: arrays as lists, numbers of a few digits, nothing for what is not finite."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def strip(values: Sequence[float | None], low: float, high: float, says: str) -> Html:
    """Return the scores of folds as marks on a line from low to high, small enough for a table's cell.

    What lies beyond stands at the end of the line.
    """
    room = (high - low) or 1.0
    shares = [min(max((value - low) / room, 0.0), 1.0) for value in values if value is not None]
    return element("strip", [round(4 + 92 * share, 1) for share in shares], says)


def near(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of some values, without those that would make all others one blot.

    Such lie beyond the quartiles by more than three times the distance between these: "far out" (Tukey, 1977).
    """
    low, first, third, high = (float(each) for each in np.quantile(values, [0, 0.25, 0.75, 1]))
    room = _FAR * (third - first)
    return (max(low, first - room), min(high, third + room)) if room else (low, high)
