"""``kagflow practice``: what it takes and one-line descriptions, as `verbs` has them of the other verbs."""

from pathlib import Path
from typing import Annotated

import typer

from kagflow.cli.options import Debug, Json

_Name = Annotated[str, typer.Argument(help="The competition, by its name here or on Kaggle.")]

practice = typer.Typer(
    help="A leaderboard on this computer that speaks Kaggle's protocol.", no_args_is_help=True, rich_markup_mode=None
)


@practice.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 is any free port.")] = 7777,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A folder with train, test, sample submission and solution.csv; repeatable."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The loopback address, and no other.")] = "127.0.0.1",
    debug: Debug = False,
) -> None:
    """Serve the boards to Kaggle's client and to a browser, until Ctrl-C."""
    from kagflow.cli import practice as verb

    verb.serve(port=port, folders=from_ or [], host=host)


@practice.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """List what can be practised."""
    from kagflow.cli import practice as verb

    verb.list_boards(json=json)


@practice.command()
def leaderboard(name: _Name, json: Json = False, debug: Debug = False) -> None:
    """Show a leaderboard: the public one, and after the end the private one."""
    from kagflow.cli import practice as verb

    verb.leaderboard(name, json=json)


@practice.command()
def end(name: _Name, json: Json = False, debug: Debug = False) -> None:
    """End a competition now, and show its private leaderboard."""
    from kagflow.cli import practice as verb

    verb.end(name, json=json)


@practice.command()
def reset(
    name: _Name,
    daily_limit: Annotated[int, typer.Option("--daily-limit", min=1, help="Submissions a day (UTC).")] = 5,
    days: Annotated[int, typer.Option("--days", min=1, help="Days until the deadline.")] = 30,
    debug: Debug = False,
) -> None:
    """Begin a board anew: its submissions are forgotten."""
    from kagflow.cli import practice as verb

    verb.reset(name, daily_limit=daily_limit, days=days)
