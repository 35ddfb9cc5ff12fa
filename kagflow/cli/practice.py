"""``kagflow practice``: a leaderboard on this computer that speaks Kaggle's protocol."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kagflow.cli.printing import print_note, print_results
from kagflow.competition import find_root
from kagflow.errors import ConfigError
from kagflow.practice import Board, Entry, Practice
from kagflow.practice.app import HOSTS
from kagflow.practice.server import address, listen, serve_forever
from kagflow.stats import rounded

_WIDE = 1000


def serve(*, port: int, folders: Sequence[Path], host: str) -> None:
    """Serve the boards until interrupted."""
    if host not in HOSTS:
        raise ConfigError(
            f"the practice server listens on {HOSTS[0]} only, not on {host}",
            hint="it asks nobody for a password: leave --host out",
            where="--host",
        )
    practice = Practice(find_root())
    for folder in folders:
        practice.add(folder)
    boards = practice.boards()
    listening = listen(port)
    url = address(listening)
    print(f"practice boards at {url} (Ctrl-C stops the server; the boards stay)")
    for board in boards:
        print(f"  {url}/competitions/{board.slug}")
    print("For Kaggle's own client, in another terminal:")
    print(f"  export KAGGLE_API_ENVIRONMENT=LOCALHOST http_proxy={url} no_proxy= KAGGLE_USERNAME=me KAGGLE_KEY=any")
    if boards:
        print(f"  kaggle competitions submit {boards[0].slug} -f submission.csv -m 'what is new'", flush=True)
    try:
        serve_forever(practice, listening)
    except KeyboardInterrupt:
        print_note("the practice server has stopped")


def list_boards(*, json: bool) -> None:
    """List what can be practised."""
    boards = Practice(find_root()).boards()
    if json:
        print_results([_board_result(board) for board in boards], {})
        return
    table = _table("competition", "metric", "test rows", "deadline (UTC)", "submissions", "Kaggle's name")
    for board in boards:
        result = _board_result(board)
        ended = " (ended)" if board.over else ""
        deadline = f"{board.end.astimezone(UTC):%Y-%m-%d %H:%M}{ended}"
        sent = str(result["submissions"])
        table.add_row(board.name, board.metric.name, str(result["test_rows"]), deadline, sent, board.slug)
    Console(width=_WIDE).print(table)


def leaderboard(name: str, *, json: bool) -> None:
    """Show a leaderboard."""
    _show(Practice(find_root()).board(name), json)


def end(name: str, *, json: bool) -> None:
    """End a competition now, and show its private leaderboard."""
    board = Practice(find_root()).board(name)
    board.finish()
    _show(board, json)


def reset(name: str, *, daily_limit: int, days: int) -> None:
    """Begin a board anew."""
    board = Practice(find_root()).reset(name, daily_limit, days)
    print(f"{board.name}: a new board, {daily_limit} submissions a day until {board.end:%Y-%m-%d %H:%M} UTC")


def _show(board: Board, json: bool) -> None:
    entries = board.leaderboard()
    if json:
        lines = [_entry_result(entry, board) for entry in entries]
        print_results(lines, _board_result(board) | {"side": board.side})
        return
    state = f"ended {board.end:%Y-%m-%d %H:%M}" if board.over else f"open until {board.end:%Y-%m-%d %H:%M}"
    print(f"{board.title}: {board.side} leaderboard by {board.metric.name} ({board.metric.direction}), {state} UTC")
    table = _table("rank", "team", "score ± s.e.", "entries", "best sent (UTC)")
    for entry in entries:
        when = "" if entry.baseline else f"{entry.best.submitted:%Y-%m-%d %H:%M}"
        noise = rounded(entry.se, entry.se) if entry.se else "?"
        score = f"{entry.score:.5f} ± {noise}"
        table.add_row(str(entry.rank), Text(entry.player), score, str(entry.entries), when)
    Console(width=_WIDE).print(table)
    if any(not entry.se for entry in entries):
        print("±?: no standard error, as the score is the same whichever rows are drawn")
    if not board.over:
        print(f"the private leaderboard is hidden until the end, or `kagflow practice end {board.name}`")


def _board_result(board: Board) -> dict[str, Any]:
    entries = board.leaderboard("public")
    return {
        "competition": board.name,
        "slug": board.slug,
        "metric": board.metric.name,
        "direction": board.metric.direction,
        "test_rows": board.rows,
        "deadline": board.end.isoformat(),
        "ended": board.over,
        "daily_limit": board.daily_limit,
        "submissions": sum(entry.entries for entry in entries if not entry.baseline),
    }


def _entry_result(entry: Entry, board: Board) -> dict[str, Any]:
    return {
        "rank": entry.rank,
        "team": entry.player,
        "baseline": entry.baseline,
        board.side: entry.score,
        "se": entry.se,
        "entries": entry.entries,
        "reference": entry.best.ref,
        "submitted": entry.best.submitted.isoformat(),
    }


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table
