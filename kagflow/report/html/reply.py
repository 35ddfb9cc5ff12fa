"""A question that competitors ask every evening, and what the numbers say to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kagflow.report.html.markup import Html


@dataclass(frozen=True)
class Reply:
    """One question with its answer.

    Attributes
    ----------
    id
        Its key in JSON.
    question
        As it is asked.
    answer
        In a sentence or two.
    known
        The same as numbers.
    """

    id: str
    question: str
    answer: str | Html
    known: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        said = self.answer.striptags() if isinstance(self.answer, Html) else self.answer
        return {"answer": said, **self.known}
