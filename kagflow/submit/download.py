"""A download that goes on where an earlier one was cut, in another process too.

The bytes that came lie in ``<name>.partial``; beside them ``<name>.part.json`` says of which version of the file they
are. They are continued only where the server still has that version, and says so.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import requests

OnProgress = Callable[[int, int], None]
"""Called with the bytes that came so far, and with all that there are (0: not known)."""
CHUNK = 1 << 16  # what is lost where the line is cut
_OF_THE_BODY = ("Content-Length", "Content-Type", "Transfer-Encoding")


@dataclass(frozen=True)
class _Version:
    """Which version of a file a server has: its ETag or date (``None`` where it has neither), and its size."""

    validator: str | None
    bytes: int


def download(
    ask: Callable[[], requests.Response],
    target: Path,
    make_session: Callable[[], requests.Session],
    on_progress: OnProgress | None = None,
) -> None:
    """Download a file, all or nothing, except for what may be continued.

    Parameters
    ----------
    ask
        Opens the file from its beginning, as a response whose body was not read yet.
    target
        Where it goes once it is whole.
    make_session
        Makes a session that signs in as nobody, to ask for the rest of a file.
    on_progress
        Told what came.

    Raises
    ------
    requests.RequestException
        The line failed; calling again continues.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial, marker = target.with_suffix(".partial"), target.with_suffix(".part.json")
    with ask() as answer:
        version = _version(answer)
        came = _came(partial, marker, version, answer)
        if not came:
            marker.write_text(json.dumps(asdict(version)), encoding="utf-8")
            _receive(answer, partial, 0, version, on_progress)
        elif came < version.bytes:
            answer.close()
            with make_session() as session, _rest(session, answer, came, version) as rest:
                # Else the file changed just now, or the server serves no ranges: all of it comes.
                begin = came if rest.status_code == requests.codes.partial_content else 0
                _receive(rest, partial, begin, version, on_progress)
    if version.bytes and partial.stat().st_size != version.bytes:
        partial.unlink()
        raise requests.ConnectionError("another number of bytes came than was announced")
    partial.rename(target)
    marker.unlink(missing_ok=True)


def _version(answer: requests.Response) -> _Version:
    validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return _Version(validator, int(answer.headers.get("Content-Length") or 0))


def _came(partial: Path, marker: Path, version: _Version, answer: requests.Response) -> int:
    """Return how many bytes of this very version there are already, if it can be continued."""
    if version.validator is None or answer.headers.get("Accept-Ranges") != "bytes":
        return 0
    try:
        same = json.loads(marker.read_text(encoding="utf-8")) == asdict(version)
        came = partial.stat().st_size
    except (OSError, ValueError):
        return 0
    return came if same and came <= version.bytes else 0


def _rest(session: requests.Session, answer: requests.Response, came: int, version: _Version) -> requests.Response:
    """Ask for the rest as the first request ended up asking: with credentials only where it still had them."""
    headers = {name: value for name, value in answer.request.headers.items() if name not in _OF_THE_BODY}
    headers |= {"Range": f"bytes={came}-", "If-Range": str(version.validator)}
    rest = session.get(answer.url, headers=headers, stream=True)
    rest.raise_for_status()
    return rest


def _receive(
    answer: requests.Response, partial: Path, begin: int, version: _Version, on_progress: OnProgress | None
) -> None:
    came = begin
    with partial.open("r+b" if begin else "wb") as file:
        file.seek(begin)
        for chunk in answer.iter_content(CHUNK):
            file.write(chunk)
            came += len(chunk)
            if on_progress is not None:
                on_progress(came, version.bytes)
