"""What the tests of tracking stand on: a server that W&B's client takes for its own, and a reader of its files."""

import base64
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_BLOCK, _HEADER = 32768, struct.Struct("<IHB")
_FULL, _LAST = 1, 4


class _Server(ThreadingHTTPServer):
    """Says nothing when a client hangs up: what is printed in a test is the tracker's."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class WandbStub:
    """A W&B server on 127.0.0.1 that accepts runs and keeps what it is sent.

    Parameters
    ----------
    status
        The HTTP status of every answer; anything but 200 refuses.

    Attributes
    ----------
    buckets
        Variables of the requests that made a run, one a run.
    files
        The lines sent for each of a run's files, by name.
    keys
        The API keys that came with requests.
    paths
        What was asked for, request by request.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.buckets: list[dict[str, Any]] = []
        self.files: dict[str, list[Any]] = {}
        self.complete = False
        self.keys: set[str] = set()
        self.paths: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def history(self) -> list[dict[str, Any]]:
        return self.files.get("wandb-history.jsonl", [])

    @property
    def summary(self) -> dict[str, Any]:
        return self.files["wandb-summary.json"][-1]

    def stop(self) -> None:
        """Be gone: connections are refused from now on."""
        self.status = 500  # for those that are already open
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        """Return the answer to a request, or an error for what the client can do without."""
        if path.endswith("/file_stream"):
            return self._take_lines(json.loads(body))
        if path == "/graphql":
            return self._answer_query(json.loads(body))
        return {}

    def _take_lines(self, sent: dict[str, Any]) -> dict[str, Any]:
        for name, chunk in (sent.get("files") or {}).items():
            self.files.setdefault(name, []).extend(json.loads(line) for line in chunk["content"])
        self.complete = self.complete or bool(sent.get("complete"))
        return {"limits": {}}

    def _answer_query(self, query: dict[str, Any]) -> dict[str, Any]:
        variables = query.get("variables") or {}
        match query.get("operationName"):
            case "Viewer":
                return {"data": {"viewer": _VIEWER}}
            case "ServerFeaturesQuery":
                return {"data": {"serverInfo": {"features": []}}}
            case "RunResumeStatus":
                known = [each for each in self.buckets if each.get("name") == variables.get("name")]
                return {"data": {"model": _resumable(variables, known)}}
            case "UpsertBucket":
                self.buckets.append(variables)
                return {"data": {"upsertBucket": {"bucket": _bucket(variables), "inserted": True}}}
        return {"errors": [{"message": "not part of the stub"}]}


_VIEWER = {
    "id": "viewer",
    "entity": "someone",
    "username": "someone",
    "email": "someone@example.org",
    "flags": "{}",
    "teams": {"edges": []},
}


def _bucket(variables: dict[str, Any]) -> dict[str, Any]:
    project = {"id": "project", "name": variables.get("project"), "entity": {"id": "entity", "name": "someone"}}
    return {
        "id": "bucket",
        "name": variables.get("name"),
        "displayName": variables.get("displayName"),
        "description": None,
        "config": variables.get("config"),
        "sweepName": None,
        "project": project,
        "historyLineCount": 0,
    }


def _resumable(variables: dict[str, Any], known: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a project, with the run that is to go on where there is one."""
    run = {
        "id": "bucket",
        "name": variables.get("name"),
        "displayName": None,
        "summaryMetrics": "{}",
        "historyLineCount": 0,
        "eventsLineCount": 0,
        "logLineCount": 0,
        "historyTail": "[]",
        "eventsTail": "[]",
        "config": "{}",
        "tags": [],
        "wandbConfig": '{"t": {}}',  # without it the client takes the run for one that never was
    }
    project = {"id": "project", "name": variables.get("project"), "entity": {"id": "entity", "name": "someone"}}
    return {**project, "bucket": run if known else None}


def _handler(stub: WandbStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            stub.paths.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            scheme, _, secret = self.headers.get("Authorization", "").partition(" ")
            if scheme == "Basic":
                stub.keys.add(base64.b64decode(secret).decode().partition(":")[2])
            known = stub.status == 200 and (self.path == "/graphql" or self.path.startswith("/files/"))
            answer = json.dumps(stub.answer(self.path, body) if known else {"error": "refused"}).encode()
            self.send_response(stub.status if known or stub.status != 200 else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def read_records(folder: Path) -> list[Any]:
    """Return the records of the one run whose folder this is: messages of W&B's own protocol.

    A ``.wandb`` file is a header of 7 bytes and then a log as LevelDB writes it: blocks of 32 KiB, in which records
    lie whole or in parts. What is cut off at the end is left out.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob("*.wandb")
    return [Record.FromString(payload) for payload in _payloads(path.read_bytes())]


def _payloads(content: bytes) -> Iterator[bytes]:
    position, parts = 7, b""
    while position + _HEADER.size <= len(content):
        rest_of_block = _BLOCK - position % _BLOCK
        if rest_of_block < _HEADER.size:
            position += rest_of_block
            continue
        _, length, kind = _HEADER.unpack_from(content, position)
        position += _HEADER.size
        if kind == 0 or position + length > len(content):
            return
        parts += content[position : position + length]
        position += length
        if kind in {_FULL, _LAST}:
            yield parts
            parts = b""


class SavedRun:
    """A run as its folder tells it."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.axes: dict[str, str] = {}
        self.run: Any = None
        self.exit_code: int | None = None
        for record in read_records(folder):
            self._take(record)

    def _take(self, record: Any) -> None:
        match record.WhichOneof("record_type"):
            case "run":
                self.run = record.run
                self.config |= _values(record.run.config.update)
            case "history":
                self.history.append(_values(record.history.item))
            case "metric":
                self.axes[record.metric.name] = record.metric.step_metric
            case "summary":
                self.summary |= _values(record.summary.update)
            case "exit":
                self.exit_code = record.exit.exit_code


def _values(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
