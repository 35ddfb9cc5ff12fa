"""Finding Kaggle credentials of every kind that Kaggle's own client knows, in its order, without asking Kaggle.

The order matters, for a credential found first masks the others even when Kaggle refuses it.
"""

import base64
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

Kind = Literal["token", "key", "oauth"]
_SHOWN_FOR_SECRET = "***"


@dataclass(frozen=True)
class Credentials:
    """Who asks Kaggle. Neither its repr nor its text shows the secret.

    Attributes
    ----------
    kind
        ``token``: an access token; ``key``: a username and its key; ``oauth``: what ``kaggle auth login`` left.
    found
        Where it was found: a variable or a file.
    secret
        The token or the key; of ``oauth``, the access token, which may have expired.
    username
        ``""`` for a token, which does not say whose it is.
    expires
        When an ``oauth`` token must be renewed; ``None`` for the other kinds, which hold until they are revoked.
    renewal
        What an ``oauth`` token is renewed with, as secret as the token.
    masked
        Where other credentials were found, which are not used.
    """

    kind: Kind
    found: str
    secret: SecretStr = field(repr=False)
    username: str = ""
    expires: datetime | None = None
    renewal: SecretStr | None = field(default=None, repr=False)
    masked: tuple[str, ...] = ()

    @classmethod
    def key(cls, username: str, key: str, found: str = "given") -> "Credentials":
        """Return a username and its key."""
        return cls("key", found, SecretStr(key), username)

    @property
    def expired(self) -> bool:
        """Whether an ``oauth`` token must be renewed before it is of use."""
        return self.kind == "oauth" and (self.expires is None or self.expires <= datetime.now(UTC))

    def redact(self, text: str) -> str:
        """Return text without the secrets, plain or as they travel."""
        secret = self.secret.get_secret_value()
        travels = base64.b64encode(f"{self.username}:{secret}".encode()).decode()
        renewal = self.renewal.get_secret_value() if self.renewal else ""
        for form in sorted({travels, secret, renewal} - {""}, key=len, reverse=True):
            text = text.replace(form, _SHOWN_FOR_SECRET)
        return text


def find_credentials() -> Credentials | None:
    """Return the credentials that Kaggle's client would use, or ``None`` where there are none.

    In its order: an access token (``KAGGLE_API_TOKEN``, itself or a file that holds it; ``~/.kaggle/access_token``,
    also with ``.txt``); a username and a key (``KAGGLE_USERNAME`` and ``KAGGLE_KEY``; ``kaggle.json``); OAuth
    (``~/.kaggle/credentials.json``).
    """
    found = list(_all())
    return replace(found[0], masked=tuple(other.found for other in found[1:])) if found else None


def practice_credentials() -> Credentials:
    """Return who plays on the practice board: the user's name at Kaggle, where it is known, and never a secret."""
    found = find_credentials()
    return Credentials.key((found.username if found else "") or "you", "practice")


def leads_elsewhere() -> bool:
    """Say whether the environment leads Kaggle's client to a server on this computer, such as the practice server."""
    return os.environ.get("KAGGLE_API_ENVIRONMENT") == "LOCALHOST"


def broken_credentials() -> tuple[str, str] | None:
    """Return a place that should hold a credential, and why it is none; Kaggle's client passes it over in silence."""
    for mine, other in (("KAGGLE_USERNAME", "KAGGLE_KEY"), ("KAGGLE_KEY", "KAGGLE_USERNAME")):
        if os.environ.get(mine) and not os.environ.get(other):
            return mine, f"{other} is not set"
    for file, needed in ((config_file(), ("username", "key")), (_home() / "credentials.json", ("refresh_token",))):
        stored = _json(file)
        if file.is_file() and not all(isinstance(stored.get(name), str) and stored[name] for name in needed):
            return str(file), f"it must be JSON with {' and '.join(needed)}"
    return None


def _all() -> Iterator[Credentials]:
    """Yield all that can be found, the one that counts first."""
    yield from _tokens()
    yield from _keys()
    yield from _oauth()


def _tokens() -> Iterator[Credentials]:
    variables = ["KAGGLE_API_TOKEN"]
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ and "KAGGLE_DATA_PROXY_URL" in os.environ:  # in a Kaggle notebook
        variables.insert(0, "KAGGLE_API_V1_TOKEN")
    for variable in variables:
        value = os.environ.get(variable, "").strip()
        if value and _is_file(value):
            value = _text(Path(value)).strip()
        elif variable != "KAGGLE_API_TOKEN":  # names a file, and there is none
            continue
        if value:
            yield Credentials("token", variable, SecretStr(value))
    for file in (_home() / "access_token", _home() / "access_token.txt"):
        if value := _text(file).strip():
            yield Credentials("token", str(file), SecretStr(value))


def _keys() -> Iterator[Credentials]:
    """Yield username and key; each of the two may come from a variable or from kaggle.json, variables first."""
    file = config_file()
    stored = _json(file)
    username, key = (
        os.environ.get(variable) or stored.get(name)
        for variable, name in (("KAGGLE_USERNAME", "username"), ("KAGGLE_KEY", "key"))
    )
    if isinstance(username, str) and isinstance(key, str) and username and key:
        yield Credentials.key(username, key, "KAGGLE_KEY" if os.environ.get("KAGGLE_KEY") else str(file))


def _oauth() -> Iterator[Credentials]:
    file = _home() / "credentials.json"
    stored = _json(file)
    if stored.get("refresh_token"):
        yield Credentials(
            kind="oauth",
            found=str(file),
            secret=SecretStr(str(stored.get("access_token") or "")),
            username=str(stored.get("username") or ""),
            expires=_time(stored.get("access_token_expiration")),
            renewal=SecretStr(str(stored["refresh_token"])),
        )


def config_file() -> Path:
    """Return where kaggle.json is looked for."""
    if given := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(given) / "kaggle.json"
    folder = _home()
    if sys.platform.startswith("linux") and not folder.exists():
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()) / "kaggle"
    return folder / "kaggle.json"


def _home() -> Path:
    return Path("~/.kaggle").expanduser()


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except OSError:  # too long for a path: a token
        return False


def _text(path: Path) -> str:
    """Return a file's text; of one that is not there, or cannot be read, nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds; Kaggle's client ignores a file that is broken, and so must who copies it."""
    try:
        stored = json.loads(_text(path) or "{}")
    except json.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
