"""A section of the page: one question of the competitor's, answered in a sentence, and what the answer rests on."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kagflow.errors import KagflowError
from kagflow.report.html.markup import Html, code, joined, paragraph
from kagflow.report.state import State


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes
    ----------
    id
        Its anchor on the page, and its key in JSON.
    title
        Its heading, a word or two: it also stands in the list of sections on top.
    answer
        What it comes to, in one sentence that needs no script.
    body
        What the answer rests on.
    document
        The same as numbers, for ``--json``; no NaN, and nothing that JSON does not know.
    """

    id: str
    title: str
    answer: str | Html
    body: Html = field(default_factory=Html)
    document: Mapping[str, Any] = field(default_factory=dict)


MakeSection = Callable[[State], Section | None]
"""Makes a section; ``None`` where there is nothing to say. Its name is the section's id, or ``<id>_section``."""


def make_sections(state: State, makers: Iterable[MakeSection]) -> list[Section]:
    """Return the sections that have something to say; one that fails says so, and the others stand."""
    made = (_made(state, make) for make in makers)
    return [section for section in made if section is not None]


def _made(state: State, make: MakeSection) -> Section | None:
    try:
        return make(state)
    except KagflowError as error:
        return _failed(make, error)
    except Exception as error:  # a bug in one part is no reason to go without the others
        problem = f"{type(error).__name__}: {error}"
        traceback.print_exc()
        return _failed(make, KagflowError(problem, hint="this is a bug in kagflow: please report it"))


def _failed(make: MakeSection, error: KagflowError) -> Section:
    """Return a section that says why it could not be made."""
    name = make.__name__.removesuffix("_section")
    hint = paragraph(error.hint, kind="soft") if error.hint else None
    said = joined(paragraph("This part could not be made: ", code(str(error))), hint)
    document = {"error": {"problem": error.problem, "hint": error.hint, "where": error.where}}
    return Section(name, name.replace("_", " ").capitalize(), "It could not be made.", said, document)
