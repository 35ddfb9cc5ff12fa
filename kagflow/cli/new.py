"""``kagflow new``: a competition's folder made of its files."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import typer

from kagflow.cli.data import fetch_files
from kagflow.cli.printing import print_results, print_wrapped, relative
from kagflow.competition import find_root
from kagflow.data.source import raw_folder
from kagflow.errors import ConfigError
from kagflow.scaffold import Given, Made, NotGuessed, identifier, new_competition
from kagflow.submit import find_credentials
from kagflow.submit.note import Note


def new(name: str, *, folder: Path | None, slug: str | None, given: Given, json: bool) -> None:
    """Look at the files, ask what they do not tell, and write the competition's folder."""
    folder = folder or _known_folder(name, slug) or _fetched(name, slug)
    fetched = folder == raw_folder(identifier(name), "kaggle", find_root())
    note = Note.read(folder.parent) if fetched else None  # elsewhere, a kaggle.json may be a credential
    if note is not None:
        given, slug = replace(given, kaggle_metric=note.metric or None), slug or note.slug
    made = _make(name, folder, slug, given)
    if json:
        result = {**made.result(), "kaggle": _said(note) if note else None}
        print_results([result], result)
    else:
        _print(made, note)


def _known_folder(name: str, slug: str | None) -> Path | None:
    """Return the folder of files that are there already, by the slug or the name."""
    return next((folder for folder in _folders(name, slug) if folder.is_dir()), None)


def _folders(name: str, slug: str | None) -> list[Path]:
    shared = os.environ.get("KAGFLOW_DATA")
    folders = [Path(shared) / (slug or name)] if shared else []
    return [*folders, raw_folder(identifier(name), "kaggle", find_root())]


def _fetched(name: str, slug: str | None) -> Path:
    """Fetch the files from Kaggle, and return their folder.

    Raises
    ------
    ConfigError
        There is nobody to ask as, or no slug to ask for.
    """
    *_, raw = _folders(name, slug)
    credentials = find_credentials() if slug else None
    if slug is None or credentials is None:
        hint = "name their folder with --from DIR, or Kaggle's competition with --slug"
        if slug is not None:
            hint = "name their folder with --from DIR; or save a Kaggle token as ~/.kaggle/access_token to fetch them"
        missing = " and ".join(map(str, _folders(name, slug)))
        raise ConfigError(f"there are no files to look at: {missing} do not exist", hint=hint, where="--from")
    fetch_files(slug, raw.parent, credentials)
    return raw


def _said(note: Note) -> dict[str, object]:
    """Return what was taken from Kaggle."""
    return {
        "title": note.title,
        "metric": note.metric,
        "deadline": note.deadline,
        "max_daily_submissions": note.max_daily_submissions,
        "url": note.url,
    }


def _make(name: str, folder: Path, slug: str | None, given: Given) -> Made:
    while True:
        try:
            return new_competition(name, folder, find_root(), slug=slug, given=given)
        except NotGuessed as error:
            if not sys.stdin.isatty():
                raise
            answer: str = typer.prompt(f"{error.problem}\n{error.asks}", err=True)
            given = replace(given, id=answer) if error.asks == "id" else replace(given, target=(answer,))


def _print(made: Made, note: Note | None) -> None:
    print(f"{made.name}: {made.draft.rows[0]} training rows, {made.draft.rows[1]} test rows")
    if note is not None:
        deadline = f"deadline {note.deadline[:10]}" if note.deadline else "no deadline"
        said = f"{note.title}; metric {note.metric or 'not told'}; {deadline}; {note.url}"
        print_wrapped(f"  {'from Kaggle':<12} {said}", 13)
    facts = made.draft.facts()
    for key, guess in made.draft.guesses().items():
        value = facts[key]
        shown = " ".join(f"{part}={setting}" for part, setting in value.items()) if isinstance(value, dict) else value
        shown = ", ".join(map(repr, shown)) if isinstance(shown, list) else shown
        print_wrapped(f"  {key:<12} {shown}{'' if guess.sure else '  (look)'}: {guess.why}", 13)
    for path in made.paths:
        print(f"  wrote        {relative(path)}")
    print(f"  next         kagflow check {made.name}; kagflow cv {made.name}; kagflow run {made.name} --budget 5m")
