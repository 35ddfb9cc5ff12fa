"""Features that several seeds of a fold share."""

import threading
from collections.abc import Callable, Hashable, Mapping

from kagflow.data import Rows
from kagflow.features.crossfit import Built


class SharedFeatures:
    """The features of a fold, built by the first of its seeds and dropped by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._built: dict[Hashable, Built] = {}
        self._uses: dict[Hashable, int] = {}
        self._expected: Mapping[int | None, int] = {}

    def expect(self, fits: Mapping[int | None, int]) -> None:
        """Say how many fits of each fold there will be; a fold that is not named has one."""
        self._expected = fits

    def get(self, fold: int | None, rows: Rows, make: Callable[[], Built]) -> Built:
        """Return what was built for the rows of a fold, or build it; it is forgotten after the last fit."""
        key = (fold, rows.tobytes())
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            built = self._built.get(key) or make()
            self._uses[key] = self._uses.get(key, 0) + 1
            if self._uses[key] < self._expected.get(fold, 1):
                self._built[key] = built
            else:
                self._built.pop(key, None)
            return built
