"""The practice server as a web application: it routes, reads bodies, and turns what is answered into HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kagflow.errors import KagflowError
from kagflow.practice.arena import Practice
from kagflow.practice.board import Refusal
from kagflow.practice.call import Call, File, Redirect
from kagflow.practice.downloads import downloads
from kagflow.practice.page import board_page, boards_page
from kagflow.practice.protocol import METHODS
from kagflow.practice.submitted import MOST_BYTES

HOSTS = ("127.0.0.1", "localhost")
_MOST_JSON = 2**20  # bytes of a question
_LONGEST_NAME = 80
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class AbsoluteForm:
    """Take ``POST http://localhost/path`` for ``POST /path``: so asks a client that has this server as its proxy.

    It is none: `TrustedHostMiddleware` looks at the address that such a request is really for.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Pass the request on; as every ASGI application."""
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            address = urlsplit(scope["path"])
            others = [(key, value) for key, value in scope["headers"] if key != b"host"]
            scope = {
                **scope,
                "path": address.path or "/",
                "raw_path": urlsplit(scope["raw_path"]).path or b"/",
                "headers": [*others, (b"host", address.netloc.encode())],
            }
        await self._app(scope, receive, send)


def make_app(practice: Practice) -> Starlette:
    """Return the application.

    Parameters
    ----------
    practice
        The boards that it serves.
    """

    async def method(request: Request) -> Response:
        """Answer a method of Kaggle's interface."""
        function = METHODS.get((request.path_params["service"], request.path_params["method"]))
        if function is None:
            raise Refusal(f"the practice server does not know {request.url.path}", status=404)
        call = Call(practice, await _question(request), _player(request), _base(request))
        return _response(await run_in_threadpool(function, call))

    async def upload(request: Request) -> Response:
        """Take in a file that was announced."""
        content = await _read(request, MOST_BYTES)
        await run_in_threadpool(practice.receive, request.path_params["token"], content)
        return JSONResponse({}, status_code=201)

    def file(request: Request) -> Response:
        """Hand out a file, or a range of it."""
        ground = practice.ground(request.path_params["competition"])
        given, name = downloads(ground, practice.root), request.path_params["name"]
        known = {**given.files, f"{ground.facts.slug}.zip": given.archive}
        if name not in known:
            raise Refusal(f"there is no file {name!r}", status=404)
        return FileResponse(known[name])

    def all_boards(request: Request) -> Response:
        """Show all boards."""
        return _shown(boards_page(practice.boards()))

    def one_board(request: Request) -> Response:
        """Show a board, and the submissions of a player."""
        board, player = practice.board(request.path_params["competition"]), request.query_params.get("player", "")
        return _shown(board_page(board, player, board.submissions(player), board.limits(player), practice.clock()))

    async def select(request: Request) -> Response:
        """Take in the selection of the page's form."""
        _refuse_elsewhere(request)
        form = parse_qs((await _read(request, _MOST_JSON)).decode(errors="replace"))
        refs = [int(ref) for ref in form.get("ref", []) if ref.isdecimal()]
        board, player = practice.board(request.path_params["competition"]), request.query_params.get("player", "")
        await run_in_threadpool(board.select, player, refs)
        query = urlencode({"player": player})
        return RedirectResponse(f"/competitions/{quote(board.slug)}?{query}", status_code=303)

    return Starlette(
        routes=[
            Route("/api/v1/{service}/{method}", method, methods=["POST"]),
            Route("/v1/{service}/{method}", method, methods=["POST"]),
            Route("/upload/{token}", upload, methods=["PUT"]),
            Route("/", all_boards),
            Route("/competitions/{competition}", one_board),
            Route("/competitions/{competition}/select", select, methods=["POST"]),
            Route("/files/{competition}/{name:path}", file),
        ],
        middleware=[
            Middleware(AbsoluteForm),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        ],
        exception_handlers={KagflowError: _explain, HTTPException: _explain_http, Exception: _explain_bug},
    )


def _response(answer: Mapping[str, Any] | Redirect | File) -> Response:
    if isinstance(answer, Redirect):
        return RedirectResponse(answer.url, status_code=302)
    if isinstance(answer, File):
        headers = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
        return Response(answer.content, media_type=answer.media_type, headers=headers)
    return JSONResponse(answer, headers=_HEADERS)


def _shown(page: str) -> Response:
    return HTMLResponse(
        page, headers={**_HEADERS, "Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
    )


def _refuse_elsewhere(request: Request) -> None:
    """Refuse a form that another site's page sends: a browser says where a request comes from."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc != request.headers["host"]
    ):
        raise Refusal("this form is for the board's own page", status=403)


async def _question(request: Request) -> Mapping[str, Any]:
    raw = await _read(request, _MOST_JSON)
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise Refusal(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal("the request must be a JSON object")
    return body


async def _read(request: Request, most: int) -> bytes:
    """Return the body, which is never read beyond what it may have."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > most:
                raise Refusal(f"more than {most} bytes were sent", status=413)
    except ClientDisconnect as error:
        raise Refusal("the connection was cut before all had come") from error
    return bytes(content)


def _player(request: Request) -> str:
    """Return who asks: any name will do, and no key or token is looked at or kept.

    Raises
    ------
    Refusal
        The client has no credentials at all.
    """
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.casefold() == "basic":
        try:
            name = _printable(base64.b64decode(value, validate=True).decode().partition(":")[0])
        except (binascii.Error, UnicodeDecodeError):
            name = ""
        if name:
            return name
    if kind.casefold() == "bearer" and value.strip():
        return f"token-{hashlib.sha256(value.strip().encode()).hexdigest()[:8]}"
    raise Refusal("Unauthenticated: set KAGGLE_USERNAME and KAGGLE_KEY, to anything", status=401)


def _printable(name: str) -> str:
    """Return a name without what would move a terminal's cursor, and no longer than a table can show."""
    return "".join(filter(str.isprintable, name)).strip()[:_LONGEST_NAME]


def _base(request: Request) -> str:
    return f"http://{request.headers['host']}"


def _explain(request: Request, error: Exception) -> Response:
    assert isinstance(error, KagflowError)
    status = error.status if isinstance(error, Refusal) else 500
    return _error(status, f"{error}. {error.hint}" if error.hint else str(error))


def _explain_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


def _explain_bug(request: Request, error: Exception) -> Response:
    return _error(500, "the practice server failed; its terminal shows why")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status_code=status, headers=_HEADERS)
