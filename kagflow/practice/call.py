"""One request of Kaggle's client, and the kinds of answer to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kagflow.practice.arena import Practice
from kagflow.practice.board import Board, Refusal

Answer = dict[str, Any]
_PAGE, _LONGEST_PAGE = 20, 200
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Redirect:
    """Go and get it there."""

    url: str


@dataclass(frozen=True)
class File:
    """A small file, sent as it is."""

    name: str
    content: bytes
    media_type: str = "application/zip"


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes
    ----------
    practice
        The boards.
    body
        What the client asks for.
    player
        Who asks.
    base
        The address of this server as the client wrote it: links back begin so.
    """

    practice: Practice
    body: Mapping[str, Any]
    player: str
    base: str

    def text(self, key: str) -> str:
        """Return a field that is text; empty where it is absent."""
        return _typed(self.body, key, str, "")

    def number(self, key: str) -> int:
        """Return a field that is a whole number; 0 where it is absent."""
        return _typed(self.body, key, int, 0)

    @property
    def board(self) -> Board:
        """The board of the competition that is named."""
        return self.practice.board(self.text("competitionName"))

    def page(self, items: Sequence[_Item]) -> tuple[Sequence[_Item], str]:
        """Return a page of a list, and the token of the next one; empty where it is the last."""
        token, size = self.text("pageToken"), self.number("pageSize") or _PAGE
        if not 0 < size <= _LONGEST_PAGE:
            raise Refusal(f"`pageSize` must be 1 to {_LONGEST_PAGE}, not {size}")
        if token and not token.isdecimal():
            raise Refusal(f"there is no page {token!r}")
        start = int(token) if token else max(self.number("page") - 1, 0) * size
        end = start + size
        return items[start:end], str(end) if end < len(items) else ""


def _typed(body: Mapping[str, Any], key: str, kind: type[_Item], absent: _Item) -> _Item:
    value = body.get(key)
    if value is None:
        return absent
    if type(value) is not kind:
        raise Refusal(f"`{key}` must be {kind.__name__}, not {type(value).__name__}")
    return value
