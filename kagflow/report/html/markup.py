"""HTML: the few elements that sections are made of. Text is escaped where it enters: no name of a column is markup.

``Html`` is markupsafe's ``Markup``: ``Html("<b>{}</b>").format(text)`` escapes the text, and so does ``joined``. Tables
and the like are macros of ``elements.html``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup as Html

__all__ = [
    "Cell",
    "Column",
    "Html",
    "code",
    "element",
    "folded",
    "joined",
    "listed",
    "paragraph",
    "table",
    "template",
    "with_code",
]


@dataclass(frozen=True)
class Column:
    """A table's column.

    Attributes
    ----------
    name
        Its heading.
    kind
        ``text``, ``sentence`` (wider), ``number`` (to the right, digits of one width), ``name`` (never broken),
        ``run`` (broken anywhere).
    about
        What the heading means, shown to who points at it.
    """

    name: str
    kind: str = "text"
    about: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell that is sorted by something else than what it shows; ``None`` comes last."""

    shown: object
    by: object


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("kagflow.report.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template(name: str, **values: object) -> Html:
    """Return a file of this folder with its values put in."""
    return Html(_templates().get_template(name).render(**values))


def element(name: str, *values: object) -> Html:
    """Return a macro of ``elements.html`` with its values put in."""
    made: Any = getattr(_templates().get_template("elements.html").module, name)
    return Html(made(*values).strip())


def joined(*parts: object, by: str = "") -> Html:
    """Return parts one after the other: HTML as it is, text escaped, ``None`` as nothing."""
    return Html(by).join(Html.escape(part) for part in parts if part is not None)


def paragraph(*parts: object, kind: str = "") -> Html:
    """Return a paragraph; ``soft`` is a kind that stands back."""
    return element("paragraph", joined(*parts), kind)


def code(text: str) -> Html:
    """Return a command or a name as it would be typed."""
    return Html("<code>{}</code>").format(text)


def with_code(text: str) -> Html:
    """Return a sentence, of which what stands between backticks is code."""
    parts = text.split("`")
    return joined(*(code(part) if place % 2 else part for place, part in enumerate(parts)))


def listed(items: Iterable[object]) -> Html:
    """Return a list of points; nothing for none."""
    points = list(items)
    return element("listed", points) if points else Html("")


def folded(summary: str, body: Html) -> Html:
    """Return what only opens when it is asked for."""
    return element("folded", summary, body)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, sorts: bool = False) -> Html:
    """Return a table in a box of its own, which scrolls where it is too wide.

    Parameters
    ----------
    columns
        Its columns.
    rows
        Cells: text, HTML, or ``Cell``.
    sorts
        Whether a script may sort and filter it; the page is whole without.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell, None) for cell in row] for row in rows]
    return element("table", list(columns), cells, sorts)
