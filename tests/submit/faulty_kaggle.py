"""A small server on 127.0.0.1 that answers as Kaggle does, or as Kaggle does on a bad day."""

import base64
import io
import json
import threading
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SERVICE = "competitions.CompetitionApiService"
PAGE = 2  # entries of a list


@dataclass
class Fault:
    """What happens instead of an answer, or after what was asked has been done (``late``).

    Without a status the connection is closed; ``hang`` keeps silent instead. ``cut_at`` closes it after so many bytes
    of the body.
    """

    status: int = 0
    body: bytes = b'{"code": 0}'
    headers: Mapping[str, str] = field(default_factory=dict)
    late: bool = False
    hang: bool = False
    cut_at: int | None = None


def says(status: int, message: str = "no", **headers: str) -> Fault:
    """Return an answer as Kaggle's own errors look."""
    body = json.dumps({"code": status, "message": message}).encode()
    return Fault(
        status, body, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


CUT = Fault()
CUT_LATE = Fault(late=True)
HANG = Fault(hang=True)
HANG_LATE = Fault(hang=True, late=True)
NO_JSON = Fault(200, b"<html>Kaggle is down</html>", {"Content-Type": "application/json"})


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


class FaultyKaggle:
    """The server's state: one competition, what was asked, and the faults to come.

    ``faults[method]`` are used up one a request, ``always[method]`` for every request. Methods are those of Kaggle's
    protocol, ``PUT`` for an upload, ``GET`` for the store of files.
    """

    def __init__(self, slug: str = "toy") -> None:
        self.slug = slug
        self.details: dict[str, Any] = {
            "ref": f"https://www.kaggle.com/competitions/{slug}",
            "title": "Toy",
            "deadline": "2099-01-01T00:00:00Z",
            "evaluationMetric": "Root Mean Squared Error",
            "maxDailySubmissions": 5,
            "userHasEntered": True,
        }
        self.files: dict[str, bytes] = {"train.csv": b"id,y\n1,2\n", "test.csv": b"id\n2\n"}
        self.archive: bytes | None = None  # instead of the files, zipped
        self.etag = '"v1"'
        self.signed_in: Callable[[str], bool] = bool  # given the header that signs in
        self.submissions: list[dict[str, Any]] = []
        self.used_today = 0
        self.places: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, list[Mapping[str, str]]] = defaultdict(list)
        self.done = threading.Event()
        self.url = ""

    def fault(self, method: str) -> Fault | None:
        return self.always.get(method) or (self.faults[method].pop(0) if self.faults[method] else None)

    def answer(self, method: str, body: Mapping[str, Any], host: str) -> tuple[int, Any]:
        """Return status and document of a request of the protocol."""
        if body.get("competitionName", self.slug) != self.slug:
            return 404, {"code": 404, "message": "Competition not found"}
        return 200, getattr(self, f"_{method}")(body, host)

    def _GetCompetition(self, body: Mapping[str, Any], host: str) -> Any:
        return self.details

    def _ListDataFiles(self, body: Mapping[str, Any], host: str) -> Any:
        rows = [{"name": name, "totalBytes": len(content)} for name, content in self.files.items()]
        return self._page("files", rows, body)

    def _ListSubmissions(self, body: Mapping[str, Any], host: str) -> Any:
        return self._page("submissions", self.submissions, body)

    def _GetLeaderboard(self, body: Mapping[str, Any], host: str) -> Any:
        return self._page("submissions", self.places, body)

    def _GetSubmission(self, body: Mapping[str, Any], host: str) -> Any:
        return next(row for row in self.submissions if row["ref"] == body["ref"])

    def _GetSubmissionLimits(self, body: Mapping[str, Any], host: str) -> Any:
        left = self.details["maxDailySubmissions"] - self.used_today
        return {"numToday": self.used_today, "numTotal": self.used_today, "numAllowedNow": left}

    def _StartSubmissionUpload(self, body: Mapping[str, Any], host: str) -> Any:
        return {"token": "ticket", "createUrl": f"{host}/upload/ticket"}

    def _CreateSubmission(self, body: Mapping[str, Any], host: str) -> Any:
        reference = 1000 + len(self.submissions)
        self.submissions.insert(
            0,
            {
                "ref": reference,
                "fileName": "submission.csv",
                "description": body.get("submissionDescription", ""),
                "date": "2026-01-02T03:04:05.123456789Z",
                "status": "COMPLETE",
                "publicScore": "0.5",
            },
        )
        return {"message": "Successfully submitted", "ref": reference}

    def _GenerateAccessToken(self, body: Mapping[str, Any], host: str) -> Any:
        return {"token": "renewed-" + body["refreshToken"], "expiresIn": 3600}

    def _page(self, field: str, rows: list[Any], body: Mapping[str, Any]) -> Any:
        begin = int(body.get("pageToken") or 0)
        more = {"nextPageToken": str(begin + PAGE)} if begin + PAGE < len(rows) else {}
        return {field: rows[begin : begin + PAGE], **more}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgement of its head
    kaggle: FaultyKaggle

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        *_, service, method = urlsplit(self.path).path.split("/")
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._began(method)
        if fault is not None and not fault.late:
            return self._fail(fault)
        if service == SERVICE and not self.kaggle.signed_in(self.headers.get("Authorization", "")):
            return self._reply(
                401, b'{"code": 401, "message": "Unauthenticated"}', {"Content-Type": "application/json"}
            )
        if method == "DownloadDataFiles":
            return self._reply(
                302, b"", {"Location": f"http://{self.headers['Host']}/store/{self.kaggle.slug}.zip?sig=SIGNED"}
            )
        status, document = self.kaggle.answer(method, json.loads(sent), f"http://{self.headers['Host']}")
        if fault is not None:
            return self._fail(fault)
        return self._reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def do_PUT(self) -> None:
        fault = self._began("PUT")
        if fault is not None and not fault.late:
            return self._fail(fault)
        self.kaggle.uploads[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        return self._fail(fault) if fault else self._reply(201, b"", {})

    def do_GET(self) -> None:
        fault = self._began("GET")
        if fault is not None and fault.cut_at is None:
            return self._fail(fault)
        whole = zipped(self.kaggle.files) if self.kaggle.archive is None else self.kaggle.archive
        begin = 0
        if self.headers.get("If-Range") == self.kaggle.etag:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        headers = {"ETag": self.kaggle.etag, "Accept-Ranges": "bytes", "Content-Type": "application/zip"}
        return self._reply(206 if begin else 200, whole[begin:], headers, fault and fault.cut_at)

    def _began(self, method: str) -> Fault | None:
        self.kaggle.asked[method] += 1
        self.kaggle.headers[method].append(dict(self.headers))
        return self.kaggle.fault(method)

    def _fail(self, fault: Fault) -> None:
        if fault.hang:
            self.kaggle.done.wait(20)
        if fault.status:
            self._reply(fault.status, fault.body, fault.headers)
        self.close_connection = True

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str], cut_at: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if cut_at is None else body[:cut_at])
        self.close_connection = cut_at is not None


@contextmanager
def serve(kaggle: FaultyKaggle) -> Iterator[FaultyKaggle]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    handler = type("Handler", (_Handler,), {"kaggle": kaggle})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    kaggle.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield kaggle
    finally:
        kaggle.done.set()
        server.shutdown()
        server.server_close()


def basic(username: str, key: str) -> str:
    """Return how a username and a key travel."""
    return "Basic " + base64.b64encode(f"{username}:{key}".encode()).decode()
