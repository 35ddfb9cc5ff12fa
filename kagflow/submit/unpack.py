"""Unpacking what came from elsewhere: nothing is written outside the folder, and nothing broken is kept."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

_LITTER = "__MACOSX"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class UnsafeArchiveError(Exception):
    """A member of a zip file would be written elsewhere, or is no plain file; its argument names it."""


class BrokenArchiveError(Exception):
    """A file is no zip file, or a member's content does not match its checksum."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file into a folder, and what it holds as ``x.csv.zip`` with the one member ``x.csv`` too.

    Raises
    ------
    UnsafeArchiveError
        Before anything is written.
    BrokenArchiveError
        The folder then holds a part of the files.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [member for member in packed.infolist() if not _is_litter(member)]
            for member in members:
                _check(member)
            for member in members:
                packed.extract(member, folder)
    except _BROKEN as error:
        raise BrokenArchiveError(str(error) or type(error).__name__) from None
    for inner in sorted(folder.rglob("*.zip")):
        _unpack_single(inner)


def _unpack_single(path: Path) -> None:
    """Replace a zip file by its one member, if that has the same name without ``.zip``; else leave it alone."""
    if not zipfile.is_zipfile(path) or path.with_suffix("").exists():
        return
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not _is_litter(member)]
            if [member.filename for member in members] != [path.stem]:
                return
            _check(members[0])
            with packed.open(members[0]) as source, path.with_suffix("").open("wb") as target:
                shutil.copyfileobj(source, target)
    except _BROKEN as error:
        raise BrokenArchiveError(f"{path.name}: {str(error) or type(error).__name__}") from None
    path.unlink()


def _is_litter(member: zipfile.ZipInfo) -> bool:
    return PurePosixPath(member.filename).parts[:1] == (_LITTER,)


def _check(member: zipfile.ZipInfo) -> None:
    """Refuse a member that is not a plain file or folder below the folder; `extract` would rename it in silence."""
    name = member.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if name.startswith(("/", "\\")) or ".." in parts or ":" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeArchiveError(name)
