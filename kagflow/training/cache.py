"""Features of folds kept on disk, so that the next model on the same features need not wait for them.

What comes back is what was built, to the bit. A file is found by a hash of everything that decides on its content, is
written beside its place and renamed, and is checked before it is read: whatever is wrong with it costs the time to
build the features again, and nothing else. Only a cross-validation asks here; experiments that look for leaks build.
"""

import hashlib
import json
import os
import pickle
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from kagflow.features.crossfit import Built
from kagflow.features.replay import pickle_learned

LIMIT_BYTES = 2 * 1024**3
_LARGEST_SHARE = 4  # of the limit: one fold must not push out all others
_WORTH_SECONDS, _WORTH_SECONDS_A_BYTE = 0.2, 5e-9  # what is built sooner is hardly written, checked and read faster
_ABANDONED_SECONDS = 3600.0
_KEPT, _PARTIAL = ".pkl", ".partial"
_DIGEST_BYTES = hashlib.sha256().digest_size


class FrameCache:
    """A folder of built features, the least recently used of which go first.

    Files are pickles, which run code when they are read: the folder must be one's own, as those of runs must be.
    Removing it, or anything in it, is safe at any time.

    Parameters
    ----------
    folder
        ``data/<name>/frames``.
    context
        Returns a hash of what decides on the features of every fold: data, code, steps; ``None`` where nobody can tell.
        It is asked once, and only where features were kept or are worth keeping: the hash takes its time too.
    limit_bytes
        Of all files together; of one, a fourth of it.
    """

    def __init__(self, folder: Path, context: Callable[[], str | None], limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._make_context, self._limit = folder, context, limit_bytes
        self._context: str | None = None
        self._asked_for_context = False
        self._lock = threading.Lock()
        self._is_noted = self._gave_up = False

    def get_or_build(self, asked: Mapping[str, Any], build: Callable[[], Built]) -> Built:
        """Return the features from disk, or build them and keep them where that took long.

        Parameters
        ----------
        asked
            What decides on them beside the context: rows, and settings that JSON can hold.
        build
            Builds them.
        """
        key = self.key(asked) if any(self._folder.glob(f"*{_KEPT}")) else None
        kept = None if key is None else self.get(key)
        if kept is not None:
            return kept
        started = time.perf_counter()
        built = build()
        if time.perf_counter() - started >= max(_WORTH_SECONDS, _WORTH_SECONDS_A_BYTE * _size_of(built)):
            key = key or self.key(asked)
            if key is not None:
                self.put(key, built)
        return built

    def key(self, asked: Mapping[str, Any]) -> str | None:
        """Return a hash of the context and of what is asked for; ``None`` without a context."""
        with self._lock:
            if not self._asked_for_context:
                self._context, self._asked_for_context = self._make_context(), True
        if self._context is None:
            return None
        text = json.dumps({"context": self._context, **asked}, sort_keys=True, default=_hash_of_rows)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def get(self, key: str) -> Built | None:
        """Return what was kept under a key; ``None`` where there is nothing, or nothing of use."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                built = _read(file)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever reading and unpickling raise
            self._note(f"features kept in {path} cannot be read and are built again: {_short(error)}")
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):  # another process made room, or the disk may not be written to
            os.utime(path)
        return built

    def put(self, key: str, built: Built) -> None:
        """Keep features under a key, all or nothing, unless they are too large or the disk is full."""
        largest = self._limit / _LARGEST_SHARE
        if self._gave_up or _size_of(built) > largest:
            return
        path = self._path(key)
        partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}{_PARTIAL}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with partial.open("w+b") as file:
                _write(built, file)
            if partial.stat().st_size <= largest:  # what the steps learned counts too
                partial.replace(path)
                self._make_room()
        except Exception as error:  # whatever writing and pickling raise
            self._gave_up = True
            self._note(f"features are not kept in {self._folder}: {_short(error)}")
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_KEPT}"

    def _make_room(self) -> None:
        """Remove what was used least recently, beyond the limit, and what a crash left half-written."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process makes room too
                found.append((path, path.stat()))
        total = 0
        for path, facts in sorted(found, key=lambda pair: pair[1].st_mtime_ns, reverse=True):
            if path.suffix == _PARTIAL:
                is_superfluous = time.time() - facts.st_mtime > _ABANDONED_SECONDS
            else:
                total += facts.st_size
                is_superfluous = total > self._limit
            if is_superfluous:
                path.unlink(missing_ok=True)

    def _note(self, line: str) -> None:
        """Say what is wrong, once."""
        with self._lock:
            if not self._is_noted:
                print(f"note: {line}", file=sys.stderr)
            self._is_noted = True


def _size_of(built: Built) -> int:
    """Return about how many bytes the frames take."""
    return sum(int(frame.estimated_size()) for frame in (built.x, *built.frames.values()))


def _write(built: Built, file: IO[bytes]) -> None:
    """Write a digest and what it is the digest of."""
    file.write(bytes(_DIGEST_BYTES))
    pickle.dump((replace(built, learned={}, made_by={}), tuple(built.learned), pickle_learned(built)), file, protocol=5)
    file.seek(_DIGEST_BYTES)
    digest = _digest_of_rest(file)
    file.seek(0)
    file.write(digest)


def _read(file: IO[bytes]) -> Built:
    """Return what was written; a pickle that is not whole is not even begun."""
    digest = file.read(_DIGEST_BYTES)
    if _digest_of_rest(file) != digest:
        raise ValueError("it is not what was written")
    file.seek(_DIGEST_BYTES)
    built: Built
    built, names, pickled = pickle.load(file)
    return replace(built, learned=dict(zip(names, pickle.loads(pickled), strict=True)), pickled=pickled)


def _digest_of_rest(file: IO[bytes]) -> bytes:
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # IO has readinto where files do


def _hash_of_rows(rows: object) -> str:
    """Return what stands in a key for positions of rows."""
    if not isinstance(rows, np.ndarray):
        raise TypeError(f"expected positions of rows, got {type(rows).__name__}")
    return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()


def _short(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
