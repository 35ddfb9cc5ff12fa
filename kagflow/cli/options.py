"""Options that several verbs share."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

Name = Annotated[str, typer.Argument(help="The competition: a folder of competitions/, hyphens allowed.")]
Config = Annotated[
    list[str] | None,
    typer.Option("--config", "-c", help="A file of configs/NAME/, or any other's path; repeatable."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a key of the config: model.params.num_leaves=63; repeatable."),
]
Source = Annotated[
    Path | None,
    typer.Option("--source", help="A folder with the competition's raw files; or `practice`: the practice edition."),
]
TrackMode = Literal["off", "offline", "online"]
Track = Annotated[
    TrackMode,
    typer.Option("--track", envvar="KAGFLOW_TRACK", help="Mirror the run into Weights & Biases."),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Build all features; neither read nor write data/NAME/frames.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def wants_json() -> bool:
    """Say whether JSON was asked for; known even where the command line could not be parsed."""
    return "--json" in sys.argv


def wants_debug() -> bool:
    """Say whether tracebacks were asked for."""
    return "--debug" in sys.argv
