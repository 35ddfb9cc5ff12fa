"""Running the practice server: on this computer's loopback address, and on no other."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kagflow.errors import KagflowError
from kagflow.practice.app import HOSTS, App, make_app
from kagflow.practice.arena import Practice
from kagflow.practice.board import Clock, utc_now

LOOPBACK = HOSTS[0]
_STARTS_WITHIN = 30.0  # seconds


@contextmanager
def serving(
    root: Path, port: int = 0, *, clock: Clock = utc_now, wrap: Callable[[App], App] | None = None
) -> Iterator[str]:
    """Serve a project's practice boards in a thread, as long as the block lasts.

    Parameters
    ----------
    root
        The project's folder.
    port
        Where to listen; any free port when 0.
    clock
        What time it is, with its zone.
    wrap
        Puts an application of its own around the server's.

    Yields
    ------
    str
        The address, ``http://127.0.0.1:PORT``.

    Raises
    ------
    KagflowError
        Another program listens there.
    """
    practice = Practice(root, clock)
    app: App = make_app(practice)
    listening = listen(port)
    server = _server(wrap(app) if wrap else app)
    thread = threading.Thread(target=server.run, args=([listening],), name="kagflow-practice", daemon=True)
    thread.start()
    try:
        _wait_for(server, thread)
        yield address(listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def serve_forever(practice: Practice, listening: socket.socket) -> None:
    """Serve until interrupted."""
    _server(make_app(practice)).run([listening])


def listen(port: int) -> socket.socket:
    """Return a socket that listens on the loopback address.

    Raises
    ------
    KagflowError
        Another program listens there.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError as error:
        listening.close()
        raise KagflowError(
            f"cannot listen on {LOOPBACK}:{port}: {error.strerror}",
            hint="choose another --port; does a practice server run already?",
        ) from error
    listening.listen(128)
    return listening


def address(listening: socket.socket) -> str:
    """Return the address of a listening socket."""
    return f"http://{LOOPBACK}:{listening.getsockname()[1]}"


def _server(app: App) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def _wait_for(server: Any, thread: threading.Thread) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise KagflowError("the practice server did not start", hint="its messages stand above")
        time.sleep(0.005)
