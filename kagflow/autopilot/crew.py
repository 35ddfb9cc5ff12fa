"""Worker processes: how they are started, asked, heard and killed."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "NUMEXPR_MAX_THREADS",
)


@dataclass(frozen=True)
class Event:
    """What a worker tells: of a fit, of the end of what was asked, or of its own end (``died``)."""

    worker: "Worker"
    what: str
    facts: dict[str, Any] = field(default_factory=dict)


class Worker:
    """A process of a session of its own, so that what the terminal sends to kagflow does not reach it.

    Parameters
    ----------
    command
        What to run.
    threads
        How many it may use; set before its libraries are imported.
    log
        Where goes what it writes to stderr.
    inbox
        Where goes what it tells.
    """

    def __init__(self, command: Sequence[str], threads: int, log: Path, inbox: "queue.Queue[Event]") -> None:
        environment = os.environ | dict.fromkeys(_THREADS, str(threads)) | {"PYTHONUNBUFFERED": "1"}
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                env=environment,
                start_new_session=True,
            )
        self._inbox = inbox
        self._killed = False
        threading.Thread(target=self._hear, daemon=True).start()

    def ask(self, request: dict[str, Any]) -> None:
        """Hand over a request; of a worker that died the event tells."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """End it and all that it started, at once; nothing is heard of it any more."""
        self._killed = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):
            for line in self._process.stdout:
                document = json.loads(line)
                self._tell(document.pop("event"), document)
        self._tell("died", {"code": self._process.wait()})

    def _tell(self, what: str, facts: dict[str, Any]) -> None:
        if not self._killed:
            self._inbox.put(Event(self, what, facts))


def worker_command(name: str, root: Path) -> list[str]:
    """Return the command of a worker of a competition."""
    return [sys.executable, "-m", "kagflow.autopilot.worker", name, str(root)]
