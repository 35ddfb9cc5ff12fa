"""No credential is ever shown: not in output, tracebacks or logs, nor in a file that is written."""

import base64
import json
import logging
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kagflow.submit import KaggleError
from kagflow.submit import kaggle as kaggle_module
from kagflow.submit.kaggle import Client
from tests.conftest import Project
from tests.submit.conftest import HASTE
from tests.submit.faulty_kaggle import CUT, NO_JSON, Fault, FaultyKaggle, says

USER = "ann"
SECRETS = {
    "token": "planted-token-61",
    "key": "planted-key-62",
    "oauth": "planted-access-63",
    "refresh": "planted-refresh-64",
    "signed": "SIGNED",  # of the address that Kaggle's store is asked at
    "ticket": "sig=planted-upload-65",  # of the address that a submission is put at
    "basic": base64.b64encode(b"ann:planted-key-62").decode(),
}


def token(home: Path, env: pytest.MonkeyPatch) -> None:
    env.setenv("KAGGLE_API_TOKEN", SECRETS["token"])


def kaggle_json(home: Path, env: pytest.MonkeyPatch) -> None:
    (home / ".kaggle" / "kaggle.json").write_text(json.dumps({"username": USER, "key": SECRETS["key"]}))


def oauth(home: Path, env: pytest.MonkeyPatch) -> None:
    """Leave a login that must be renewed."""
    stored = {"refresh_token": SECRETS["refresh"], "access_token": SECRETS["oauth"], "username": USER}
    (home / ".kaggle" / "credentials.json").write_text(json.dumps(stored))


KINDS = [token, kaggle_json, oauth]


class EchoingKaggle(FaultyKaggle):
    """Repeats in its errors whatever it was sent: the worst that a server can do."""

    def fault(self, method: str) -> Fault | None:
        fault = super().fault(method)
        if fault is None or b"message" not in fault.body:
            return fault
        sent = self.headers[method][-1].get("Authorization", "")
        return says(fault.status, f"you sent {sent}")

    def _StartSubmissionUpload(self, body: object, host: str) -> dict[str, str]:
        return {"token": "ticket", "createUrl": f"{host}/upload/ticket?{SECRETS['ticket']}"}


@pytest.fixture
def kaggle(
    project: Project, monkeypatch: pytest.MonkeyPatch, serve_as: Callable[[FaultyKaggle], FaultyKaggle]
) -> Iterator[FaultyKaggle]:
    """Kaggle as the environment of its own client points to it; the project's files are there only."""
    server = serve_as(EchoingKaggle())
    server.files = {path.name: path.read_bytes() for path in project.raw.iterdir()}
    project.raw.rename(project.root / "elsewhere")
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(kaggle_module, "PATIENCE", HASTE)
    yield server


def assert_nothing_shown(text: str, root: Path) -> None:
    """See that no secret is in what was shown, nor in any file of a folder."""
    written = "".join(path.read_bytes().decode("latin-1") for path in root.rglob("*") if path.is_file())
    for kind, secret in SECRETS.items():
        assert secret not in text, f"{kind} was shown"
        assert secret not in written, f"{kind} was written"


FEW_FAULTS = [says(400), says(500), CUT]
FAULTS = [says(400), says(401), says(403), says(404), says(500), CUT, NO_JSON, Fault(502, b"bad gateway")]


@pytest.mark.parametrize("sign_in", KINDS)
def test_fetching(
    project: Project,
    kaggle: FaultyKaggle,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sign_in: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    caplog.set_level(logging.INFO)
    sign_in(home, monkeypatch)
    renewal = ["GenerateAccessToken"] if sign_in is oauth else []
    shown = ""
    for method in (*renewal, "GetCompetition", "ListDataFiles", "DownloadDataFiles", "GET"):
        for fault in FEW_FAULTS:
            kaggle.always = {method: fault}
            said = project.cli("fetch", "toy", "--debug")
            assert said.code == 1
            shown += said.out + said.err
    kaggle.always = {}
    said = project.cli("fetch", "toy", "--debug", "--json")
    assert said.code == 0, said.err
    assert_nothing_shown(shown + said.out + said.err + caplog.text, project.root)


@pytest.mark.parametrize("sign_in", KINDS)
@pytest.mark.parametrize("step", ["StartSubmissionUpload", "PUT", "CreateSubmission"])
def test_submitting(
    kaggle: FaultyKaggle,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent_file: Path,
    step: str,
    sign_in: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    sign_in(home, monkeypatch)
    client = Client.connect()
    shown = repr(client) + str(vars(client))
    for fault in FAULTS:
        kaggle.faults = defaultdict(list, {step: [fault]})
        try:
            client.submit("toy", sent_file, "m")
        except KaggleError as error:
            shown += traceback.format_exc() + repr(error) + error.hint
    assert "Traceback" in shown
    assert_nothing_shown(shown, sent_file.parent)


def test_a_secret_that_is_shown_would_be_noticed(tmp_path: Path) -> None:
    """Negative control."""
    with pytest.raises(AssertionError, match="key was shown"):
        assert_nothing_shown("... planted-key-62 ...", tmp_path)
    (tmp_path / "file").write_text("planted-token-61")
    with pytest.raises(AssertionError, match="token was written"):
        assert_nothing_shown("", tmp_path)
