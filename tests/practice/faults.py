"""What can go wrong between a client and Kaggle, made to happen: an application around the practice server's.

``with serving(root, wrap=(faults := Faults())) as url: faults.add(method="CreateSubmission", status=500)``

Every fault names the request that it befalls: a method of Kaggle's interface (``CreateSubmission``, ...), or ``PUT``
for the upload of a file, or ``GET`` for the download of one. ``faults.seen`` lists what was asked, in order.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MALFORMED = b'{"ref": 12, "message": "Succ'


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes
    ----------
    method
        Which request it befalls.
    status
        Answer so, with a message in Kaggle's form, and do nothing.
    message, retry_after
        Of that answer; ``retry_after`` in seconds.
    cut
        ``before``: end the connection, and do nothing. ``after``: do what was asked, then end it without an answer.
        ``within``: end it in the middle of the answer's body.
    malformed
        Do what was asked, and answer with half a JSON document.
    delay
        Seconds to wait before anything is done.
    change
        Takes the JSON that would be answered, and returns what is answered instead.
    times
        How often; always when ``None``.
    skip
        How many such requests pass before.
    """

    method: str
    status: int = 0
    message: str = "injected"
    retry_after: int | None = None
    cut: str = ""
    malformed: bool = False
    delay: float = 0.0
    change: Callable[[Any], Any] | None = None
    times: int | None = 1
    skip: int = 0


def never_scored(answer: Any) -> Any:
    """Say of every submission that its score is still to come."""
    for each in answer.get("submissions", [answer]):
        each.update(status="PENDING", publicScore="", privateScore="", errorDescription="")
    return answer


@dataclass
class Faults:
    """Wraps an application, so that what was planned goes wrong.

    Attributes
    ----------
    planned
        In order; the first that fits a request befalls it.
    seen
        Requests that came, by method.
    """

    planned: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def add(self, method: str, **how: Any) -> Fault:
        fault = Fault(method, **how)
        self.planned.append(fault)
        return fault

    def no_score_ever(self) -> None:
        for method in ("ListSubmissions", "GetSubmission"):
            self.add(method, change=never_scored, times=None)

    def clear(self) -> None:
        self.planned.clear()

    def __call__(self, app: App) -> App:
        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            method = _method(scope)
            self.seen.append(method)
            fault = self._next(method)
            await (app(scope, receive, send) if fault is None else _befall(fault, app, scope, receive, send))

        return faulty

    def _next(self, method: str) -> Fault | None:
        for fault in self.planned:
            if fault.method != method or fault.times == 0:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None


def _method(scope: Scope) -> str:
    return PurePosixPath(scope["path"]).name if scope["method"] == "POST" else str(scope["method"])


async def _befall(fault: Fault, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(fault.delay)
    if fault.cut == "before":
        await _cut(send)
        return
    if fault.status:
        while (await receive()).get("more_body"):  # else the client sees a cut connection, not the answer
            pass
        body = json.dumps({"code": fault.status, "message": fault.message}).encode()
        further = [] if fault.retry_after is None else [(b"retry-after", str(fault.retry_after).encode())]
        await _answer(send, fault.status, body, further)
        return
    if not (fault.cut or fault.malformed or fault.change):
        await app(scope, receive, send)
        return
    start, body = await _gather(app, scope, receive)
    if fault.cut == "after":
        await _cut(send)
        return
    if fault.cut == "within":
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.05)  # what was sent leaves before the connection ends
        await _cut(send)
        return
    if fault.malformed:
        body = MALFORMED
    elif fault.change is not None and start["status"] < 400:
        body = json.dumps(fault.change(json.loads(body))).encode()
    await _answer(send, start["status"], body)


async def _answer(send: Send, status: int, body: bytes, further: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(further or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _gather(app: App, scope: Scope, receive: Receive) -> tuple[MutableMapping[str, Any], bytes]:
    """Let the application do its work, and keep its answer."""
    start: MutableMapping[str, Any] = {}
    body = bytearray()

    async def keep(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return start, bytes(body)


async def _cut(send: Send) -> None:
    """End the connection. ASGI has no word for it, so this takes uvicorn's own: `send` is a method of its cycle."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)  # until uvicorn knows
