"""HTML that is built of elements: text is escaped where it enters, so that no name of a column can become markup."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


_ALONE = frozenset({"br", "input", "line", "rect", "circle", "path", "polyline", "polygon"})


def tag(name: str, /, *children: object, **attributes: Any) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Of the element.
    children
        Text, which is escaped, or HTML; ``None`` is nothing.
    attributes
        ``True`` stands alone, ``None`` and ``False`` are left out; ``class_`` is written without its underscore, and
        underscores within become hyphens.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _ALONE and not children:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: object) -> Html:
    """Return children beside each other."""
    return Html("".join(child if isinstance(child, Html) else escape(str(child)) for child in children if child is not None))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    name = "viewBox" if name == "viewbox" else name
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def paragraph(*children: object, kind: str | None = None) -> Html:
    """Return a paragraph."""
    return tag("p", *children, class_=kind)


def listed(items: Iterable[object], kind: str | None = None) -> Html:
    """Return a list of points; nothing for none."""
    points = [tag("li", item) for item in items]
    return tag("ul", *points, class_=kind) if points else Html("")


def table(
    headings: Sequence[str], kinds: Sequence[str], rows: Iterable[Sequence[object]], *, sorts: bool = False
) -> Html:
    """Return a table in a box of its own, which scrolls where it is too wide.

    Parameters
    ----------
    headings
        Names of the columns.
    kinds
        Of each column: ``number``, ``text`` ...
    rows
        Cells: text or HTML.
    sorts
        Whether a script may sort and filter it; the page is whole without.
    """
    head = [tag("th", name, class_=kind, scope="col") for name, kind in zip(headings, kinds, strict=True)]
    body = [
        tag("tr", *(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows
    ]
    whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="sorts" if sorts else None)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label="table: " + ", ".join(headings))


class Cell:
    """A cell that is sorted by something else than what it shows."""

    def __init__(self, shown: object, by: object) -> None:
        self.shown, self.by = shown, by


def _cell(cell: object, kind: str) -> Html:
    if isinstance(cell, Cell):
        return tag("td", cell.shown, class_=kind, data_by=cell.by)
    return tag("td", cell, class_=kind)


def figure(question: str, picture: Html, advice: str, note: str = "") -> Html:
    """Return a picture under the question that it answers, above what to do about it."""
    return tag(
        "figure",
        tag("figcaption", question),
        picture,
        paragraph(advice, kind="do"),
        paragraph(note, kind="soft small") if note else None,
    )


def bars(rows: Sequence[tuple[str, float, str]], unit: str, kind: str = "mark") -> Html:
    """Return bars that lie, each with its name before and its value in words behind it.

    Parameters
    ----------
    rows
        Name, length (0 or more) and value in words.
    unit
        What the lengths are.
    """
    longest = max((length for _, length, _ in rows), default=0.0) or 1.0
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", tag("span", class_=f"bar {kind}", style=f"width:{100 * max(length, 0) / longest:.1f}%"), class_="room"),
            tag("td", value, class_="number"),
        )
        for name, length, value in rows
    ]
    head = tag("tr", tag("th", ""), tag("th", ""), tag("th", unit, class_="number"))
    return tag("table", tag("thead", head), tag("tbody", *body), class_="bars")
