"""A process that trains members, one after the other, and can be killed at any moment.

``python -m kagflow.autopilot.worker`` reads a request a line from stdin, as JSON, and writes what happens to stdout, an
event a line; nothing else may be written there. When stdin ends, the process ends, whatever it is doing: it does not
outlive the one that started it.
"""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagflow.competition import Competition, config_name, load
from kagflow.errors import KagflowError

Request = dict[str, Any]
Tell = Callable[..., None]


@dataclass(frozen=True)
class _Listener:
    """Tells of a run's tasks."""

    tell: Tell

    def began(self, edition: str, folder: Path, tasks: int, done: int) -> None:
        self.tell("began", tasks=tasks, done=done)

    def finished(self, result: Any) -> None:
        self.tell("fitted", seconds=result.seconds)


class _Watcher:
    """Tells of nothing: a study says at its end what came of it."""

    def began(self, edition: str, folder: Path, trials: int | None, done: int) -> None:
        pass

    def finished(self, number: int, state: str, score: float | None, params: dict[str, Any]) -> None:
        pass

    def note(self, line: str) -> None:
        pass


def _cv(competition: Competition, request: Request, tell: Tell) -> dict[str, Any]:
    """Cross-validate a config."""
    from kagflow.runs import cross_validate

    run = cross_validate(
        competition,
        competition.experiment(request["config"]),
        config=config_name(request["config"]),
        source=_source(request),
        listener=_Listener(tell),
    )
    return {"run": str(run.path)}


def _tune(competition: Competition, request: Request, tell: Tell) -> dict[str, Any]:
    """Tune a config for some seconds; what comes of it lies beside it."""
    from kagflow.tuning import Limits, tune

    tuned = tune(
        competition,
        competition.experiment(request["config"]),
        config=config_name(request["config"]),
        limits=Limits(None, request["seconds"]),
        source=_source(request),
        into=Path(request["config"]).parent,
        watcher=_Watcher(),
    )
    return {"run": str(tuned.run.path), "trials": tuned.new}


def _ensemble(competition: Competition, request: Request, tell: Tell) -> dict[str, Any]:
    """Make the ensemble of some runs."""
    from kagflow.ensemble import make_ensemble

    made = make_ensemble(competition, members=request["members"], source=_source(request))
    return {"run": str(made.run.path), "document": made.result()}


DUTIES: dict[str, Callable[[Competition, Request, Tell], dict[str, Any]]] = {
    "cv": _cv,
    "tune": _tune,
    "ensemble": _ensemble,
}


def _source(request: Request) -> Path | None:
    return None if request["source"] is None else Path(request["source"])


def serve(name: str, root: Path) -> None:
    """Do what is asked, until stdin ends."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes where errors go

    def tell(event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, **facts}), file=events, flush=True)

    requests: queue.Queue[Request] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    tell("ready")
    while True:
        request = requests.get()
        try:
            tell("done", **DUTIES[request["do"]](load(name, root), request, tell))
        except KagflowError as error:
            tell("failed", problem=str(error), hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            first_line = next(iter(str(error).splitlines()), "")
            tell("failed", problem=f"{type(error).__name__}: {first_line}", hint="")


def _read(requests: "queue.Queue[Request]") -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
