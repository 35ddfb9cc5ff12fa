"""Data files as bytes: plain, or packed."""

import gzip
import zipfile
import zlib
from pathlib import Path

from kagflow.errors import DataError

_SUFFIXES = ("", ".gz", ".zip")


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a data file, which may be plain, ``.gz`` or ``.zip``.

    Raises
    ------
    DataError
        None of them is there.
    """
    path = look_for_file(folder, name)
    if path is not None:
        return path
    present = sorted(path.name for path in folder.iterdir() if path.is_file())
    raise DataError(
        f"{name} is missing (looked for {', '.join(name + suffix for suffix in _SUFFIXES)})",
        hint=f"the folder holds {', '.join(present) or 'no files'}",
        where=str(folder),
    )


def look_for_file(folder: Path, name: str) -> Path | None:
    """Return the path of a data file as ``find_file`` does, or ``None`` where it is not there."""
    paths = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def read_bytes(path: Path) -> bytes:
    """Return a file's contents, decompressed; a zip holds exactly one file.

    Raises
    ------
    DataError
        The file cannot be read or decompressed.
    """
    try:
        if path.suffix == ".gz":
            return gzip.decompress(path.read_bytes())
        if path.suffix == ".zip":
            return _only_member(path)
        return path.read_bytes()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        # zipfile raises the last two for a method that it does not know, and for a password
        raise DataError(f"cannot be read: {error}", hint="fetch the file again", where=str(path)) from None


def _only_member(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if len(members) != 1:
            raise DataError(
                f"expected one file in the archive, found {len(members)}", hint="unzip it by hand", where=str(path)
            )
        return archive.read(members[0])
