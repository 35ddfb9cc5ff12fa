"""The folds of a study, prepared once and fitted by every trial; one fit of a fold at a time."""

import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kagflow.runs.plan import Plan
from kagflow.training import Prepared, Task, prepare_fold

_SHARE = 4  # of the memory; binned data and the fits themselves need theirs


class PreparedFolds:
    """What fits of each fold need, kept in memory while it fits; else it is built, or read, for each fit.

    Parameters
    ----------
    plan
        Of the study.
    limit_bytes
        Of all features together; by default a fourth of the memory.
    """

    def __init__(self, plan: Plan, limit_bytes: int | None = None) -> None:
        self._plan = plan
        self._limit = _memory() // _SHARE if limit_bytes is None else limit_bytes
        self._size = 0
        self._kept: dict[tuple[int, int], Prepared] = {}
        self._busy: set[int] = set()
        self._free = threading.Condition()

    @contextmanager
    def one_of(self, folds: Collection[int]) -> Iterator[int]:
        """Take the first of some folds that nobody else is fitting, waiting where there is none."""
        with self._free:
            self._free.wait_for(lambda: not self._busy.issuperset(folds))
            fold = next(number for number in folds if number not in self._busy)
            self._busy.add(fold)
        try:
            yield fold
        finally:
            with self._free:
                self._busy.discard(fold)
                self._free.notify_all()

    def get(self, fold: int, target: int) -> Prepared:
        """Return a fold that was taken, prepared for a target."""
        kept = self._kept.get((fold, target))
        if kept is not None:
            return kept
        ready = prepare_fold(self._plan.setups[target], Task(fold, self._plan.experiment.seed, target))
        size = sum(int(frame.estimated_size()) for frame in (ready.built.x, *ready.built.frames.values()))
        with self._free:
            if self._size + size <= self._limit:
                self._size += size
                self._kept[fold, target] = ready
        return ready


def _memory() -> int:
    """Return the bytes of memory that this process may use."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            limits.append(int(Path(path).read_text(encoding="ascii")))
    return min(limits)
