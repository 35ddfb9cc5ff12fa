"""Credentials of every kind, in the order of Kaggle's own client, and never shown."""

import base64
import json
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kagflow.submit import Credentials, KaggleError, broken_credentials, find_credentials
from kagflow.submit.kaggle import Client

pytestmark = pytest.mark.usefixtures("home")


def keys(folder: Path, **content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "kaggle.json"
    file.write_text(json.dumps(content or {"username": "me", "key": "k"}))
    return file


def found() -> Credentials:
    credentials = find_credentials()
    assert credentials is not None
    return credentials


def secret() -> str:
    return found().secret.get_secret_value()


def test_nobody() -> None:
    assert find_credentials() is None


# --- kinds -----------------------------------------------------------------------------------------------------------


def test_a_token_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t")
    assert (found().kind, found().found, secret()) == ("token", "KAGGLE_API_TOKEN", "t")


def test_a_variable_with_the_file_of_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "token"))
    assert (found().found, secret()) == ("KAGGLE_API_TOKEN", "t")


def test_a_token_longer_than_a_path_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t" * 5000)
    assert secret() == "t" * 5000


@pytest.mark.parametrize("name", ["access_token", "access_token.txt"])
def test_a_token_in_a_file(home: Path, name: str) -> None:
    (home / ".kaggle" / name).write_text(" t \n")
    assert (found().kind, found().found, secret()) == ("token", str(home / ".kaggle" / name), "t")


def test_the_token_of_a_kaggle_notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    monkeypatch.setenv("KAGGLE_API_V1_TOKEN", str(tmp_path / "token"))
    assert find_credentials() is None
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setenv("KAGGLE_DATA_PROXY_URL", "http://proxy")
    assert (found().found, secret()) == ("KAGGLE_API_V1_TOKEN", "t")


def test_username_and_key_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "k")
    assert (found().kind, found().found, found().username, secret()) == ("key", "KAGGLE_KEY", "me", "k")


def test_kaggle_json_at_home(home: Path) -> None:
    file = keys(home / ".kaggle")
    assert (found().kind, found().found, found().username, secret()) == ("key", str(file), "me", "k")


def test_kaggle_json_in_a_folder_of_one_s_own(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys(home / ".kaggle", username="other", key="other")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "mine"))
    assert find_credentials() is None
    keys(tmp_path / "mine")
    assert secret() == "k"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the other systems have no such folder")
def test_kaggle_json_where_linux_keeps_settings(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (home / ".kaggle").rmdir()
    keys(home / ".config" / "kaggle")
    assert secret() == "k"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert find_credentials() is None
    keys(tmp_path / "xdg" / "kaggle", username="me", key="x")
    assert secret() == "x"


def test_what_kaggle_auth_login_leaves(home: Path) -> None:
    file = home / ".kaggle" / "credentials.json"
    content = {
        "refresh_token": "r",
        "access_token": "a",
        "username": "me",
        "access_token_expiration": "2099-01-01T00:00",
    }
    file.write_text(json.dumps(content))
    assert (found().kind, found().found, found().username, secret()) == ("oauth", str(file), "me", "a")
    assert found().expires == datetime(2099, 1, 1, tzinfo=UTC)
    assert not found().expired
    file.write_text(json.dumps(content | {"access_token_expiration": ""}))
    assert found().expired


# --- order -----------------------------------------------------------------------------------------------------------


def test_which_counts_and_which_it_masks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".kaggle" / "credentials.json").write_text('{"refresh_token": "r"}')
    assert found().kind == "oauth"
    keys(home / ".kaggle")
    assert (found().kind, len(found().masked)) == ("key", 1)
    (home / ".kaggle" / "access_token").write_text("t")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "first")
    assert secret() == "first"
    names = ["access_token", "kaggle.json", "credentials.json"]
    assert [Path(place).name for place in found().masked] == names


def test_a_variable_beats_its_half_of_kaggle_json(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys(home / ".kaggle")
    monkeypatch.setenv("KAGGLE_KEY", "other")
    assert (found().username, secret(), found().found) == ("me", "other", "KAGGLE_KEY")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"username": "me"}', '{"username": "me", "key": 5}'])
def test_broken_files_are_none_and_are_named(home: Path, text: str) -> None:
    file = home / ".kaggle" / "kaggle.json"
    file.write_text(text)
    assert find_credentials() is None
    assert broken_credentials() == (str(file), "it must be JSON with username and key")
    with pytest.raises(KaggleError, match=r"kaggle\.json cannot be used as Kaggle credentials"):
        Client.connect()


@pytest.mark.parametrize(("mine", "other"), [("KAGGLE_USERNAME", "KAGGLE_KEY"), ("KAGGLE_KEY", "KAGGLE_USERNAME")])
def test_so_is_half_a_pair(monkeypatch: pytest.MonkeyPatch, mine: str, other: str) -> None:
    monkeypatch.setenv(mine, "x")
    assert find_credentials() is None
    assert broken_credentials() == (mine, f"{other} is not set")


# --- quiet and silent ------------------------------------------------------------------------------------------------


def test_a_secret_is_not_shown(home: Path) -> None:
    keys(home / ".kaggle", username="me", key="planted")
    credentials = found()
    travels = base64.b64encode(b"me:planted").decode()
    assert "planted" not in f"{credentials} {credentials!r} {credentials.secret} {vars(credentials)}"
    assert credentials.redact(f"planted and {travels}") == "*** and ***"
    try:
        raise ValueError(credentials)
    except ValueError:
        assert "planted" not in traceback.format_exc()


def test_looking_for_credentials_imports_no_client(home: Path) -> None:
    """Kaggle's own package would log in and print as soon as it is imported."""
    keys(home / ".kaggle")
    code = (
        "import sys; from kagflow.submit import find_credentials; assert find_credentials(); "
        "assert not {'kaggle', 'kagglesdk', 'requests'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_client_neither_logs_in_nor_prints_nor_leaves_files(home: Path) -> None:
    (home / ".kaggle").rmdir()
    code = "import sys; from kagflow.submit.kaggle import Client; assert 'kaggle' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
