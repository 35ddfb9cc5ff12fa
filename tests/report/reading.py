"""The page as a reader has it: its texts, tables and figures, by what they say."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "input", "br", "link"}


@dataclass
class Element:
    """An element of the page."""

    name: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of its text, white space as one sees it; scripts are not seen."""
        parts = [each if isinstance(each, str) else each.text for each in self.children if not _is_script(each)]
        return " ".join(" ".join(parts).split())

    def all(self, name: str, **attributes: str) -> list["Element"]:
        """All elements of a name below it; ``class_`` is one of its classes."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name and all(child.has(key, value) for key, value in attributes.items()):
                    found.append(child)
                found += child.all(name, **attributes)
        return found

    def has(self, key: str, value: str) -> bool:
        if key == "class_":
            return value in (self.attributes.get("class") or "").split()
        return self.attributes.get(key) == value

    def one(self, name: str, **attributes: str) -> "Element":
        (found,) = self.all(name, **attributes)
        return found

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures below it by their questions: data, layout, advice."""
        found = {}
        for figure in self.all("figure"):
            (script,) = figure.one("script").children
            question = figure.one("figcaption").text
            found[question] = json.loads(script) | {"advice": figure.one("p", class_="do").text}
        return found

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, with its headings first."""
        return [[cell.text for cell in row.all("th") + row.all("td")] for row in self.all("tr")]


def _is_script(child: "Element | str") -> bool:
    return isinstance(child, Element) and child.name in {"script", "style", "title"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack = [Element("page", {})]

    def handle_starttag(self, tag, attrs):
        made = Element(tag, dict(attrs))
        self.stack[-1].children.append(made)
        if tag not in _VOID:
            self.stack.append(made)

    def handle_startendtag(self, tag, attrs):
        self.stack[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack[-1].name == tag, f"</{tag}> ends <{self.stack[-1].name}>"
        self.stack.pop()

    def handle_data(self, data):
        self.stack[-1].children.append(data)


def read(page: str) -> Element:
    """Return the page; every element that begins must end."""
    reader = _Reader()
    reader.feed(page)
    assert len(reader.stack) == 1, reader.stack[-1].name
    return reader.stack[0]
