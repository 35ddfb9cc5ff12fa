"""A file that somebody sent: unpacked within bounds, and read as text."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from kagflow.data import Frame
from kagflow.data.parsing import parse_csv
from kagflow.errors import DataError, KagflowError

MOST_BYTES = 200 * 2**20  # of a submission, unpacked


class Rejected(KagflowError):
    """A submission cannot be scored; the problem is what its sender is told."""


def read_submission(content: bytes) -> Frame:
    """Return a submission file, every column as text. It is data, and nothing of it is ever run.

    Parameters
    ----------
    content
        CSV in UTF-8, which may be packed as ``.gz`` or as the only member of a ``.zip``.

    Raises
    ------
    Rejected
        It cannot be read, or is too large.
    """
    try:
        return parse_csv(_unpacked(content), Path("submission"), as_text=True)
    except DataError as error:
        raise Rejected(f"Submission file cannot be read: {error.problem}") from error


def _unpacked(content: bytes) -> bytes:
    """Return the file's contents, never more than a submission may have: a small archive may hold a huge file."""
    try:
        if content[:2] == b"\x1f\x8b":
            stream = zlib.decompressobj(wbits=31)
            plain = stream.decompress(content, MOST_BYTES + 1)
        elif content[:4] == b"PK\x03\x04":
            plain = _only_member(content)
        else:
            plain = content
    except (zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Rejected(f"Submission file cannot be unpacked: {error}") from error
    if len(plain) > MOST_BYTES:
        raise Rejected(f"Submission file is larger than {MOST_BYTES // 2**20} MB")
    return plain


def _only_member(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
        if len(members) != 1:
            raise Rejected(f"A zipped submission must hold one file; this one holds {len(members)}")
        with archive.open(members[0]) as stream:
            return stream.read(MOST_BYTES + 1)
