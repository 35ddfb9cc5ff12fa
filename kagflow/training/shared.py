"""Features that several seeds of a fold share."""

import threading
from collections.abc import Callable, Hashable

from kagflow.features.crossfit import Built


class SharedFeatures:
    """The features of a fold, built by the first of its seeds and dropped by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._built: dict[Hashable, Built] = {}
        self._uses: dict[Hashable, int] = {}

    def get(self, key: Hashable, uses: int, make: Callable[[], Built]) -> Built:
        """Return what was built under a key, or build it; after that many uses it is forgotten."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            built = self._built.get(key) or make()
            self._uses[key] = self._uses.get(key, 0) + 1
            if self._uses[key] < uses:
                self._built[key] = built
            else:
                self._built.pop(key, None)
            return built
