"""The error dictionary: every entry provoked at a server that misbehaves, and told as one cause and one thing to do."""

import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kagflow.config import CompetitionFacts
from kagflow.submit import Credentials, KaggleError
from kagflow.submit.errors import DICTIONARY, page_of
from kagflow.submit.fetch import fetch
from kagflow.submit.kaggle import Client
from tests.conftest import FACTS
from tests.submit.conftest import HASTE, KEY, USER
from tests.submit.faulty_kaggle import CUT, HANG, NO_JSON, Fault, FaultyKaggle, says, zipped

TOY = CompetitionFacts.model_validate(FACTS)


class Bench:
    """A client, a server, and a folder to provoke errors with."""

    def __init__(self, kaggle: FaultyKaggle, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kaggle, self.folder, self.env = kaggle, folder, monkeypatch
        self.client = Client.connect(kaggle.url, Credentials.key(USER, KEY), HASTE)

    def always(self, method: str, fault: Fault) -> "Bench":
        self.kaggle.always[method] = fault
        return self

    def details(self, **details: object) -> "Bench":
        self.kaggle.details |= details
        return self

    def read(self) -> None:
        self.client.competition("toy")

    def fetch(self) -> None:
        fetch(self.client, TOY, self.folder)

    def submit(self) -> None:
        file = self.folder / "submission.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("id,y\n2,1\n")
        self.client.submit("toy", file, "m")

    def connect(self, **variables: str) -> None:
        for name, value in variables.items():
            self.env.setenv(name, value)
        Client.connect(patience=HASTE)


def masked(bench: Bench) -> None:
    """Be refused with one credential, while another would have done."""
    bench.kaggle.signed_in = lambda header: False
    token = replace(Credentials.key("", "a-token", "KAGGLE_API_TOKEN"), kind="token", masked=("~/.kaggle/kaggle.json",))
    Client.connect(bench.kaggle.url, token, HASTE).competition("toy")


def login_refused(bench: Bench) -> None:
    """Find that what `kaggle auth login` left can no longer be renewed."""
    file = Path("~/.kaggle/credentials.json").expanduser()
    file.write_text('{"refresh_token": "r", "access_token": "a", "username": "me"}')
    bench.env.setenv("http_proxy", bench.kaggle.url)
    bench.env.setenv("no_proxy", "")
    bench.always("GenerateAccessToken", says(400, "Invalid refresh token"))
    bench.connect(KAGGLE_API_ENVIRONMENT="LOCALHOST")


def unreachable(bench: Bench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    Client.connect(address, patience=HASTE).competition("toy")


def endless(bench: Bench) -> None:
    """Ask for a list whose pages come around."""
    page = Fault(200, b'{"files": [{"name": "a"}], "nextPageToken": "1"}', {"Content-Type": "application/json"})
    bench.always("ListDataFiles", page).client.files("toy")


def cut_download(bench: Bench) -> None:
    bench.kaggle.archive = zipped({"noise": bytes(range(256))}) * 1000
    bench.always("GET", Fault(cut_at=100_000)).fetch()


def archive(bench: Bench, content: bytes) -> None:
    bench.kaggle.archive = content
    bench.fetch()


def tell(pain: str, **facts: object) -> None:
    raise KaggleError(pain, name="toy", reference=5, page=page_of("toy"), **facts)


REFUSED = says(400, "Submission not allowed")

# What provokes an entry, and what its words must name.
PROVOKED: dict[str, tuple[Callable[[Bench], object], str]] = {
    "no-credentials": (lambda bench: bench.connect(), "create a token at https://www.kaggle.com/settings"),
    "half-credentials": (lambda bench: bench.connect(KAGGLE_KEY="k"), "KAGGLE_KEY .* KAGGLE_USERNAME is not set"),
    "credentials-refused": (masked, "from KAGGLE_API_TOKEN, which mask those from ~/.kaggle/kaggle.json"),
    "login-refused": (login_refused, "credentials.json.*`kaggle auth login`"),
    "other-environment": (lambda bench: bench.connect(KAGGLE_API_ENVIRONMENT="TEST"), "unset KAGGLE_API_ENVIRONMENT"),
    "rules-not-accepted": (
        lambda bench: bench.details(userHasEntered=False).always("DownloadDataFiles", says(403)).fetch(),
        "/competitions/toy/rules",
    ),
    "forbidden": (
        lambda bench: bench.always("DownloadDataFiles", says(403, "Permission denied")).fetch(),
        "though the rules are accepted: Permission denied",
    ),
    "not-found": (lambda bench: bench.client.competition("tyo"), "no competition tyo.*correct `slug`"),
    "limit-reached": (
        lambda bench: (setattr(bench.kaggle, "used_today", 5), bench.always("CreateSubmission", REFUSED).submit()),
        "5 of 5 are used.*midnight UTC",
    ),
    "deadline-passed": (
        lambda bench: bench.details(deadline="2020-01-02T03:04:00Z").always("CreateSubmission", REFUSED).submit(),
        "2020-01-02 03:04 UTC",
    ),
    "notebooks-only": (
        lambda bench: bench.details(isKernelsSubmissionsOnly=True).always("StartSubmissionUpload", REFUSED).submit(),
        "/competitions/toy/code",
    ),
    "refused": (
        lambda bench: bench.always("StartSubmissionUpload", REFUSED).submit(),
        "Submission not allowed.*/competitions/toy/submissions",
    ),
    "too-many-requests": (
        lambda bench: bench.always("GetCompetition", says(429, Retry_After="90")).read(),
        "wait 90 s",
    ),
    "kaggle-down": (lambda bench: bench.always("GetCompetition", says(503)).read(), "HTTP 503.*status.kaggle.com"),
    "no-answer": (lambda bench: bench.always("GetCompetition", HANG).read(), "did not answer in time"),
    "offline": (unreachable, "cannot be reached: .*refused.*check the network"),
    "cut": (lambda bench: bench.always("GetCompetition", CUT).read(), "was cut"),
    "garbled": (lambda bench: bench.always("GetCompetition", NO_JSON).read(), "pip install --upgrade kaggle"),
    "list-cut-short": (endless, "repeats the page after 2 entries"),
    "download-cut": (cut_download, "what came is kept.*goes on from there"),
    "bad-zip": (lambda bench: archive(bench, b"<html>"), "no sound zip file.*/competitions/toy/data"),
    "unsafe-zip": (lambda bench: archive(bench, zipped({"../evil": b""})), r"\.\./evil"),
    "files-missing": (lambda bench: archive(bench, zipped({"train.csv": b""})), "lacks files .*: test.csv"),
    # What `kagflow submit` tells of a submission that Kaggle has.
    "not-scored": (
        lambda bench: tell("not-scored", words=", and the server does not say why"),
        "submission 5 could not be scored, and .*`kagflow check toy`.*/competitions/toy/submissions",
    ),
    "no-score-yet": (
        lambda bench: tell("no-score-yet"),
        "no score yet.*`kagflow submit toy --sync`",
    ),
    "cannot-select": (lambda bench: tell("cannot-select"), "/competitions/toy/submissions and tick them"),
    "upload-failed": (lambda bench: bench.always("PUT", says(403)).submit(), "did not reach Kaggle.*HTTP 403"),
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("pain", PROVOKED)
def test_each_entry_tells_its_case(
    kaggle: FaultyKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pain: str
) -> None:
    provoke, words = PROVOKED[pain]
    bench = Bench(kaggle, tmp_path / "kaggle", monkeypatch)
    with pytest.raises(KaggleError) as caught:
        provoke(bench)
    assert caught.value.pain == pain
    told = f"{caught.value} {caught.value.hint}"
    assert re.search(words, told), told
    assert "\n" not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "a traceback would show requests"


def test_no_entry_is_without_its_case() -> None:
    assert set(PROVOKED) == set(DICTIONARY)


@pytest.mark.parametrize("entry", DICTIONARY.values(), ids=list(DICTIONARY))
def test_each_entry_names_something_to_do(entry: object) -> None:
    assert re.search(r"`|http|\{page\}|\{site\}|run the same command|check the network", entry.remedy)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "entered", "pain"),
    [(400, False, "rules-not-accepted"), (403, False, "rules-not-accepted"), (403, True, "forbidden")],
)
def test_one_status_has_several_causes(
    kaggle: FaultyKaggle, client: Client, sent_file: Path, status: int, entered: bool, pain: str
) -> None:
    kaggle.details["userHasEntered"] = entered
    kaggle.always["StartSubmissionUpload"] = says(status)
    with pytest.raises(KaggleError) as caught:
        client.submit("toy", sent_file, "m")
    assert caught.value.pain == pain


def test_an_explanation_that_is_not_to_be_had_is_no_second_error(
    kaggle: FaultyKaggle, client: Client, sent_file: Path
) -> None:
    kaggle.always |= {"StartSubmissionUpload": REFUSED, "GetCompetition": NO_JSON}
    with pytest.raises(KaggleError, match="Submission not allowed"):
        client.submit("toy", sent_file, "m")


def test_our_own_mistakes_are_not_blamed_on_kaggle(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.submit("toy", tmp_path / "none.csv", "m")
