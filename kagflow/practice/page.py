"""The leaderboard as a page to look at. Whatever a player wrote is escaped before it is put into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from importlib import resources
from string import Template
from urllib.parse import quote, urlencode

from kagflow.practice.board import FINAL, Board
from kagflow.practice.protocol import written_score
from kagflow.practice.records import Entry, Limits, Submission

_PAGE = Template(resources.files("kagflow.practice").joinpath("page.html").read_text(encoding="utf-8"))
_HIDDEN = (
    "<section><h2>Private leaderboard</h2><p>Hidden until the end. It will score the other part of the test rows, "
    f"by the {FINAL} submissions that each player has selected.</p></section>"
)
_BETTER = {"minimize": "less is better", "maximize": "more is better"}


def boards_page(boards: Iterable[Board]) -> str:
    """Return the page that lists all boards."""
    rows = [
        [
            f'<a href="/competitions/{quote(board.slug)}">{escape(board.title)}</a>',
            escape(board.metric.name),
            "ended" if board.over else f"until {_day(board.end)}",
        ]
        for board in boards
    ]
    table = _table(["competition", "metric", "season"], ["text", "", "when"], [("", row) for row in rows])
    return _page("Practice boards", f"<h1>Practice boards</h1><section>{table}</section>")


def board_page(board: Board, player: str, sent: Sequence[Submission], limits: Limits, now: datetime) -> str:
    """Return a board's page.

    Parameters
    ----------
    board
        What is shown.
    player
        Whose submissions are shown, too; nobody's when empty.
    sent, limits
        That player's, the newest first.
    now
        What time it is.
    """
    parts = [
        '<nav><a href="/">All practice boards</a></nav>',
        f"<h1>{escape(board.title)}</h1>",
        f'<p class="soft">Scored by {escape(board.metric.name)}: {_BETTER[board.metric.direction]}. '
        "On this computer only; nothing here is sent to Kaggle.</p>",
        _facts(board, player, limits, now),
        _own(board, player, sent),
    ]
    public = _side(board, "Public leaderboard", board.leaderboard("public"), player)
    if board.over:
        parts += [_side(board, "Private leaderboard", board.leaderboard("private"), player), public]
    else:
        parts += [public, _HIDDEN]
    return _page(board.title, "\n".join(parts))


def _facts(board: Board, player: str, limits: Limits, now: datetime) -> str:
    left = board.end - now
    facts = {
        "season": "ended" if board.over else _left(left),
        "until (UTC)" if not board.over else "ended (UTC)": f"{board.end.astimezone(UTC):%Y-%m-%d %H:%M}",
        "submissions a day": str(board.daily_limit),
    }
    if player:
        facts["left today"] = str(limits.left)
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items()) + "</dl>"


def _own(board: Board, player: str, sent: Sequence[Submission]) -> str:
    ask = (
        f'<form><label class="small">Player: <input type="text" name="player" value="{escape(player)}" size="16">'
        "</label> <button>Show</button></form>"
    )
    if not player:
        return f"<section><h2>Your submissions</h2><p>Under which name did you submit?</p>{ask}</section>"
    if not sent:
        return f"<section><h2>Submissions of {escape(player)}</h2><p>None yet.</p>{ask}</section>"
    selects = not board.over
    rows = [("", _own_row(each, selects)) for each in sent]
    if selects:
        table = _table(["what", "public", "final"], ["text", "number", ""], rows)
    else:
        table = _table(["what", "public", "private"], ["text", "number", "number"], rows)
    if not selects:
        return f"<section><h2>Submissions of {escape(player)}</h2>{table}</section>"
    action = f"/competitions/{quote(board.slug)}/select?{urlencode({'player': player})}"
    note = f"Tick up to {FINAL} for the private leaderboard; where fewer are ticked, the best public ones fill up."
    return (
        f"<section><h2>Submissions of {escape(player)}</h2>"
        f'<form method="post" action="{escape(action)}">{table}'
        f'<p class="soft small">{note}</p><button>Select for the end</button></form></section>'
    )


def _own_row(each: Submission, selects: bool) -> list[str]:
    notes = [f"{each.submitted:%Y-%m-%d %H:%M} UTC"]
    notes += ["selected"] if each.selected and not selects else []
    notes += ["after the end, so on no board"] if each.late else []
    what = escape(each.description or each.file_name) + f'<div class="soft small">{", ".join(notes)}</div>'
    if each.error:
        what += f'<div class="bad">error: {escape(each.error)}</div>'
    row = [what, _score(each.public, each.public_se)]
    if not selects:
        return [*row, _score(each.private, each.private_se)]
    checked = " checked" if each.selected else ""
    tick = f'<input type="checkbox" name="ref" value="{each.ref}" aria-label="select {each.ref}"{checked}>'
    return [*row, "" if each.error else tick]


def _side(board: Board, heading: str, entries: Sequence[Entry], player: str) -> str:
    rows = []
    for entry in entries:
        kind = "baseline" if entry.baseline else "mine" if entry.player == player else ""
        name = escape(entry.player)
        if not entry.baseline:
            link = f"/competitions/{quote(board.slug)}?{urlencode({'player': entry.player})}"
            name = f'<a href="{escape(link)}">{name}</a>'
        sent = "" if entry.baseline else f"{entry.best.submitted:%Y-%m-%d %H:%M}"
        rows.append((kind, [str(entry.rank), name, _score(entry.score, entry.se), str(entry.entries), sent]))
    table = _table(
        ["rank", "team", "score ± s.e.", "entries", "best sent (UTC)"],
        ["number", "text", "number", "number wide", "when wide"],
        rows,
    )
    return f"<section><h2>{heading}</h2>{table}</section>"


def _score(score: float | None, se: float | None) -> str:
    """Write a score with its standard error; that is unknown where it is the same whichever rows are drawn."""
    if score is None:
        return ""
    return f'{written_score(score)} <span class="se">± {f"{se:.2g}" if se else "?"}</span>'


def _table(headings: Sequence[str], kinds: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a table of cells that are HTML already; each row comes with its class."""
    head = "".join(f'<th class="{kind}">{name}</th>' for name, kind in zip(headings, kinds, strict=True))
    body = "".join(
        f'<tr class="{own}">'
        + "".join(f'<td class="{kind}">{cell}</td>' for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for own, row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _page(title: str, content: str) -> str:
    return _PAGE.substitute(title=escape(title), content=content)


def _left(time: timedelta) -> str:
    hours = int(time.total_seconds() // 3600)
    return f"{hours // 24} days left" if hours >= 48 else f"{hours} hours left"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
