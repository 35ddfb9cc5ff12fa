"""What the benchmarks share: each way of doing something in a process of its own, timed in turns."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

# A new interpreter for each worker: a fork would inherit the parent's memory and its OpenMP threads.
_spawn = get_context("spawn")


class Worker:
    """A process that prepares something once and then does it again and again.

    Parameters
    ----------
    prepare
        Function of a module's top level; returns what is timed, a function without arguments.
    arguments
        Of ``prepare``.
    """

    def __init__(self, prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        self._here, there = _spawn.Pipe()
        self._process = _spawn.Process(target=_serve, args=(there, prepare, arguments))
        self._process.start()
        there.close()  # so that the end of the worker is seen here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._here.close()
        self._process.join()

    def seconds(self) -> float:
        """Do it once, and return how long it took."""
        self._here.send("run")
        return float(self._here.recv())

    def result(self) -> Any:
        """Return what it returned the last time."""
        self._here.send("result")
        return self._here.recv()

    def memory(self) -> float:
        """Return the most memory that the process ever held, in MiB."""
        self._here.send("memory")
        return float(self._here.recv())


def _serve(there: Connection, prepare: Callable[..., Callable[[], Any]], arguments: tuple[Any, ...]) -> None:
    work, result = prepare(*arguments), None
    while True:
        try:
            asked = there.recv()
        except EOFError:  # nobody will ask again
            return
        if asked == "run":
            started = time.perf_counter()
            result = work()
            there.send(time.perf_counter() - started)
        else:
            there.send(result if asked == "result" else _peak_memory())


def _peak_memory() -> float:
    # Not ru_maxrss, which begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kilobytes) / 1024


def alternate(workers: Mapping[str, Worker], repeats: int) -> dict[str, float]:
    """Return median seconds of each worker, taking turns after one warm-up, so that all meet the same noise."""
    for worker in workers.values():
        worker.seconds()
    rounds = [{name: worker.seconds() for name, worker in workers.items()} for _ in range(repeats)]
    return {name: statistics.median(seconds[name] for seconds in rounds) for name in workers}


def peak_memory(prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> float:
    """Return the peak memory in MiB of a fresh process that does it once."""
    with Worker(prepare, *arguments) as worker:
        worker.seconds()
        return worker.memory()


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another process."""
    endless = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # ends with this process
    process = subprocess.Popen([sys.executable, "-c", endless])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def print_row(first: str, *others: object) -> None:
    """Print a row of a table at once: later ones may take minutes. Floats have three digits."""
    cells = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in others]
    print("".join([f"{first:<43}", *(f"{cell:>13}" for cell in cells)]).rstrip(), flush=True)


def verdict(holds: bool) -> str:
    """Return what stands at the end of a row: nothing, or the word that marks a miss."""
    return "" if holds else "MISSED"


def machine() -> str:
    """Return what the figures depend on: cores that may be used, and whether others use them too."""
    return f"{len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}"
