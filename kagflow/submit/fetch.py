"""Fetching a competition's files from Kaggle: all or nothing, and checksummed.

``data/<name>/kaggle/`` holds ``raw/``, which does not change afterwards, and the note of what Kaggle said that day.
"""

import shutil
from pathlib import Path

from filelock import FileLock

from kagflow.config import CompetitionFacts
from kagflow.errors import DataError
from kagflow.submit.download import OnProgress
from kagflow.submit.errors import KaggleError
from kagflow.submit.kaggle import Client
from kagflow.submit.note import Note
from kagflow.submit.unpack import BrokenArchiveError, UnsafeArchiveError, unpack


def fetch(client: Client, facts: CompetitionFacts, folder: Path, on_progress: OnProgress | None = None) -> Note:
    """Fetch all files of a competition that has its facts; see `fetch_slug`."""
    return fetch_slug(client, facts.slug, folder, on_progress)


def fetch_slug(client: Client, slug: str, folder: Path, on_progress: OnProgress | None = None) -> Note:
    """Fetch all files of a competition; where they are there already, nothing is asked.

    Parameters
    ----------
    client
        Asks Kaggle.
    slug
        Kaggle's name of the competition, as in its address.
    folder
        ``data/<name>/kaggle``. A download that is cut stays there and is continued by the next call.
    on_progress
        Told how the download goes on.

    Raises
    ------
    KaggleError
        Kaggle does not give the files, or not whole.
    DataError
        There are files of another origin in their place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "fetch.lock"):
        if (folder / "raw").is_dir():
            return _note_of_fetched(folder)
        info = client.competition(slug)
        listed = {file.name for file in client.files(slug)}
        archive = folder / f"{slug}.zip"  # there already, and whole, where an earlier call was stopped unpacking
        if not archive.is_file():
            client.download(slug, folder, on_progress)
        partial = folder / "raw.partial"
        shutil.rmtree(partial, ignore_errors=True)
        _unpack(archive, partial, slug, info.url)
        note = Note.of(info, partial)
        if missing := listed - note.files.keys() - {name + ".zip" for name in note.files}:
            archive.unlink()
            raise KaggleError("files-missing", slug=slug, words=", ".join(sorted(missing)), page=info.url)
        note.write(folder)
        partial.rename(folder / "raw")  # last, so that whoever finds the files finds the note
        archive.unlink()
        return note


def _note_of_fetched(folder: Path) -> Note:
    note = Note.read(folder)
    if note is None:
        hint = f"move them elsewhere to have Kaggle's, or pass {folder / 'raw'} with --source"
        raise DataError("these files were not put here by `kagflow fetch`", hint=hint, where=str(folder / "raw"))
    return note


def _unpack(archive: Path, target: Path, slug: str, page: str) -> None:
    """Unpack the download; what cannot be used is thrown away, so that the next call begins anew."""
    try:
        unpack(archive, target)
    except (BrokenArchiveError, UnsafeArchiveError) as error:
        archive.unlink()
        pain = "bad-zip" if isinstance(error, BrokenArchiveError) else "unsafe-zip"
        raise KaggleError(pain, slug=slug, words=str(error), page=page) from None
