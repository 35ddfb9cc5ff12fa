"""Small charts as SVG within the page: they take the page's colours, and need no script.

Colours have one meaning each on all of the page, and never the only one: ``mark`` is what was measured out of fold,
filled; ``other`` is what it is held against (test, the leaderboard), hollow; ``soft`` is where things would lie if all
were well, dashed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kagflow.report.markup import Html, joined, tag

_WIDTH, _HEIGHT = 400, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 8, 44
_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """One direction of a chart.

    Attributes
    ----------
    label
        What it shows, with its unit.
    low, high
        Its ends.
    names
        Of the places 0, 1, ... where there are no numbers.
    """

    label: str
    low: float
    high: float
    names: Sequence[str] = ()

    @classmethod
    def over(cls, label: str, *values: Sequence[float], zero: bool = False, margin: float = 0.04) -> "Axis":
        """Return the axis that all values lie on, from 0 if so asked."""
        there = [value for each in values for value in each if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(there), max(there)
        room = (high - low) * margin or abs(high) * margin or 1.0
        return cls(label, min(low, 0.0) if zero else low - room, high + room)

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1; what is beyond an end lies at it."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Return a few round numbers on the axis, or its names; with what is written there."""
        if self.names:
            return [(float(place), name) for place, name in enumerate(self.names)]
        rough = (self.high - self.low) / _TICKS
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(number * step, short(number * step, step)) for number in range(first, last + 1)]


def short(value: float, step: float) -> str:
    """Write a number on an axis, to the digits of the steps between them."""
    size = max(abs(value), step)
    for power, letter in ((9, "G"), (6, "M"), (3, "k")):
        if size >= 10**power and size >= 1e4:
            return short(value / 10**power, step / 10**power) + letter if value else "0"
    if size < 1e-4:
        return f"{value:.0e}" if value else "0"
    return f"{value:.{max(-math.floor(math.log10(step) + 1e-9), 0)}f}"


@dataclass
class Chart:
    """A chart that is drawn from back to front.

    Attributes
    ----------
    x, y
        The axes.
    says
        The whole chart in one sentence, for who cannot see it.
    """

    x: Axis
    y: Axis
    says: str
    _parts: list[Html] = field(default_factory=list)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + self.x.share(x) * wide, 1), round(_TOP + (1 - self.y.share(y)) * high, 1)

    def diagonal(self) -> "Chart":
        """Draw where both axes are equal."""
        low, high = max(self.x.low, self.y.low), min(self.x.high, self.y.high)
        return self.line([low, high], [low, high], "soft") if low < high else self

    def line(self, xs: Sequence[float], ys: Sequence[float], kind: str) -> "Chart":
        """Draw a line through points."""
        places = " ".join(f"{a},{b}" for a, b in (self._at(x, y) for x, y in zip(xs, ys, strict=True)))
        self._parts.append(tag("polyline", points=places, class_=f"line {kind}"))
        return self

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], kind: str) -> "Chart":
        """Fill what lies between two lines."""
        there = [self._at(x, y) for x, y in zip(xs, lows, strict=True)]
        back = [self._at(x, y) for x, y in zip(reversed(xs), reversed(highs), strict=True)]
        self._parts.append(tag("polygon", points=" ".join(f"{a},{b}" for a, b in there + back), class_=f"band {kind}"))
        return self

    def points(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        kind: str,
        names: Sequence[str] = (),
        *,
        x_noise: Sequence[float] = (),
        y_noise: Sequence[float] = (),
    ) -> "Chart":
        """Draw points; with names, which a pointer shows, and arms as long as their noise."""
        for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
            a, b = self._at(x, y)
            if x_noise:
                self._arm(self._at(x - x_noise[k], y), self._at(x + x_noise[k], y), kind)
            if y_noise:
                self._arm(self._at(x, y - y_noise[k]), self._at(x, y + y_noise[k]), kind)
            name = tag("title", names[k]) if names else None
            self._parts.append(tag("circle", *([name] if name else []), cx=a, cy=b, r=4, class_=f"point {kind}"))
        return self

    def _arm(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        self._parts.append(tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=f"arm {kind}"))

    def columns(self, edges: Sequence[float], heights: Sequence[float], kind: str) -> "Chart":
        """Draw columns from 0, each between two edges."""
        for left, right, height in zip(edges, edges[1:], heights, strict=False):
            (a, b), (c, d) = self._at(left, height), self._at(right, 0.0)
            self._parts.append(tag("rect", x=a, y=b, width=max(c - a - 0.6, 0.4), height=max(d - b, 0), class_=f"column {kind}"))
        return self

    def steps(self, edges: Sequence[float], heights: Sequence[float], kind: str) -> "Chart":
        """Draw the outline of columns."""
        xs = [edge for edge in edges for _ in range(2)]
        ys = [0.0, *(height for height in heights for _ in range(2)), 0.0]
        return self.line(xs, ys, kind)

    def svg(self) -> Html:
        """Return the chart."""
        return tag(
            "svg",
            tag("title", self.says),
            *self._frame(),
            *self._parts,
            viewbox=f"0 0 {_WIDTH} {_HEIGHT}",
            role="img",
            class_="chart",
        )

    def _frame(self) -> list[Html]:
        """Return axes with their numbers and labels."""
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        parts = []
        for value, name in self.y.ticks():
            _, b = self._at(self.x.low, value)
            parts.append(tag("line", x1=_LEFT, y1=b, x2=right, y2=b, class_="grid"))
            parts.append(tag("text", name, x=_LEFT - 6, y=b + 4, text_anchor="end"))
        for value, name in self.x.ticks():
            a, _ = self._at(value, self.y.low)
            parts.append(tag("line", x1=a, y1=bottom, x2=a, y2=bottom + 4, class_="grid"))
            parts.append(tag("text", name, x=a, y=bottom + 16, text_anchor="middle"))
        parts.append(tag("line", x1=_LEFT, y1=bottom, x2=right, y2=bottom, class_="frame"))
        parts.append(tag("text", self.x.label, x=(_LEFT + right) / 2, y=_HEIGHT - 8, text_anchor="middle", class_="label"))
        middle = (_TOP + bottom) / 2
        parts.append(
            tag("text", self.y.label, transform=f"translate(13 {middle}) rotate(-90)", text_anchor="middle", class_="label")
        )
        return parts


def legend(*entries: tuple[str, str]) -> Html:
    """Return what the colours mean: pairs of kind and meaning."""
    return tag("p", *(tag("span", tag("i", class_=f"key {kind}"), name) for kind, name in entries), class_="legend")


def strip(values: Sequence[float | None], low: float, high: float, write: Callable[[float], str]) -> Html:
    """Return the scores of folds as marks on a line that all runs share."""
    there = [value for value in values if value is not None]
    room = (high - low) or 1.0
    marks = [
        tag("line", x1=(x := round(4 + 92 * (value - low) / room, 1)), x2=x, y1=3, y2=15, class_="fold") for value in there
    ]
    says = "folds: " + ", ".join(map(write, there))
    return tag(
        "svg", tag("title", says), tag("line", x1=2, x2=98, y1=9, y2=9, class_="grid"), joined(*marks),
        viewbox="0 0 100 18", class_="strip", role="img",
    )  # fmt: skip
