"""``kagflow new``: a competition's folder made of its files."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import typer

from kagflow.cli.printing import print_results, print_wrapped, relative
from kagflow.competition import find_root
from kagflow.data.source import raw_folder
from kagflow.errors import ConfigError
from kagflow.scaffold import Given, Made, NotGuessed, identifier, new_competition


def new(name: str, *, folder: Path | None, slug: str | None, given: Given, json: bool) -> None:
    """Look at the files, ask what they do not tell, and write the competition's folder."""
    made = _make(name, folder or _known_folder(name, slug), slug, given)
    if json:
        print_results([made.result()], made.result())
    else:
        _print(made)


def _known_folder(name: str, slug: str | None) -> Path:
    """Return the folder of files that are there already, by the slug or the name."""
    shared = os.environ.get("KAGFLOW_DATA")
    folders = [Path(shared) / (slug or name)] if shared else []
    folders.append(raw_folder(identifier(name), "kaggle", find_root()))
    for folder in folders:
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"there are no files to look at: {' and '.join(map(str, folders))} do not exist",
        hint="name their folder with --from DIR",
        where="--from",
    )


def _make(name: str, folder: Path, slug: str | None, given: Given) -> Made:
    while True:
        try:
            return new_competition(name, folder, find_root(), slug=slug, given=given)
        except NotGuessed as error:
            if not sys.stdin.isatty():
                raise
            answer: str = typer.prompt(f"{error.problem}\n{error.asks}", err=True)
            given = replace(given, id=answer) if error.asks == "id" else replace(given, target=(answer,))


def _print(made: Made) -> None:
    print(f"{made.name}: {made.draft.rows[0]} training rows, {made.draft.rows[1]} test rows")
    facts = made.draft.facts()
    for key, guess in made.draft.guesses().items():
        value = facts[key]
        shown = " ".join(f"{part}={setting}" for part, setting in value.items()) if isinstance(value, dict) else value
        shown = ", ".join(map(repr, shown)) if isinstance(shown, list) else shown
        print_wrapped(f"  {key:<12} {shown}{'' if guess.sure else '  (look)'}: {guess.why}", 13)
    for path in made.paths:
        print(f"  wrote        {relative(path)}")
    print(f"  next         kagflow check {made.name}; kagflow cv {made.name}; kagflow run {made.name} --budget 5m")
