"""The line to a server: time limits, what went wrong on it, and waiting before a read is tried again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    Attributes
    ----------
    connect, read
        For a connection, and for the next bytes of an answer.
    tries
        How often a read is asked in all; a submission is sent once.
    first_wait
        Before the second try; each further wait is twice as long.
    longest_wait
        Which a server that is asked too often may demand; one that demands more is not waited for.
    """

    connect: float = 10
    read: float = 60
    tries: int = 4
    first_wait: float = 1
    longest_wait: float = 60


class TimeLimit(HTTPAdapter):
    """Gives up on a server that does not answer; requests would wait without end."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._limits = (patience.connect, patience.read)

    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> requests.Response:
        """Send with the limits, unless the call has its own."""
        settings["timeout"] = settings.get("timeout") or self._limits
        return super().send(request, *args, **settings)


def limit(session: requests.Session, patience: Patience) -> requests.Session:
    """Make a session give up on servers that do not answer."""
    session.mount("https://", TimeLimit(patience))
    session.mount("http://", TimeLimit(patience))
    return session


@dataclass(frozen=True)
class Fault:
    """What went wrong on the line.

    Attributes
    ----------
    pain
        An entry of the error dictionary, or ``status`` for an answer that says no (HTTP 4xx).
    words
        What fills the entry: a status, a server's own words, a kind of error.
    status
        Of HTTP; 0 where there was no answer.
    wait
        Seconds that the server asked to wait.
    never_left
        Whether no byte of the request can have reached the server.
    """

    pain: str
    words: str
    status: int = 0
    wait: float | None = None
    never_left: bool = False

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.pain in ("too-many-requests", "kaggle-down", "no-answer", "cut")

    @property
    def refused(self) -> bool:
        """Whether the server understood, and said no."""
        return 400 <= self.status < 500 and self.status != 408


def diagnose(error: Exception) -> Fault | None:
    """Return what went wrong on the line; ``None`` for what is no fault of the line.

    Kaggle's client lets errors of requests through, and raises errors of Python's own where an answer is not what it
    expects (a ``KeyError`` for a status that it does not know).
    """
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _of_answer(error.response, str(error))
    if isinstance(error, requests.ConnectTimeout):
        return Fault("no-answer", "no connection", never_left=True)
    if isinstance(error, requests.Timeout):
        return Fault("no-answer", "no bytes came")
    if isinstance(error, requests.JSONDecodeError):
        return Fault("garbled", "it is no JSON")
    if isinstance(error, requests.ConnectionError):
        return _of_connection(error)
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return Fault("cut", type(error).__name__)
    if isinstance(error, requests.RequestException):
        return Fault("garbled", type(error).__name__)
    if isinstance(error, KeyError | TypeError | ValueError | AttributeError):
        return Fault("garbled", f"{type(error).__name__} in Kaggle's client")
    return None


def _of_connection(error: requests.ConnectionError) -> Fault:
    """Tell a line that never was from one that broke; where in doubt, it broke."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error  # of a proxy that hangs up in the middle, too
    no_tunnel = isinstance(reason, OSError) and str(reason).startswith("Tunnel connection failed")
    if isinstance(reason, urllib3.exceptions.NewConnectionError) or no_tunnel:
        return Fault("offline", _said(reason), never_left=True)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Fault("offline", "its certificate is not trusted here", never_left=True)
    if "Read timed out" in str(error):  # while the body came
        return Fault("no-answer", "no more bytes came")
    return Fault("cut", type(error).__name__)


def _of_answer(response: requests.Response, words: str) -> Fault:
    status = response.status_code
    if status < 400:  # the code stands in the body only
        status = _code(response) or status
    if status == 429:
        wait = _seconds(response.headers.get("Retry-After", ""))
        return Fault("too-many-requests", "a while" if wait is None else f"{wait:.0f} s", status, wait)
    if status >= 500 or status == 408:
        return Fault("kaggle-down", str(status), status)
    own = " ".join(words.split())
    return Fault("status", "" if own.startswith(f"{status} Client Error") else own[:200], status)


def _code(response: requests.Response) -> int:
    try:
        return int(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def _seconds(header: str) -> float | None:
    """Return the seconds of a Retry-After, which may also be a date; ``None`` for neither."""
    try:
        return max(urllib3.Retry().parse_retry_after(header), 0.0)
    except urllib3.exceptions.InvalidHeader:
        return None


def _said(reason: object) -> str:
    """Return the system's words for it, without addresses."""
    words = str(reason).rpartition(": ")[2]
    return words[:200]


def persist(ask: Callable[[], T], patience: Patience) -> T:
    """Return an answer, asking again where the trouble may pass; for reads only.

    Raises
    ------
    Exception
        Of the last try, as it came.
    """
    wait = patience.first_wait
    for left in reversed(range(patience.tries)):
        try:
            return ask()
        except Exception as error:
            fault = diagnose(error)
            pause = max(wait, (fault.wait if fault else None) or 0)
            if not left or fault is None or not fault.passing or pause > patience.longest_wait:
                raise
        time.sleep(pause)
        wait *= 2
    raise AssertionError("no tries")
